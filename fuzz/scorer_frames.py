"""Fuzz the front with what a scorer may send: each client gets one end, and nothing is raised.

An input is a list of frames in a short form: type, flags, kind, request and length in one byte each, then the
payload. Some bytes mean something that no proper scorer sends, such as a request that is not due.
"""

import logging
import struct
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from moorage_runtime import frames
from moorage_server.exchange import Exchange
from moorage_server.metrics import Metrics
from moorage_server.protocol import ScorerConnection
from moorage_server.score_call import ScoreCall

TYPES = (frames.RESULT, frames.ERROR, frames.CHUNK, frames.READY, frames.FAILED, frames.STOP, 77)
REQUESTS = 3
MS = struct.pack("<d", 1.5)
RESPONSE = MS + frames.join_section(b'{"status": 201, "reason": null, "headers": [["A", "b"]]}', b"body")


def _frame(type_: int, flags: int, kind: int, request: int, payload: bytes) -> bytes:
    return bytes((TYPES.index(type_), flags, kind, request, len(payload))) + payload


SEEDS = [
    _frame(frames.RESULT, 0, frames.RESULT_JSON, 0, MS + b"[1.0]"),
    _frame(frames.RESULT, 0, frames.RESULT_ARRAY, 0, MS + frames.pack_array("f8", (2,), bytes(16))),
    _frame(frames.RESULT, 0, frames.RESULT_RESPONSE, 0, RESPONSE),
    _frame(frames.RESULT, frames.STREAMED, frames.RESULT_RESPONSE, 0, RESPONSE)
    + _frame(frames.CHUNK, 0, 0, 0, b"piece")
    + _frame(frames.CHUNK, frames.LAST, 0, 0, b"end")
    + _frame(frames.ERROR, 0, frames.CLIENT_ERROR, 1, b'{"message": "no", "status": 415}'),
    _frame(frames.ERROR, 0, frames.SCRIPT_ERROR, 0, b'{"message": "no"}') * 2,
    _frame(frames.READY, 0, 0, 0, b"{}") * 2,
]
WORDS = [
    *(MS, b'"status": ', b"1e999", b"99", b"1000", b'"headers": ', b'[["a", "b"]]', b'"reason": ', b"null"),
    *(
        b'"message": ',
        b"{}",
        b"[[[[",
        b"f8\x02\x00",
        b"b1\x01\x00",
        b"f2\x41\x00",
        b"content-length",
        b"\\r\\n",
    ),
    *(b"\xff" * 8, b"\x00" * 8, b'"traceback": '),
]


class Client(Exchange):
    """Counts how often it was answered."""

    def __init__(self) -> None:
        self.ends = 0
        self.is_started = False
        self.headers = []

    def answer(self, status_line: bytes, block: bytes, body: bytes) -> None:
        assert not self.is_started, "a whole answer within another"
        assert status_line.startswith(b"HTTP/1.1 "), status_line
        assert status_line.count(b"\r\n") == 1, status_line
        assert block.endswith(b"\r\n"), block
        assert b"\r\n\r\n" not in block, block
        self.ends += 1

    def answer_without_body(self, status_line: bytes, block: bytes) -> None:
        self.answer(status_line, block, b"")

    def start(self, status_line: bytes, block: bytes, content_length: int | None) -> None:
        assert not self.is_started
        self.is_started = True

    def write(self, data: bytes, on_writable: Callable[[], None]) -> bool:
        assert self.is_started
        return True

    def end(self) -> None:
        assert self.is_started
        self.ends += 1

    def cut(self) -> None:
        self.ends += 1


class Transport:
    """Takes what is written."""

    def __init__(self) -> None:
        self.is_aborted = False

    def write(self, data: bytes) -> None:
        pass

    def abort(self) -> None:
        self.is_aborted = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def cancel(call: ScoreCall) -> None:
    """What the pool does when nobody waits for an answer any more."""
    call.is_cancelled = True


APP: Any = SimpleNamespace(
    pool=SimpleNamespace(cancel=cancel),
    metrics=Metrics(),
    access_log=False,
    settings=SimpleNamespace(development=True),
)
logging.getLogger("moorage_server").setLevel(logging.CRITICAL)


def check(data: bytes) -> None:
    """Let a scorer say this, then end.

    Raises:
        AssertionError: a client is left without an answer, or has two.
    """
    lost: list[ScorerConnection] = []
    connection = ScorerConnection(lambda payload: None, lambda payload: None, lambda call: None, lost.append)
    transport: Any = Transport()
    connection.connection_made(transport)
    calls = [ScoreCall(APP, Client(), b"", b"") for _ in range(REQUESTS)]
    for number, call in enumerate(calls):
        call.request_id = number
        connection.send(call)
    for piece in _pieces(data):
        connection.data_received(piece)
        if transport.is_aborted:
            break
    connection.connection_lost(None)
    assert lost == [connection]
    for call in connection.in_flight:
        if not call.is_cancelled:
            call.lost("the scorer process ended")
    for call in calls:
        assert call.exchange.ends == 1, (call.exchange.ends, data)


def _pieces(data: bytes) -> Iterator[bytes]:
    position = 0
    while len(data) - position >= 5:
        type_, flags, kind, request, length = data[position : position + 5]
        payload = data[position + 5 : position + 5 + length]
        position += 5 + length
        announced = 0xFFFFFFFF if request == 255 else len(payload)
        head = frames.HEADER.pack(announced, TYPES[type_ % len(TYPES)], flags % 8, kind % 7, request % 8)
        # Cut somewhere, as a socket does.
        cut = kind % 13
        yield (head + payload)[:cut]
        yield (head + payload)[cut:]
