"""Array requests, and scoring what queued together in one call."""

import json
import struct
import threading

import pytest

from moorage_runtime import frames

NUMPY = """
    import numpy as np
    from inference_schema.schema_decorators import input_schema, output_schema
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

    calls = []

    def init():
        pass

    @input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
    @output_schema(NumpyParameterType(np.array([1.0])))
    def run(data):
        calls.append(len(data))
        if data.ndim != 2:
            raise ValueError("not rows")
        first = data[0, 0]
        if first == -1:
            return [str(data.dtype), data.shape, data.flags.writeable, data.flags.aligned, data.flags.owndata]
        if first == -2:
            return calls
        if first == -3:
            return data.sum(axis=1)
        if first == -4:
            return data.astype("f4") / 3
        if first == -5:
            return np.float64(1) / data.sum()
        if (data < -100).any():
            raise ValueError("too small")
        if first == 77:
            return "one text for all"
        data *= 2
        return data.sum(axis=1).tolist()
"""


def rows_of(array):
    return struct.unpack(f"<{len(array) // 8}d", array)


@pytest.fixture(scope="module")
def arrays(module_scorer, numpy_python):
    return module_scorer(NUMPY, python=numpy_python)


def test_ready_says_what_the_front_may_send(arrays) -> None:
    assert arrays.ready["array_input"] == {
        "parameter": "data", "type": "f8", "shape": [None, 2], "enforce_shape": True,
    }  # fmt: skip
    assert arrays.ready["array_output"] is True
    assert arrays.ready["batchable"] is True
    assert arrays.ready["sample"] == '{"data": [[1.0, 2.0]]}'
    assert "numpy" in arrays.ready["libraries"]
    assert set(arrays.ready["openapi"]) == {"2", "3", "3.1"}


def test_array_is_an_ordinary_one(arrays) -> None:
    assert arrays.array([[-1.0, 2.0]]).json == ["float64", [1, 2], True, True, True]
    assert arrays.array([[1.0, 2.0], [3.0, 4.5]]).json == [6.0, 15.0]


def test_json_gives_the_same(arrays) -> None:
    assert arrays.json({"data": [[1, 2], [3, 4.5]]}).json == [6.0, 15.0]
    reply = arrays.json({"data": [[1, 2, 3]]})
    assert (reply.error, reply.json["status"]) == (frames.CLIENT_ERROR, 400)
    assert "data" in reply.json["message"]


def test_refused_input_may_be_a_server_error_as_it_was(scorer) -> None:
    client = scorer(NUMPY, legacy_status=True)
    assert client.json({"data": [[1, 2, 3]]}).error == frames.SCRIPT_ERROR


def test_decorator_of_another_parameter_is_the_scripts_fault(scorer) -> None:
    client = scorer(NUMPY.replace('input_schema("data"', 'input_schema("other"'))
    assert client.json({"data": [[1, 2]]}).error == frames.SCRIPT_ERROR
    reply = client.json({"other": [[1, 2]]})
    assert (reply.error, "'data'" in reply.json["message"]) == (frames.CLIENT_ERROR, True)


def test_numpy_results_of_a_declared_output(arrays) -> None:
    assert arrays.array([[-3.0, 5.0]]).json == [2.0]
    code, shape, values = arrays.array([[-3.0, 5.0]] * 100).array
    assert (code, shape, values) == ("f8", (100,), [2.0] * 100)
    reply = arrays.array([[-4.0, 1.0]] * 100)
    assert reply.array[:2] == ("f8", (100, 2))
    assert reply.array[2][1] == struct.unpack("f", struct.pack("f", 1 / 3))[0]


def test_numpy_results_without_a_declaration_are_refused(scorer) -> None:
    client = scorer("import numpy as np\ndef init(): pass\ndef run(data): return eval(data)")
    for expression in ("np.zeros(2)", "np.float32(1)", "np.int64(1)", "np.bool_(1)", "{'a': np.zeros(1)}"):
        assert client.text(expression).error == frames.NOT_SERIALISABLE
    assert client.text("np.float64(1.5)").text == "1.5"
    assert client.text("np.str_('a')").text == '"a"'


def test_values_that_are_not_finite_stay_tokens(arrays) -> None:
    reply = arrays.array([[-3.0, float("nan")]] + [[1.0, 1.0]] * 99)
    assert reply.text.startswith("[NaN, 2.0, ")


def pack(rows, code="f8"):
    flat = [x for row in rows for x in row]
    letter = {"f8": "d", "i8": "q"}[code]
    return frames.pack_array(code, (len(rows), len(rows[0])), struct.pack(f"<{len(flat)}{letter}", *flat))


