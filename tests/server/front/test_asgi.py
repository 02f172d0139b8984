"""The application under a server that knows nothing of it, through the ASGI interface."""

import asyncio
import hashlib
import time
from types import SimpleNamespace

import pytest

from moorage_server import answers
from moorage_server.asgi import AsgiApplication

TEXT = """
from azureml_inference_server_http.api.aml_response import AMLResponse
import time

def generate(count, error=None):
    for number in range(count):
        yield "%d" % number
    if error:
        raise error

def endless():
    while True:
        yield b"x" * 10000

def init(): pass
def run(data, request_headers):
    if data == "headers":
        return request_headers
    return eval(data) if data else data
"""
RAW = """
import hashlib
from azureml_inference_server_http.api.aml_request import rawhttp

def digest(stream):
    total, size = hashlib.sha256(), 0
    while True:
        piece = stream.read(65536)
        if not piece:
            return [size, total.hexdigest()]
        total.update(piece)
        size += len(piece)

def init(): pass

@rawhttp
def run(request):
    if request.headers.get("X-Do") == "early":
        return "early"
    return [request.method, request.full_path, *digest(request.stream)]
"""


@pytest.fixture
def server(servers):
    return servers.shared(TEXT, http="asgi", cors_origins="*", max_body_bytes=3_000_000)


def test_the_same_answers(server):
    assert server.get("/").text == "Healthy"
    answer = server.post("6 * 7", {"x-request-id": "A", "TraceId": "T", "Origin": "http://a"})
    assert (answer.status, answer.text, answer.failed) == (200, "42", "False")
    assert answer.headers["x-request-id"] == answer.headers["x-ms-request-id"] == "A"
    assert answer.headers["traceid"] == "T"
    assert answer.headers["access-control-allow-origin"] == "http://a"
    assert server.post("headers", [("Foo", "1"), ("foo", "2")]).json()["Foo"] == "1,2"
    assert server.get("/score?a=1").json() == {"a": 1}
    assert server.request("PUT", "/score").status == 405
    assert server.request("POST", "/%73core", b"1").text == "1"
    assert server.request("HEAD", "/").body == b""
    assert server.get("/nope").status == 404
    assert server.post("1 / 0").status == 500
    assert server.get("/score", {"x-request-id": "x" * 101}).status == 431
    assert server.get("/score", [("a", "b")] * 101).status == 431
    assert server.post("AMLResponse('x', 204)").status == 204
    assert server.post("AMLResponse('x', 333, {'A': '1,2'})").all("a") == ["1", "2"]


