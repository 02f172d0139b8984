"""Table requests: a frame that comes by column is the one that JSON gives, in every Python and pandas."""

import json

import pytest

from moorage_runtime import frames
from moorage_server import native
from moorage_server.description import TableInput
from moorage_server.fasttables import TableDecoder

pytestmark = pytest.mark.skipif(native.readers is None, reason="the parser of tables is not compiled here")

SCRIPT = """
    import pandas as pd
    from inference_schema.schema_decorators import input_schema
    from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType

    sample = pd.DataFrame({"name": ["Ann"], "age": [30], "weight": [61.5], "member": [True]})
    sample["small"] = pd.Series([1], dtype="int8")
    sample["half"] = pd.Series([1.5], dtype="float32")

    def init():
        pass

    @input_schema("data", PandasParameterType(sample))
    def run(data):
        types = [str(dtype) for dtype in data.dtypes]
        if (data["age"] == 99).any():
            raise ValueError("too old")
        data["age"] += 0
        data.loc[0, "weight"] = data.loc[0, "weight"]
        assert list(data.index) == list(range(len(data)))
        return [[list(data.columns), types, [repr(value) for value in row]] for row in data.values.tolist()]
"""
ROW = {"name": "Bo", "age": 41, "weight": 70.25, "member": False, "small": 7, "half": 0.1}
TABLES = [
    [ROW],
    [{**ROW, "name": f"\u00e9 {number}", "age": number} for number in range(90)],
    [dict(reversed(list(ROW.items())))] * 3,
    [ROW, {**ROW, "weight": 3, "half": 1e30, "small": 300}, {**ROW, "weight": None, "name": ""}],
]


@pytest.fixture(scope="module")
def tables(module_scorer, numpy_python):
    client = module_scorer(SCRIPT, python=numpy_python)
    if "pandas" not in client.ready["libraries"]:
        pytest.skip("there is no pandas in this environment")
    return client


def decoder_of(client):
    told = client.ready["table_input"]
    expected = TableInput(told["parameter"], tuple(map(tuple, told["columns"])))
    assert TableDecoder.suits(expected)
    return TableDecoder(expected)


def payload_of(client, rows):
    payload = decoder_of(client).decode(json.dumps({"data": rows}).encode())
    assert payload is not None
    return payload


def test_ready_says_what_the_front_may_send(tables):
    assert tables.ready["table_input"]["parameter"] == "data"
    columns = dict(tables.ready["table_input"]["columns"])
    assert columns.pop("name") in ("s", "t")
    assert columns == {"age": "i", "weight": "d", "member": "b", "small": "i", "half": "d"}
    assert tables.ready["array_input"] is None


@pytest.mark.parametrize("rows", TABLES)
def test_a_table_is_what_json_gives(tables, rows):
    reply = tables.score(frames.TABLE, payload_of(tables, rows))
    assert len(reply.json) == len(rows)
    assert reply.json == tables.json({"data": rows}).json


def test_tables_that_queue_are_scored_together(module_scorer, numpy_python):
    client = module_scorer(SCRIPT, python=numpy_python, max_batch_size=8)
    payloads = [payload_of(client, rows) for rows in TABLES]
    for _ in range(5):
        replies = client.exchange(payloads * 3, kind=frames.TABLE)
        for reply, rows in zip(replies, TABLES * 3, strict=True):
            assert len(reply.json) == len(rows)
            assert reply.json == client.json({"data": rows}).json
    bad = payload_of(client, [{**ROW, "age": 99}])
    replies = client.exchange([payloads[0], bad, payloads[0]], kind=frames.TABLE)
    assert [reply.type for reply in replies] == [frames.RESULT, frames.ERROR, frames.RESULT]


def test_a_table_for_a_script_that_has_announced_none(scorer):
    client = scorer("def init(): pass\ndef run(data): return data")
    assert client.ready["table_input"] is None
    client.post(frames.TABLE, bytes(20))
    assert client.process.wait(10) != 0
    assert "kind of request" in client.log


STRICT = """
    import warnings
    import numpy as np
    import pandas as pd
    from inference_schema.schema_decorators import input_schema
    from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType

    def init():
        %s

    @input_schema("data", PandasParameterType(pd.DataFrame({"x": pd.Series([1.5], dtype="float32")})))
    def run(data):
        return data["x"].tolist()
"""


@pytest.mark.parametrize("strictness", ["warnings.simplefilter('error')", "np.seterr(all='raise')"])
def test_errors_of_the_conversion_are_those_of_json(scorer, strictness):
    client = scorer(STRICT % strictness)
    for value in (1e39, 1e-46, 0.5, None):
        reply = client.score(frames.TABLE, payload_of(client, [{"x": value}]))
        expected = client.json({"data": [{"x": value}]})
        # Text: NaN is no JSON, and differs from itself. Each answer begins with the time that run() took.
        assert (reply.type, reply.kind) == (expected.type, expected.kind)
        assert reply.content == expected.content
    assert client.process.poll() is None


WRAPPED = """
    import functools
    import numpy as np
    import pandas as pd
    from inference_schema.schema_decorators import input_schema, output_schema
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
    from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType

    def init():
        pass

    def audited(function):
        @functools.wraps(function)
        def call(data):
            return [type(data).__name__, function(data=data)]
        return call

    def closed(function):
        def call(data):
            return [type(data).__name__, function(data=data)]
        return call

    @{outside}
    @input_schema("data", {kind})
    @output_schema(NumpyParameterType(np.array([1.5])))
    def run(data):
        return type(data).__name__
"""
PANDAS, NUMPY = 'PandasParameterType(pd.DataFrame({"x": [1.5]}))', "NumpyParameterType(np.array([[1.5]]))"


@pytest.mark.parametrize("kind", [PANDAS, NUMPY])
@pytest.mark.parametrize("outside", ["audited", "closed"])
def test_a_decorator_of_the_scripts_own_sees_what_json_says(scorer, kind, outside):
    client = scorer(WRAPPED.format(outside=outside, kind=kind), max_batch_size=4)
    assert (client.ready["table_input"], client.ready["array_input"]) == (None, None)
    rows = [{"x": 2.5}] if kind is PANDAS else [[2.5]]
    body = json.dumps({"data": rows}).encode()
    for reply in client.exchange([body] * 3, kind=frames.JSON):
        assert reply.json == ["list", "DataFrame" if kind is PANDAS else "ndarray"]


@pytest.mark.parametrize("kind", [PANDAS, NUMPY])
@pytest.mark.parametrize("inside", ["staticmethod", "output_schema(NumpyParameterType(np.array([2])))"])
def test_other_decorators_that_are_ours_do_not_stand_between(scorer, kind, inside):
    script = WRAPPED.replace("    @output_schema(NumpyParameterType(np.array([1.5])))\n", "")
    client = scorer(script.format(outside=inside, kind=kind))
    assert (client.ready["table_input"] is None) is (kind is NUMPY)
    assert (client.ready["array_input"] is None) is (kind is PANDAS)