@pytest.fixture
def batching(scorer, numpy_python):
    client = scorer(NUMPY, python=numpy_python, max_batch_size=16)
    client.calls = lambda: client.score(frames.ARRAY, pack([[-2.0, 0.0]]), flags=frames.NO_BATCH).json[:-1]
    return client


def test_queued_requests_are_scored_in_one_call(batching) -> None:
    replies = batching.exchange([pack([[float(i), 1.0]] * (i % 3 + 1)) for i in range(40)])
    assert [reply.json for reply in replies] == [[2.0 * i + 2.0] * (i % 3 + 1) for i in range(40)]
    calls = batching.calls()
    assert sum(calls) == sum(i % 3 + 1 for i in range(40))
    assert len(calls) <= 4
    assert len({reply.elapsed_ms for reply in replies}) == len(calls)


def test_without_batching_each_request_is_a_call(scorer) -> None:
    client = scorer(NUMPY)
    client.exchange([pack([[1.0, 1.0]])] * 10)
    assert client.array([[-2.0, 0.0]]).json == [1] * 11


def test_no_batch_is_respected(batching) -> None:
    batching.exchange([pack([[1.0, 1.0]])] * 10, flags=frames.NO_BATCH)
    assert batching.calls() == [1] * 10


def test_bad_request_does_not_fail_its_neighbours(batching) -> None:
    payloads = [pack([[float(i), 1.0]]) for i in range(10)]
    payloads[4] = pack([[-500.0, 1.0]])
    replies = batching.exchange(payloads)
    assert replies[4].error == frames.SCRIPT_ERROR
    good = [reply for reply in replies if reply is not replies[4]]
    assert [reply.json for reply in good] == [[2.0 * i + 2.0] for i in range(10) if i != 4]
    assert batching.log.count("run() failed") == 1


def test_arrays_of_another_form_are_not_joined(batching) -> None:
    payloads = [pack([[1.0, 1.0]]), pack([[1, 1]], "i8"), pack([[1.0, 1.0, 1.0]]), pack([[2.0, 2.0]])]
    replies = batching.exchange(payloads)
    assert [reply.json for reply in replies] == [[4.0], [4], [6.0], [8.0]]


def test_result_that_has_no_rows_is_asked_for_one_by_one(batching) -> None:
    replies = batching.exchange([pack([[77.0, 1.0]]), pack([[1.0, 1.0]]), pack([[2.0, 1.0]])])
    assert [reply.json for reply in replies] == ["one text for all", [4.0], [6.0]]


def test_array_results_are_split(batching) -> None:
    replies = batching.exchange([pack([[-3.0, float(i)]] * 2) for i in range(5)])
    assert [reply.json for reply in replies] == [[i - 3.0] * 2 for i in range(5)]


def carried(rows, code, carrier):
    flat = [x for row in rows for x in row]
    head = frames.pack_array(code, (len(rows), len(rows[0])), b"")
    size = int(carrier[1])
    return head[:3] + bytes([size]) + head[4:] + struct.pack(f"<{len(flat)}{' bh i'[size]}", *flat)


@pytest.mark.parametrize("carrier", ["i1", "i2", "i4"])
@pytest.mark.parametrize("code", ["f8", "i8"])
def test_numbers_may_be_carried_as_smaller_ones(scorer, numpy_python, code, carrier) -> None:
    client = scorer(NUMPY, python=numpy_python)
    replies = client.exchange([carried([[5, -100], [7, 1]], code, carrier), pack([[5, 1]], code)])
    expected = ["[-190.0, 16.0]", "[12.0]"] if code == "f8" else ["[-190, 16]", "[12]"]
    assert [reply.text for reply in replies] == expected


def test_arrays_are_joined_however_they_are_carried(batching) -> None:
    payloads = [pack([[1.0, 1.0]]), carried([[2, 1]], "f8", "i1"), carried([[300, 1], [4, 1]], "f8", "i2")]
    replies = batching.exchange([*payloads, pack([[0.5, 1.0]])])
    assert [reply.json for reply in replies] == [[4.0], [6.0], [602.0, 10.0], [3.0]]
    assert batching.calls() == [5]


def test_empty_requests_are_batched_too(batching) -> None:
    empty = frames.pack_array("f8", (0, 2), b"")
    replies = batching.exchange([pack([[1.0, 1.0]]), empty, pack([[2.0, 1.0]])])
    assert [reply.json for reply in (replies[0], replies[2])] == [[4.0], [6.0]]
    assert replies[1].json == [] or replies[1].error == frames.SCRIPT_ERROR


