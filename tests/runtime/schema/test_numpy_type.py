"""numpy arrays as samples."""

import json
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from moorage_runtime.schema import (
    InputError,
    NumpyParameterType,
    SampleError,
    UnsupportedSample,
    build_documents,
    input_schema,
)

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]  # Python 3.6 with its old hypothesis
UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as")
PLAIN = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "?", ">f8", ">i4"]
RECORDS = [
    [("n", "U4"), ("i", "i4"), ("f", "f8")],
    [("a", "i4"), ("b", [("c", "i4"), ("when", "M8[s]")])],
    [("grid", "f4", (2, 3)), ("flag", "?"), ("raw", "S3")],
    [("t", "m8[ms]", (2,)), ("x", "u1")],
]


def schema_of(sample):
    return NumpyParameterType(sample).input_to_swagger()


def document_example(kind, version="2"):
    """Return the example of a parameter as a client finds it in the document."""

    @input_schema("data", kind)
    def run(data):
        return data

    text = json.dumps(build_documents(run, "s", "1", "")[version], allow_nan=False)
    document = json.loads(text)
    schemas = document.get("definitions") or document["components"]["schemas"]
    return run, schemas["ServiceInput"]["example"]["data"]


def assert_given_back(sample):
    run, example = document_example(NumpyParameterType(sample))
    back = run(data=example)
    assert back.dtype == sample.dtype
    assert back.shape == sample.shape
    np.testing.assert_array_equal(back, sample)


shapes = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)


@settings(max_examples=40, suppress_health_check=SLOW)
@given(st.sampled_from(PLAIN).flatmap(lambda dtype: hnp.arrays(dtype, shapes)))
def test_arrays_of_numbers_come_back_from_their_document(sample) -> None:
    assert_given_back(sample)


# numpy 1.13 loses weeks and months in years that nobody lives in.
LIMITS = {"Y": 10**5, "M": 10**6, "W": 10**6, "D": 10**7, "h": 10**9, "m": 10**9, "s": 10**11}
NOT_A_TIME = -(2**63)


def moments(unit):
    limit = LIMITS.get(unit, 2**62)
    counts = st.integers(-limit, limit) | st.just(NOT_A_TIME)
    return hnp.arrays("i8", shapes, elements=counts).map(lambda array: array.view(f"M8[{unit}]"))


@settings(max_examples=40, suppress_health_check=SLOW)
@given(st.sampled_from(UNITS).flatmap(moments))
def test_moments_of_every_unit_come_back_from_their_document(sample) -> None:
    assert_given_back(sample)


@settings(max_examples=40, suppress_health_check=SLOW)
@given(st.sampled_from(UNITS).flatmap(lambda unit: hnp.arrays(f"m8[{unit}]", shapes)))
def test_durations_of_every_unit_come_back_from_their_document(sample) -> None:
    assert_given_back(sample)


@settings(max_examples=40, suppress_health_check=SLOW)
@given(
    st.sampled_from(["U1", "U7", "S1", "S5"]).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=2, max_side=3))
    )
)
def test_texts_and_bytes_come_back_from_their_document(sample) -> None:
    assert_given_back(sample)


def test_void_and_text_of_any_width_come_back_from_their_document() -> None:
    assert_given_back(np.array([b"ab\0", b"\xff\x80c"], dtype="V3"))
    if hasattr(getattr(np, "dtypes", None), "StringDType"):
        assert_given_back(np.array([["a", "longer text"]], dtype=np.dtypes.StringDType()))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=40, suppress_health_check=SLOW)
@given(st.lists(JSON_VALUES, min_size=1, max_size=4))
def test_objects_come_back_from_their_document(values) -> None:
    sample = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):
        sample[index] = value
    run, example = document_example(NumpyParameterType(sample))
    back = run(data=example)
    assert back.dtype == object
    assert back.tolist() == values


@pytest.mark.parametrize("dtype", RECORDS)
@pytest.mark.parametrize("shape", [(1,), (3,), (2, 2)])
@settings(max_examples=15, suppress_health_check=SLOW)
@given(data=st.data())
def test_records_come_back_from_their_document(dtype, shape, data) -> None:
    dtype = np.dtype(dtype)
    sample = data.draw(hnp.arrays(dtype, shape, elements=record_values(dtype)))
    run, example = document_example(NumpyParameterType(sample))
    back = run(data=example)
    assert back.dtype == dtype
    assert repr(back.tolist()) == repr(sample.tolist())


