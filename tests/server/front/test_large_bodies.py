"""Large bodies of known length pass by the parser: they arrive whole, however they are cut into reads."""

import hashlib
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage_server.clock import Clock
from moorage_server.http_protocol import HttpProtocol
from moorage_server.limits import LARGE_BODY_BYTES, TAKE_OVER_BYTES
from moorage_server.metrics import Metrics

ANSWER = b"HTTP/1.1 200 OK\r\n"
BODY = hashlib.shake_128(b"moorage").digest(3 * LARGE_BODY_BYTES)
SIZES = [
    0,
    1,
    TAKE_OVER_BYTES - 1,
    TAKE_OVER_BYTES,
    TAKE_OVER_BYTES + 1,
    200_000,
    LARGE_BODY_BYTES + 1,
    len(BODY),
]


class Transport:
    def __init__(self):
        self.written = b""

    def write(self, data):
        self.written += bytes(data)

    def get_extra_info(self, name):
        return None

    def can_write_eof(self):
        return False

    def is_closing(self):
        return False

    def resume_reading(self):
        pass

    def pause_reading(self):
        pass

    def close(self):
        pass


class App:
    """Answers each request with the digest of its body; hands bodies on as they arrive if it ``streams``."""

    max_connections = 10
    max_body_bytes = 3 * LARGE_BODY_BYTES

    def __init__(self, streams):
        self.clock, self.metrics = Clock(), Metrics()
        self.streams = lambda exchange, received: streams
        self.bodies = []

    def handle(self, exchange):
        if exchange.is_complete:
            self.bodies.append(exchange.body)
            exchange.answer(ANSWER, b"", b"")
            return
        got = []

        def piece(data, is_last):
            got.append(data)
            if is_last:
                self.bodies.append(b"".join(got))
                exchange.answer(ANSWER, b"", b"")
            return True

        exchange.read_body(piece)


def connect(app):
    loop = SimpleNamespace(call_soon=lambda function: function(), call_later=lambda seconds, function: None)
    state = SimpleNamespace(connections=set(), total_requests=0)
    protocol = HttpProtocol(SimpleNamespace(app=app), state, {}, loop)
    protocol.connection_made(Transport())
    return protocol


def request(body, is_chunked):
    if not is_chunked:
        return b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    chunks = [body[at : at + 70_000] for at in range(0, len(body), 70_000)]
    text = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % text


@settings(max_examples=60, deadline=None)
@given(
    requests=st.lists(st.tuples(st.sampled_from(SIZES), st.booleans()), min_size=1, max_size=4),
    reads=st.lists(st.sampled_from([1, 70, 4096, 65_536, 65_537, 262_144, 10**6]), min_size=1, max_size=5),
    streams=st.booleans(),
)
def test_each_request_gets_its_own_body(requests, reads, streams):
    app = App(streams)
    connection = connect(app)
    text = b"".join(request(BODY[:size], is_chunked) for size, is_chunked in requests)
    # The first reads in these sizes, the rest in large ones: reads of one byte would take for ever.
    at = 0
    for size in [*reads * 3, *[200_000] * (len(text) // 200_000 + 1)]:
        if at < len(text):
            connection.data_received(text[at : at + size])
        at += size
    assert app.bodies == [BODY[:size] for size, _ in requests]
    assert connection.transport.written.count(ANSWER) == len(requests)


@pytest.mark.parametrize("streams", [True, False])
def test_what_follows_a_large_body_is_looked_at_as_ever(streams):
    app = App(streams)
    connection = connect(app)
    connection.data_received(request(BODY, False)[:-1])
    connection.data_received(BODY[-1:] + b"no request\r\n\r\n")
    assert app.bodies == [BODY]
    assert connection.transport.written.startswith(ANSWER)
    assert b"HTTP/1.1 400 " in connection.transport.written


def test_a_failure_while_a_large_body_arrives_ends_the_connection_with_500():
    app = App(streams=False)

    def fail(exchange, received):
        raise RuntimeError("a fault of ours")

    app.streams = fail
    connection = connect(app)
    connection.data_received(request(BODY, False)[:100_000])
    connection.data_received(BODY[:LARGE_BODY_BYTES])
    assert connection.transport.written.startswith(b"HTTP/1.1 500 ")
    connection.data_received(BODY)
    assert app.bodies == []
