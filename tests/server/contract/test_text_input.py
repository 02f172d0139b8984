"""Undecorated scripts: what they get as text. Rows 15-49 of the case table."""

import re

import pytest

ECHO = """
def init(): pass
def run(data):
    return {"type": type(data).__name__, "data": data}
"""
HDR = """
def init(): pass
def run(data, request_headers):
    return request_headers
"""
DEFAULTS = """
def init(): pass
def run(data, color="red"):
    return color
"""
TWO = """
def init(): pass
def run(a, b):
    return a
"""
KEYWORD_ONLY = """
def init(): pass
def run(*, d):
    return d
"""
J = {"Content-Type": "application/json"}


@pytest.fixture
def echo(servers):
    return servers.shared(ECHO)


def test_row_15_json_stays_text(echo):
    answer = echo.post('{"a": 1}', J)
    assert answer.status == 200
    assert answer.text == '{"type": "str", "data": "{\\"a\\": 1}"}'
    assert answer.headers["content-type"] == "application/json"
    assert answer.failed == "False"
    assert re.fullmatch(r"\d+\.\d{3}", answer.headers["x-ms-run-fn-exec-ms"])
    assert answer.has_ids


@pytest.mark.parametrize(
    ("row", "content_type"),
    [(16, None), (17, "text/plain"), (18, "application/octet-stream"), (21, "multipart/form-data")],
)
def test_rows_16_to_21_the_content_type_does_not_matter(echo, row, content_type):
    answer = echo.post('{"a": 1}', {} if content_type is None else {"Content-Type": content_type})
    assert answer.json() == {"type": "str", "data": '{"a": 1}'}


@pytest.mark.parametrize(
    ("row", "content_type", "body"),
    [
        (19, "application/x-www-form-urlencoded", '{"a": 1}'),
        (19, "Application/X-WWW-Form-Urlencoded; charset=utf-8", "a=1"),
        (
            20,
            "multipart/form-data; boundary=b",
            '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n',
        ),
        (20, 'multipart/form-data; boundary="b c"', "--b c--\r\n"),
    ],
)
def test_rows_19_and_20_forms_arrive_empty(echo, row, content_type, body):
    assert echo.post(body, {"Content-Type": content_type}).json()["data"] == ""


@pytest.mark.parametrize(
    ("row", "body", "text"),
    [
        (22, b"", ""),
        (24, b"\xef\xbb\xbf{}", "\ufeff{}"),
        (25, b"not json", "not json"),
        (0, "é€😀".encode(), "é€😀"),
        (0, b"\x00a", "\x00a"),
    ],
)
def test_rows_22_to_25_bodies(echo, row, body, text):
    answer = echo.post(body)
    assert (answer.status, answer.json()["data"]) == (200, text)


def test_row_23_a_body_that_is_not_utf_8(echo):
    answer = echo.post(b"\xff")
    assert answer.status == 400
    assert "UTF-8" in answer.message.upper()
    assert "0xff" in answer.message
    assert answer.failed == "False"
    assert "x-ms-run-fn-exec-ms" not in answer.headers
    assert answer.has_ids


def test_row_26_chunked_body(echo):
    with echo.connect() as connection:
        connection.send(b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n")
        connection.send(b"3\r\nllo\r\n0\r\n\r\n")
        assert connection.answer().json()["data"] == "hello"


def test_row_27_the_query_of_a_post_is_ignored(echo):
    assert echo.post("b", target="/score?a=1").json()["data"] == "b"


@pytest.mark.parametrize(
    ("row", "query", "text"),
    [
        (28, "", "{}"),
        (29, "?p=2&q=[3,4]&r=w&s=null", '{"p": 2, "q": [3, 4], "r": "w", "s": null}'),
        (30, "?hue=red&k=v&hue=blue", '{"hue": ["red", "blue"], "k": "v"}'),
        (31, "?a=1&a=x&a=[1]", '{"a": [1, "x", [1]]}'),
        (32, "?a=", '{"a": ""}'),
        (32, "?a", '{"a": ""}'),
        (33, "?a=1+2", '{"a": "1 2"}'),
        (34, "?a=%7B%22x%22%3A1%7D", '{"a": {"x": 1}}'),
        (
            35,
            '?a=true&b=True&c=1e3&d=NaN&e="s"',
            '{"a": true, "b": "True", "c": 1000.0, "d": NaN, "e": "s"}',
        ),
        (36, "?a=01&b=%201", '{"a": "01", "b": 1}'),
        (37, "?a=%C3%A9", '{"a": "\\u00e9"}'),
        (38, "?a=%ff", '{"a": "%FF"}'),
        (39, "?a=1;b=2", '{"a": "1;b=2"}'),
        (40, "?A=1&a=2", '{"A": 1, "a": 2}'),
        (0, "?&&a=%2B1&=x&", '{"a": "+1", "": "x"}'),
        (0, "?a=-Infinity", '{"a": -Infinity}'),
    ],
)
def test_rows_28_to_40_query_strings(echo, row, query, text):
    answer = echo.get(f"/score{query}")
    assert (answer.status, answer.json()["data"]) == (200, text)


def test_row_41_the_body_of_a_get_is_ignored(echo):
    answer = echo.request("GET", "/score?a=1", b'{"a": 2}', J)
    assert answer.json()["data"] == '{"a": 1}'


def test_row_42_defaults_of_further_parameters(servers):
    assert servers.shared(DEFAULTS).get().json() == "red"


def test_row_43_further_parameters_without_default(servers):
    answer = servers.shared(TWO).post("x")
    assert answer.status == 500
    assert answer.failed == "True"
    assert answer.message


def test_row_44_keyword_only_parameter(servers):
    assert servers.shared(KEYWORD_ONLY).post("x").json() == "x"


def test_row_45_headers_in_title_case(servers):
    headers = (
        servers.shared(HDR).post("x", {"test-header": "v", "x-ms-request-id": "B", "TraceId": "t"}).json()
    )
    assert headers["Test-Header"] == "v"
    assert headers["X-Ms-Request-Id"] == "B"
    assert headers["Traceid"] == "t"


def test_row_46_repeated_headers_are_joined(servers):
    answer = servers.shared(HDR).post("x", [("Foo-Dup", "1"), ("foo-dup", "2")])
    assert answer.json()["Foo-Dup"] == "1,2"


def test_row_47_headers_with_an_underscore_are_dropped(servers):
    headers = servers.shared(HDR).post("x", {"foo_bar": "1", "Foo-Baz": "2"}).json()
    assert "Foo-Baz" in headers
    assert not [name for name in headers if "bar" in name.lower()]


def part(name, content):
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + content + b"\r\n"


@pytest.mark.parametrize(
    ("row", "body", "status"),
    [
        (48, part("a", b"x" * 500_001), 413),
        (0, part("a", b"x" * 500_000), 200),
        (49, b"".join(part(str(n), b"x") for n in range(1001)), 413),
        (0, b"".join(part(str(n), b"x") for n in range(1000)), 200),
        (0, part('a"; filename="f', b"x" * 500_001), 200),
    ],
)
def test_rows_48_and_49_limits_of_multipart_forms(echo, row, body, status):
    answer = echo.post(body + b"--b--\r\n", {"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status == status
    if status == 413:
        assert answer.failed == "False"
        assert answer.message