def test_limits(server):
    assert server.post("#" * 3_000_001).status == 413
    assert server.post("1" + " " * 2_000_000).text == "1"
    with server.connect() as connection:
        connection.send(b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(31):
            connection.send(b"186a0\r\n" + b"#" * 100_000 + b"\r\n")
        assert connection.answer().status == 413


def test_streams(server):
    answer = server.post("AMLResponse(generate(500), 200)")
    assert answer.text == "".join(map(str, range(500)))
    answer = server.post("AMLResponse(generate(3, ValueError()), 200)")
    assert answer.is_cut
    with server.connect() as connection:
        connection.send(
            b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 27\r\n\r\nAMLResponse(endless(), 200)"
        )
        assert connection.socket.recv(100)
        time.sleep(0.3)
    assert server.post("1").text == "1"


def test_a_client_that_leaves_frees_its_place(servers):
    server = servers.start(TEXT, http="asgi", max_concurrent_requests=2)
    server.post("1")
    with server.connect() as busy:
        busy.send(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\ntime.sleep(1)")
        with server.connect() as waiting:
            waiting.send(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n2")
            time.sleep(0.1)
            assert server.post("3").status == 503
        time.sleep(0.2)
        assert server.post("4").status == 200
        assert busy.answer().status == 200


@pytest.mark.parametrize("size", [0, 10, 5_000_000])
def test_raw_bodies(servers, size):
    server = servers.shared(RAW, http="asgi")
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    answer = server.post(body, target="/score?a=b%20c")
    assert answer.json() == ["POST", "/score?a=b%20c", size, hashlib.sha256(body).hexdigest()]


def test_a_script_that_does_not_read_its_body(servers):
    server = servers.shared(RAW, http="asgi")
    with server.connect() as connection:
        connection.send(b"POST /score HTTP/1.1\r\nHost: x\r\nX-Do: early\r\nContent-Length: 3000000\r\n\r\n")
        connection.send(b"x" * 1_000_000)
        assert connection.answer().json() == "early"
    assert server.post(b"abc").json()[2] == 3


def test_draining(servers):
    server = servers.start(TEXT, http="asgi")
    with server.connect() as connection:
        connection.send(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\ntime.sleep(0.5)")
        time.sleep(0.2)
        server.process.terminate()
        assert connection.answer().status == 200
    assert server.process.wait(10) == 0


def under_another_server(messages, headers=(), method="POST", streams=False):
    """What an application behind ASGI sends for these messages; also what a script got of the body."""
    got, sent = [], []

    def handle(exchange):
        def piece(data, is_last):
            got.append(data)
            if is_last:
                exchange.answer(answers.OK, b"", b"done")
            return True

        if exchange.is_complete:
            got.append(exchange.body)
            exchange.answer(answers.OK, b"", b"done")
        else:
            exchange.on_disconnect = lambda: got.append("gone")
            exchange.read_body(piece)

    async def receive():
        if not waiting:
            await asyncio.sleep(3600)
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    waiting = [
        message
        if isinstance(message, dict)
        else {"type": "http.request", "body": message, "more_body": message is not messages[-1]}
        for message in messages
    ]
    scope = {"type": "http", "method": method, "path": "/score", "headers": list(headers)}
    app = SimpleNamespace(max_body_bytes=3_000_000, handle=handle, streams=lambda exchange, received: streams)
    asyncio.run(asyncio.wait_for(AsgiApplication(app)(scope, receive, send), 30))
    return sent, got


@pytest.mark.parametrize(
    ("messages", "length", "status", "word"),
    [
        ([b"abc"], b"3", 200, b"done"),
        ([b"ab", b"c"], b"3", 200, b"done"),
        ([b""], b"0", 200, b"done"),
        ([b"abc"], b"4", 400, b"shorter than the 4 bytes"),
        ([b""], b"4", 400, b"shorter"),
        ([b"abc"], b"2", 400, b"longer than the 2 bytes"),
        ([b"ab", b"c", b"d"], b"2", 400, b"longer"),
        ([b"abc"], b"+3", 400, b"not a number"),
        ([b"abc"], b"3,3", 400, b"not a number"),
        ([b"abc"], b"", 400, b"not a number"),
        ([b"abc"], b"3000001", 413, b"3000000"),
    ],
)
def test_a_body_has_the_length_that_its_header_says(messages, length, status, word):
    sent, got = under_another_server(messages, [(b"content-length", length)])
    assert sent[0]["status"] == status
    assert word in sent[1]["body"]
    assert got == ([b"".join(messages)] if status == 200 else [])


@pytest.mark.parametrize(
    ("tail", "length", "status", "end"),
    [
        ([b"c"], 2_000_001, 200, b"c"),
        ([b"c"], 2_000_002, 400, "gone"),
        ([b"c", b"d", b"e"], 2_000_001, 400, "gone"),
        ([b"c" * 1_500_000, b""], None, 413, "gone"),
    ],
)
def test_a_streamed_body_has_the_length_that_its_header_says(tail, length, status, end):
    headers = [] if length is None else [(b"content-length", b"%d" % length)]
    sent, got = under_another_server([b"a" * 1_000_000, b"b" * 1_000_000, *tail], headers, streams=True)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == status
    assert got[-1] == end


def test_head_has_the_length_of_the_body_and_no_body():
    sent, _ = under_another_server([b""], method="HEAD")
    assert (b"content-length", b"4") in sent[0]["headers"]
    assert sent[1]["body"] == b""
