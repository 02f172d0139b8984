"""What is sent by people who mean harm: each entry of the threat model that comes over HTTP."""

import gzip
import json
import pickle
import re
import socket
import subprocess
import sys
import time

import pytest

ECHO = """
def init(): pass
def run(data, request_headers):
    return {"data": data, "headers": request_headers}
"""
DECORATED = """
import numpy as np
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

def init(): pass

@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
def run(data):
    return data.shape
"""
RAW = """
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
def init(): pass
@rawhttp
def run(request):
    return {"headers": dict(request.headers), "body": len(request.get_data()), "form": len(request.form)}
"""


@pytest.fixture
def server(servers):
    return servers.shared(ECHO, access_log=True)


def exchange(server, data, quiet_s=0.5):
    """Send bytes and return all that comes back until the server closes or is silent."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(data)
        try:
            while chunk := connection.recv(65536):
                received += chunk
                connection.settimeout(quiet_s)
        except (TimeoutError, ConnectionError):
            pass
    return received


def statuses(received):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


# request smuggling

HEAD = b"POST /score HTTP/1.1\r\nHost: a\r\n"
CHUNKS = b"\r\n\r\n1\r\nX\r\n0\r\n\r\n"
SECOND = b"GET /score?smuggled=1 HTTP/1.1\r\nHost: a\r\n\r\n"
AMBIGUOUS = {
    "CL and TE": HEAD + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
    "TE and CL": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX",
    "unknown TE": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n",
    "unknown TE and CL": HEAD + b"Transfer-Encoding: xchunked\r\nContent-Length: 1\r\n\r\nX",
    "TE not last": HEAD + b"Transfer-Encoding: chunked, identity" + CHUNKS,
    "two TE": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity" + CHUNKS,
    "space before colon": HEAD + b"Transfer-Encoding : chunked" + CHUNKS,
    "two CL": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nXY",
    "two equal CL": HEAD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nX",
    "list of CL": HEAD + b"Content-Length: 1, 1\r\n\r\nX",
    "CL with sign": HEAD + b"Content-Length: +1\r\n\r\nX",
    "negative CL": HEAD + b"Content-Length: -1\r\n\r\nX",
    "hexadecimal CL": HEAD + b"Content-Length: 0x1\r\n\r\nX",
    "two hosts": HEAD + b"Host: b\r\nContent-Length: 1\r\n\r\nX",
    "two equal hosts": HEAD + b"hOST: a\r\nContent-Length: 1\r\n\r\nX",
    "huge CL": HEAD + b"Content-Length: 99999999999999999999999\r\n\r\nX",
    "folded field": HEAD + b"Content-Length:\r\n 1\r\n\r\nX",
    "folded value": HEAD + b"X: a\r\n b\r\nContent-Length: 1\r\n\r\nX",
    "folded at once": b"POST /score HTTP/1.1\r\n Host: a\r\n\r\n",
    "bare LF": b"POST /score HTTP/1.1\nHost: a\nContent-Length: 1\n\nX",
    "bare LF at the end": HEAD + b"Content-Length: 1\n\nX",
    "bare CR": b"POST /score HTTP/1.1\rHost: a\r\r",
    "LF in a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\nX\n0\n\n",
    "chunk too long": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nXX\r\n0\r\n\r\n",
    "negative chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nX\r\n0\r\n\r\n",
    "huge chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nX\r\n0\r\n\r\n",
    "NUL in a field": HEAD + b"X: a\0b\r\nContent-Length: 1\r\n\r\nX",
    "NUL in the address": b"POST /score\0 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nX",
    "space in the address": b"POST /score x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nX",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_request_with_two_readings_is_refused_and_nothing_behind_it_is_read(server, name):
    received = exchange(server, AMBIGUOUS[name] + SECOND)
    assert statuses(received) == [400]
    assert b"connection: close" in received
    assert b"smuggled" not in received


def test_a_body_is_never_taken_for_a_request(server):
    with server.connect() as connection:
        first = connection.request("POST", "/score", SECOND)
        second = connection.request("POST", "/score", b"next")
    assert first.json()["data"] == SECOND.decode()
    assert second.json()["data"] == "next"
    received = exchange(server, b"GET / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(SECOND) + SECOND)
    assert statuses(received) == [200]


def test_fields_behind_a_body_do_not_become_headers(servers):
    for script in (ECHO, RAW):
        server = servers.shared(script)
        trailers = b"1\r\nX\r\n0\r\nAuthorization: Bearer stolen\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"
        received = exchange(
            server, HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + trailers
        )
        assert statuses(received) == [200]
        assert b"stolen" not in received
        assert b"1.2.3.4" not in received


def test_endless_fields_behind_a_body_are_refused(server):
    with server.connect() as connection:
        connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nX\r\n0\r\n")
        for _ in range(10_000):
            try:
                connection.send(b"X: %s\r\n" % (b"y" * 1000))
            except ConnectionError:
                break
            time.sleep(0.0005)
        else:
            pytest.fail("the server took 10 MB of fields behind a body")
    received = exchange(
        server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nX\r\n0\r\n" + b"X: yyyyyyyy\r\n" * 2000
    )
    assert statuses(received) == [431]


def test_a_name_with_an_underscore_cannot_pass_for_another(server):
    answer = server.post(b"1", {"X_Forwarded_For": "1.2.3.4", "Content_Length": "9"})
    assert not {"X-Forwarded-For", "X_Forwarded_For"} & set(answer.json()["headers"])
    assert answer.json()["data"] == "1"


# injection


@pytest.mark.parametrize("name", ["x-request-id", "x-ms-request-id", "x-ms-client-request-id", "traceid"])
@pytest.mark.parametrize("value", [b"a\nSet-Cookie: b", b"a\rSet-Cookie: b", b"a\0b", b"a\x1b[31mb"])
def test_an_id_cannot_add_a_header(server, name, value):
    received = exchange(server, b"GET / HTTP/1.1\r\n%s: %s\r\n\r\n" % (name.encode(), value))
    assert statuses(received) == [400]
    assert b"set-cookie" not in received.lower()
    assert b"\x1b" not in received


def test_percent_escapes_in_an_id_are_text(server):
    answer = server.get("/", {"x-request-id": "a%0d%0aSet-Cookie:%20b"})
    assert answer.headers["x-request-id"] == "a%0d%0aSet-Cookie:%20b"
    assert "set-cookie" not in answer.headers


def test_a_request_cannot_write_lines_into_the_log(server):
    before = len(server.log)
    for target in ("/score%0aFORGED", "/score?a=%0aFORGED%1b[31m", "//score?x=\u001b"):
        head = f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nx-request-id: marker\r\n\r\n"
        exchange(server, head.encode())
    server.get("/score?last=1")
    log = server.wait_for_log("last=1", within_s=30)[before:]
    assert "\x1b" not in log
    assert not [line for line in log.splitlines() if line.startswith("FORGED")]


def test_the_host_of_a_request_means_nothing(server):
    """No address in an answer is made of it: nothing to poison."""
    for host in ("evil.example", "evil.example:99999", "<script>", ""):
        for target in ("/swagger.json", "/docs", "/", "http://evil.example/swagger.json"):
            head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            received = exchange(server, head.encode())
            assert statuses(received) == [200]
            assert b"evil.example" not in received
            assert b"<script>" not in received


@pytest.mark.parametrize(
    "target",
    [
        "/docs/../../../../etc/passwd",
        "/docs/%2e%2e/%2e%2e/settings.py",
        "/docs/..%2fpage.css/..",
        "/docs/page.css%00.js",
        "/docs//../auth.py",
        "/docs/\\..\\auth.py",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data/",
    ],
)
def test_addresses_lead_to_no_file_and_no_other_host(server, target):
    received = exchange(server, f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 0.2)
    assert statuses(received)[0] in (400, 404)
    assert b"root:" not in received


# bombs


class Bomb:
    def __reduce__(self):
        return (print, ("unpickled", "by the server"))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/octet-stream",
        "application/x-pickle",
        "application/python-pickle",
        "application/json",
        "text/x",
    ],
)
def test_a_pickle_is_never_unpickled(servers, content_type):
    body = pickle.dumps(Bomb())
    assert b"unpickled" in body
    for script in (ECHO, DECORATED, RAW):
        server = servers.shared(script)
        answer = server.post(body, {"Content-Type": content_type, "x-pickle": "1"})
        assert answer.status in (200, 400, 415)
        assert server.post_json({"data": [[1.0, 2.0]]}).status == 200
        assert "unpickled by the server" not in server.log


def test_a_compressed_body_is_not_inflated(servers):
    """What is not decompressed cannot explode: the script gets the bytes as they came."""
    bomb = gzip.compress(b"0" * 50_000_000)
    server = servers.shared(RAW)
    answer = server.post(bomb, {"Content-Encoding": "gzip", "Content-Type": "application/json"})
    assert answer.json()["body"] == len(bomb)
    answer = servers.shared(DECORATED).post(
        bomb, {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    )
    assert answer.status == 400


@pytest.mark.parametrize(
    "body",
    [
        '{"data": ' + "[" * 2_000_000 + "]" * 2_000_000 + "}",
        '{"a":' * 500_000 + "1" + "}" * 500_000,
        '{"data": ' + "[" * 100_000,
        '{"data": [[' + "9" * 1_000_000 + ", 1]]}",
        '{"data": [[1e' + "9" * 1_000_000 + ", 1]]}",
        "{" + ",".join(f'"k{n}": 1' for n in range(200_000)) + "}",
        '{"data": ' + json.dumps("\\u0000" * 300_000) + "}",
    ],
    ids=[
        "nested lists",
        "nested objects",
        "unclosed",
        "long number",
        "large exponent",
        "many keys",
        "long text",
    ],
)
def test_a_json_bomb_is_refused_and_the_service_goes_on(servers, body):
    server = servers.shared(DECORATED)
    pid = server.events.seen[0]["pids"]
    headers = {"Content-Type": "application/json"}
    answer = server.request("POST", "/score", body.encode(), headers, timeout_s=90)
    assert answer.status in (200, 400)
    assert server.post_json({"data": [[1.0, 2.0]]}).json() == [1, 2]
    assert server.events.seen[0]["pids"] == pid


def test_more_connections_than_permitted_are_refused_until_others_end(servers):
    server = servers.start(ECHO, max_connections=3)
    held = [server.connect() for _ in range(3)]
    assert [one.request("GET", "/").status for one in held] == [200, 200, 200]
    with server.connect() as fourth:
        answer = fourth.answer()
    assert (answer.status, answer.headers["connection"]) == (503, "close")
    assert held[0].request("POST", "/score", b"1").status == 200
    held.pop().socket.close()
    deadline = time.monotonic() + 30
    while server.request("GET", "/").status != 200:
        assert time.monotonic() < deadline
    for one in held:
        one.socket.close()


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "room"),
    [(1024, 8192, 4096, 4096), (1024, 2048, 4096, 1792), (300, 300, 4096, 150), (64, 8192, 10, 10)],
)
def test_room_for_connections_is_made_or_their_number_is_lower(soft, hard, wanted, room):
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))\n"
        f"from moorage_server.open_files import make_room; print(make_room({wanted}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(done.stdout) == room


def test_a_form_with_too_many_parts_is_refused(servers):
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    body = part * 5000 + b"--b--\r\n"
    assert servers.shared(ECHO).post(body, headers).status == 413
    # Where the script asks for the form, asking fails; what becomes of that is up to the script.
    assert servers.shared(RAW).post(body, headers).status in (413, 500)


# pages


def test_names_and_examples_are_text_in_the_pages(servers):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    script = f"""
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
def init(): pass
@input_schema("data", StandardPythonParameterType({{{evil!r}: {evil!r}}}))
def run(data): return data
"""
    server = servers.shared(script, name=evil, version=evil)
    page = server.get("/docs")
    assert page.status == 200
    assert "<script>alert" not in page.text
    assert "<img" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    document = server.get("/swagger.json")
    assert document.headers["content-type"] == "application/json"


def test_nothing_over_http_controls_the_service(server):
    """No address stops, reloads or configures anything; the control plane has no socket at all."""
    for target in ("/shutdown", "/reload", "/models", "/admin", "/api/v1", "/v2/repository/index", "/debug"):
        for method in ("GET", "POST", "PUT", "DELETE"):
            assert server.request(method, target, b"{}").status in (404, 405)
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "CONNECT"):
        assert server.request(method, "/score", b"").status in (400, 405)
