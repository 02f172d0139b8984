"""MLflow model folders without a script."""

import json

import joblib
import numpy as np
import pandas as pd
import pytest
from onnx import helper
from sklearn.linear_model import LogisticRegression

from moorage_server.nocode.errors import ModelUnusable
from moorage_server.nocode.inspection import inspect

pytest.importorskip("yaml")
SIGNATURE = """
signature:
  inputs: '[{"type": "double", "name": "a"}, {"type": "double", "name": "b"}]'
  outputs: '[{"type": "long"}]'
"""


def folder(tmp_path, flavors, more=""):
    made = tmp_path / "exported"
    made.mkdir(exist_ok=True)
    text = json.dumps(flavors)  # JSON is YAML
    (made / "MLmodel").write_text(f"flavors: {text}\nmlflow_version: 3.1.0\n{more}")
    return made


@pytest.fixture
def table():
    return pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})


@pytest.fixture
def exported(tmp_path, table):
    flavors = {"python_function": {"loader_module": "x"}, "sklearn": {"pickled_model": "model.pkl"}}
    made = folder(tmp_path, flavors, SIGNATURE)
    estimator = LogisticRegression().fit(table, [0, 0, 1, 1])
    joblib.dump(estimator, made / "model.pkl")
    return made, estimator


def test_the_forms_of_mlflow(serve, exported, table):
    path, estimator = exported
    asked = serve(path, "MLflow")
    expected = {"predictions": estimator.predict(table).tolist()}
    split = {"columns": ["b", "a"], "data": table[["b", "a"]].to_numpy().tolist()}
    assert asked.score({"dataframe_split": split}) == expected
    assert asked.score({"dataframe_records": table.to_dict("records")}) == expected
    assert asked.score({"inputs": table.to_numpy().tolist()}) == expected
    assert asked.score({"instances": table.to_numpy().tolist()}) == expected
    assert "lacks a" in asked.refusal({"dataframe_records": [{"b": 1}]})
    assert "one value for each column" in asked.refusal(
        {"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}
    )
    # The folder says what it is, whatever it is registered as.
    assert serve(path, "ScikitLearn").score({"data": table.to_numpy().tolist()})["predict"]


def test_the_signature_names_the_columns_of_a_model_that_has_no_names(serve, exported, table):
    path, _ = exported
    estimator = LogisticRegression().fit(table.to_numpy(), [0, 0, 1, 1])
    joblib.dump(estimator, path / "model.pkl")
    asked = serve(path, "MLflow")
    expected = {"predictions": estimator.predict(table.to_numpy()).tolist()}
    split = {"columns": ["b", "a"], "data": table[["b", "a"]].to_numpy().tolist()}
    assert asked.score({"dataframe_split": split}) == expected
    assert asked.score({"instances": table.to_numpy().tolist()}) == expected
    assert "lacks a" in asked.refusal({"dataframe_records": [{"b": 1}]})


def test_csv_and_the_address_of_mlflow(serve, exported, table):
    asked = serve(exported[0], "MLflow")
    expected = {"predictions": exported[1].predict(table).tolist()}
    body = table[["b", "a"]].to_csv(index=False).encode()
    assert asked.score(body, kind="text/csv") == expected
    assert asked.score(body, kind="text/csv", path="/invocations") == expected
    assert asked.score({"inputs": table.to_numpy().tolist()}, path="/invocations") == expected
    for text, message in (
        (b"a,b\n", "at least one row"),
        (b"a,b\n1\n", "row 1 has 1 values, the first line 2"),
        (b"\xff\n", "cannot be read"),
        (b"a,c\n1,2\n", "lacks b"),
    ):
        assert message in asked.refusal(text, kind="text/csv")


def test_what_inspection_says(exported):
    found = inspect(exported[0])
    assert (found.framework, found.version) == ("MLflow", "3.1.0")
    assert found.inputs == ("a: double", "b: double")


def test_an_onnx_flavour(serve, graph, tmp_path):
    made = folder(tmp_path, {"onnx": {"data": "model.onnx"}})
    node = helper.make_node("Identity", ["x"], ["y"])
    graph([node], [("x", "FLOAT", ["n", 2])], [("y", "FLOAT", ["n", 2])]).rename(made / "model.onnx")
    asked = serve(made, "MLflow")
    assert "does not take tables" in asked.refusal(b"x\n1", kind="text/csv")
    assert asked.score({"inputs": [[1, 2]]}) == {"predictions": [[1.0, 2.0]]}
    assert asked.model.facts["flavor"] == "onnx"


@pytest.mark.parametrize(
    ("flavors", "message"),
    [
        ({"python_function": {}}, "has the flavours python_function; without a script"),
        ({"sklearn": {}}, "does not say where its model file is"),
        ({"sklearn": {"pickled_model": "../other.pkl"}}, "outside of the folder"),
        ({"sklearn": {"pickled_model": "gone.pkl"}}, "which is not there"),
        ([], "names no flavors"),
    ],
)
def test_folders_that_cannot_be_served(serve, tmp_path, flavors, message):
    with pytest.raises(ModelUnusable, match=message):
        serve(folder(tmp_path, flavors), "MLflow")


@pytest.mark.filterwarnings("ignore")  # of MLflow itself
def test_a_folder_that_mlflow_wrote(serve, tmp_path, table):
    sklearn = pytest.importorskip("mlflow.sklearn")
    estimator = LogisticRegression().fit(table, [0, 0, 1, 1])
    try:
        sklearn.save_model(
            estimator, tmp_path / "saved", serialization_format="pickle", pip_requirements=["scikit-learn"]
        )
    except Exception as error:
        pytest.skip(f"this MLflow cannot save it: {error}")
    rows = table.to_numpy()
    answer = serve(tmp_path / "saved", None).score({"inputs": rows.tolist()})
    np.testing.assert_array_equal(answer["predictions"], estimator.predict(table))
