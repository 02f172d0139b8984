"""Scripts with ``@rawhttp``: the request object. Rows 149-163 and 177 of the case table.

The script evaluates the header ``X-Do`` with ``request`` in reach, so that each row is one expression.
"""

import hashlib
import json
import time
from pathlib import Path

import pytest

EVALUATES = """
import hashlib, json, os, time
from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse

def init():
    pass

def upload(request):
    file = request.files["image"]
    return {"name": file.name, "filename": file.filename, "type": file.content_type,
            "bytes": list(file.read()), "a": request.form["a"]}

def digest(stream, pause_s=0):
    total, size = hashlib.sha256(), 0
    while True:
        piece = stream.read(65536)
        if not piece:
            return [size, total.hexdigest()]
        total.update(piece)
        size += len(piece)
        time.sleep(pause_s)

def own_origin():
    response = AMLResponse("x", 200)
    response.headers["Access-Control-Allow-Origin"] = "http://own"
    return response

@rawhttp
def run(request, request_headers=None, extra="e"):
    return eval(request.headers["X-Do"])
"""


@pytest.fixture
def server(servers):
    return servers.shared(EVALUATES)


def do(server, expression, method="POST", target="/score", body=None, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.request(method, target, body, {"X-Do": expression, **named})


def test_row_149_query_string(server):
    answer = do(server, "request.query_string.decode()", "GET", "/score?a=1&b=x")
    assert answer.json() == "a=1&b=x"


@pytest.mark.parametrize(("target", "path"), [("/score", "/score?"), ("/score?a=b%20c", "/score?a=b%20c")])
def test_row_150_full_path(server, target, path):
    answer = do(server, "AMLResponse(str.encode(request.full_path), 200)", "GET", target)
    assert (answer.status, answer.text) == (200, path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_row_151_the_body(server):
    expression = "AMLResponse(request.get_data(False), 200)"
    assert do(server, expression, body=b"\x00\xfe\xff").body == b"\x00\xfe\xff"
    with server.connect() as connection:
        head = f"POST /score HTTP/1.1\r\nHost: x\r\nX-Do: {expression}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.send(head.encode() + b"5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n")
        assert connection.answer().body == b"helloabc"


def test_row_152_methods(server):
    expression = "AMLResponse(request.method, 200)"
    answer = do(server, expression, "OPTIONS")
    assert (answer.status, answer.text) == (200, "OPTIONS")
    assert "x-ms-run-fn-exec-ms" in answer.headers
    answer = do(server, expression, "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert "x-ms-run-fn-exec-ms" in answer.headers
    assert answer.headers["content-length"] == "4"  # what GET would send
    answer = do(server, "AMLResponse(iter(['a']), 200)", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert "content-length" not in answer.headers
    answer = do(server, expression, "PUT")
    assert answer.status == 405
    assert answer.message


MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="image"; filename="cat.jpg"\r\n'
    b"Content-Type: image/jpeg\r\n\r\n"
    b"\xff\xd8\r\n\x00\r\n"
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'
)


def test_row_153_files(server):
    answer = do(server, "upload(request)", body=MULTIPART, Content_Type="multipart/form-data; boundary=b")
    assert answer.json() == {
        "name": "image",
        "filename": "cat.jpg",
        "type": "image/jpeg",
        "bytes": list(b"\xff\xd8\r\n\x00"),
        "a": "1",
    }


def test_row_154_a_file_that_is_not_there(server):
    answer = do(
        server, "request.files['nope']", body=MULTIPART, Content_Type="multipart/form-data; boundary=b"
    )
    assert (answer.status, answer.failed) == (500, "True")
    assert answer.message


def test_row_155_forms(server):
    headers = {"Content_Type": "application/x-www-form-urlencoded"}
    assert do(server, "request.form.to_dict()", body=b"a=1&a=2&b=x+y", **headers).json() == {
        "a": "1",
        "b": "x y",
    }
    assert do(server, "request.form.getlist('a')", body=b"a=1&a=2&b=x+y", **headers).json() == ["1", "2"]


@pytest.mark.parametrize(("body", "content_type"), [(b"{", "application/json"), (b'{"a":1}', "text/plain")])
def test_row_156_json_that_cannot_be_had(server, body, content_type):
    answer = do(server, "request.json", body=body, Content_Type=content_type)
    if content_type == "text/plain" and is_werkzeug_1(server):
        assert answer.text == "{}"  # it gave None in those days
    else:
        assert (answer.status, answer.failed) == (500, "True")


def is_werkzeug_1(server):
    expression = "getattr(__import__('sys').modules.get('werkzeug'), '__version__', '9').startswith('1.')"
    return do(server, expression).json()


def test_rows_157_and_158_get_json(server):
    answer = do(server, "request.get_json(force=True)", body=b'{"a":1}', Content_Type="text/plain")
    assert answer.json() == {"a": 1}
    answer = do(server, "request.get_json(silent=True)", body=b"{", Content_Type="application/json")
    assert answer.text == "{}"


def test_row_159_a_body_that_is_read_twice(server):
    expression = "[request.get_data(False).decode(), request.get_data(False).decode()]"
    assert do(server, expression, body=b"abc").json() == ["abc", ""]


def test_row_160_headers_are_pairs(server):
    assert ["X-Foo", "1"] in do(server, "[list(pair) for pair in request.headers]", X_Foo="1").json()


@pytest.mark.parametrize(
    ("expression", "text"), [("{'a': 1}", '{"a": 1}'), ("'x'", '"x"'), ("None", "{}"), ("extra", '"e"')]
)
def test_row_161_plain_results(server, expression, text):
    answer = do(server, expression, "GET")
    assert (answer.status, answer.text, answer.failed) == (200, text, "False")
    assert answer.headers["content-type"] == "application/json"


def test_row_162_the_request_is_no_result(server):
    answer = do(server, "request", "GET")
    assert (answer.status, answer.failed) == (500, "False")


def test_row_163_request_headers_and_defaults(server):
    answer = do(server, "[request_headers['X-Foo'], type(request_headers).__name__, extra]", "GET", X_Foo="1")
    assert answer.json() == ["1", "dict", "e"]


def test_row_177_the_origin_header_of_the_script_is_left_alone(servers):
    server = servers.shared(EVALUATES, cors_origins="*")
    answer = do(server, "own_origin()", Origin="http://a.com")
    assert answer.all("access-control-allow-origin") == ["http://own"]
    assert answer.all("vary") == []
    assert do(server, "'x'", Origin="http://a.com").all("access-control-allow-origin") == ["http://a.com"]


def test_content_length_is_none_without_one(server):
    with server.connect() as connection:
        connection.send(
            b"POST /score HTTP/1.1\r\nHost: x\r\nX-Do: request.content_length\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
        )
        assert connection.answer().text == "{}"
    assert do(server, "request.content_length", body=b"abc").json() == 3


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_large_body_is_streamed(server, is_chunked):
    body = bytes(range(256)) * 40_000
    with server.connect() as connection:
        head = "POST /score HTTP/1.1\r\nHost: x\r\nX-Do: digest(request.stream)\r\n"
        if is_chunked:
            connection.send(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            for start in range(0, len(body), 300_000):
                piece = body[start : start + 300_000]
                connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            connection.send(b"0\r\n\r\n")
        else:
            connection.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert connection.answer().json() == [len(body), hashlib.sha256(body).hexdigest()]
        assert connection.request("GET", "/score", headers={"X-Do": "1"}).json() == 1


def test_a_script_that_does_not_read_its_large_body(server):
    with server.connect() as connection:
        connection.send(
            b"POST /score HTTP/1.1\r\nHost: x\r\nX-Do: 'early'\r\nContent-Length: 20000000\r\n\r\n"
        )
        connection.send(b"x" * 5_000_000)
        answer = connection.answer()
        assert (answer.status, answer.json()) == (200, "early")
        assert answer.headers["connection"] == "close"
    assert do(server, "'next'").json() == "next"


def test_a_client_that_leaves_in_the_middle_of_its_large_body(server):
    with server.connect() as connection:
        connection.send(
            b"POST /score HTTP/1.1\r\nHost: x\r\nX-Do: digest(request.stream)\r\n"
            b"Content-Length: 20000000\r\n\r\n"
        )
        connection.send(b"x" * 3_000_000)
        time.sleep(0.2)
    assert do(server, "'next'").json() == "next"


def test_streaming_takes_constant_memory(servers):
    server = servers.start(EVALUATES, max_body_bytes=1_000_000_000)
    pids = [server.process.pid, do(server, "os.getpid()").json()]
    before = [resident_bytes(pid) for pid in pids]
    piece = b"x" * 1_000_000
    with server.connect(60) as connection:
        connection.send(
            b"POST /score HTTP/1.1\r\nHost: x\r\nX-Do: digest(request.stream, 0.0002)\r\n"
            b"Content-Length: 200000000\r\n\r\n"
        )
        for _ in range(200):
            connection.send(piece)
        assert connection.answer().json()[0] == 200_000_000
    after = [resident_bytes(pid) for pid in pids]
    assert max(b - a for a, b in zip(before, after, strict=True)) < 60_000_000


def resident_bytes(pid: int) -> int:
    """The largest resident size that a process ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def test_a_streamed_answer_takes_constant_memory(servers):
    server = servers.start(
        EVALUATES.replace(
            "def own_origin",
            "def much():\n    for _ in range(200):\n        yield b'x' * 1000000\n\ndef own_origin",
        )
    )
    before = resident_bytes(server.process.pid)
    with server.connect(60) as connection:
        connection.send(b"GET /score HTTP/1.1\r\nHost: x\r\nX-Do: AMLResponse(much(), 200)\r\n\r\n")
        time.sleep(0.5)
        total = 0
        while data := connection.socket.recv(1 << 20):
            total += len(data)
            if data.endswith(b"0\r\n\r\n"):
                break
        assert total > 200_000_000
    assert resident_bytes(server.process.pid) - before < 60_000_000


def test_a_generator_is_closed_when_the_client_leaves(servers, tmp_path):
    mark = tmp_path / "closed"
    script = EVALUATES.replace(
        "def own_origin",
        f"def endless():\n    try:\n        while True:\n            yield b'x' * 10000\n"
        f"    finally:\n        open({str(mark)!r}, 'w').close()\n\ndef own_origin",
    )
    server = servers.start(script)
    with server.connect() as connection:
        connection.send(b"GET /score HTTP/1.1\r\nHost: x\r\nX-Do: AMLResponse(endless(), 200)\r\n\r\n")
        assert connection.socket.recv(1000)
    assert do(server, "'next'").json() == "next"
    assert mark.exists()


def test_a_real_client_with_requests(server):
    requests = pytest.importorskip("requests")
    url = f"http://127.0.0.1:{server.port}/score"
    files = {"image": ("cat.jpg", b"\xff\xd8", "image/jpeg")}
    answer = requests.post(url, files=files, data={"a": "1"}, headers={"X-Do": "upload(request)"}, timeout=20)
    assert answer.json()["bytes"] == [0xFF, 0xD8]
    assert json.loads(answer.text)["filename"] == "cat.jpg"
