"""What Power BI needs, and what the check says about scripts that lack it."""

import numpy as np
import pytest

from moorage_runtime.schema import (
    NumpyParameterType,
    PandasParameterType,
    StandardPythonParameterType,
    input_schema,
    output_schema,
    power_bi,
)

pd = pytest.importorskip("pandas")
Std = StandardPythonParameterType
ROWS = NumpyParameterType(np.zeros((1, 2)))
FRAME = PandasParameterType(pd.DataFrame({"name": ["x"], "age": [1]}))
RESULTS = Std({"Results": Std([1.0])})


def found(run):
    return [(finding.severity, finding.where) for finding in power_bi.check(run)]


@input_schema("Inputs", Std({"input1": FRAME, "input2": Std(1.0)}))
@input_schema("GlobalParameters", Std(1.0))
@output_schema(RESULTS)
def good(Inputs, GlobalParameters, request_headers=None):
    return {"Results": [1.0]}


def test_the_shape_that_the_articles_describe_is_fine() -> None:
    assert power_bi.check(good) == []


def test_global_parameters_are_optional() -> None:
    assert found(input_schema("Inputs", Std({"a": FRAME}))(output_schema(RESULTS)(lambda Inputs: {}))) == []


def test_a_function_without_schema_is_of_no_use() -> None:
    assert found(lambda Inputs: 1) == [("error", "run")]


@pytest.mark.parametrize(
    ("kind", "severity"),
    [(FRAME, "error"), (Std([FRAME]), "error"), (Std({"a": 1}), "error"), (Std({"a": ROWS}), "warning")],
)
def test_inputs_have_to_nest(kind, severity) -> None:
    run = input_schema("Inputs", kind)(output_schema(RESULTS)(lambda Inputs: {}))
    assert found(run) == [(severity, "Inputs")]


def test_the_case_of_names_matters() -> None:
    @input_schema("inputs", Std({"a": FRAME}))
    @input_schema("global_parameters", Std(1.0))
    @output_schema(Std({"results": Std([1.0])}))
    def run(inputs, global_parameters):
        return {}

    findings = power_bi.check(run)
    assert [(f.severity, f.where) for f in findings] == [
        ("error", "inputs"),
        ("error", "global_parameters"),
        ("error", "result"),
    ]
    assert all("case matter" in finding.message for finding in findings)


def test_other_parameters_are_never_sent() -> None:
    @input_schema("Inputs", Std({"a": FRAME}))
    @output_schema(RESULTS)
    def run(Inputs, needed, known=1, GlobalParameters=2):
        return {}

    assert found(run) == [("error", "needed"), ("note", "known"), ("warning", "GlobalParameters")]


def test_inputs_come_first_and_have_a_sample() -> None:
    @input_schema("GlobalParameters", Std(1.0))
    @output_schema(RESULTS)
    def run(GlobalParameters, Inputs):
        return {}

    where = found(run)
    assert ("error", "GlobalParameters") in where
    assert ("error", "Inputs") in where


@pytest.mark.parametrize(
    ("kind", "severity"), [(FRAME, "error"), (Std({"a": FRAME}), "warning"), (Std([Std(1)]), "warning")]
)
def test_global_parameters_are_plain(kind, severity) -> None:
    @input_schema("Inputs", Std({"a": FRAME}))
    @input_schema("GlobalParameters", kind)
    @output_schema(RESULTS)
    def run(Inputs, GlobalParameters):
        return {}

    assert found(run) == [(severity, "GlobalParameters")]


@pytest.mark.parametrize(
    ("output", "severity"),
    [(None, "error"), (Std([1.0]), "error"), (ROWS, "error"), (Std({"Results": [1.0]}), "warning")],
)
def test_the_result_is_a_dictionary_with_results(output, severity) -> None:
    run = input_schema("Inputs", Std({"a": FRAME}))(lambda Inputs: {})
    if output is not None:
        run = output_schema(output)(run)
    assert found(run) == [(severity, "result")]


def test_a_bare_list_where_results_were_declared_works_and_is_explained() -> None:
    @input_schema("Inputs", Std({"a": FRAME}))
    @output_schema(RESULTS)
    def run(Inputs):
        def inner():
            return []

        if inner():
            return {"Results": []}
        return np.zeros(1).tolist()

    (finding,) = power_bi.check(run)
    assert (finding.severity, finding.where) == ("note", "result")
    assert "both forms work" in finding.message
    assert run(Inputs={"a": [{"name": "x", "age": 1}]}) == [0.0]


def test_power_bi_reads_the_2_0_document() -> None:
    @input_schema("Inputs", Std({"a": FRAME, "b": Std([1, "x"])}))
    @output_schema(RESULTS)
    def run(Inputs):
        return {}

    assert found(run) == [("error", "run")]
