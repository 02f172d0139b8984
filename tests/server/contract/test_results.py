"""What comes back for what ``run`` returns or raises. Rows 98-136 of the case table.

The script evaluates the body, so that each row is one expression.
"""

import json
import re
import time

import pytest

EVALUATES = """
import datetime, decimal, enum, json, math, os, socket, time, uuid
from collections import OrderedDict, defaultdict, namedtuple
import numpy
import pandas
try:
    from werkzeug.exceptions import ImATeapot
    from werkzeug.wrappers import Response
except ImportError:
    Response = None
from azureml_inference_server_http.api.aml_response import AMLResponse as RESP

Point = namedtuple("Point", "x y")

class Level(enum.IntEnum):
    LOW = 1

class Plain(enum.Enum):
    A = 1

class Circle(list):
    pass

def circle():
    value = []
    value.append(value)
    return value

def fail(error):
    raise error

def generate(items, error=None):
    for item in items:
        yield item
    if error:
        raise error

def slowly(count, pause_s):
    for number in range(count):
        yield "item %d" % number
        time.sleep(pause_s)

def with_header(response, name, value):
    response.headers[name] = value
    return response

def spin(seconds):
    end = time.time() + seconds
    while time.time() < end:
        pass
    return "spun"

def catching(seconds):
    try:
        time.sleep(seconds)
    except Exception:
        return "c"
    return "slept"

def init():
    pass

def run(data):
    return eval(data)
"""


@pytest.fixture
def server(servers):
    return servers.shared(EVALUATES, server_version="azmlinfsrv/test")


def chunked_lines(answer):
    return [chunk.decode() for chunk in answer.chunks]


@pytest.mark.parametrize(
    ("row", "expression", "text"),
    [
        (98, "None", "{}"),
        (99, 'json.dumps({"a":1})', '"{\\"a\\": 1}"'),
        (100, '"é"', '"\\u00e9"'),
        (101, "math.nan", "NaN"),
        (101, "[math.inf, -math.inf]", "[Infinity, -Infinity]"),
        (102, "(1,2)", "[1, 2]"),
        (103, '("x",201)', '["x", 201]'),
        (104, "{1:2,None:3}", '{"1": 2, "null": 3}'),
        (105, "numpy.float64(1.5)", "1.5"),
        (0, "''", '""'),
        (0, "1e22", "1e+22"),
        (0, "numpy.str_('s')", '"s"'),
        (0, "Level.LOW", "1"),
        (0, "Point(1, 2)", "[1, 2]"),
        (0, "OrderedDict(a=1)", '{"a": 1}'),
        (0, "{True: 1, 1.5: 2}", '{"true": 1, "1.5": 2}'),
        (0, r"'\ud800'", '"\\ud800"'),
        (0, "[]", "[]"),
    ],
)
def test_rows_98_to_105_values(server, row, expression, text):
    answer = server.post(expression)
    assert (answer.status, answer.text) == (200, text)
    assert answer.headers["content-type"] == "application/json"
    assert answer.failed == "False"
    assert re.fullmatch(r"\d+\.\d{3}", answer.headers["x-ms-run-fn-exec-ms"])


@pytest.mark.parametrize(
    ("row", "expression"),
    [
        (106, "numpy.float32(1)"),
        (106, "numpy.int64(1)"),
        (106, "numpy.bool_(True)"),
        (106, "numpy.array([1.0])"),
        (107, "b'ab'"),
        (107, "{1}"),
        (107, "generate([1])"),
        (107, "pandas.DataFrame({'a': [1]})"),
        (107, "datetime.datetime(2020, 1, 1)"),
        (107, "decimal.Decimal(1)"),
        (0, "uuid.uuid4()"),
        (0, "Plain.A"),
        (0, "{(1, 2): 3}"),
        (0, "circle()"),
        (0, "range(3)"),
        (0, "ValueError('x')"),
        (0, "RESP"),
    ],
)
def test_rows_106_and_107_values_that_are_not_json(server, row, expression):
    answer = server.post(expression)
    assert (answer.status, answer.failed) == (500, "False")
    assert answer.message
    assert "x-ms-run-fn-exec-ms" not in answer.headers
    assert answer.has_ids


@pytest.fixture
def werkzeug(server):
    """For tests whose script uses Werkzeug."""
    if server.post("Response is None").json():
        pytest.skip("the environment of the script has no Werkzeug")


@pytest.mark.usefixtures("werkzeug")
def test_row_108_a_foreign_response(server):
    answer = server.post('Response("x", 202, {"A": "b"})')
    assert (answer.status, answer.text) == (202, "x")
    assert answer.headers["a"] == "b"
    assert answer.failed is None
    assert "x-ms-run-fn-exec-ms" in answer.headers
    assert answer.has_ids


@pytest.mark.usefixtures("werkzeug")
def test_row_109_a_foreign_response_of_a_failure(server):
    answer = server.post('Response("x", 500)')
    assert (answer.status, answer.text, answer.failed) == (500, "x", "True")


HTML, JSON = "text/html; charset=utf-8", "application/json"


