"""Standard Python values as samples."""

import enum
import json
import re
from collections import OrderedDict, defaultdict, namedtuple
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage_runtime.schema import (
    InputError,
    SampleError,
    StandardPythonParameterType,
    UnsupportedSample,
    build_documents,
    get_supported_versions,
    input_schema,
)

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]  # Python 3.6 with its old hypothesis
Std = StandardPythonParameterType
INT64 = {"type": "integer", "format": "int64"}
DOUBLE = {"type": "number", "format": "double"}


def through_document(kind):
    """Decorate a function, and give it the example of its own document."""

    @input_schema("value", kind)
    def run(value):
        return value

    document = json.loads(json.dumps(build_documents(run, "s", "1", "")["3"], allow_nan=False))
    example = document["components"]["schemas"]["ServiceInput"]["example"]["value"]
    return run(value=example)


def in_utc(value):
    """Times without a zone are written as UTC, and come back as that."""
    return value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)


MINUTE_ZONES = st.none() | st.integers(-840, 840).map(lambda m: timezone(timedelta(minutes=m)))
SCALARS = (
    st.integers()
    | st.floats(allow_nan=False)
    | st.booleans()
    | st.text()
    | st.binary()
    | st.binary().map(bytearray)
    | st.dates()
)
STEPS = st.integers(-9, 9).filter(bool)


@settings(max_examples=40, suppress_health_check=SLOW)
@given(SCALARS | st.lists(st.integers()) | st.lists(st.text()) | st.dictionaries(st.text(), st.integers()))
def test_values_come_back_from_their_document(sample) -> None:
    back = through_document(Std(sample))
    assert type(back) is type(sample)
    assert back == sample


@settings(max_examples=40, suppress_health_check=SLOW)
@given(st.datetimes(timezones=MINUTE_ZONES))
def test_moments_come_back_from_their_document(sample) -> None:
    assert through_document(Std(sample)) == in_utc(sample)


@settings(max_examples=40, suppress_health_check=SLOW)
@given(st.times(timezones=MINUTE_ZONES))
def test_times_come_back_from_their_document(sample) -> None:
    assert through_document(Std(sample)) == in_utc(sample)


@settings(max_examples=40, suppress_health_check=SLOW)
@given(st.integers(-99, 99), st.integers(0, 9), STEPS)
def test_ranges_come_back_from_their_document(start, count, step) -> None:
    sample = range(start, start + count * step, step)
    assert list(through_document(Std(sample))) == list(sample)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_lacks_come_back(text) -> None:
    assert repr(through_document(Std(float(text)))) == repr(float(text))


@settings(max_examples=40, suppress_health_check=SLOW)
@given(
    st.recursive(
        SCALARS.map(Std),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=1).map(Std)
            | st.dictionaries(st.text(max_size=3), inner, max_size=3).map(Std)
        ),
        max_leaves=5,
    )
)
def test_nested_types_come_back_from_their_document(kind) -> None:
    assert through_document(kind) == plain(kind)


def plain(kind):
    sample = kind.sample_input if isinstance(kind, Std) else kind
    if isinstance(sample, dict):
        return {key: plain(value) for key, value in sample.items()}
    return [plain(value) for value in sample] if isinstance(sample, list) else sample


