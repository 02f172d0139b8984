"""pandas frames as samples."""
# ruff: noqa: B905  (these tests also run on Python 3.6, where zip has no "strict")

import json
import re
import warnings
from io import StringIO

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from moorage_runtime.schema import InputError, PandasParameterType, SampleError, build_documents, input_schema

pd = pytest.importorskip("pandas")

RELEASE = tuple(int(part) for part in pd.__version__.split(".")[:2])
ORIENTS = ["split", "records", "index", "columns", "values", "table"]
PEOPLE = pd.DataFrame(
    {"name": ["Ann", "Bo"], "age": [30, 41], "w": [1.5, 2.0], "ok": [True, False]},
    columns=["name", "age", "w", "ok"],
)
since = pytest.mark.skipif
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]  # Python 3.6 with its old hypothesis


def assert_same(left, right) -> None:
    """Compare frames; None and NaN are both "missing"."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pd.testing.assert_frame_equal(left, right)
    assert list(left.dtypes) == list(right.dtypes)


def through_document(kind):
    """Decorate a function, and give it the example of its own document."""

    @input_schema("data", kind)
    def run(data):
        return data

    document = json.loads(json.dumps(build_documents(run, "s", "1", "")["3"], allow_nan=False))
    return run(data=document["components"]["schemas"]["ServiceInput"]["example"]["data"])


# --- what the reader of pandas gives --------------------------------------------------------------------


def read_by_pandas(value, orient):
    """Return what pandas reads from the JSON text of a value, with its type inference off."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pd.read_json(StringIO(json.dumps(value)), orient=orient, dtype=False, precise_float=True)


names = st.text(alphabet="abcXYZ_ 12", min_size=1, max_size=4) | st.sampled_from(
    ["1", "2", "1.5", "2020-01-02", "may"]
)
cells = (
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31)
    | st.floats(-1e6, 1e6).map(lambda x: round(x, 6))
    | st.text(alphabet="abc \u00e9\u20ac", max_size=4)
    | st.lists(st.integers(0, 9), max_size=2)
)
columns_of_one_kind = st.sampled_from(
    [
        st.integers(-99, 99),
        st.booleans(),
        st.text(max_size=3),
        st.floats(-9, 9).map(lambda x: round(x, 3)),
        cells,
    ]
)


@st.composite
def tables(draw):
    """Draw column names and rows."""
    labels = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    count = draw(st.integers(1, 4))
    columns = [draw(st.lists(draw(columns_of_one_kind), min_size=count, max_size=count)) for _ in labels]
    return labels, [list(row) for row in zip(*columns)]


def written(labels, rows, orient):
    records = [dict(zip(labels, row)) for row in rows]
    if orient == "split":
        return {"columns": labels, "index": list(range(len(rows))), "data": rows}
    if orient == "index":
        return {str(index): record for index, record in enumerate(records)}
    if orient == "columns":
        return {name: {str(i): row[at] for i, row in enumerate(rows)} for at, name in enumerate(labels)}
    return rows if orient == "values" else records


# Older readers turn columns with date-like names into dates, and sort columns: neither is copied.
same_reader = pytest.mark.skipif(RELEASE < (2, 2), reason="the reader of this pandas sorts and guesses more")


@same_reader
@pytest.mark.parametrize("orient", ["split", "records", "index", "columns", "values"])
@given(table=tables())
@settings(max_examples=20, suppress_health_check=SLOW)
def test_frames_are_those_of_pandas_own_reader(orient, table) -> None:
    value = written(*table, orient)
    kind = PandasParameterType(PEOPLE, enforce_column_type=False, enforce_shape=False, orient=orient)
    assert_same(kind.deserialize_input(value), read_by_pandas(value, orient))


@same_reader
@given(table=tables(), data=st.data())
@settings(max_examples=20, suppress_health_check=SLOW)
def test_rows_may_lack_members_and_come_in_any_order(table, data) -> None:
    labels, rows = table
    records = []
    for row in rows:
        kept = data.draw(st.lists(st.sampled_from(range(len(labels))), unique=True, min_size=1))
        records.append({labels[at]: row[at] for at in kept})
    kind = PandasParameterType(PEOPLE, enforce_column_type=False, enforce_shape=False)
    assert_same(kind.deserialize_input(records), read_by_pandas(records, "records"))


