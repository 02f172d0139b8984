"""Schema-decorated scripts: arguments from a JSON object. Rows 50-97 of the case table.

Input that the schema refuses is answered with 400; ``legacy_status`` brings the old 500 back.
"""

import json
import math

import pytest

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
MULTI = """
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType as Std

def init(): pass

@input_schema("a", Std(1))
@input_schema("b", Std(2.0), optional=True)
def run(a, request_headers, b=7.5, *, c="kw", d=None):
    return {"a": a, "b": b, "c": c, "d": d, "headers": type(request_headers).__name__,
            "x": request_headers.get("x"), "foo": request_headers.get("Foo")}
"""
OUT = """
import numpy as np
from inference_schema.schema_decorators import output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

def init(): pass

@output_schema(NumpyParameterType(np.array([1.0])))
def run(data, x=1):
    return [data, x]
"""
OTHER_NAME = """
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType as Std

def init(): pass

@input_schema("decorated", Std(1))
def run(parameter):
    return parameter
"""


@pytest.fixture
def np_server(servers):
    return servers.shared(NP)


@pytest.fixture
def multi(servers):
    return servers.shared(MULTI)


@pytest.mark.parametrize(
    ("row", "body", "value"),
    [
        (50, '{"data": [[1,2],[3,4]]}', [[1.0, 2.0], [3.0, 4.0]]),
        (51, '{"data": [[1,2],[3,4]], "more": "x"}', [[1.0, 2.0], [3.0, 4.0]]),
        (60, b'\xef\xbb\xbf{"data": [[1,2]]}', [[1.0, 2.0]]),
        (61, '{"data": [[1,2]]}'.encode("utf-16"), [[1.0, 2.0]]),
        (61, '{"data": [[1,2]]}'.encode("utf-32"), [[1.0, 2.0]]),
        (68, '{"data": [[1,NaN]]}', [[1.0, math.nan]]),
        (68, '{"data": [[-Infinity,1e999]]}', [[-math.inf, math.inf]]),
        (69, '{"data": [[5,6]], "data": [[1,2]]}', [[1.0, 2.0]]),
        (75, '{"data": [["1","2"]]}', [[1.0, 2.0]]),
        (76, '{"data": [[null,1]]}', [[math.nan, 1.0]]),
        (0, '{"data": [[true,false]]}', [[1.0, 0.0]]),
        (0, '{"d\\u0061ta": [[1,2]]}', [[1.0, 2.0]]),
        (0, '{"data": [[0.1,1e-320]]}', [[0.1, 1e-320]]),
        (0, ' \n{"data"\t:\r\n[ [ 1 , 2 ] ] } ', [[1.0, 2.0]]),
    ],
)
def test_rows_50_to_76_arrays(np_server, row, body, value):
    answer = np_server.post_json(body)
    assert answer.status == 200, answer.body
    content = answer.json()
    assert content["dt"] == "float64"
    assert json.dumps(content["v"]) == json.dumps(value)
    assert answer.failed == "False"


@pytest.mark.parametrize(
    ("row", "body", "words"),
    [
        (52, '{"Data": [[1,2]]}', ["'data'"]),
        (53, "{}", ["'data'"]),
        (54, "[[1,2]]", ["object"]),
        (54, "null", ["object"]),
        (54, '"x"', ["object"]),
        (54, "5", ["object"]),
        (55, "", ["empty"]),
        (56, "{", ["line 1 column 2"]),
        (57, '{"data": [[1,2]]} x', ["line 1 column"]),
        (58, " \n ", ["line"]),
        (59, b"\xff", ["decode"]),
    ],
)
def test_rows_52_to_59_bodies_that_cannot_be_used(np_server, row, body, words):
    answer = np_server.post_json(body)
    assert answer.status == 400
    assert answer.failed == "False"
    for word in words:
        assert word in answer.message
    if row == 58:
        assert "empty" not in answer.message


@pytest.mark.parametrize(
    ("row", "body", "content_type"),
    [
        (62, '{"data": [[1,2]]}', None),
        (63, "", None),
        (64, '{"data": [[1,2]]}', "text/plain"),
        (64, '{"data": [[1,2]]}', "text/json"),
        (64, '{"data": [[1,2]]}', "application/x-www-form-urlencoded"),
        (64, '{"data": [[1,2]]}', "*/*"),
        (0, '{"data": [[1,2]]}', ""),
        (0, '{"data": [[1,2]]}', "application/json, text/plain"),
    ],
)
def test_rows_62_to_64_content_types_that_are_not_json(np_server, row, body, content_type):
    answer = np_server.post(body, {} if content_type is None else {"Content-Type": content_type})
    assert answer.status == 415
    assert answer.failed == "False"
    assert "application/json" in answer.message


@pytest.mark.parametrize(
    ("row", "content_type"),
    [
        (65, "application/json; charset=utf-8"),
        (66, "APPLICATION/JSON"),
        (67, "application/vnd.x+json"),
        (0, "application/json;charset=utf-8;x=y"),
    ],
)
def test_rows_65_to_67_content_types_that_are_json(np_server, row, content_type):
    assert np_server.post('{"data": [[1,2]]}', {"Content-Type": content_type}).status == 200