SCHEMAS = [
    (7, dict(INT64, example=7)),
    (0.5, dict(DOUBLE, example=0.5)),
    (True, {"type": "boolean", "example": True}),
    ("hi", {"type": "string", "example": "hi"}),
    (b"ab", {"type": "string", "format": "byte", "example": "YWI="}),
    (bytearray(b"ab"), {"type": "string", "format": "byte", "example": "YWI="}),
    (date(2020, 1, 2), {"type": "string", "format": "date", "example": "2020-01-02"}),
    (
        datetime(2020, 1, 2, 3, 4, 5),
        {"type": "string", "format": "date-time", "example": "2020-01-02 03:04:05.000000 +0000"},
    ),
    (
        datetime(2020, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))),
        {"type": "string", "format": "date-time", "example": "2020-01-02 03:04:05.000000 +0200"},
    ),
    (time(3, 4, 5), {"type": "string", "format": "time", "example": "03:04:05.000000 +0000"}),
    ([1, 2], {"type": "array", "items": INT64, "example": [1, 2]}),
    ((1, 2), {"type": "array", "items": INT64, "example": [1, 2]}),
    (range(3), {"type": "array", "items": INT64, "example": [0, 1, 2]}),
    ([], {"type": "array", "items": {"type": "object"}, "example": []}),
    ([1, "a"], {"type": "array", "items": {"type": "string"}, "example": [1, "a"]}),
    ([1, None], {"type": "array", "items": {"type": "object"}, "example": [1, None]}),
    (
        {"a": 1, "b": [0.5]},
        {
            "type": "object",
            "required": ["a", "b"],
            "properties": {"a": INT64, "b": {"type": "array", "items": DOUBLE}},
            "example": {"a": 1, "b": [0.5]},
        },
    ),
    ({}, {"type": "object", "required": [], "properties": {}, "example": {}}),
    ({1: 2}, {"type": "object", "required": ["1"], "properties": {"1": INT64}, "example": {"1": 2}}),
    (OrderedDict(a=1), {"type": "object", "example": {"a": 1}}),
]


@pytest.mark.parametrize(("sample", "schema"), SCHEMAS)
def test_every_type_has_its_schema(sample, schema) -> None:
    assert Std(sample).input_to_swagger() == schema


def test_none_is_no_sample() -> None:
    with pytest.raises(SampleError, match="None"):
        Std(None)


@pytest.mark.parametrize(
    "sample", [{1, 2}, Decimal("1"), timedelta(1), object(), {"a": [Decimal("1")]}, Std(1), {(1, 2): 3}]
)
def test_samples_have_to_be_json(sample) -> None:
    with pytest.raises(UnsupportedSample):
        Std(sample).input_to_swagger()
    with pytest.raises(TypeError):
        input_schema("x", Std(sample))


@pytest.mark.parametrize(
    ("sample", "versions"),
    [
        ([1, 2], ["2.0", "3.0", "3.1"]),
        ([1, 2.0], ["3.0", "3.1"]),
        ([1, "a"], ["3.0", "3.1"]),
        ([None, 1], ["3.0", "3.1"]),
        ({"a": [1, "a"]}, ["3.0", "3.1"]),
        ([{"a": [1, "a"]}], ["3.0", "3.1"]),
        ([Std({"a": [1, "a"]})], ["3.0", "3.1"]),
        ([{"a": 1}, {"a": "x"}], ["2.0", "3.0", "3.1"]),
        ({"a": Std([1]), "b": "x"}, ["2.0", "3.0", "3.1"]),
    ],
)
def test_2_0_has_no_lists_of_several_types(sample, versions) -> None:
    @input_schema("x", Std(sample))
    def run(x):
        return x

    assert Std(sample).supported_versions() == versions
    assert get_supported_versions(run) == versions


Point = namedtuple("Point", "x y")


class Colour(str, enum.Enum):
    RED = "red"


READ = [
    (1, 5, 5),
    (1, True, True),
    (1.0, 5, 5),
    ("a", "b", "b"),
    (b"x", "YWI=", b"ab"),
    (b"x", "Y W\nI=", b"ab"),
    (bytearray(b"x"), "YWI=", bytearray(b"ab")),
    (date(2020, 1, 1), "2021-03-04", date(2021, 3, 4)),
    (time(1), "03:04", time(3, 4)),
    ([1], ["anything", {}], ["anything", {}]),
    ({"k": 1}, {"other": 1}, {"other": 1}),
    (range(2), [5, 3, 1], range(5, 0, -2)),
    (OrderedDict(a=1), {"b": 2}, OrderedDict(b=2)),
    (defaultdict(int, a=1), {"b": 2}, {"b": 2}),
    (Point(1, 2), [3, 4], Point(3, 4)),
    (Colour.RED, "red", Colour.RED),
]