@same_reader
@pytest.mark.parametrize("orient", ["split", "records", "columns", "values"])
@given(table=tables(), data=st.data())
@settings(max_examples=30, suppress_health_check=SLOW)
def test_casts_are_those_of_pandas_after_its_own_reader(orient, table, data) -> None:
    labels, rows = table
    dtypes = st.sampled_from(["int64", "int8", "float64", "float32", "bool", "object", "str"])
    sample = pd.DataFrame({label: pd.Series([], dtype=data.draw(dtypes)) for label in labels})
    sample.columns = read_by_pandas([dict.fromkeys(labels, 1)], "records").columns
    assume(sample.columns.is_unique)  # "1" and "1 " both become 1
    value = written(labels, rows, orient)
    kind = PandasParameterType(sample, orient=orient)
    wanted = read_by_pandas(value, orient)
    known = dict(zip(sample.columns, sample.dtypes))
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = wanted.astype({label: known.get(label, object) for label in wanted.columns})
    except (ValueError, TypeError, OverflowError):
        with pytest.raises(InputError):
            kind.deserialize_input(value)
        return
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_same(kind.deserialize_input(value), wanted)


FORMS = [
    ("records", [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
    ("records", {"a": [1, 2], "b": ["x", "y"]}),
    ("records", {"a": {"r": 1, "s": 2}, "b": {"r": "x", "s": "y"}}),
    ("records", [[1, "x"], [2, "y"]]),
    ("columns", [{"a": 1}]),
    ("columns", {"a": {"2020-01-02": 1, "2020-01-03": 2}}),
    ("columns", {"a": {"10": 1, "9": 2}}),
    ("columns", {"a": {"01": 1, "9": 2}}),
    ("columns", {"a": {"1600000000": 1, "1600000001": 2}}),
    ("index", {"r": {"a": 1}, "s": {"a": 2}}),
    ("index", {"1.5": {"a": 1}, "2": {"a": 2, "b": 3}}),
    ("values", [{"a": 1}]),
    ("values", [1, 2]),
    ("split", {"columns": ["a"], "data": [[1], [2]]}),
    ("split", {"columns": ["a", "a"], "data": [[1, 2]]}),
    ("split", {"columns": ["1", "2"], "index": ["x", "y"], "data": [[1, 2], [3, 4]]}),
    ("split", {"columns": [5, 6], "data": [[1, 2]]}),
    ("records", [{"1": 1, "2": 2}]),
    ("records", [{"1": 1, "b": 2}]),
    ("records", []),
    ("records", {}),
]


@same_reader
@pytest.mark.parametrize(("orient", "value"), FORMS)
def test_every_form_that_pandas_reads_is_read(orient, value) -> None:
    kind = PandasParameterType(PEOPLE, enforce_column_type=False, enforce_shape=False, orient=orient)
    assert_same(kind.deserialize_input(value), read_by_pandas(value, orient))


@since(RELEASE < (1, 1), reason="the table form of old pandas differs")
@pytest.mark.parametrize("typed", [True, False])
def test_a_table_is_read_with_its_own_schema(typed) -> None:
    sample = pd.DataFrame(
        {
            "i": [1, 2],
            "f": [0.5, None],
            "t": ["x", "y"],
            "when": pd.to_datetime(["2020-01-02", "2020-01-03"]),
            "kind": pd.Categorical(["u", "v"]),
        },
        index=pd.Index([7, 8], name="key"),
    )
    text = sample.to_json(orient="table", date_format="iso")
    value = json.loads(text)
    kind = PandasParameterType(sample, enforce_column_type=typed, orient="table")
    frame = kind.deserialize_input(value)
    if typed:
        assert_same(frame, sample)
    elif RELEASE >= (2, 2):
        assert_same(frame, pd.read_json(StringIO(text), orient="table"))


# --- schemas ---------------------------------------------------------------------------------------------

ROW_SCHEMA = {
    "type": "object",
    "required": ["name", "age", "w", "ok"],
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "format": "int64"},
        "w": {"type": "number", "format": "double"},
        "ok": {"type": "boolean"},
    },
}


def test_records_are_objects() -> None:
    assert PandasParameterType(PEOPLE).input_to_swagger() == {
        "type": "array",
        "items": ROW_SCHEMA,
        "example": [
            {"name": "Ann", "age": 30, "w": 1.5, "ok": True},
            {"name": "Bo", "age": 41, "w": 2.0, "ok": False},
        ],
        "format": "pandas.DataFrame:records",
    }