@pytest.mark.parametrize(
    ("row", "expression", "status", "content_type", "body", "failed"),
    [
        (110, 'RESP("abc",200)', 200, HTML, b"abc", "False"),
        (111, 'RESP("abc",200,json_str=True)', 200, JSON, b'"abc"', "False"),
        (112, r'RESP(b"\x00\xff",200)', 200, HTML, b"\x00\xff", "False"),
        (113, "RESP(None,333)", 333, JSON, b"{}", "False"),
        (114, 'RESP({"a":1},201,json_str=True)', 201, JSON, b'{"a": 1}', "False"),
        (115, 'RESP({"a":1,"b":2},200)', 200, HTML, b"ab", "False"),
        (116, 'RESP("x",499)', 499, HTML, b"x", "False"),
        (117, 'RESP("x",503)', 503, HTML, b"x", "True"),
        (118, 'RESP("x",200,run_function_failed=True)', 200, HTML, b"x", "True"),
        (121, 'RESP("x","404")', 404, HTML, b"x", "False"),
        (121, 'RESP("x","200 Fine")', 200, HTML, b"x", "False"),
        (0, "RESP('é', 200)", 200, HTML, "é".encode(), "False"),
        (0, "RESP(['a', b'b'], 200)", 200, HTML, b"ab", "False"),
        (0, "RESP('x', None)", 200, HTML, b"x", "False"),
        (0, "RESP('x', 799)", 799, HTML, b"x", "True"),
    ],
)
def test_rows_110_to_121_response_objects(server, row, expression, status, content_type, body, failed):
    answer = server.post(expression)
    assert (answer.status, answer.body) == (status, body)
    assert answer.all("content-type") == [content_type]
    assert answer.all("x-ms-run-function-failed") == [failed]
    assert "x-ms-run-fn-exec-ms" in answer.headers


def test_row_121_the_reason_of_the_script(server):
    assert server.post('RESP("x","200 Fine")').reason == "Fine"


def test_row_119_headers_of_the_script(server):
    answer = server.post('RESP("x",200,{"A":"1","B":"1, 2,3","Content-Type":"image/jpeg"})')
    assert answer.all("a") == ["1"]
    assert answer.all("b") == ["1", "2", "3"]
    assert answer.all("content-type") == ["image/jpeg"]


@pytest.mark.parametrize(
    ("row", "expression"),
    [
        (120, 'RESP("x",200,{"A":1})'),
        (0, r'RESP("x",200,{"A":"1\r\nB: 2"})'),
        (123, "RESP(numpy.array([1]),200,json_str=True)"),
    ],
)
def test_rows_120_and_123_response_objects_that_cannot_be_made(server, row, expression):
    answer = server.post(expression)
    assert (answer.status, answer.failed) == (500, "True")
    assert answer.message


@pytest.mark.parametrize(
    "expression",
    [
        "RESP([1, 2], 200)",
        "RESP(5, 200)",
        "RESP('x', 99)",
        "RESP('x', 200, {'A b': 'c'})",
        "RESP('x', 200, {'A': '☃'})",
    ],
)
def test_response_objects_that_cannot_be_sent(server, expression):
    answer = server.post(expression)
    assert (answer.status, answer.failed) == (500, "False")
    assert answer.has_ids
    assert answer.message
    assert "x-ms-run-fn-exec-ms" not in answer.headers


@pytest.mark.parametrize("status", [204, 304])
def test_row_122_status_without_body(server, status):
    with server.connect() as connection:
        answer = connection.request("POST", "/score", f'RESP("x",{status})'.encode())
        assert (answer.status, answer.body) == (status, b"")
        # The next answer on the connection is where it should be.
        assert connection.request("POST", "/score", b"1").text == "1"


def test_row_124_ids_of_the_script_are_replaced(server):
    for name in ("x-request-id", "X-MS-Request-Id", "x-ms-client-request-id"):
        answer = server.post(f'with_header(RESP("x",200), "{name}", "evil")', {"x-request-id": "A"})
        assert answer.all("x-request-id") == ["A"]
        assert answer.all("x-ms-request-id") == ["A"]
        assert answer.all("x-ms-client-request-id") == []


def test_row_125_the_script_may_set_the_origin_header(server):
    answer = server.post('with_header(RESP("x",200), "Access-Control-Allow-Origin", "*")')
    assert answer.all("access-control-allow-origin") == ["*"]


def test_row_126_a_generator_is_streamed(server):
    with server.connect() as connection:
        begin = time.monotonic()
        connection.send(
            b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 25\r\n\r\nRESP(slowly(3, 0.3), 200)"
        )
        assert b"200" in connection.read_line()
        headers = []
        while line := connection.read_line():
            headers.append(line.decode().lower())
        assert "transfer-encoding: chunked" in headers
        assert not [line for line in headers if line.startswith("content-length")]
        arrivals = []
        for number in range(3):
            assert connection.read_line() == b"6"
            assert connection.read_line() == f"item {number}".encode()
            arrivals.append(time.monotonic() - begin)
        assert connection.read_line() == b"0"
    assert arrivals[2] - arrivals[0] > 0.4


