"""Connections to the server in a container, and one request and its answer on them."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import httptools

from moorage_server.exchange import Headers

KEPT_CONNECTIONS = 64
# Less than any server keeps a silent connection: else it may be closed under a request.
KEEP_S = 4.0
CONNECT_TIMEOUT_S = 10.0
PAUSE_FROM_BYTES = 1024 * 1024

_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer "
    b"transfer-encoding upgrade http2-settings content-length".split()
)


class Broken(Exception):
    """The connection ended before the answer did. ``is_untouched``: not a byte of an answer had come."""

    def __init__(self, text: str, *, is_untouched: bool) -> None:
        super().__init__(text)
        self.is_untouched = is_untouched


class Reply:
    """An answer as it arrives. ``head`` is done once status and headers are there; pieces queue up."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, is_head: bool) -> None:
        self.status = 0
        self.reason = b""
        self.headers: Headers = []
        self.is_head = is_head
        self.head: asyncio.Future[None] = loop.create_future()
        # Nobody may be left to hear of it when the connection breaks.
        self.head.add_done_callback(lambda head: head.cancelled() or head.exception())
        self.on_piece: Callable[[bytes], None] = self._pieces_append
        self.on_end: Callable[[Broken | None], None] = self._note_end
        self.pieces: list[bytes] = []
        self.size = 0
        self.is_complete = False
        self.fault: Broken | None = None

    def _pieces_append(self, data: bytes) -> None:
        self.pieces.append(data)

    def _note_end(self, fault: Broken | None) -> None:
        self.is_complete, self.fault = fault is None, fault

    @property
    def content_length(self) -> int | None:
        values = [value for name, value in self.headers if name.lower() == b"content-length"]
        return int(values[0]) if values and values[0].isdigit() else None

    @property
    def block(self) -> bytes:
        """The header lines that are handed on."""
        return b"".join(
            b"%b: %b\r\n" % (name, value)
            for name, value in self.headers
            if name.lower() not in _HOP_BY_HOP and name.lower() != b"date"
        )


class Connection(asyncio.Protocol):
    """A connection to the container; one request at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.reply: Reply | None = None
        self.is_closed = False
        self.can_stay = True
        self.idle_since = 0.0
        self.is_write_paused = False
        self.on_writable: Callable[[], None] | None = None
        self._parser: Any = None
        self._has_ended = False
        self._is_interim = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, head: bytes, reply: Reply) -> None:
        """Begin a request; its body, if any, is written to ``transport``."""
        self.reply = reply
        self._has_ended = False
        self._parser = httptools.HttpResponseParser(self)
        self.transport.write(head)

    def pause_writing(self) -> None:
        self.is_write_paused = True

    def resume_writing(self) -> None:
        self.is_write_paused = False
        if self.on_writable is not None:
            resume, self.on_writable = self.on_writable, None
            resume()

    def data_received(self, data: bytes) -> None:
        if self.reply is None or self._has_ended:
            self.close()  # nobody asked
            return
        self.reply.size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(Broken(f"the answer is not valid HTTP: {error}", is_untouched=False))

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        if self.reply is not None and not self._has_ended:
            reply = self.reply
            # Without a length, the end of the connection is the end of the answer.
            if reply.head.done() and reply.content_length is None and not self._is_chunked():
                self._end(None)
            else:
                text = "the container closed the connection before its answer was complete"
                self._end(Broken(text, is_untouched=reply.size == 0))
        if self.on_writable is not None:
            resume, self.on_writable = self.on_writable, None
            resume()

    def close(self) -> None:
        self.can_stay = False
        if not self.is_closed:
            self.transport.close()

    # httptools

    def on_message_begin(self) -> None:
        if self.reply is not None:
            self.reply.headers, self.reply.reason = [], b""

    def on_status(self, reason: bytes) -> None:
        if self.reply is not None:
            self.reply.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.reply is not None:
            self.reply.headers.append((name, value))

    def on_headers_complete(self) -> None:
        reply = self.reply
        if reply is None:
            return
        reply.status = self._parser.get_status_code()
        self._is_interim = 100 <= reply.status < 200
        if self._is_interim:
            return
        if not self._parser.should_keep_alive():
            self.can_stay = False
        if not reply.head.done():
            reply.head.set_result(None)
        if reply.is_head:
            # The parser waits for the body that such an answer announces and does not have.
            self.can_stay = False
            self._end(None)

    def on_body(self, data: bytes) -> None:
        if self.reply is not None and not self._has_ended:
            self.reply.on_piece(data)

    def on_message_complete(self) -> None:
        if not self._is_interim:
            self._end(None)

    def _is_chunked(self) -> bool:
        headers = [] if self.reply is None else self.reply.headers
        return any(n.lower() == b"transfer-encoding" and b"chunked" in v.lower() for n, v in headers)

    def _end(self, fault: Broken | None) -> None:
        if self._has_ended or self.reply is None:
            return
        self._has_ended = True
        if fault is not None:
            self.close()
            if not self.reply.head.done():
                self.reply.head.set_exception(fault)
        self.reply.on_end(fault)


class Pool:
    """Connections to one address, kept for a while when they are done."""

    def __init__(self) -> None:
        self.address: tuple[str, int] | None = None
        self._idle: list[Connection] = []

    async def take(self, *, is_new: bool = False) -> tuple[Connection, bool]:
        """Return a connection, and whether it was used before.

        Raises:
            OSError: the container cannot be reached.
        """
        now = time.monotonic()
        while self._idle and not is_new:
            connection = self._idle.pop()
            if not connection.is_closed and connection.can_stay and now - connection.idle_since < KEEP_S:
                return connection, True
            connection.close()
        if self.address is None:
            raise ConnectionRefusedError("the container has not begun")
        loop = asyncio.get_running_loop()
        connecting = loop.create_connection(Connection, *self.address)
        _, connection = await asyncio.wait_for(connecting, CONNECT_TIMEOUT_S)
        connection.transport.set_write_buffer_limits(high=PAUSE_FROM_BYTES)
        return connection, False

    def give_back(self, connection: Connection) -> None:
        if connection.is_closed or not connection.can_stay or len(self._idle) >= KEPT_CONNECTIONS:
            connection.close()
            return
        connection.reply = None
        connection.idle_since = time.monotonic()
        self._idle.append(connection)

    def close(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()


def request_head(method: bytes, target: bytes, headers: Headers, more: Headers) -> bytes:
    """Return the head of a request that is handed on, without the fields that belong to a connection."""
    named = {
        value.strip().lower() for n, v in headers if n.lower() == b"connection" for value in v.split(b",")
    }
    dropped = _HOP_BY_HOP | named | {b"expect"}
    lines = [b"%b %b HTTP/1.1\r\n" % (method, target)]
    lines += [b"%b: %b\r\n" % (name, value) for name, value in headers if name.lower() not in dropped]
    lines += [b"%b: %b\r\n" % (name, value) for name, value in more]
    return b"".join([*lines, b"\r\n"])