def test_values_are_lists_of_the_last_cells_type() -> None:
    schema = PandasParameterType(PEOPLE, orient="values").input_to_swagger()
    assert schema["items"] == {"type": "array", "items": {"type": "boolean"}}
    assert schema["example"] == [["Ann", 30, 1.5, True], ["Bo", 41, 2.0, False]]


def test_index_has_a_member_for_each_row() -> None:
    schema = PandasParameterType(PEOPLE, orient="index").input_to_swagger()
    assert schema["properties"] == {"0": ROW_SCHEMA, "1": ROW_SCHEMA}


def test_columns_has_a_member_for_each_column() -> None:
    schema = PandasParameterType(PEOPLE, orient="columns").input_to_swagger()
    assert list(schema["properties"]) == ["name", "age", "w", "ok"]
    assert schema["properties"]["ok"]["properties"] == {"0": {"type": "boolean"}, "1": {"type": "boolean"}}


def test_split_and_table_have_their_members() -> None:
    assert PandasParameterType(PEOPLE, orient="split").input_to_swagger()["required"] == [
        "columns",
        "index",
        "data",
    ]
    table = PandasParameterType(PEOPLE, orient="table").input_to_swagger()
    assert list(table["properties"]) == ["schema", "data"]


@pytest.mark.parametrize("orient", ORIENTS)
def test_2_0_has_no_rows_of_several_types(orient) -> None:
    versions = PandasParameterType(PEOPLE, orient=orient).supported_versions()
    assert ("2.0" in versions) == (orient not in ("values", "split"))


TIMES = pd.DataFrame(
    {"when": pd.to_datetime(["2020-01-02 03:04:05.678"]), "lasts": [pd.Timedelta("1 days 02:00:00")]},
    columns=["when", "lasts"],
)


@pytest.mark.parametrize("orient", ["records", "index", "columns", "table"])
def test_times_are_named_by_their_format(orient) -> None:
    text = json.dumps(PandasParameterType(TIMES, orient=orient).input_to_swagger())
    assert text.count('"format": "date-time"') == 1
    assert text.count('"format": "timedelta"') == 1
    assert "P1DT2H0M0S" in text
    assert "2020-01-02T03:04:05.678" in text


def test_missing_values_hide_the_type() -> None:
    sample = pd.DataFrame({"a": [1.5, None]})
    assert PandasParameterType(sample).input_to_swagger()["items"]["properties"] == {"a": {"type": "object"}}


def test_an_empty_frame_has_rows_of_objects() -> None:
    schema = PandasParameterType(pd.DataFrame()).input_to_swagger()
    assert schema == {
        "type": "array",
        "items": {"type": "object"},
        "example": [],
        "format": "pandas.DataFrame:records",
    }


@pytest.mark.parametrize("sample", [[1], np.zeros((1, 1)), None, pd.Series([1])])
def test_only_frames_are_samples(sample) -> None:
    with pytest.raises(SampleError, match="DataFrame"):
        PandasParameterType(sample)


def test_an_unknown_orient_is_refused() -> None:
    with pytest.raises(SampleError, match=r"rows.*split, records"):
        PandasParameterType(PEOPLE, orient="rows")


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(SampleError, match="cannot write"):
        input_schema("data", PandasParameterType(pd.DataFrame([[1, 2]], columns=["a", "a"])))


# --- round trips -----------------------------------------------------------------------------------------

zoned = pd.to_datetime(["2020-01-02T03:04:05", None]).tz_localize("UTC")
ROUND_TRIPS = {
    "int8": np.array([1, -2], dtype="int8"),
    "uint64": np.array([1, 2], dtype="uint64"),
    "int64": [2**53, -5],
    "float32": np.array([0.5, np.nan], dtype="float32"),
    "float64": [1.25, None],
    "bool": [True, False],
    "text": ["x", "y \u20ac"],
    "text with nothing": ["x", None],
    "moment": pd.to_datetime(["2020-01-02T03:04:05.678", None]),
    "duration": pd.to_timedelta(["1 days 02:00:03", None]),
    "category": pd.Categorical(["u", "v"], categories=["u", "v", "w"]),
    "numbers as category": pd.Categorical([1, 2]),
    "zoned": zoned,
    "month": pd.PeriodIndex(["2020-01", "2021-12"], freq="M"),
    "lists": [[1, 2], ["a"]],
    "objects": [{"a": 1}, {"b": [None]}],
}
if RELEASE >= (1, 1):
    ROUND_TRIPS["Int64"] = pd.array([1, None], dtype="Int64")
    ROUND_TRIPS["boolean"] = pd.array([True, None], dtype="boolean")
    ROUND_TRIPS["string"] = pd.array(["x", None], dtype="string")
