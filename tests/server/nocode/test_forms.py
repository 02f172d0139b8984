"""The forms of requests: Open Inference Protocol, TensorFlow Serving, .npy, Arrow, MLflow; several models."""

import io
import json
import struct

import joblib
import numpy as np
import pandas as pd
import pytest
from onnx import helper
from sklearn.linear_model import LogisticRegression, Ridge

from moorage_runtime.model_service import Request
from moorage_server.nocode.errors import NotFound
from moorage_server.nocode.model import Source
from moorage_server.nocode.repository import Repository

INFER = "/v2/models/model/infer"
LENGTH = "Inference-Header-Content-Length"


@pytest.fixture
def ridge(serve, fit):
    path, estimator, rows = fit(Ridge())
    return serve(path, "ScikitLearn"), estimator, rows


@pytest.fixture
def doubler(serve, graph):
    node = helper.make_node("Add", ["x", "x"], ["y"])
    return serve(graph([node], [("x", "FLOAT", ["n", 2])], [("y", "FLOAT", ["n", 2])]), "Onnx")


# Open Inference Protocol


def test_metadata_and_health(doubler):
    assert doubler.get("/v2/health/live") == {"live": True}
    assert doubler.get("/v2/health/ready") == {"ready": True}
    assert doubler.get("/v2/models/model/ready") == {"name": "model", "ready": True}
    assert doubler.get("/v2/")["name"] == "moorage"
    metadata = doubler.get("/v2/models/model/versions/1")
    assert metadata["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]
    assert metadata["outputs"] == [{"name": "y", "datatype": "FP32", "shape": [-1, 2]}]
    assert metadata["platform"] == "onnxruntime_onnx"
    assert doubler.get("/v2/repository/index") == [{"name": "model", "version": "1", "state": "READY"}]


def test_infer(doubler):
    tensor = {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]}
    answer = doubler.score({"id": "7", "inputs": [tensor]}, path=INFER)
    assert answer == {
        "model_name": "model",
        "model_version": "1",
        "id": "7",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [2, 2], "data": [2.0, 4.0, 6.0, 8.0]}],
    }
    # The same body is understood at the usual address.
    assert doubler.score({"id": "7", "inputs": [tensor]}) == answer
    assert doubler.score({"inputs": [tensor]}, path="/v2/models/model/versions/1/infer")["outputs"]


def test_binary_tensors(doubler):
    raw = np.array([[1, 2]], "<f4").tobytes()
    tensor = {"name": "x", "shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": len(raw)}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    answer = doubler.ask(head + raw, path=INFER, headers={LENGTH.lower(): str(len(head))})
    assert answer.status == 200
    assert answer.content_type == "application/octet-stream"
    length = int(dict(answer.headers)[LENGTH])
    content = json.loads(answer.body[:length])
    assert content["outputs"][0]["parameters"] == {"binary_data_size": 8}
    np.testing.assert_array_equal(np.frombuffer(answer.body[length:], "<f4"), [2, 4])
    short = doubler.refusal(head + raw[:4], path=INFER, headers={LENGTH.lower(): str(len(head))})
    assert short == "x: binary_data_size is 8; 4 bytes came"
    assert "5 bytes behind" in doubler.refusal(
        head + raw + b"12345", path=INFER, headers={LENGTH.lower(): str(len(head))}
    )
    assert "the body has" in doubler.refusal(head, path=INFER, headers={LENGTH.lower(): "100000"})


