"""HTTP/1.1 for uvicorn: bytes to exchanges and back, without a task or a dictionary per request.

Parsing is httptools' (llhttp). uvicorn brings the event loop, the sockets, TLS and the server's life; this
class takes the place of its own HTTP protocol because the passing of ASGI messages costs more than everything
else that the front does for a request.
"""

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import httptools

from moorage_server import answers
from moorage_server.header_fields import CONNECTION, CONTENT_LENGTH, EXPECT, UPGRADE, BadHead, scan
from moorage_server.http_exchange import HttpExchange
from moorage_server.limits import (
    DRAIN_QUIET_S,
    HEAD_S,
    KEEP_ALIVE_S,
    LARGE_BODY_BYTES,
    LINGER_S,
    MAX_HEAD_BYTES,
    MAX_PIPELINED,
    MAX_REQUEST_LINE_BYTES,
    RECEIVE_S,
    TAKE_OVER_BYTES,
)
from moorage_server.trailers import Trailers

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from moorage_server.app import App

logger = logging.getLogger(__name__)

_HOP_BY_HOP = frozenset({b"connection", b"upgrade", b"http2-settings"})


class HttpProtocol(asyncio.Protocol):
    """One connection. Requests are handled one after the other; pipelined ones wait."""

    def __init__(
        self,
        config: "Config",
        server_state: "ServerState",
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.app = cast("App", config.app)
        self.clock = self.app.clock
        self.server_state = server_state
        self.loop = _loop or asyncio.get_running_loop()
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.peer: Any = None
        self.scheme = "http"
        self.parser: Any = httptools.HttpRequestParser(self)
        self.incoming: HttpExchange = cast(HttpExchange, None)  # being parsed
        self.active: HttpExchange | None = None  # being answered
        self.pipeline: deque[HttpExchange] = deque()
        self.is_closed = False
        self.is_draining = False
        self.is_write_paused = False
        self.is_lingering = False  # the last answer is sent, the rest of the request is thrown away
        self.last_active = 0  # in ticks of the clock
        self.paused_at: int | None = None  # tick since which the client does not read its answer
        self.is_read_paused = False
        self._head_bytes: int | None = None  # of a head that is not complete, without the first read
        self._in_head = False
        self._body_rest = 0  # bytes of a body that do not go through the parser
        self._upgrade = False
        self._trailers = Trailers(self)
        self._headers: Any = self._trailers  # where the parser's header fields go
        self._swept: HttpExchange | None = None  # whose head was incomplete at the last look
        self._swept_at = 0  # tick of the first look at it

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.peer = transport.get_extra_info("peername")
        if transport.get_extra_info("sslcontext"):
            self.scheme = "https"
        self.server_state.connections.add(self)  # type: ignore[arg-type]
        self.last_active = self.clock.tick
        if len(self.server_state.connections) > self.app.max_connections:
            self._refuse(503, "the service has as many connections as it takes; try again later")

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        self.server_state.connections.discard(self)
        self.pipeline.clear()
        for exchange in (self.active, self.incoming):
            if exchange is not None and exchange.on_disconnect is not None:
                # Taken out: a request that refers to its own end would live until the next collection.
                disconnect, exchange.on_disconnect = exchange.on_disconnect, None
                disconnect()
        self.active = None
        self.incoming = self._swept = cast(HttpExchange, None)
        self.parser = None

    def pause_writing(self) -> None:
        self.is_write_paused = True
        self.paused_at = self.clock.tick

    def resume_writing(self) -> None:
        self.is_write_paused = False
        self.paused_at = None
        exchange = self.active
        if exchange is not None and exchange.on_writable is not None:
            resume, exchange.on_writable = exchange.on_writable, None
            resume()

    def eof_received(self) -> bool:
        return False

    def data_received(self, data: bytes) -> None:
        self.last_active = self.clock.tick
        if self.is_lingering:
            return
        if self._body_rest and not (data := self._take_body(data)):
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            logger.exception("a request could not be taken in", exc_info=error)
            self._refuse(500, answers.INTERNAL_ERROR)
        except httptools.HttpParserError as error:
            if not self.is_lingering and not self.transport.is_closing():
                self._refuse(400, f"the request is not valid HTTP: {error}")
        else:
            if self._in_head:
                self._count_head(len(data))
            elif self.incoming is not None and not self.incoming.is_complete:
                self._take_over()

    def _count_head(self, size: int) -> None:
        """Refuse a head that does not end. What came with its beginning is not counted: it may be a body."""
        if self._head_bytes is None:
            self._head_bytes = 0
            return
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431, "the header fields are too large")

    def _take_over(self) -> None:
        """From here to its end, let a large body of known length pass by the parser, which would copy it."""
        exchange = self.incoming
        length = exchange.fields[CONTENT_LENGTH]
        if length is None or self._upgrade or exchange.has_bad_head or self.is_lingering:
            return
        rest = int(length) - exchange.received
        if rest >= TAKE_OVER_BYTES:
            self._body_rest = rest

    def _take_body(self, data: bytes) -> bytes:
        """Take in more of a body without the parser; return what is behind its end."""
        rest = self._body_rest
        piece, following = (data, b"") if len(data) <= rest else (data[:rest], data[rest:])
        self._body_rest = rest - len(piece)
        try:
            self.on_body(piece)
            if not self._body_rest:
                self.parser = httptools.HttpRequestParser(self)  # the old one still waits for that body
                self.on_message_complete()
        except Exception:
            logger.exception("a request could not be taken in")
            self._refuse(500, answers.INTERNAL_ERROR)
        return b"" if self.is_lingering else following

    # httptools

    def on_message_begin(self) -> None:
        exchange = self.incoming = HttpExchange(self)
        self._headers = exchange.headers
        self._in_head = True
        self._head_bytes = None
        self._upgrade = False

    def on_url(self, url: bytes) -> None:
        exchange = self.incoming
        exchange.target = exchange.target + url if exchange.target else url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        exchange = self.incoming
        parser = self.parser
        self._in_head = False
        method = exchange.method = parser.get_method()
        if method == b"HEAD":
            exchange.is_head = True
        if len(exchange.target) > MAX_REQUEST_LINE_BYTES:
            exchange.has_bad_head = True
            self._refuse(414, "the request line is too long")
            return
        try:
            fields = exchange.fields = scan(exchange.headers)
        except BadHead as error:
            exchange.has_bad_head = True
            self._refuse(error.status, str(error))
            return
        if not parser.should_keep_alive() or fields[CONNECTION] is not None:
            version = exchange.http_version = parser.get_http_version()
            # In HTTP/1.0, keeping a connection would have to be announced; it is not worth it.
            exchange.keep_alive = version == "1.1" and parser.should_keep_alive()
            if version not in ("1.0", "1.1"):
                exchange.has_bad_head = True
                self._refuse(400, f"HTTP/{version} is not spoken here")
                return
        if fields[UPGRADE] is not None or method == b"CONNECT":
            self._upgrade = parser.should_upgrade()
        length = fields[CONTENT_LENGTH]
        if length is None:
            self._trailers.size_bytes = 0
            self._headers = self._trailers
        if length is not None and int(length) > self.app.max_body_bytes:
            exchange.has_bad_head = True
            self._refuse(413, answers.too_large(self.app.max_body_bytes))
        elif fields[EXPECT] is not None and self.active is None:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        exchange = self.incoming
        if exchange.has_bad_head or self.is_lingering:
            return
        received = exchange.received = exchange.received + len(data)
        if received == len(data):
            exchange.body = data
        else:
            exchange.add_body(data)
        if received > LARGE_BODY_BYTES:
            if received > self.app.max_body_bytes:
                exchange.has_bad_head = True
                self._break_off(exchange, 413, answers.too_large(self.app.max_body_bytes))
            elif self.active is None and self.app.streams(exchange, received):
                self.active = exchange
                self._handle(exchange)

    def on_message_complete(self) -> None:
        exchange = self.incoming
        if exchange.has_bad_head or self._upgrade or self.is_lingering:
            return
        exchange.is_complete = True
        if exchange.on_piece is not None:
            exchange.complete()  # it is being handled already
            if exchange.is_answered and self.active is exchange:
                self._next()
        elif self.active is None:
            self.active = exchange
            self._handle(exchange)
        elif self.active is not exchange:
            self.pipeline.append(exchange)
            if len(self.pipeline) >= MAX_PIPELINED:
                self.pause_reading()
        elif exchange.is_answered:
            self._next()

    def _break_off(self, exchange: HttpExchange, status: int, text: str) -> None:
        """Refuse a request of which a part has been taken in already."""
        if self.active is exchange:
            if exchange.on_disconnect is not None:
                # A script is reading it: for the script it is as if the client had gone.
                disconnect, exchange.on_disconnect = exchange.on_disconnect, None
                disconnect()
            self.active = None
        self._refuse(status, text)

    def refuse_trailers(self) -> None:
        self.incoming.has_bad_head = True
        self._break_off(self.incoming, 431, "the fields behind the body are too large")

    # exchanges

    def _handle(self, exchange: HttpExchange) -> None:
        try:
            self.app.handle(exchange)
        except Exception:
            logger.exception("a request failed in the server")
            if not exchange.is_answered and not exchange.is_started:
                exchange.answer(
                    answers.STATUS_LINES[500], answers.ERROR_BLOCK, answers.message(answers.INTERNAL_ERROR)
                )

    def answered(self, exchange: HttpExchange, closes: bool) -> None:
        """An exchange is done; go on with what was pipelined behind it."""
        if closes:
            self._close(exchange)
        elif exchange.is_complete:
            self._next()

    def _next(self) -> None:
        self.active = None
        if self.pipeline:
            # Not at once: each answer would otherwise add to the stack of the one before.
            self.loop.call_soon(self._start_pipelined)
        elif self.is_read_paused:
            self.resume_reading()

    def _start_pipelined(self) -> None:
        if self.active is None and self.pipeline and not self.is_closed:
            self.active = self.pipeline.popleft()
            self._handle(self.active)

    def _close(self, exchange: HttpExchange) -> None:
        if exchange.is_complete and not self.pipeline:
            self.transport.close()
        else:
            # Closing with unread bytes would reset the connection and destroy the answer on its way.
            self.is_lingering = True
            self.resume_reading()
            self._write_eof()

    def _write_eof(self) -> None:
        if self.transport.can_write_eof():  # not over TLS
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.close)

    def _refuse(self, status: int, text: str) -> None:
        """Answer what is not a proper request, and end the connection."""
        self.is_lingering = True
        last = self.pipeline[-1] if self.pipeline else self.active
        if last is not None and not last.is_answered:
            # Earlier requests are being answered: this answer would be taken for theirs.
            last.keep_alive = False
            return
        body = answers.message(text)
        self.transport.write(
            b"%b%b%bconnection: close\r\ncontent-length: %d\r\n\r\n%b"
            % (answers.STATUS_LINES[status], self.clock.date_header, answers.ERROR_BLOCK, len(body), body)
        )
        self.app.metrics.count_refused(status)
        self._write_eof()

    def _decline_upgrade(self, rest: bytes) -> None:
        """Go on in HTTP/1.1: a client that offers HTTP/2 or WebSocket must take that, too.

        The parser stops at the end of the head, so the request is parsed again without the offer.
        """
        exchange = self.incoming
        self.parser = httptools.HttpRequestParser(self)
        if exchange.method == b"CONNECT":
            self._refuse(405, "the method CONNECT is not allowed")
            return
        lines = [exchange.method + b" " + exchange.target + b" HTTP/1.1\r\n"]
        lines += [
            b"%b: %b\r\n" % (name, value)
            for name, value in exchange.headers
            if name.lower() not in _HOP_BY_HOP and name.lower() != b"expect"
        ]
        self.data_received(b"".join([*lines, b"\r\n", rest]))

    def pause_reading(self) -> None:
        if not self.is_read_paused and not self.is_closed:
            self.is_read_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if self.is_read_paused and not self.is_closed:
            self.is_read_paused = False
            self.transport.resume_reading()

    # uvicorn

    def shutdown(self) -> None:
        """The server drains: answer what still comes with ``connection: close``."""
        self.is_draining = True
        self.last_active = self.clock.tick

    def sweep(self) -> None:
        """Called once per second: close the connection if it has been silent for too long."""
        tick = self.clock.tick
        if self.paused_at is not None:
            if tick - self.paused_at > RECEIVE_S:
                self.transport.abort()
            return
        silent_s = tick - self.last_active
        if self.active is not None:
            if not self.active.is_complete and not self.is_read_paused and silent_s > RECEIVE_S:
                self.transport.abort()
        elif self._in_head or (self.incoming is not None and not self.incoming.is_complete):
            if silent_s > RECEIVE_S or (self._in_head and self._head_s(tick) > HEAD_S):
                self.transport.abort()
        elif silent_s > (DRAIN_QUIET_S if self.is_draining else KEEP_ALIVE_S):
            self.transport.close()

    def _head_s(self, tick: int) -> int:
        """Return for how long the head has been on its way that is incomplete now, in whole looks at it."""
        if self._swept is not self.incoming:
            self._swept, self._swept_at = self.incoming, tick
        return tick - self._swept_at
