"""Samples that should not be public."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage_runtime.schema import (
    NumpyParameterType,
    StandardPythonParameterType,
    find_sensitive,
    input_schema,
    output_schema,
)
from moorage_runtime.schema.samples import look_at

Std = StandardPythonParameterType


@pytest.mark.parametrize(
    ("example", "finding"),
    [
        ({"password": "x"}, ("password", "a secret")),
        ({"user": {"apiKey": "abc"}}, ("user.apiKey", "a secret")),
        ({"access-token": "abc"}, ("access-token", "a secret")),
        ([{"e-mail": "x"}], ("[0].e-mail", "an e-mail address")),
        ({"customerEmail": "x"}, ("customerEmail", "an e-mail address")),
        ({"phone_number": 5551234}, ("phone_number", "a phone number")),
        ({"date of birth": "1980-01-01"}, ('["date of birth"]', "a date of birth")),
        ({"SSN": "x"}, ("SSN", "an identity number")),
        ({"first_name": "x"}, ("first_name", "a person's name")),
        ({"note": "write to ann@example.org"}, ("note", "an e-mail address")),
        (["-----BEGIN RSA PRIVATE KEY-----"], ("[0]", "a private key")),
        (["AKIAIOSFODNN7EXAMPLE"], ("[0]", "an access key")),
        (["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"], ("[0]", "a JSON web token")),
        (["Endpoint=x;AccountKey=abcd1234=="], ("[0]", "a connection string")),
        (["postgres://me:hidden@host/db"], ("[0]", "a password in an address")),
        (["4111 1111 1111 1111"], ("[0]", "a credit card number")),
        (["GB82 WEST 1234 5698 7654 32"], ("[0]", "a bank account number")),
        (["078-05-1120"], ("[0]", "a social security number")),
    ],
)
def test_secrets_and_personal_data_are_recognised(example, finding) -> None:
    assert look_at(example) == [finding]


@pytest.mark.parametrize(
    "example",
    [
        {"name": "Sarah", "age": 25},
        {"feature_1": 5.1, "input_name_2": "value2", "tokens": [1, 2]},
        {"password": None, "email": ""},
        ["4111 1111 1111 1112", "0000 0000 0000 0000", "GB82 WEST 1234 5698 7654 33", "123-45-67"],
        ["2020-01-02T03:04:05Z", "http://example.org/path:1@x", "1234567890.1234567890"],
        {"key": "a", "keyboard": 1, "address_score_mean": 0.5, "monkey": 1},
        [[4111111111111111.0, 5]],
    ],
)
def test_ordinary_values_are_left_alone(example) -> None:
    assert look_at(example) == []


def test_a_column_is_named_once() -> None:
    assert look_at([{"email": "a"}, {"email": "b"}], "data") == [("data[0].email", "an e-mail address")]


def test_inputs_and_results_are_looked_at_and_values_are_not_shown() -> None:
    @input_schema("user", Std({"secret": "s3cr3t"}))
    @input_schema("password", Std("s3cr3t"))
    @input_schema("rows", NumpyParameterType(np.zeros((1000, 10))))
    @output_schema(Std(["ann@example.org"]))
    def run(user, password, rows):
        return []

    warnings = find_sensitive(run)
    assert [warning.split(":")[0] for warning in warnings] == [
        "the sample at password looks like a secret",
        "the sample at user.secret looks like a secret",
        "the sample at the result[0] looks like an e-mail address",
    ]
    assert "s3cr3t" not in str(warnings)
    assert "ann@" not in str(warnings)
    assert find_sensitive(lambda data: data) == []


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(
        st.none() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_sample_can_be_looked_at(example) -> None:
    for path, what in look_at(example, "data"):
        assert path
        assert what