def record_values(dtype):
    if dtype.subdtype is not None:
        return hnp.arrays(dtype.base, dtype.shape)
    if dtype.names is None:
        return hnp.from_dtype(dtype)
    return st.tuples(*(record_values(dtype.fields[name][0]) for name in dtype.names))


@pytest.mark.parametrize("value", [3, 2.5, True, "ab"])
def test_a_single_value_is_an_array_without_dimensions(value) -> None:
    sample = np.array(value)
    assert_given_back(sample)
    assert "items" not in schema_of(sample)


def test_an_array_without_items_comes_back() -> None:
    assert_given_back(np.zeros((0,)))
    assert_given_back(np.zeros((2, 0)))


@pytest.mark.parametrize(
    ("dtype", "item"),
    [
        ("i1", {"type": "integer", "format": "int8"}),
        ("i8", {"type": "integer", "format": "int64"}),
        ("u2", {"type": "integer", "format": "uint16"}),
        ("?", {"type": "boolean"}),
        ("f2", {"type": "number", "format": "float"}),
        ("f4", {"type": "number", "format": "float"}),
        ("f8", {"type": "number", "format": "double"}),
        ("O", {"type": "object"}),
        ("U3", {"type": "string"}),
        ("S3", {"type": "string", "format": "binary"}),
        ("V3", {"type": "string", "format": "binary"}),
        ("M8[s]", {"type": "string", "format": "date-time"}),
        ("m8[s]", {"type": "string", "format": "timedelta"}),
    ],
)
def test_every_dtype_has_its_schema(dtype, item) -> None:
    schema = schema_of(np.zeros((1, 1), dtype=dtype))
    assert schema["items"] == {"type": "array", "items": item}
    assert schema["type"] == "array"
    assert schema["format"] == "numpy.ndarray"


def test_records_are_objects() -> None:
    sample = np.array([("ab", 1, 2.5)], dtype=[("n", "U4"), ("i", "i4"), ("f", "f8")])
    assert schema_of(sample) == {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "n": {"type": "string"},
                "i": {"type": "integer", "format": "int32"},
                "f": {"type": "number", "format": "double"},
            },
        },
        "example": [{"n": "ab", "i": 1, "f": 2.5}],
        "format": "numpy.ndarray",
    }


def test_records_inside_records_are_objects_inside_objects() -> None:
    sample = np.array([(1, (2, 3.5))], dtype=[("a", "i4"), ("b", [("c", "i4"), ("d", "f8")])])
    schema = schema_of(sample)
    assert schema["items"]["properties"]["b"]["properties"]["c"] == {"type": "integer", "format": "int32"}
    assert schema["example"] == [{"a": 1, "b": {"c": 2, "d": 3.5}}]


@pytest.mark.parametrize("dtype", ["c16", "longdouble"])
def test_numbers_that_json_lacks_are_refused_as_samples(dtype) -> None:
    if np.dtype(dtype).itemsize == 8:
        pytest.skip("long double is double here")
    with pytest.raises(TypeError, match="no form in JSON"):
        schema_of(np.zeros(1, dtype=dtype))
    with pytest.raises(UnsupportedSample):
        schema_of(np.zeros(1, dtype=[("x", dtype)]))


@pytest.mark.parametrize("sample", [[1, 2], 3, None, "x"])
def test_only_arrays_are_samples(sample) -> None:
    with pytest.raises(SampleError, match="numpy array"):
        NumpyParameterType(sample)


def test_the_arguments_are_kept() -> None:
    kind = NumpyParameterType(np.zeros(1), enforce_column_type=False, enforce_shape=False)
    assert (kind.enforce_column_type, kind.enforce_shape) == (False, False)
    assert kind.sample_data_type is np.ndarray