@pytest.mark.parametrize(("sample", "value", "result"), READ)
def test_values_are_read_as_the_type_of_the_sample(sample, value, result) -> None:
    back = Std(sample).deserialize_input(value)
    assert back == result
    assert type(back) is type(result)


FAULTS = [
    (1, 5.0, "expected an integer, got 5.0"),
    (1, "5", 'expected an integer, got "5"'),
    (1, None, "expected an integer, got null"),
    (1.0, True, "expected a number, got true"),
    (1.0, "1", 'expected a number, got "1"'),
    (True, 1, "expected true or false, got 1"),
    ("a", 1, "expected text, got 1"),
    (b"x", 1, "expected text in base64, got 1"),
    (b"x", "abc", None),
    (date(2020, 1, 1), "soon", 'expected a date such as 2021-03-04, got "soon"'),
    (date(2020, 1, 1), 5, "expected a date such as 2021-03-04, got 5"),
    (time(1), [], "expected a time of day such as 05:06:07, got a list of 0 items"),
    ({"k": 1}, [1], "expected an object, got a list of 1 item"),
    ([1], {"a": 1}, "expected a list, got an object"),
    (range(2), [1, 2, 4], "expected a list of evenly spaced integers, got a list of 3 items"),
    (range(2), [1, 1], "expected a list of evenly spaced integers, got a list of 2 items"),
    (Colour.RED, "blue", None),
    (OrderedDict(), 5, "expected a value of type OrderedDict, got 5"),
    ("a", ["x" * 500], "expected text, got a list of 1 item"),
    (1, "x" * 500, 'expected an integer, got "%s... (502 characters)' % ("x" * 59)),
]


@pytest.mark.parametrize(("sample", "value", "message"), FAULTS)
def test_a_wrong_value_is_named(sample, value, message) -> None:
    @input_schema("value", Std(sample))
    def run(value):
        return value

    with pytest.raises(InputError, match="^value: " + re.escape(message or "")):
        run(value=value)


def test_the_place_inside_a_nested_value_is_named() -> None:
    @input_schema("d", Std({"first": Std([Std({"x y": Std(1)})])}))
    def run(d):
        return d

    assert run(d={"first": [{"x y": 1}, {}]}) == {"first": [{"x y": 1}, {}]}
    with pytest.raises(InputError, match=re.escape('d.first[1]["x y"]: expected an integer, got "q"')):
        run(d={"first": [{"x y": 1}, {"x y": "q"}]})


def test_members_without_a_type_are_not_checked() -> None:
    @input_schema("d", Std({"typed": Std(1), "raw": 0}))
    def run(d):
        return d

    given_value = {"raw": "any", "extra": 1}
    assert run(d=given_value) == {"raw": "any", "extra": 1}


def test_the_first_type_of_a_list_converts_every_element() -> None:
    @input_schema("d", Std((Std(date(2020, 1, 1)), Std("x"))))
    def run(d):
        return d

    assert run(d=["2021-03-04", "2021-03-05"]) == [date(2021, 3, 4), date(2021, 3, 5)]
    assert run(d=("2021-03-04",)) == [date(2021, 3, 4)]


def test_types_below_a_plain_level_are_described_but_not_converted() -> None:
    kind = Std({"a": [Std(date(2020, 1, 1))]})
    items = kind.input_to_swagger()["properties"]["a"]["items"]
    assert items == {"type": "string", "format": "date"}

    @input_schema("d", kind)
    def run(d):
        return d

    assert run(d={"a": ["2021-03-04"]}) == {"a": ["2021-03-04"]}


def test_the_callers_objects_are_left_alone() -> None:
    @input_schema("d", Std({"day": Std(date(2020, 1, 1))}))
    def run(d):
        return d

    value = {"day": "2021-03-04"}
    assert run(d=value) == {"day": date(2021, 3, 4)}
    assert value == {"day": "2021-03-04"}
