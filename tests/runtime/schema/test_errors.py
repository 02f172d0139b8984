"""What an error says of a value and its place."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.schema import InputError, NumpyParameterType, StandardPythonParameterType, input_schema
from moorage_runtime.schema.errors import item, member, shown

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=200),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=90), inner, max_size=3),
    max_leaves=5,
)


@given(values, st.text(max_size=200))
def test_errors_are_short_and_can_be_sent_and_logged(value, name) -> None:
    error = InputError("got " + shown(value)).inside(member(name)).inside(item(3)).inside("data")
    assert len(str(error)) < 400
    assert str(error).encode("utf-8")
    assert str(error).startswith("data[3]")


def test_a_lone_surrogate_is_spelled_out() -> None:
    assert shown(json.loads('"\\ud800"')) == '"\\ud800"'


def test_members_that_are_no_plain_words_are_quoted() -> None:
    assert [member("age"), member("first name"), member(3), member("")] == [
        ".age",
        '["first name"]',
        '["3"]',
        '[""]',
    ]


def test_a_path_starts_with_a_name_and_not_with_a_dot() -> None:
    assert str(InputError("wrong").inside(".a")) == "a: wrong"
    assert str(InputError("wrong")) == "wrong"


@pytest.mark.parametrize(
    "kind", [NumpyParameterType(np.zeros(1, [("t", "M8[s]", (2,))])), StandardPythonParameterType(1)]
)
def test_a_value_that_is_nested_too_deeply_is_an_input_error(kind) -> None:
    deep = []
    for _ in range(900):
        deep = [deep]
    with pytest.raises(InputError, match=r"^data"):
        input_schema("data", kind)(lambda data: data)(data=[{"t": deep}])
