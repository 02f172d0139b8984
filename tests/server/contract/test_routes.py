"""Addresses, methods, ids and documents: rows 1-14, 137-148 and 164-168 of the case table."""

import re

import pytest

ECHO = """
def init(): pass
def run(data):
    if data == "raise":
        raise ValueError("secret detail")
    return {"type": type(data).__name__, "data": data}
"""
NP = """
import numpy as np
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

def init(): pass

@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
@output_schema(NumpyParameterType(np.array([1.0])))
def run(data):
    return {"dt": str(data.dtype), "v": data.tolist()}
"""
MIXED_SAMPLE = """
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType

def init(): pass

@input_schema("data", StandardPythonParameterType([1, "a"]))
def run(data):
    return data
"""
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
IDS = ("x-request-id", "x-ms-request-id", "x-ms-client-request-id")


@pytest.fixture
def server(servers):
    return servers.shared(ECHO, server_version="azmlinfsrv/test")


def ids_of(answer):
    return tuple(answer.headers.get(name) for name in IDS)


def test_row_1_health(server):
    answer = server.get("/")
    assert (answer.status, answer.text) == (200, "Healthy")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-length"] == "7"
    request_id, ms_id, client_id = ids_of(answer)
    assert UUID4.fullmatch(request_id)
    assert ms_id == request_id
    assert client_id is None
    assert answer.failed is None
    assert "x-ms-run-fn-exec-ms" not in answer.headers


def test_row_2_health_without_body(server):
    answer = server.request("HEAD", "/")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.has_ids
    assert answer.failed is None


def test_row_3_a_query_on_health_is_ignored(server):
    assert server.get("/?x=1").text == "Healthy"


@pytest.mark.parametrize(
    ("row", "method", "target", "status"),
    [
        (4, "POST", "/", 405),
        (5, "DELETE", "/", 405),
        (7, "GET", "/nope", 404),
        (8, "POST", "/score/", 404),
        (9, "POST", "/Score", 404),
        (10, "PUT", "/score", 405),
        (10, "PATCH", "/score", 405),
        (0, "POST", "/swagger.json", 405),
        (0, "GET", "/static/x", 404),
        (0, "HEAD", "/nope", 404),
        (0, "OPTIONS", "/nope", 404),
    ],
)
def test_rows_4_to_10_addresses_and_methods_that_are_not_there(server, row, method, target, status):
    answer = server.request(method, target)
    assert answer.status == status
    assert answer.failed == "False"
    assert ids_of(answer) == (None, None, None)
    assert "x-ms-server-version" not in answer.headers
    assert answer.headers["content-type"] == "application/json"
    if method != "HEAD":
        assert answer.message


