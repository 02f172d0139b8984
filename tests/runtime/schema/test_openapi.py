"""The documents of a service."""

import json
from datetime import date, datetime

import numpy as np
import pytest

from moorage_runtime.schema import (
    NumpyParameterType,
    PandasParameterType,
    StandardPythonParameterType,
    build_documents,
    input_schema,
    output_schema,
)

pd = pytest.importorskip("pandas")

try:
    from openapi_spec_validator import validate
except ImportError:  # in the environments of old interpreters: the documents are compared, not validated

    def validate(document):
        assert document["paths"]


ROW = np.array([[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]])


@input_schema("data", NumpyParameterType(ROW))
@output_schema(NumpyParameterType(np.array([3726.995])))
def numpy_run(data):
    return data


@input_schema(
    "Inputs",
    StandardPythonParameterType(
        {
            "input1": NumpyParameterType(np.array([[1.0, 2.0]])),
            "input2": PandasParameterType(
                pd.DataFrame({"name": ["Ann"], "age": [30]}, columns=["name", "age"])
            ),
            "input3": StandardPythonParameterType(0.0),
        }
    ),
)
@input_schema("GlobalParameters", StandardPythonParameterType(1.0))
@output_schema(StandardPythonParameterType({"Results": StandardPythonParameterType([1.0, 1.0])}))
def nested_run(Inputs, GlobalParameters, request_headers):
    return Inputs


@input_schema("when", StandardPythonParameterType(datetime(2020, 1, 2, 3, 4, 5)))
@input_schema("options", StandardPythonParameterType({"raw": b"ab", "days": [date(2020, 1, 2)], "none": {}}))
@input_schema("trace", NumpyParameterType(np.array([0.5, np.nan, np.inf])), optional=True)
@input_schema(
    "rows",
    NumpyParameterType(
        np.array(
            [("ab", 1, (2, "2020-01-02"))],
            dtype=[("n", "U4"), ("i", "i2"), ("x", [("f", "f4"), ("d", "M8[D]")])],
        )
    ),
)
@output_schema(PandasParameterType(pd.DataFrame({"t": ["a"]}), orient="split"))
def varied_run(rows, options, when, plain, trace=None):
    return rows


def undecorated_run(data):
    return data


# "numpy-service-2" is the document that the articles of Azure ML show, word for word.
SERVICES = {
    "numpy-service": numpy_run,
    "nested-service": nested_run,
    "varied-service": varied_run,
    "undecorated-service": undecorated_run,
}


@pytest.mark.parametrize("version", ["2", "3", "3.1"])
@pytest.mark.parametrize("name", list(SERVICES))
def test_documents_are_the_reviewed_ones_and_valid(check_snapshot, name, version) -> None:
    documents = build_documents(SERVICES[name], "myservice", "1.0", "")
    check_snapshot(f"{name}-{version}", documents[version])
    validate(documents[version])


def test_documents_of_all_versions_are_valid() -> None:
    documents = build_documents(numpy_run, "myservice", "1.0", "/api/v1/")
    assert list(documents) == ["2", "3", "3.1"]
    for document in documents.values():
        validate(document)
        assert list(document["paths"])[:2] == ["/api/v1/", "/api/v1/score"]


@pytest.mark.parametrize("prefix", ["x", "/x", "x/", "/x/"])
def test_slashes_around_the_prefix_do_not_matter(prefix: str) -> None:
    paths = build_documents(numpy_run, "s", "1", prefix)["3"]["paths"]
    assert list(paths) == ["/x/", "/x/score", "/x/swagger.json"]


def test_a_prefix_of_one_slash_is_none() -> None:
    assert list(build_documents(numpy_run, "s", "1", "/")["2"]["paths"]) == ["/", "/score"]


def test_a_script_without_decorators_takes_and_gives_objects() -> None:
    documents = build_documents(lambda data: data, "s", "1", "")
    for document in documents.values():
        validate(document)
    schemas = documents["3"]["components"]["schemas"]
    assert schemas["ServiceInput"] == schemas["ServiceOutput"] == {"type": "object", "example": {}}


def test_a_side_without_decorator_is_an_object() -> None:
    @output_schema(StandardPythonParameterType(1))
    def run(data):
        return data

    schemas = build_documents(run, "s", "1", "")["3"]["components"]["schemas"]
    assert schemas["ServiceInput"] == {"type": "object"}
    assert schemas["ServiceOutput"] == {"type": "integer", "format": "int64", "example": 1}


def test_a_name_with_quotes_is_only_a_name() -> None:
    info = build_documents(numpy_run, 'my "best" model', "2.1", "")["2"]["info"]
    assert info["title"] == 'my "best" model'
    assert info["version"] == "2.1"


def test_samples_can_be_kept_out_of_the_document() -> None:
    for document in build_documents(numpy_run, "s", "1", "", public_examples=False).values():
        validate(document)
        assert "3726.995" not in json.dumps(document)
        assert '"example":' not in json.dumps(document).replace('"example": "Healthy"', "")


def test_a_version_that_cannot_say_it_is_absent() -> None:
    @input_schema("mixed", StandardPythonParameterType([1, "a"]))
    @input_schema("plain", StandardPythonParameterType(1))
    def run(mixed, plain):
        return mixed, plain

    documents = build_documents(run, "s", "1", "")
    assert list(documents) == ["3", "3.1"]
    for document in documents.values():
        validate(document)


def test_documents_are_json_in_the_strict_sense() -> None:
    @input_schema("data", NumpyParameterType(np.array([np.nan, np.inf, -np.inf])))
    def run(data):
        return data.tolist()

    for document in build_documents(run, "s", "1", "").values():
        text = json.dumps(document, allow_nan=False)
        assert json.dumps(["NaN", "Infinity", "-Infinity"]) in text
        validate(document)
    back = run(data=["NaN", "Infinity", "-Infinity"])
    assert np.isnan(back[0])
    assert back[1:] == [np.inf, -np.inf]


def test_an_empty_dictionary_needs_no_members() -> None:
    @input_schema("data", StandardPythonParameterType({}))
    def run(data):
        return data

    for document in build_documents(run, "s", "1", "").values():
        validate(document)
