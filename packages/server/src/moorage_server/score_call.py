"""A scoring request between a client and a scorer: the answer's way back."""

import json
import logging
import struct
from typing import TYPE_CHECKING

from moorage_runtime import frames
from moorage_server import answers
from moorage_server.calls import Call
from moorage_server.exchange import Exchange
from moorage_server.script_answers import BadResponse, ScriptAnswer, parse_head

if TYPE_CHECKING:
    from moorage_server.app import App

logger = logging.getLogger(__name__)
_MILLISECONDS = struct.Struct("<d").unpack_from


class ScoreCall(Call):
    """Writes what the scorer answers to the exchange that it belongs to."""

    has_begun = False  # the streamed body flows
    head: tuple[ScriptAnswer, bytes] | None = None  # of a streamed answer that has not begun yet

    def __init__(self, app: "App", exchange: Exchange, tail: bytes, cors: bytes) -> None:
        """Prepare a call whose answer carries the header lines ``tail`` and ``cors``."""
        self.app = app
        self.pool = app.pool
        self.exchange = exchange
        self.tail = tail
        self.cors = cors

    # Call

    def finish(self, type_: int, flags: int, kind: int, payload: bytes) -> None:
        exchange = self.exchange
        if type_ != frames.RESULT:
            exchange.on_disconnect = None
            self._error(kind, payload)
            return
        (ms,) = _MILLISECONDS(payload)
        app = self.app
        app.metrics.count_run(ms)
        if kind == frames.RESULT_RESPONSE:
            self._response(flags, payload, ms)
            return
        exchange.on_disconnect = None
        if kind == frames.RESULT_JSON:
            body = payload[8:]
        else:
            try:
                from moorage_server.fastjson import array_as_json  # numpy: late, see scoring.py

                body = array_as_json(memoryview(payload)[8:])
            except frames.ProtocolError:
                logger.exception("a scorer sent an array that is none")
                self._send(500, answers.ERROR_BLOCK, answers.message(answers.INTERNAL_ERROR))
                return
        block = answers.SCORED_FAILED_BLOCK if flags & frames.RUN_FAILED else answers.SCORED_BLOCK
        app.metrics.answers[200] += 1
        if app.access_log:
            app.log_request(exchange, 200, len(body))
        exchange.answer(answers.OK, b"%b%.3f\r\n%b%b" % (block, ms, self.tail, self.cors), body)

    def lost(self, reason: str) -> None:
        self.exchange.on_disconnect = None
        if self.head is None and self.connection is not None and self.connection.is_streaming:
            self.exchange.cut()
            return
        self._send(500, answers.FAILED_BLOCK, answers.message(reason))

    def expire(self) -> None:
        self.exchange.on_disconnect = None
        self.app.answer_overloaded(self.exchange, self.tail + self.cors)

    def chunk(self, flags: int, payload: bytes) -> None:
        exchange = self.exchange
        if flags & frames.ABORTED:
            exchange.on_disconnect = None
            if self.head is not None:
                self._send(500, answers.FAILED_BLOCK, answers.message(answers.SCRIPT_ERROR))
            else:
                exchange.cut()
            return
        if self.head is not None:
            head, block = self.head
            self.head = None
            exchange.start(head.status_line, block, head.content_length)
        connection = self.connection
        if payload and not exchange.write(payload, self._writable) and connection is not None:
            connection.pause_reading()
        if flags & frames.LAST:
            exchange.on_disconnect = None
            exchange.end()

    def body_pause(self) -> None:
        self.exchange.pause_body()

    def body_resume(self) -> None:
        exchange = self.exchange
        exchange.resume_body()
        if not self.has_begun:
            self.has_begun = True
            exchange.read_body(self._piece)

    # the rest

    def disconnected(self) -> None:
        """The client went away before its answer was complete."""
        self.app.metrics.disconnects += 1
        self.pool.cancel(self)

    def _piece(self, data: bytes, is_last: bool) -> bool:
        """Hand a piece of the body on."""
        connection = self.connection
        if connection is None or self.is_cancelled:
            return True
        return connection.send_body(self, data, frames.LAST if is_last else 0)

    def _writable(self) -> None:
        if self.connection is not None:
            self.connection.resume_reading()

    def _response(self, flags: int, payload: bytes, ms: float) -> None:
        exchange = self.exchange
        try:
            section, body = frames.split_section(memoryview(payload)[8:])
            head = parse_head(section)
        except (BadResponse, frames.ProtocolError) as error:
            logger.error("the response of the script cannot be sent: %s", error)
            self._send(500, answers.ERROR_BLOCK, answers.message(answers.INTERNAL_ERROR))
            if flags & frames.STREAMED:
                self.pool.cancel(self)
            return
        cors = b"" if head.has_cors else self.cors
        block = b"%bx-ms-run-fn-exec-ms: %.3f\r\n%b%b" % (head.block, ms, self.tail, cors)
        self.app.metrics.answers[head.status] += 1
        if flags & frames.STREAMED:
            if self.app.access_log:
                self.app.log_request(exchange, head.status, None)
            self.head = (head, block)
            return
        exchange.on_disconnect = None
        if self.app.access_log:
            self.app.log_request(exchange, head.status, len(body))
        if head.status in (204, 304):
            exchange.answer_without_body(head.status_line, block)
        else:
            exchange.answer(head.status_line, block, bytes(body))

    def _error(self, kind: int, payload: bytes) -> None:
        try:
            content = json.loads(payload)
            text = str(content["message"])
            status = int(content.get("status") or 400)
        except (ValueError, KeyError, TypeError, AttributeError):
            content, text, status = {}, answers.INTERNAL_ERROR, 400
        body = answers.message(text)
        if content.get("traceback") and self.app.settings.development:
            body = json.dumps({"message": text, "traceback": content["traceback"]}).encode()
        if kind == frames.CLIENT_ERROR:
            self._send(status, answers.ERROR_BLOCK, body)
        elif kind == frames.NOT_SERIALISABLE:
            self._send(500, answers.ERROR_BLOCK, body)
        else:
            self._send(500, answers.FAILED_BLOCK, body)

    def _send(self, status: int, block: bytes, body: bytes) -> None:
        self.app.metrics.answers[status] += 1
        if self.app.access_log:
            self.app.log_request(self.exchange, status, len(body))
        line = answers.STATUS_LINES.get(status) or answers.status_line(status)
        self.exchange.answer(line, b"%b%b%b" % (block, self.tail, self.cors), body)