def test_row_6_options_on_health(server):
    answer = server.request("OPTIONS", "/")
    assert (answer.status, answer.body) == (200, b"")
    assert {word.strip() for word in answer.headers["allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}
    assert answer.failed is None


def test_options_and_head_on_the_documents(server):
    answer = server.request("OPTIONS", "/swagger.json")
    assert (answer.status, answer.body) == (200, b"")
    assert "GET" in answer.headers["allow"]
    assert server.request("HEAD", "/swagger.json").status == 200


def test_row_11_the_method_is_checked_before_the_ids(server):
    answer = server.request("DELETE", "/score", headers={"x-request-id": "x" * 101})
    assert answer.status == 405
    assert ids_of(answer) == (None, None, None)


def test_row_12_head_does_not_run_the_script(server):
    answer = server.request("HEAD", "/score")
    assert (answer.status, answer.body) == (405, b"")
    assert answer.has_ids


@pytest.mark.parametrize(("row", "script"), [(13, ECHO), (14, NP)])
def test_rows_13_and_14_options_does_not_run_the_script(servers, row, script):
    answer = servers.shared(script, server_version="azmlinfsrv/test").request("OPTIONS", "/score")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == "0"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.failed == "False"
    assert answer.has_ids
    assert "x-ms-run-fn-exec-ms" not in answer.headers
    assert "allow" not in answer.headers


@pytest.mark.parametrize("target", ["/%73core", "//score", "/score?", "http://example.org/score"])
def test_spellings_of_the_address(server, target):
    assert server.request("POST", target, b"x").json()["data"] == "x"


NEW = "a new one"


@pytest.mark.parametrize(
    ("row", "sent", "expected"),
    [
        (0, {}, (NEW, "same", None)),
        (137, {"x-request-id": "A"}, ("A", "A", None)),
        (138, {"x-ms-request-id": "B"}, (NEW, "B", "B")),
        (139, {"x-ms-client-request-id": "C"}, (NEW, "C", "C")),
        (140, {"x-request-id": "A", "x-ms-request-id": "B", "x-ms-client-request-id": "C"}, ("A", "B", "C")),
        (0, {"x-request-id": "A", "x-ms-request-id": "B"}, ("A", "B", "B")),
        (0, {"x-request-id": "A", "x-ms-client-request-id": "C"}, ("A", "C", "C")),
        (141, {"x-request-id": "x" * 100}, ("x" * 100, "x" * 100, None)),
        (145, {"x-request-id": ""}, (None, None, None)),
    ],
)
@pytest.mark.parametrize("target", ["/", "/score", "/swagger.json"])
def test_rows_137_to_145_ids(server, target, row, sent, expected):
    answer = server.get(target, sent)
    assert answer.status == 200
    request_id, ms_id, client_id = ids_of(answer)
    if expected[0] == NEW:
        assert UUID4.fullmatch(request_id)
    else:
        assert request_id == expected[0]
    assert ms_id == (request_id if expected[1] == "same" else expected[1])
    assert client_id == expected[2]


def test_row_138_the_older_header_is_logged_as_deprecated(server):
    server.get("/score", {"x-ms-request-id": "B-deprecated"})
    log = server.wait_for_log("x-ms-request-id is deprecated")
    assert " W [" in log


@pytest.mark.parametrize("target", ["/", "/score", "/swagger.json"])
def test_row_142_an_over_long_id(server, target):
    answer = server.get(target, {"x-request-id": "x" * 101, "TraceId": "T"})
    assert answer.status == 431
    assert "x-request-id" in answer.message
    assert "100" in answer.message
    assert answer.failed == "False"
    assert ids_of(answer) == (None, None, None)
    assert answer.headers["x-ms-server-version"] == "azmlinfsrv/test"
    assert answer.headers["traceid"] == "T"


@pytest.mark.parametrize(
    ("row", "sent"),
    [
        (143, {"x-ms-request-id": "x" * 101}),
        (144, {"x-ms-client-request-id": "x" * 101, "x-request-id": "A"}),
    ],
)
def test_rows_143_and_144_over_long_older_ids(server, row, sent):
    answer = server.get("/score", sent)
    assert answer.status == 431
    assert "x-ms-request-id" in answer.message
    assert "x-ms-client-request-id" in answer.message
    assert "100" in answer.message
    request_id, ms_id, client_id = ids_of(answer)
    assert request_id == "A" if row == 144 else UUID4.fullmatch(request_id)
    assert ms_id is None
    assert client_id is None


@pytest.mark.parametrize("name", ["TraceId", "traceid", "TRACEID"])
def test_row_146_the_trace_id_comes_back(server, name):
    assert server.get("/score", {name: "T" * 300}).headers["traceid"] == "T" * 300


def test_row_147_ids_on_an_error_of_the_script(server):
    answer = server.post("raise", {"x-request-id": "A"})
    assert answer.status == 500
    assert ids_of(answer) == ("A", "A", None)
    assert "secret detail" not in answer.message


def test_row_148_the_version_header_can_be_switched_off(servers, server):
    assert server.get("/").headers["x-ms-server-version"] == "azmlinfsrv/test"
    off = servers.shared(ECHO, server_version=None)
    assert "x-ms-server-version" not in off.get("/").headers
    assert servers.shared(NP).get("/").headers["x-ms-server-version"].startswith("azmlinfsrv/")


def test_row_164_the_document(server):
    answer = server.get("/swagger.json")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.failed == "False"
    assert answer.has_ids
    assert answer.json()["swagger"] == "2.0"


@pytest.mark.parametrize(
    ("query", "key", "version"),
    [
        ("version=2", "swagger", "2.0"),
        ("version=2.0", "swagger", "2.0"),
        ("version=3", "openapi", "3.0.3"),
        ("version=3.0", "openapi", "3.0.3"),
        ("version=3.1", "openapi", "3.1.0"),
        ("version=3.1&version=2", "openapi", "3.1.0"),
        ("x=1", "swagger", "2.0"),
    ],
)
def test_row_165_versions(server, query, key, version):
    assert server.get(f"/swagger.json?{query}").json()[key] == version


@pytest.mark.parametrize("version", ["1", "", "3.1.0", "abc"])
def test_row_166_unknown_versions(server, version):
    answer = server.get(f"/swagger.json?version={version}")
    assert answer.status == 404
    assert version in answer.message
    assert "[2, 3, 3.1]" in answer.message
    assert answer.has_ids


def test_row_167_a_schema_that_version_2_cannot_express(servers):
    server = servers.shared(MIXED_SAMPLE)
    answer = server.get("/swagger.json?version=2")
    assert answer.status == 404
    assert "[3, 3.1]" in answer.message
    assert server.get("/swagger.json?version=3").status == 200


def test_row_168_a_document_of_the_user(servers):
    server = servers.start(ECHO, files={"swagger.json": '{"u": 1}'})
    assert server.get("/swagger.json").json() == {"u": 1}
    assert server.get("/swagger.json?version=3").json()["openapi"] == "3.0.3"