CASTS = [
    ("f8", ["1", True, None], [1.0, 1.0, np.nan]),
    ("f8", ["NaN", "Infinity", "-Infinity"], [np.nan, np.inf, -np.inf]),
    ("i8", [1.9, "1", True], [1, 1, 1]),
    ("?", [1, 0, 2.5, None, "false", ""], [True, False, True, False, True, False]),
    ("U3", ["abcdef", 5, None], ["abc", "5", "Non"]),
    ("S3", ["ab", "\u00e9"], [b"ab", b"\xe9"]),
    ("M8[s]", ["2020-01-02", "2020-01-02T03:04:05", "2020-01-02 03:04:05.999"], None),
    ("M8[D]", ["2020-01-02T03:04:05", None, "", "NaT"], ["2020-01-02", "NaT", "NaT", "NaT"]),
    (
        "M8[s]",
        ["2020-01-02T03:04:05Z", "2020-01-02T03:04:05+02:00"],
        ["2020-01-02T03:04:05", "2020-01-02T01:04:05"],
    ),
    ("M8[m]", ["2020-01-02 00:00:00,000000", "2020-01-02T03-0130"], ["2020-01-02T00:00", "2020-01-02T04:30"]),
    ("m8[s]", ["5 seconds", "-3 hours", "1 Days", "9 milliseconds", None], [5, -10800, 86400, 0, "NaT"]),
    ("m8[M]", ["2 years", "1 months"], [24, 1]),
]


@pytest.mark.parametrize(("dtype", "given_values", "result"), CASTS)
@pytest.mark.filterwarnings("error")
def test_values_are_cast_as_numpy_casts_them(dtype, given_values, result) -> None:
    kind = NumpyParameterType(np.zeros(1, dtype=dtype))
    if result is None:
        result = ["2020-01-02T00:00:00", "2020-01-02T03:04:05", "2020-01-02T03:04:05"]
    back = kind.deserialize_input(given_values)
    assert back.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(back, np.array(result, dtype=dtype))


def test_records_are_read_by_name_and_by_position() -> None:
    dtype = [("n", "U4"), ("i", "i4"), ("xy", "f8", (2,)), ("when", "M8[s]")]
    kind = NumpyParameterType(np.zeros(1, dtype=dtype))
    back = kind.deserialize_input(
        [
            {"i": 1, "n": "a", "xy": [1, 2], "when": "2020-01-02", "more": 0},
            ["b", 2, 5, None, "more"],
            {"i": 3, "n": "c", "xy": [7], "when": None},
        ]
    )
    assert back["n"].tolist() == ["a", "b", "c"]
    assert back["xy"].tolist() == [[1.0, 2.0], [5.0, 5.0], [7.0, 7.0]]
    assert np.isnat(back["when"]).tolist() == [False, True, True]


@pytest.mark.parametrize("dtype", ["M8[s]", "m8[s]"])
def test_times_of_two_dimensions_are_read(dtype) -> None:
    kind = NumpyParameterType(np.zeros((1, 2), dtype=dtype))
    back = kind.deserialize_input([[None, None], [None, None]])
    assert back.shape == (2, 2)
    assert np.isnat(back).all()


def test_an_array_is_not_touched() -> None:
    array = np.array(["anything"])
    assert NumpyParameterType(np.zeros((1, 2))).deserialize_input(array) is array


def test_the_number_of_rows_is_free() -> None:
    kind = NumpyParameterType(np.zeros((1, 2)))
    assert kind.deserialize_input([[1, 2]] * 5).shape == (5, 2)
    assert NumpyParameterType(np.zeros(3)).deserialize_input([]).shape == (0,)


def test_without_checks_numpy_chooses() -> None:
    loose = NumpyParameterType(np.zeros((1, 2)), enforce_column_type=False, enforce_shape=False)
    assert loose.deserialize_input([1, 2, 3]).dtype.kind == "i"
    assert loose.deserialize_input(["a"]).dtype.kind == "U"
    shaped = NumpyParameterType(np.zeros((1, 2)), enforce_column_type=False)
    with pytest.raises(InputError, match="dimensions"):
        shaped.deserialize_input([1, 2, 3])


def test_the_input_is_not_changed() -> None:
    kind = NumpyParameterType(np.zeros(1, dtype=[("d", "M8[s]")]))
    value = [{"d": "2020-01-02T00:00:00Z"}]
    kind.deserialize_input(value)
    assert value == [{"d": "2020-01-02T00:00:00Z"}]


