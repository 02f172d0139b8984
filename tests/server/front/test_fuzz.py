"""Whatever clients or scorers send: the front neither ends nor hangs, and blames nobody falsely."""

import asyncio
import contextlib
import importlib.util
import random
import socket
import struct
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage_runtime import frames
from moorage_server.calls import Call
from moorage_server.protocol import ScorerConnection

DECORATED = """
import numpy as np
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

def init(): pass

@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
def run(data):
    return data.tolist()
"""
PIECES = [
    b"GET ",
    b"POST ",
    b"OPTIONS ",
    b"/score",
    b"/",
    b"?a=1&b=%ff",
    b" HTTP/1.1\r\n",
    b" HTTP/1.0\r\n",
    b"Host: x\r\n",
    b"Content-Type: application/json\r\n",
    b"Content-Length: 17\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: upgrade\r\nUpgrade: websocket\r\n",
    b"x-request-id: " + b"y" * 101 + b"\r\n",
    b"Origin: http://a\r\n",
    b"\r\n",
    b'{"data": [[1,2]]}',
    b'{"data": [[1,2],[3]]}',
    b"11\r\n",
    b"0\r\n\r\n",
    b"\x00\xff",
    b"a" * 5000,
]


@pytest.mark.parametrize("seed", range(6))
def test_nonsense_over_http(servers, seed):
    server = servers.shared(DECORATED, cors_origins="*")
    choose = random.Random(seed)
    for _ in range(60):
        data = b"".join(choose.choice(PIECES) for _ in range(choose.randrange(1, 14)))
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
            with contextlib.suppress(OSError):
                for start in range(0, len(data), 700):
                    client.sendall(data[start : start + 700])
                client.shutdown(socket.SHUT_WR)
            received = b""
            with contextlib.suppress(OSError):
                while piece := client.recv(65536):
                    received += piece
            assert b"HTTP/1.1 5" not in received, (data, received)
    assert server.post_json({"data": [[1, 2]]}).json() == [[1.0, 2.0]]
    assert server.process.poll() is None
    assert "Traceback" not in server.log


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["data", "x"]), inner, max_size=2)
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def decorated(servers):
    return servers.shared(DECORATED)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=80), json_values))
def test_any_body_is_scored_or_the_fault_of_the_client(decorated, value):
    answer = decorated.post_json(value if isinstance(value, bytes) else {"data": value})
    assert answer.status in (200, 400), answer.body


def test_deeply_nested_json_is_the_fault_of_the_client(decorated):
    for body in (b"[" * 100_000, b'{"data":' * 50_000, b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"):
        assert decorated.post_json(body).status == 400
    assert decorated.post_json({"data": [[1, 2]]}).status == 200


class Transport:
    def __init__(self):
        self.is_aborted = False
        self.written = b""

    def write(self, data):
        self.written += bytes(data)

    def abort(self):
        self.is_aborted = True

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


class Recorder(Call):
    def __init__(self, request_id):
        self.request_id = request_id
        self.frame = b"request"
        self.got = []

    def finish(self, type_, flags, kind, payload):
        self.got.append(("finish", type_, flags, kind, payload))

    def chunk(self, flags, payload):
        self.got.append(("chunk", flags, payload))


def connect():
    ready = []
    connection = ScorerConnection(ready.append, ready.append, lambda call: None, lambda connection: None)
    connection.connection_made(Transport())
    return connection


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=8), st.booleans())
def test_any_bytes_from_a_scorer_are_taken_or_end_the_connection(pieces, with_header):
    connection = connect()
    connection.send(Recorder(1))
    for piece in pieces:
        head = struct.pack("<IBBHI", len(piece), (piece or b"\x12")[0], 0, 0, 1) if with_header else b""
        connection.data_received(head + piece)
        if connection.is_broken:
            assert connection.transport.is_aborted
            break


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.binary(max_size=30), st.sampled_from([frames.RESULT, frames.ERROR])),
        min_size=1,
        max_size=6,
    ),
    st.data(),
)
def test_answers_arrive_whole_however_they_are_cut(answers, data):
    connection = connect()
    calls = [Recorder(number) for number in range(len(answers))]
    stream = b""
    for call, (payload, type_) in zip(calls, answers, strict=True):
        connection.send(call)
        stream += frames.pack(type_, payload, 0, 0, call.request_id)
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        connection.data_received(stream[:size])
        stream = stream[size:]
    assert [call.got for call in calls] == [[("finish", type_, 0, 0, payload)] for payload, type_ in answers]
    assert not connection.in_flight
    assert not connection.is_broken