REFUSED = [
    (70, '{"data": [1,2]}'),
    (71, '{"data": [[1,2,3]]}'),
    (72, '{"data": [[1,2],[3]]}'),
    (72, '{"data": [[1,2],[3,4,5],[6]]}'),
    (73, '{"data": []}'),
    (74, '{"data": "x"}'),
    (74, '{"data": null}'),
    (74, '{"data": 5}'),
    (74, '{"data": {"a":1}}'),
    (0, '{"data": [[1,"a"]]}'),
    (0, '{"data": [[[1,2]]]}'),
]


@pytest.mark.parametrize(("row", "body"), REFUSED)
def test_rows_70_to_74_input_that_the_schema_refuses(np_server, row, body):
    answer = np_server.post_json(body)
    assert answer.status == 400, answer.body
    assert answer.failed == "False"
    assert answer.message
    assert "x-ms-run-fn-exec-ms" not in answer.headers


@pytest.mark.parametrize(("row", "body"), REFUSED)
def test_rows_70_to_74_with_the_old_status(servers, row, body):
    answer = servers.shared(NP, legacy_status=True).post_json(body)
    assert answer.status == 500
    assert answer.failed == "True"
    assert answer.message
    assert "x-ms-run-fn-exec-ms" not in answer.headers


@pytest.mark.parametrize(
    ("row", "query", "value"),
    [
        (77, "data=[[1,2]]", [[1.0, 2.0]]),
        (78, "data=[1,2]&data=[3,4]", [[1.0, 2.0], [3.0, 4.0]]),
    ],
)
def test_rows_77_and_78_arrays_in_the_query(np_server, row, query, value):
    assert np_server.get(f"/score?{query}").json()["v"] == value


def test_row_79_get_without_query(np_server):
    answer = np_server.get("/score")
    assert answer.status == 400
    assert "'data'" in answer.message


def test_row_80_get_with_the_wrong_type(servers, np_server):
    assert np_server.get("/score?data=x").status == 400
    answer = servers.shared(NP, legacy_status=True).get("/score?data=x")
    assert (answer.status, answer.failed) == (500, "True")


def test_row_81_chunked_json(np_server):
    with np_server.connect() as connection:
        connection.send(
            b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b'Transfer-Encoding: chunked\r\n\r\n8\r\n{"data":\r\n8\r\n[[1,2]]}\r\n0\r\n\r\n'
        )
        assert connection.answer().json()["v"] == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("row", "body", "expected"),
    [
        (82, '{"a":1}', {"a": 1, "b": 7.5, "c": "kw", "d": None}),
        (83, '{"a":1,"b":2}', {"b": 2}),
        (84, '{"a":1,"b":null}', {"b": None}),
        (87, '{"a":true}', {"a": True}),
        (90, '{"a":1,"c":2,"d":[1]}', {"c": 2, "d": [1]}),
        (91, '{"a":1,"request_headers":{"x":1}}', {"headers": "dict", "x": None, "foo": "bar"}),
    ],
)
def test_rows_82_to_91_several_parameters(multi, row, body, expected):
    answer = multi.post_json(body, {"Foo": "bar"})
    assert answer.status == 200, answer.body
    content = answer.json()
    assert {name: content[name] for name in expected} == expected
    if row == 83:
        assert isinstance(content["b"], int)
    if row == 87:
        assert content["a"] is True


@pytest.mark.parametrize(("row", "body"), [(85, '{"a":1,"b":"x"}'), (86, '{"a":1.0}'), (88, '{"a":null}')])
def test_rows_85_to_88_values_that_the_schema_refuses(servers, multi, row, body):
    answer = multi.post_json(body)
    assert (answer.status, answer.failed) == (400, "False")
    answer = servers.shared(MULTI, legacy_status=True).post_json(body)
    assert (answer.status, answer.failed) == (500, "True")


def test_row_89_a_missing_parameter(multi):
    answer = multi.post_json('{"b":1}')
    assert answer.status == 400
    assert "'a'" in answer.message


def test_row_92_parameters_from_the_query(multi):
    content = multi.get("/score?a=1&b=3").json()
    assert (content["a"], content["b"]) == (1, 3)


def test_rows_93_to_95_only_an_output_schema(servers):
    server = servers.shared(OUT)
    assert server.post_json('{"data":1}').json() == [1, 1]
    answer = server.post_json('"x"')
    assert answer.status == 400
    assert answer.message
    assert server.post('{"data":1}').status == 415


def test_rows_96_and_97_a_decorator_with_another_name(servers):
    # The smoke run would say so at once.
    server = servers.shared(OTHER_NAME, smoke_run=False)
    answer = server.post_json('{"parameter":1}')
    assert (answer.status, answer.failed) == (500, "True")
    answer = server.post_json('{"decorated":1}')
    assert answer.status == 400
    assert "'parameter'" in answer.message
