"""``/score``: from an HTTP request to a message for a scorer (contract sections 4.1 and 5)."""

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import orjson

from moorage_runtime import frames
from moorage_server import answers
from moorage_server.description import ArrayInput, ScriptDescription
from moorage_server.errors import ScriptFailed
from moorage_server.exchange import Exchange
from moorage_server.fasttables import TableDecoder
from moorage_server.forms import FormTooLarge, check_form, is_form
from moorage_server.header_fields import CONTENT_TYPE, for_script
from moorage_server.query import query_as_json
from moorage_server.score_call import ScoreCall

if TYPE_CHECKING:
    from moorage_server.app import App
    from moorage_server.fastjson import ArrayDecoder

_COPIED_BYTES = 65_536  # longer payloads are not copied behind their header
_pack_head = frames.HEADER.pack
_JSON_TYPES = frozenset(
    {b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"}
)
_EMPTY_OPTIONS = b"content-type: text/html; charset=utf-8\r\nx-ms-run-function-failed: False\r\n"


class Scoring:
    """Builds the request for the scorer; which way depends on the input mode of the script."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._mode = "text"
        self._wants_headers = False
        self._wants_request = False
        self._routes: tuple[bytes, ...] = ()
        self._decoder: ArrayDecoder | TableDecoder | None = None
        self._decoded_kind = frames.ARRAY
        self._held: list[tuple[Exchange, bytes, bytes, bytes]] | None = None
        self._broken: ScriptFailed | None = None

    def hold(self) -> None:
        """Let requests wait until it is known which script they are for."""
        if self._held is None:
            self._held = []

    def describe(self, description: ScriptDescription) -> None:
        """Feed this script from now on."""
        self._broken = None
        self._mode = description.mode
        self._wants_request = description.wants_request
        wants_headers = description.wants_headers or description.wants_request
        self._wants_headers = wants_headers and description.mode != "raw"
        expected = description.array_input
        self._routes = tuple(route.encode() for route in description.routes)
        self._decoder, self._decoded_kind = None, frames.ARRAY
        if description.mode in ("keyword", "model") and expected is not None:
            self._decoder = _decoder_for(expected)
        elif description.mode == "keyword" and TableDecoder.suits(description.table_input):
            assert description.table_input is not None
            self._decoder, self._decoded_kind = TableDecoder(description.table_input), frames.TABLE
        self._release()

    def break_off(self, failure: ScriptFailed) -> None:
        """There is no script to feed: answer with the reason. Only for development."""
        self._broken = failure
        self._release()

    def _release(self) -> None:
        held, self._held = self._held, None
        for exchange, query, tail, cors in held or ():
            if not exchange.is_gone:
                self.score(exchange, query, tail, cors)

    @property
    def takes_streams(self) -> bool:
        """Whether the script can read a body piece by piece."""
        return self._mode == "raw"

    def serves(self, path: bytes) -> bool:
        """Whether an address besides ``/score`` is one of the model's."""
        return bool(self._routes) and path.startswith(self._routes)

    def score(self, exchange: Exchange, query: bytes, tail: bytes, cors: bytes) -> None:
        """Answer a request to ``/score``."""
        if self._held is not None or self._broken is not None:
            self._without_script(exchange, query, tail, cors)
            return
        mode = self._mode
        method = exchange.method
        if mode == "keyword" and method == b"POST":
            self._keyword(exchange, tail, cors)
        elif mode == "raw":
            self._raw(exchange, query, tail, cors)
        elif mode == "model":
            self._model(exchange, query, tail, cors)
        elif method == b"POST":
            self._text(exchange, tail, cors)
        elif method == b"GET":
            kind = frames.JSON if mode == "keyword" else frames.TEXT
            self._submit(exchange, kind, query_as_json(query), tail, cors)
        elif method == b"OPTIONS":
            if self._app.access_log:
                self._app.log_request(exchange, 200, 0)
            exchange.answer(answers.OK, _EMPTY_OPTIONS + tail + cors, b"")
        else:
            self._refuse(exchange, 405, "The method is not allowed at this address.", tail + cors)

    def _text(self, exchange: Exchange, tail: bytes, cors: bytes) -> None:
        content_type = exchange.fields[CONTENT_TYPE]
        body = exchange.body
        if content_type is not None and is_form(content_type):
            try:
                check_form(content_type, body)
            except FormTooLarge as error:
                self._refuse(exchange, 413, str(error), tail + cors)
                return
            if not self._wants_request:  # else it is for flask.request.form
                body = b""
        self._submit(exchange, frames.TEXT, body, tail, cors)

    def _keyword(self, exchange: Exchange, tail: bytes, cors: bytes) -> None:
        content_type = exchange.fields[CONTENT_TYPE]
        if content_type not in _JSON_TYPES and not is_json_type(content_type):
            text = "The content type must be application/json."
            self._refuse(exchange, 415, text, tail + cors)
            return
        body = exchange.body
        if self._decoder is not None:
            decoded = self._decoder.decode(body)
            if decoded is not None:
                self._app.metrics.array_bodies += 1
                self._submit(exchange, self._decoded_kind, decoded, tail, cors)
                return
        self._submit(exchange, frames.JSON, body, tail, cors)

    def _model(self, exchange: Exchange, query: bytes, tail: bytes, cors: bytes) -> None:
        """Plain numbers go as an array; everything else as it came, with its address."""
        if exchange.method == b"POST" and exchange.target == b"/score" and self._decoder is not None:
            content_type = exchange.fields[CONTENT_TYPE]
            if content_type in _JSON_TYPES or is_json_type(content_type):
                array = self._decoder.decode(exchange.body)
                if array is not None:
                    self._app.metrics.array_bodies += 1
                    self._submit(exchange, frames.ARRAY, array, tail, cors)
                    return
        self._raw(exchange, query, tail, cors)

    def _submit(self, exchange: Exchange, kind: int, payload: bytes, tail: bytes, cors: bytes) -> None:
        app = self._app
        call = ScoreCall(app, exchange, tail, cors)
        flags = app.pool.polling.flag
        if self._wants_headers:
            flags |= frames.HAS_HEADERS
            if self._wants_request:
                section = self._raw_head(exchange, exchange.target.partition(b"?")[2])
            else:
                section = orjson.dumps(for_script(exchange.headers))
            payload = frames.join_section(section, payload)
        request_id = call.request_id = app.pool.next_id()
        header = _pack_head(len(payload), frames.SCORE, flags, kind, request_id)
        if len(payload) <= _COPIED_BYTES:
            call.frame = header + payload
        else:
            call.frame, call.rest = header, (payload,)
        exchange.body = b""  # it may be large, and is in the frame
        exchange.on_disconnect = call.disconnected
        if not app.pool.submit(call):
            exchange.on_disconnect = None
            app.answer_overloaded(exchange, tail + cors)

    def _without_script(self, exchange: Exchange, query: bytes, tail: bytes, cors: bytes) -> None:
        if self._held is not None:
            if len(self._held) < self._app.settings.max_concurrent_requests:
                self._held.append((exchange, query, tail, cors))
            else:
                self._app.answer_overloaded(exchange, tail + cors)
        elif self._broken is not None:
            body = json.dumps({"message": self._broken.message, "traceback": self._broken.traceback}).encode()
            exchange.answer(answers.STATUS_LINES[500], answers.FAILED_BLOCK + tail + cors, body)

    # raw

    def _raw(self, exchange: Exchange, query: bytes, tail: bytes, cors: bytes) -> None:
        app = self._app
        call = ScoreCall(app, exchange, tail, cors)
        call.is_exclusive = not exchange.is_complete
        flags = app.pool.polling.flag | (frames.BODY_FOLLOWS if call.is_exclusive else 0)
        head = frames.join_section(self._raw_head(exchange, query))
        request_id = call.request_id = app.pool.next_id()
        if call.is_exclusive:
            call.frame = _pack_head(len(head), frames.SCORE, flags, frames.RAW, request_id) + head
        else:
            pieces = exchange.body_pieces()
            size = len(head) + sum(map(len, pieces))
            header = _pack_head(size, frames.SCORE, flags, frames.RAW, request_id)
            if size <= _COPIED_BYTES:
                call.frame = b"".join((header, head, *pieces))
            else:
                call.frame, call.rest = header + head, pieces
        exchange.on_disconnect = call.disconnected
        if call.is_exclusive:
            exchange.pause_body()
        if not app.pool.submit(call):
            exchange.on_disconnect = None
            app.answer_overloaded(exchange, tail + cors)

    def _raw_head(self, exchange: Exchange, query: bytes) -> bytes:
        path = exchange.target.partition(b"?")[0]
        head: dict[str, Any] = {
            "method": exchange.method.decode("latin-1"),
            "path": self._path(path),
            "raw_path": path.decode("latin-1"),
            "query_string": query.decode("latin-1"),
            "headers": for_script(exchange.headers),
            "client": list(exchange.client or ())[:2] or None,
            "scheme": exchange.scheme,
            "http_version": exchange.http_version,
        }
        return orjson.dumps(head)

    def _path(self, path: bytes) -> str:
        if self._mode != "model" or path == b"/score":
            return "/score"
        return unquote_to_bytes(path).decode("utf-8", "replace")

    def _refuse(self, exchange: Exchange, status: int, text: str, lines: bytes) -> None:
        app = self._app
        app.metrics.answers[status] += 1
        body = answers.message(text)
        if app.access_log:
            app.log_request(exchange, status, len(body))
        exchange.answer(answers.STATUS_LINES[status], answers.ERROR_BLOCK + lines, body)


def _decoder_for(expected: ArrayInput) -> "ArrayDecoder | None":
    # Imported here: numpy is not needed before it is known which script is served. The front
    # starts to import it while the script loads.
    from moorage_server.fastjson import ArrayDecoder

    return ArrayDecoder(expected) if ArrayDecoder.suits(expected) else None


def is_json_type(content_type: bytes | None) -> bool:
    """Whether a content type announces JSON: ``application/json`` or ``application/<anything>+json``."""
    if content_type is None:
        return False
    kind = content_type.split(b";", 1)[0].strip().lower()
    if b"," in kind:
        return False
    return kind == b"application/json" or (kind.startswith(b"application/") and kind.endswith(b"+json"))