def test_texts_as_binary_tensors(serve, graph):
    node = helper.make_node("Identity", ["x"], ["y"])
    asked = serve(graph([node], [("x", "STRING", ["n"])], [("y", "STRING", ["n"])]), "Onnx")
    raw = b"".join(struct.pack("<I", len(one)) + one for one in (b"ab", "\u00e9".encode()))
    tensor = {"name": "x", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": len(raw)}}
    outputs = [{"name": "y", "parameters": {"binary_data": True}}]
    head = json.dumps({"inputs": [tensor], "outputs": outputs}).encode()
    answer = asked.ask(head + raw, path=INFER, headers={LENGTH.lower(): str(len(head))})
    assert answer.body.endswith(raw)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        ({"shape": [1, 3], "data": [1, 2, 3]}, "x: expected the shape [?, 2], got [1, 3]"),
        ({"shape": [1, 2], "data": [1]}, "x: the data do not fill the shape [1, 2] of FP32"),
        ({"shape": [1, 2], "data": 1}, "x: expected a list of values, got 1"),
        ({"shape": None, "data": [1]}, "x: expected a shape such as [1, 4], got null"),
        ({"datatype": "FP8", "shape": [1], "data": [1]}, 'x: unknown datatype "FP8"'),
        ({"name": "z", "shape": [1], "data": [1]}, "the request lacks x"),
    ],
)
def test_refused_tensors(doubler, tensor, message):
    inputs = [{"name": "x", "datatype": "FP32", **tensor}]
    assert doubler.refusal({"inputs": inputs}, path=INFER).startswith(message)


def test_errors_have_the_form_of_the_protocol(doubler):
    answer = doubler.ask({}, path="/v2/models/other/infer")
    assert (answer.status, json.loads(answer.body)) == (
        404,
        {"error": "there is no model 'other' here; there are model"},
    )
    assert doubler.refusal({}, 404, path="/v2/nothing") == "There is nothing at this address."
    assert "no version '9'" in doubler.refusal({}, 404, path="/v2/models/model/versions/9/infer")
    get = doubler.service.answer(Request("GET", INFER, "", {}, b""))
    assert get.status == 405


def test_infer_for_scikit_learn(ridge):
    asked, estimator, rows = ridge
    tensor = {"name": "data", "shape": list(rows.shape), "datatype": "FP64", "data": rows.ravel().tolist()}
    answer = asked.score({"inputs": [tensor], "parameters": {"method": "predict"}}, path=INFER)
    assert answer["outputs"][0]["name"] == "predict"
    np.testing.assert_allclose(answer["outputs"][0]["data"], estimator.predict(rows))


def test_a_tensor_for_each_column(serve, tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.5, 1.0, 0.0]})
    estimator = Ridge().fit(frame, [1, 2, 3])
    joblib.dump(estimator, tmp_path / "model.pkl")
    asked = serve(tmp_path / "model.pkl", "ScikitLearn")
    tensors = [
        {"name": name, "shape": [3, 1], "datatype": "FP64", "data": frame[name].tolist()}
        for name in ("b", "a")
    ]
    data = asked.score({"inputs": tensors}, path=INFER)["outputs"][0]["data"]
    np.testing.assert_allclose(data, estimator.predict(frame))


# TensorFlow Serving's form