def test_delay_collects_what_comes_a_little_later(scorer) -> None:
    client = scorer(NUMPY, max_batch_size=8, max_batch_delay_ms=2000)
    for number in range(8):
        client.send(frames.SCORE, pack([[float(number), 1.0]]), 0, frames.ARRAY, number + 1)
        if number == 0:
            # The first one waits alone for the rest.
            threading.Event().wait(0.05)
    replies = [client.reply() for _ in range(8)]
    assert [reply.json for reply in replies] == [[2.0 * i + 2.0] for i in range(8)]
    assert len({reply.elapsed_ms for reply in replies}) == 1


def test_delay_ends(scorer) -> None:
    client = scorer(NUMPY, max_batch_size=8, max_batch_delay_ms=20)
    assert client.array([[1.0, 1.0]]).json == [4.0]


def test_headers_and_more_parameters(scorer) -> None:
    source = NUMPY.replace("def run(data):", "def run(data, request_headers, scale=3.0):").replace(
        "data *= 2", "return [request_headers.get('X-A'), scale]"
    )
    client = scorer(source, max_batch_size=4)
    assert client.ready["batchable"] is False
    assert client.score(frames.JSON, b'{"data": [[1, 2]]}', headers=[["x-a", "b"]]).json == ["b", 3.0]


def test_pandas_results(scorer) -> None:
    source = """
        import pandas as pd
        from inference_schema.schema_decorators import output_schema
        from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
        def init(): pass
        @output_schema(PandasParameterType(pd.DataFrame({"a": [1], "t": ["x"]})))
        def run(data): return pd.DataFrame({"a": [1, 2], "t": ["x", None]})
    """
    client = scorer(source)
    assert client.json({"data": 1}).json == [{"a": 1, "t": "x"}, {"a": 2, "t": None}]
    client = scorer("import pandas as pd\ndef init(): pass\ndef run(d): return pd.DataFrame({'a': [1]})")
    assert client.text("x").error == frames.NOT_SERIALISABLE


TABLES = """
    import pandas as pd
    from inference_schema.schema_decorators import input_schema, output_schema
    from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType

    calls = []

    def init():
        pass

    @input_schema("data", PandasParameterType(pd.DataFrame({"x": [1.0], "t": ["a"]})))
    def run(data):
        calls.append(len(data))
        if len(data) and data["x"].iloc[0] == -2:
            return calls
        if (data["x"] < -100).any():
            raise ValueError("too small")
        return [float(x) * len(t) for x, t in zip(data["x"], data["t"])]
"""


def test_tables_are_scored_together(scorer) -> None:
    client = scorer(TABLES, max_batch_size=16)
    assert client.ready["batchable"] is True
    bodies = [[{"x": float(i), "t": "ab"}] * (i % 3 + 1) for i in range(30)]
    bodies[5] = [{"x": -500.0, "t": "a"}]
    bodies[6] = [{"x": "no number", "t": "a"}]
    bodies[7] = "no table"
    messages = b"".join(
        frames.pack(frames.SCORE, json.dumps({"data": body}).encode(), 0, frames.JSON, number)
        for number, body in enumerate(bodies)
    )
    client.socket.sendall(messages)
    replies = [client.reply() for _ in bodies]
    assert [reply.request_id for reply in replies] == list(range(30))
    assert replies[5].error == frames.SCRIPT_ERROR
    assert [replies[i].error for i in (6, 7)] == [frames.CLIENT_ERROR] * 2
    for number, reply in enumerate(replies):
        if number not in (5, 6, 7):
            assert reply.json == [2.0 * number] * (number % 3 + 1)
    query = json.dumps({"data": [{"x": -2.0, "t": ""}]}).encode()
    calls = client.score(frames.JSON, query, flags=frames.NO_BATCH).json
    assert len(calls) < 27


def test_batching_is_given_up_where_it_never_helps(scorer) -> None:
    source = """
        import numpy as np
        from inference_schema.schema_decorators import input_schema
        from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
        calls = []
        def init(): pass
        @input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
        def run(data):
            calls.append(len(data))
            return {"calls": len(calls), "largest": max(calls[-4:])}
    """
    client = scorer(source, max_batch_size=2)
    for _ in range(12):
        client.exchange([pack([[1.0, 1.0]])] * 8)
    assert client.exchange([pack([[1.0, 1.0]])] * 4)[3].json["largest"] == 1
    assert "one by one" in client.log