@pytest.mark.parametrize(
    "stream",
    [
        frames.pack(frames.RESULT, b"x", 0, 0, 99),  # for a request that is not due
        frames.pack(frames.CHUNK, b"x", 0, 0, 1),  # a piece of an answer that has not begun
        frames.pack(77, b"", 0, 0, 1),  # an unknown type
        frames.HEADER.pack(0xFFFFFFFF, frames.RESULT, 0, 0, 1),  # an absurd length
    ],
)
def test_a_scorer_that_breaks_the_protocol_is_cut_off(stream):
    connection = connect()
    connection.send(Recorder(1))
    connection.data_received(stream)
    assert connection.transport.is_aborted


def test_a_large_answer_does_not_slow_down_with_its_size():
    connection = connect()
    call = Recorder(1)
    connection.send(call)
    stream = frames.pack(frames.RESULT, b"x" * 50_000_000, 0, 0, 1)
    begin = time.monotonic()
    for start in range(0, len(stream), 65536):
        connection.data_received(stream[start : start + 65536])
    assert len(call.got[0][4]) == 50_000_000
    assert time.monotonic() - begin < 5


def test_streamed_answers_come_in_pieces():
    connection = connect()
    first, second = Recorder(1), Recorder(2)
    connection.send(first)
    connection.send(second)
    connection.data_received(
        frames.pack(frames.RESULT, b"h", frames.STREAMED, frames.RESULT_RESPONSE, 1)
        + frames.pack(frames.CHUNK, b"a", 0, 0, 1)
        + frames.pack(frames.CHUNK, b"", frames.LAST, 0, 1)
        + frames.pack(frames.RESULT, b"r", 0, 0, 2)
    )
    assert [one[0] for one in first.got] == ["finish", "chunk", "chunk"]
    assert [one[0] for one in second.got] == ["finish"]


def test_the_event_loop_is_not_needed_for_the_protocol():
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    connect()


@pytest.fixture(scope="module", params=["decode_arrays", "scorer_frames"])
def target(request):
    """A target of ``make fuzz``, without atheris."""
    path = Path(__file__).parents[3] / "fuzz" / f"{request.param}.py"
    spec = importlib.util.spec_from_file_location(request.param, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_targets_of_the_fuzzer_find_nothing_at_first_sight(target):
    choose = random.Random(1)
    for seed in target.SEEDS:
        target.check(seed)
        for _ in range(12):
            data = bytearray(seed)
            for _ in range(choose.randrange(1, 5)):
                place = choose.randrange(len(data) + 1)
                data[place : place + choose.randrange(3)] = choose.choice(
                    [choose.randbytes(1), choose.choice(target.WORDS)]
                )
            target.check(bytes(data))


TALKS = """
import os

def init():
    pass

def run(data):
    for name in os.listdir("/proc/self/fd") if data else ():
        if os.readlink("/proc/self/fd/" + name).startswith("socket:"):
            os.write(int(name), bytes.fromhex(data))
    return "fine"
"""
NOTHING = bytes(8)  # ran for 0 ms


def test_a_scorer_that_talks_nonsense_costs_one_request(servers):
    """The script writes into the socket of its scorer, in the name of the request that it runs."""
    server = servers.start(TALKS)
    deep = frames.pack_array("f8", (0,) * 40 + (1 << 62,) * 20, b"")
    head = frames.join_section(b'{"status": 1e999, "headers": []}')
    kinds = [
        (frames.RESULT, b"x", 0, 0),
        (frames.RESULT, NOTHING + b"[1]", frames.STREAMED, frames.RESULT_JSON),
        (frames.RESULT, NOTHING + deep, 0, frames.RESULT_ARRAY),
        (frames.RESULT, NOTHING + head, 0, frames.RESULT_RESPONSE),
        (frames.RESULT, NOTHING + head, frames.STREAMED, frames.RESULT_RESPONSE),
        (frames.READY, b"{}", 0, 0),
        (frames.CHUNK, b"x", frames.LAST, 0),
        (99, b"", 0, 0),
    ]
    # Requests are numbered from 1 on, and there are two for each kind.
    for number, (type_, payload, flags, kind) in enumerate(kinds):
        answer = server.post(frames.pack(type_, payload, flags, kind, 1 + 2 * number).hex())
        assert answer.status == 500
        assert answer.message
        assert server.post(b"").json() == "fine"
    assert server.post(b"ff" * 40).status == 500
    assert server.post(b"").json() == "fine"
    assert server.process.poll() is None