def test_a_streamed_answer_in_http_1_0_ends_with_the_connection(server):
    with server.connect() as connection:
        body = b"RESP(generate(['a','b']), 200)"
        connection.send(b"POST /score HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        answer = connection.answer()
        assert answer.body == b"ab"
        assert "transfer-encoding" not in answer.headers


def test_row_127_a_generator_that_fails_later(server):
    answer = server.post("RESP(generate(['first'], ValueError('later')), 200)")
    assert answer.status == 200
    assert chunked_lines(answer) == ["first"]
    assert answer.is_cut
    assert server.post("1").text == "1"


def test_a_generator_that_fails_at_once(server):
    answer = server.post("RESP(generate([], ValueError('at once')), 200)")
    assert answer.status == 500
    assert answer.message


def test_row_128_an_exception(server):
    answer = server.post("fail(ValueError('secret detail'))")
    assert (answer.status, answer.failed) == (500, "True")
    assert answer.has_ids
    assert "x-ms-run-fn-exec-ms" not in answer.headers
    assert "secret" not in answer.message
    server.wait_for_log("ValueError: secret detail")


@pytest.mark.usefixtures("werkzeug")
def test_row_129_an_http_exception(server):
    answer = server.post("fail(ImATeapot())")
    assert (answer.status, answer.failed) == (500, "True")
    assert answer.message


@pytest.mark.parametrize("error", ["TimeoutError()", "socket.timeout()"])
def test_row_130_a_timeout_error_of_the_script(servers, error):
    server = servers.shared(EVALUATES, scoring_timeout_ms=300)
    answer = server.post(f"fail({error})")
    assert (answer.status, answer.failed) == (500, "True")
    # They are one class from Python 3.10 on.
    assert ("300" in answer.message) == server.post(f"isinstance({error}, TimeoutError)").json()


@pytest.mark.parametrize("error", ["SystemExit(3)", "KeyboardInterrupt()", "GeneratorExit()"])
def test_row_131_an_exception_that_is_none(server, error):
    pid = server.post("os.getpid()").json()
    answer = server.post(f"fail({error})")
    assert answer.status == 500
    assert answer.message
    assert server.get("/").status == 200
    assert server.post("os.getpid()").json() == pid


@pytest.mark.parametrize(("row", "expression"), [(132, "time.sleep(20)"), (133, "spin(20)")])
def test_rows_132_and_133_the_scoring_timeout(servers, row, expression):
    server = servers.shared(EVALUATES, scoring_timeout_ms=300)
    server.post("1")
    begin = time.monotonic()
    answer = server.post(expression)
    assert time.monotonic() - begin < 15
    assert (answer.status, answer.failed) == (500, "True")
    assert "300" in answer.message
    assert server.post("1").text == "1"


def test_row_134_a_script_may_catch_its_timeout(servers):
    answer = servers.shared(EVALUATES, scoring_timeout_ms=300).post("catching(60)")
    assert (answer.status, answer.json()) == (200, "c")
    assert 250 < float(answer.headers["x-ms-run-fn-exec-ms"]) < 20_000


def test_row_135_no_timeout(servers):
    assert servers.shared(EVALUATES, scoring_timeout_ms=0).post("time.sleep(0.5)").status == 200


def test_row_136_a_script_that_ends_its_process(servers):
    server = servers.start(EVALUATES)
    pid = server.post("os.getpid()").json()
    answer = server.post("os._exit(1)")
    assert (answer.status, answer.failed) == (500, "True")
    assert answer.message == "the scorer process ended"
    assert server.post("os.getpid()").json() != pid


def test_long_lists_are_json_as_well(server):
    answer = server.post("[[float(i), i / 7] for i in range(500)]")
    assert answer.json() == [[float(i), i / 7] for i in range(500)]
    answer = server.post("list(range(1000))")
    assert answer.json() == list(range(1000))
    answer = server.post("[math.nan] * 100")
    assert json.dumps(answer.json()) == json.dumps([float("nan")] * 100)


@pytest.mark.parametrize(
    ("expression", "body"),
    [
        ('RESP(generate(["abc", "def"]), 200, {"Content-Length": "6"})', b"abcdef"),
        ('RESP(generate(["abc", "def"]), 200, {"Content-Length": "4"})', b"abcd"),
        ('RESP(generate(["abc", "def"]), 204)', b""),
        ('RESP(generate(["abc", "def"]), 304)', b""),
    ],
)
def test_a_stream_never_runs_into_the_next_answer(server, expression, body):
    with server.connect() as connection:
        answer = connection.request("POST", "/score", expression.encode())
        assert answer.body == body
        if answer.headers.get("connection") != "close":
            following = connection.request("POST", "/score", b"'next'")
            assert (following.version, following.json()) == ("HTTP/1.1", "next")
    assert server.post("'next'").json() == "next"


def test_a_stream_that_is_shorter_than_announced_is_cut(server):
    with server.connect() as connection, pytest.raises(ConnectionError):
        connection.request("POST", "/score", b'RESP(generate(["abc"]), 200, {"Content-Length": "6"})')
    assert server.post("'next'").json() == "next"