if RELEASE >= (1, 2):
    ROUND_TRIPS["Float64"] = pd.array([1.5, None], dtype="Float64")


@pytest.mark.parametrize("orient", ["split", "records", "index", "columns"])
@pytest.mark.parametrize("name", list(ROUND_TRIPS))
def test_a_column_of_every_type_comes_back_from_its_document(name, orient) -> None:
    if RELEASE < (0, 25) and name in ("duration", "zoned", "month"):
        pytest.skip("this pandas has no such columns, or cannot cast text to them")
    sample = pd.DataFrame({"value": ROUND_TRIPS[name], "more": ["a", "b"]}, columns=["value", "more"])
    back = through_document(PandasParameterType(sample, orient=orient))
    assert list(back.dtypes) == list(sample.dtypes)
    for left, right in zip(back["value"].tolist(), sample["value"].tolist()):
        assert repr(left) == repr(right) or (left is None) or pd.isnull(left) == pd.isnull(right) is True


frames = st.lists(
    st.fixed_dictionaries(
        {
            "i": st.integers(-(2**53), 2**53),
            "f": st.integers(-(10**9), 10**9).map(lambda x: x / 1000),
            "t": st.text(alphabet="abc\u20ac ", max_size=5),
            "b": st.booleans(),
        }
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("orient", ORIENTS)
@given(rows=frames)
@settings(max_examples=20, suppress_health_check=SLOW)
def test_frames_come_back_from_their_document(orient, rows) -> None:
    sample = pd.DataFrame(rows, columns=["i", "f", "t", "b"])
    back = through_document(PandasParameterType(sample, orient=orient))
    if orient == "values":  # no names in this form: the columns are unknown, and kept as objects
        assert back.values.tolist() == sample.values.tolist()
    else:
        assert_same(back, sample)


# --- casts -----------------------------------------------------------------------------------------------


def cast(sample_values, values, **arguments):
    kind = PandasParameterType(pd.DataFrame({"c": sample_values}), **arguments)
    return kind.deserialize_input([{"c": value} for value in values])["c"]


CASTS = [
    ([1], ["5", 5.7, True], [5, 5, 1]),
    (np.array([1], "int8"), [300], [44]),
    (np.array([1], "uint8"), [-1], [255]),
    ([1.5], ["1.5", True], [1.5, 1.0]),
    ([True], ["false", 0], [True, False]),
    (pd.to_datetime(["2020-01-01"]), ["05/06/2021"], [pd.Timestamp("2021-05-06")]),
    (pd.to_timedelta(["1 days"]), ["01:02:03"], [pd.Timedelta("01:02:03")]),
    (pd.Categorical(["u", "v"]), ["v", "other"], ["v", None]),
    ([{"any": "object"}], [5, [1]], [5, [1]]),
]


@pytest.mark.parametrize(("sample", "values", "result"), CASTS)
@pytest.mark.filterwarnings("error")
def test_values_are_cast_as_pandas_casts_them(sample, values, result) -> None:
    if RELEASE < (1, 0) and hasattr(values[0], "join"):
        pytest.skip("old pandas casts less")
    back = cast(sample, values)
    for left, right in zip(back.tolist(), result):
        assert left == right or (pd.isnull(left) and right is None)


@since(RELEASE < (2, 2), reason="null becomes what it became in this pandas")
def test_null_is_true_missing_or_refused() -> None:
    assert cast([True], [None, True]).tolist() == [True, True]
    assert np.isnan(cast([1.5], [None, 1.0])[0])
    assert pd.isnull(cast(["x"], [None, "y"])[0])
    with pytest.raises(InputError, match=re.escape("[1].c: expected an integer, got null")):
        cast([1], [5, None])


def test_an_aware_column_takes_text_with_and_without_zone() -> None:
    if RELEASE < (2, 2):
        pytest.skip("old pandas does not mix the two")
    back = cast(zoned, ["2020-01-02T05:04:05+02:00", "2020-01-02T03:04:05", None])
    assert back[0] == back[1] == pd.Timestamp("2020-01-02T03:04:05", tz="UTC")
    assert pd.isnull(back[2])


@since(RELEASE < (2, 2), reason="old pandas drops the zone silently")
def test_a_naive_column_refuses_a_zone() -> None:
    with pytest.raises(InputError, match=re.escape("[1].c: expected a date and time")):
        cast(pd.to_datetime(["2020-01-01"]), ["2020-01-02", "2020-01-02T05:04:05+02:00"])


@pytest.mark.parametrize("name", ["date", "created_at", "timestamp_utc", "start_time"])
def test_a_name_does_not_make_a_text_a_date(name) -> None:
    kind = PandasParameterType(pd.DataFrame({name: ["x"]}))
    for value in ([{name: "2020-01-02"}], {name: {"0": "2020-01-02"}}):
        assert kind.deserialize_input(value)[name].tolist() == ["2020-01-02"]


def test_unknown_columns_are_objects() -> None:
    frame = PandasParameterType(PEOPLE).deserialize_input([{"name": "x", "age": 1, "w": 1, "new": 5}])
    assert frame.dtypes["new"].kind == "O"
    assert frame["new"].tolist() == [5]


@pytest.mark.filterwarnings("ignore:apply_column_names")
def test_columns_can_be_named_after_the_sample() -> None:
    kind = PandasParameterType(PEOPLE, apply_column_names=True, orient="values")
    frame = kind.deserialize_input([["x", "5", 1, True]])
    assert list(frame.columns) == list(PEOPLE.columns)
    assert list(frame.dtypes) == list(PEOPLE.dtypes)
    with pytest.raises(InputError, match="expected 4 columns, got 2"):
        kind.deserialize_input([["x", "5"]])


def test_naming_columns_after_the_sample_is_deprecated() -> None:
    with pytest.warns(DeprecationWarning, match="apply_column_names"):
        PandasParameterType(PEOPLE, apply_column_names=True)


def test_a_frame_is_not_touched() -> None:
    frame = pd.DataFrame({"x": ["y"]})
    assert PandasParameterType(PEOPLE).deserialize_input(frame) is frame


def test_the_input_is_not_changed() -> None:
    value = [{"name": "x", "age": "5", "w": None, "ok": 1}]
    before = json.dumps(value)
    PandasParameterType(PEOPLE).deserialize_input(value)
    assert json.dumps(value) == before


def test_frames_do_not_share_data() -> None:
    kind = PandasParameterType(PEOPLE)
    row = {"name": "x", "age": 5, "w": 1.0, "ok": True}
    first, second = kind.deserialize_input([row]), kind.deserialize_input([row])
    first.loc[0, "age"] = 99
    first["name"] = "changed"
    first["more"] = 1
    assert second.loc[0, "age"] == 5
    assert list(second.columns) == list(PEOPLE.columns)
    assert first.sort_values("age").reset_index(drop=True).shape == (1, 5)


ROW = {"name": "x", "age": 5, "w": 1.0, "ok": True}
FAULTS = [
    ("records", [ROW] * 17 + [dict(ROW, age="abc")], 'data[17].age: expected an integer, got "abc"'),
    ("records", [ROW, dict(ROW, w=[1])], "data[1].w: expected a number, got a list of 1 item"),
    ("records", [ROW, {"name": "x", "age": "q"}], None),
    (
        "records",
        {"name": ["x"], "age": ["q"], "w": [1], "ok": [True]},
        'data.age[0]: expected an integer, got "q"',
    ),
    (
        "records",
        {"name": {"r": "x"}, "age": {"r": "q"}, "w": {"r": 1}, "ok": {"r": True}},
        'data.age.r: expected an integer, got "q"',
    ),
    ("index", {"r": ROW, "s": dict(ROW, age="q")}, 'data.s.age: expected an integer, got "q"'),
    (
        "split",
        {"columns": list(ROW), "data": [list(ROW.values()), ["x", "q", 1.0, True]]},
        'data.data[1][1]: expected an integer, got "q"',
    ),
    ("split", {"columns": list(ROW)}, "data: the member data is missing, or no list"),
    (
        "split",
        {"columns": [], "data": [], "rows": []},
        'data: the member "rows" is not one of columns, index, data',
    ),
    ("split", [1], "data: expected an object with the members columns and data, got a list of 1 item"),
    ("index", [ROW], "data: expected an object with one member for each row, got a list of 1 item"),
    ("index", {"r": 5}, "data.r: expected an object with one member for each column, got 5"),
    ("table", [ROW], "data: expected an object with the members schema and data, got a list of 1 item"),
    ("records", "text", 'data: expected a list of rows, or an object, got "text"'),
    ("records", None, "data: expected a list of rows, or an object, got null"),
    ("records", [], "data: expected 4 columns, got 0"),
    ("records", [{}], "data: expected 4 columns, got 0"),
    (
        "records",
        [{"name": "x", "age": 1, "W": 1}],
        'data: expected 4 columns, got 3; missing: "w", "ok"; unknown: "W"',
    ),
    ("records", {"name": 5}, None),
    ("records", [1, ROW], None),
]


@pytest.mark.parametrize(("orient", "value", "message"), FAULTS)
def test_a_wrong_value_is_named_with_its_place(orient, value, message) -> None:
    @input_schema("data", PandasParameterType(PEOPLE, orient=orient))
    def run(data):
        return data

    with pytest.raises(InputError, match="^data" + (re.escape(message[4:]) + "$" if message else "")):
        run(data=value)


@given(st.integers(0, 299), st.sampled_from(["age", "w"]))
@settings(max_examples=15, suppress_health_check=SLOW)
def test_one_bad_value_among_many_is_found(row, column) -> None:
    value = [dict(ROW) for _ in range(300)]
    value[row][column] = "bad"
    with pytest.raises(InputError) as caught:
        PandasParameterType(PEOPLE).deserialize_input(value)
    assert caught.value.path == f"[{row}].{column}"


json_values = st.recursive(
    cells,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(ROW)), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("orient", ORIENTS)
@given(value=json_values)
@settings(max_examples=20, suppress_health_check=SLOW)
def test_any_json_value_gives_a_frame_or_an_input_error(orient, value) -> None:
    for arguments in ({}, {"enforce_shape": False}):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # newest pandas will not fill up short rows any more
                frame = PandasParameterType(PEOPLE, orient=orient, **arguments).deserialize_input(value)
        except InputError:
            continue
        assert isinstance(frame, pd.DataFrame)


# --- several inputs in one conversion --------------------------------------------------------------------

person = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["Ann", "", "1"]) | st.none() | st.integers(0, 3),
        "age": st.integers(-(2**40), 2**70) | st.sampled_from([1.5, "2"]),
        "w": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 5) | st.none(),
        "ok": st.booleans() | st.integers(0, 1),
    }
)
plain_person = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["Ann", "", "1"]),
        "age": st.integers(-(2**40), 2**40),
        "w": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 5) | st.none(),
        "ok": st.booleans(),
    }
)
turned = plain_person.map(lambda row: dict(reversed(list(row.items()))))
inputs = st.lists(
    st.lists(plain_person, min_size=1, max_size=3)
    | st.lists(person | turned, max_size=3)
    | st.just({"name": ["Ann"]}),
    min_size=1,
    max_size=4,
)


@given(inputs, st.booleans())
@settings(max_examples=60, suppress_health_check=SLOW)
def test_inputs_that_are_read_together_are_those_read_one_by_one(values, enforce_shape) -> None:
    kind = PandasParameterType(PEOPLE, enforce_shape=enforce_shape)
    together = kind.read_together(values)
    if together is not None:
        assert_same(
            together, pd.concat([kind.deserialize_input(value) for value in values], ignore_index=True)
        )


def test_plain_rows_are_read_together() -> None:
    rows = [[dict(ROW)] * 2, [dict(ROW, w=None)], [dict(ROW, w=3)]]
    assert PandasParameterType(PEOPLE).read_together(rows)["w"].isnull().tolist() == [
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "odd", [[], {}, "x", [1], [dict(ROW, age=1.5)], [dict(reversed(list(ROW.items())))], [dict(ROW, more=1)]]
)
def test_other_inputs_are_left_to_the_reader(odd) -> None:
    assert PandasParameterType(PEOPLE).read_together([[dict(ROW)], odd]) is None
    assert PandasParameterType(PEOPLE, orient="split").read_together([[dict(ROW)]]) is None
    assert PandasParameterType(PEOPLE, enforce_column_type=False).read_together([[dict(ROW)]]) is None
