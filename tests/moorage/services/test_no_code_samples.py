"""The sample data set of a model is the example of its service."""

import json

import joblib
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from moorage import datasets, models
from moorage.deployments import no_code, plan
from moorage.deployments.no_code import VARIABLE

pytest.importorskip("onnxruntime", reason="models without a script need moorage-server[onnx]")


def table(workspace, tmp_path):
    path = tmp_path / "rows.csv"
    pd.DataFrame({"b": [5.0, 7.0], "a": [1.0, 2.0], "more": ["x", "y"]}).to_csv(path, index=False)
    found = datasets.Dataset(
        files=(datasets.LocalFile("rows.csv", path),), table=datasets.TableFormat(form="delimited")
    )
    return datasets.save(workspace, found)


def answers(workspace, tmp_path):
    path = tmp_path / "answers.csv"
    pd.DataFrame({"price": [1.5, 2.5]}).to_csv(path, index=False)
    found = datasets.Dataset(
        files=(datasets.LocalFile("answers.csv", path),), table=datasets.TableFormat(form="delimited")
    )
    return datasets.save(workspace, found)


def register(workspace, tmp_path, dataset_id, output_id=None):
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.0, 1.0, 1.0]})
    joblib.dump(Ridge().fit(frame, [1, 2, 3]), tmp_path / "m.pkl")
    return models.register(
        workspace,
        tmp_path / "m.pkl",
        "m",
        framework="ScikitLearn",
        sample_input_dataset_id=dataset_id,
        sample_output_dataset_id=output_id,
    )


def test_the_first_row_is_shown_and_the_others_give_the_ranges(workspace, tmp_path):
    from moorage_server.nocode.service import Service, parse_deployment

    model = register(workspace, tmp_path, table(workspace, tmp_path).id, answers(workspace, tmp_path).id)
    made = plan(workspace, "svc", [model])
    assert made.is_possible
    content = json.loads(made.variables[VARIABLE])
    content["models"][0]["path"] = "m.pkl"
    service = Service()
    service.open(parse_deployment(json.dumps(content), tmp_path))
    assert service.first.sample == {"data": [{"a": 1.0, "b": 5.0}]}
    assert "compared on 258 inputs" in service.first.facts["why"]

    class Settings:
        service_name, service_version, path_prefix, public_examples = "name", "2", "", True

    document = service.describe(Settings)["openapi"]["2"]["definitions"]
    assert document["ServiceInput"]["example"] == {"data": [{"a": 1.0, "b": 5.0}]}
    row = document["ServiceInput"]["properties"]["data"]["items"]
    assert (row["type"], row["required"], row["properties"]["a"]["type"]) == ("object", ["a", "b"], "number")
    assert document["ServiceOutput"]["example"] == {"predict": [1.5, 2.5]}
    assert document["ServiceOutput"]["properties"]["predict"]["items"]["type"] == "number"


def test_a_data_set_that_is_gone_is_a_warning(workspace, tmp_path):
    model = register(workspace, tmp_path, "gone")
    made = plan(workspace, "svc", [model])
    assert made.is_possible
    assert "the sample data set of m:1 cannot be used" in str(made)
    assert no_code.samples(workspace, [model])[0] == {}