NUMBERS = np.zeros((1, 4))
FAULTS = [
    (NUMBERS, [[0] * 4] * 17 + [[1, 2, 3, "abc"]], 'data[17][3]: expected a number, got "abc"'),
    (NUMBERS, [[0] * 4, [0] * 3], "data[1]: expected 4 items, got 3"),
    (NUMBERS, [[0] * 3], "data[0]: expected 4 items as in the sample, got 3"),
    (NUMBERS, [[0] * 4, 7], "data[1]: expected a list of 4 items, got 7"),
    (NUMBERS, [[0] * 4, [0, 0, {"a": 1}, 0]], "data[1][2]: expected a number, got an object"),
    (NUMBERS, [[0] * 4, [0, [1], 0, 0]], "data[1][1]: expected a number, got a list of 1 item"),
    (NUMBERS, [1, 2, 3, 4], "data: expected 2 dimensions (nx4), got 1 (4)"),
    (NUMBERS, [], "data: expected 2 dimensions (nx4), got 1 (0)"),
    (NUMBERS, {"a": 1}, "data: expected a list of lists, got an object"),
    (NUMBERS, None, "data: expected a list of lists, got null"),
    (NUMBERS, "text", 'data: expected a list of lists, got "text"'),
    (np.zeros(1), 5, "data: expected a list, each item a number, got 5"),
    (np.zeros(1, "i8"), [1, "1.5"], 'data[1]: expected an integer, got "1.5"'),
    (np.zeros(1, "i8"), [1, None], "data[1]: expected an integer, got null"),
    (
        np.zeros(1, "M8[s]"),
        ["2020-01-02", 5],
        "data[1]: expected a date and time such as 2020-01-02T03:04:05, got 5",
    ),
    (
        np.zeros((1, 1), "M8[s]"),
        [["soon"]],
        'data[0][0]: expected a date and time such as 2020-01-02T03:04:05, got "soon"',
    ),
    (np.zeros(1, "m8[s]"), ["5 s"], 'data[0]: expected a duration such as "5 seconds", got "5 s"'),
    (
        np.zeros(1, "m8[s]"),
        ["1.5 seconds"],
        'data[0]: expected a duration such as "5 seconds", got "1.5 seconds"',
    ),
    (
        np.zeros(1, "S3"),
        ["\u20ac"],
        'data[0]: expected text of Latin-1 characters (one per byte), got "\u20ac"',
    ),
    (np.zeros(1, [("n", "i4")]), [{"n": 1}, {}], 'data[1]: the member "n" is missing'),
    (np.zeros(1, [("n", "i4")]), [{"n": 1}, []], "data[1]: expected 1 items, got 0"),
    (np.zeros(1, [("n", "i4")]), [{"n": 1}, {"n": "x"}], 'data[1].n: expected an integer, got "x"'),
    (np.zeros(1, [("n", "i4")]), [5], "data[0]: expected an object with the members n, got 5"),
    (np.zeros(1, [("when it was", "M8[s]")]), [{"when it was": 1}], None),
    (np.zeros((1, 2), "O"), [["a", "b"], ["c"]], "data[1]: expected 2 items, got 1"),
]


@pytest.mark.parametrize(("sample", "value", "message"), FAULTS)
def test_a_wrong_value_is_named_with_its_place(sample, value, message) -> None:
    @input_schema("data", NumpyParameterType(sample))
    def run(data):
        return data

    if message is None:
        message = 'data[0]["when it was"]: expected a date and time such as 2020-01-02T03:04:05, got 1'
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        run(data=value)


@pytest.mark.skipif(np.__version__.startswith("1."), reason="numpy 1 wraps integers that are too large")
def test_an_integer_that_does_not_fit_is_named_with_the_limits() -> None:
    with pytest.raises(InputError, match=r"^\[1\]: expected an integer from -128 to 127, got 300$"):
        NumpyParameterType(np.zeros(1, "i1")).deserialize_input([1, 300])


@settings(max_examples=40, suppress_health_check=SLOW)
@given(st.integers(0, 199), st.integers(0, 4))
def test_one_bad_value_among_many_is_found(row, column) -> None:
    value = [[1.0] * 5 for _ in range(200)]
    value[row][column] = "bad"
    with pytest.raises(InputError) as caught:
        NumpyParameterType(np.zeros((1, 5))).deserialize_input(value)
    assert caught.value.path == f"[{row}][{column}]"


@settings(max_examples=40, suppress_health_check=SLOW)
@given(st.sampled_from(["f8", "i4", "?", "U3", "M8[s]", "m8[s]", "O", "S2"]), JSON_VALUES)
def test_any_json_value_gives_an_array_or_an_input_error(dtype, value) -> None:
    for shape in ((1,), (1, 2)):
        try:
            array = NumpyParameterType(np.zeros(shape, dtype=dtype)).deserialize_input(value)
        except InputError:
            continue
        assert array.dtype == np.dtype(dtype)