def test_rows_and_columns(doubler):
    assert doubler.score({"instances": [[1, 2], [3, 4]]}) == {"predictions": [[2.0, 4.0], [6.0, 8.0]]}
    assert doubler.score({"instances": [{"x": [1, 2]}]}, path="/v1/models/model:predict") == {
        "predictions": [[2.0, 4.0]]
    }
    assert doubler.score({"instances": [[1, 2]]}, path="/score:predict") == {"predictions": [[2.0, 4.0]]}
    state = doubler.get("/v1/models/model")["model_version_status"][0]
    assert (state["version"], state["state"]) == ("1", "AVAILABLE")
    signature = doubler.get("/v1/models/model/metadata")["metadata"]["signature_def"]["signature_def"]
    assert signature["predict"]["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert "either instances or inputs" in doubler.refusal({"instances": [[1, 2]], "inputs": 1})
    assert (
        doubler.refusal({"instances": []}) == "instances: expected a list of instances, got a list of 0 items"
    )


def test_examples_are_for_models_that_take_them(doubler):
    body = {"examples": [{"x": 1}]}
    assert ":classify needs a signature" in doubler.refusal(body, 404, path="/score:classify")
    assert ":regress needs a signature" in doubler.refusal(body, 404, path="/v1/models/model:regress")
    assert "expected an object such as" in doubler.refusal({"instances": []}, path="/score:classify")


# .npy and Arrow


def npy(array):
    target = io.BytesIO()
    np.save(target, array)
    return target.getvalue()


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/x-npy"])
def test_npy(ridge, kind):
    asked, estimator, rows = ridge
    answer = asked.ask(npy(rows), kind=kind)
    assert (answer.status, answer.content_type) == (200, "application/octet-stream")
    np.testing.assert_allclose(np.load(io.BytesIO(answer.body)), estimator.predict(rows))


def test_npy_is_never_unpickled(ridge):
    asked, _, rows = ridge
    assert "cannot be read" in asked.refusal(npy(rows.astype(object)), kind="application/octet-stream")
    assert "no .npy file" in asked.refusal(b"data", kind="application/octet-stream")
    assert "cannot be read" in asked.refusal(npy(rows)[:200], kind="application/octet-stream")


def arrow_of(frame):
    arrow = pytest.importorskip("pyarrow")
    table = arrow.Table.from_pandas(frame, preserve_index=False)
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


def test_arrow(serve, tmp_path):
    arrow = pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.5, 1.0, 0.0]})
    estimator = LogisticRegression().fit(frame, ["x", "y", "y"])
    joblib.dump(estimator, tmp_path / "model.pkl")
    asked = serve(tmp_path / "model.pkl", "ScikitLearn")
    kind = "application/vnd.apache.arrow.stream"
    answer = asked.ask(arrow_of(frame[["b", "a"]]), kind=kind, query="method=predict")
    assert answer.content_type == kind
    table = arrow.ipc.open_stream(answer.body).read_all()
    assert table.to_pydict() == {"predict": estimator.predict(frame).tolist()}
    answer = asked.ask(arrow_of(frame), kind=kind)
    assert arrow.ipc.open_stream(answer.body).read_all().column_names == [
        "predict_proba_0",
        "predict_proba_1",
    ]
    assert "the table lacks b" in asked.refusal(arrow_of(frame[["a"]]), kind=kind)
    assert "cannot be read" in asked.refusal(b"no arrow", kind=kind)


def test_other_content_types_are_refused(ridge):
    assert "text/html is not understood" in ridge[0].refusal(b"x", 415, kind="text/html")


# several models


@pytest.fixture
def sources(fit, tmp_path):
    made = []
    for name, version in (("a", "1"), ("a", "2"), ("a", "10"), ("b", "1")):
        path, _, _ = fit(Ridge(alpha=float(version)))
        path = path.rename(tmp_path / f"{name}-{version}.pkl")
        made.append(Source(name, version, str(path), "ScikitLearn", None, {"compile": "off"}, 1000))
    return made


def test_models_are_found_by_name_and_version(sources):
    repository = Repository(sources)
    assert repository.find().version == "1"
    assert repository.find("a").version == "10"
    assert repository.find("a", "2").version == "2"
    with pytest.raises(NotFound, match=r"no version '3' of a here; there are 1, 2, 10"):
        repository.find("a", "3")
    repository.load_all()
    assert repository.get("a", "2") is repository.get("a", "2")


def test_the_least_recently_used_model_leaves(sources, monkeypatch):
    monkeypatch.setattr("moorage_server.nocode.repository._resident_bytes", lambda: 0)
    repository = Repository(sources, budget_bytes=2500)
    repository.load_all()
    assert repository.loaded == [("a", "1"), ("a", "2")]
    repository.get("a", "1")
    repository.get("b")
    assert repository.loaded == [("a", "1"), ("b", "1")]
    repository.get("a", "10")
    assert repository.loaded == [("b", "1"), ("a", "10")]


# documents


def test_documents_come_from_the_model(ridge, doubler):
    openapi = pytest.importorskip("openapi_spec_validator")

    class Settings:
        service_name, service_version, path_prefix, public_examples = "name", "2", "", True

    for asked in (ridge[0], doubler):
        told = asked.service.describe(Settings)
        for version in ("2", "3", "3.1"):
            openapi.validate(told["openapi"][version])
        asked.score(json.loads(told["sample"]))
    schema = told["openapi"]["3.1"]["components"]["schemas"]["ServiceInput"]
    assert schema["example"] == {"data": [[0.0, 0.0]]}
    row = schema["properties"]["data"]["items"]
    assert (row["minItems"], row["maxItems"], row["items"]["format"]) == (2, 2, "float")
    document = ridge[0].service.describe(Settings)["openapi"]["2"]["definitions"]
    assert document["ServiceOutput"]["properties"].keys() == {"predict"}
