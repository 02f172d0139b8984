"""The application under a server that knows nothing of it, through the ASGI interface."""

import hashlib
import time

import pytest

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
