"""Models without an entry script as real services."""

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge

from moorage import models, services
from moorage.deployments import LocalConfig, plan
from moorage.errors import EntryScriptError, PlanRejected

pytest.importorskip("onnxruntime", reason="models without a script need moorage-server[onnx]")


def ask(url, body=None, kind="application/json"):
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def register(workspace, folder, estimator, name="m", framework="ScikitLearn", **more):
    rows, target = load_diabetes(return_X_y=True)
    path = folder / f"{name}.pkl"
    joblib.dump(estimator.fit(rows[:60], target[:60]), path)
    return models.register(workspace, path, name, framework=framework, **more)


def test_from_a_file_to_answers_in_every_form(workspace, tmp_path):
    estimator = Ridge()
    model = register(workspace, tmp_path, estimator)
    service = services.deploy(workspace, "svc", [model], None, LocalConfig(max_batch_size=8))
    base = service.scoring_uri.removesuffix("/score")
    rows = load_diabetes(return_X_y=True)[0][:3]
    expected = pytest.approx(estimator.predict(rows).tolist())
    body = {"data": rows.tolist()}
    # The first goes as an array, the others as they are.
    for form in (body, {**body, "method": "predict"}):
        status, answer = ask(service.scoring_uri, form)
        assert (status, json.loads(answer)) == (200, {"predict": expected})
    tensor = {"name": "data", "shape": [3, 10], "datatype": "FP64", "data": rows.ravel().tolist()}
    status, answer = ask(f"{base}/v2/models/m/infer", {"inputs": [tensor]})
    assert json.loads(answer)["outputs"][0]["data"] == expected
    assert json.loads(ask(f"{base}/v2/models/m")[1])["properties"]["compiled"] == "yes"
    assert json.loads(ask(f"{base}/v1/models/m:predict", {"instances": rows.tolist()})[1]) == {
        "predictions": expected
    }
    assert ask(f"{base}/v3")[0] == 404
    status, answer = ask(service.scoring_uri, {"data": [[1]]})
    assert (status, json.loads(answer)) == (400, {"message": "data: expected 10 values in each row, got 1"})
    document = json.loads(ask(f"{base}/swagger.json")[1])
    assert document["definitions"]["ServiceInput"]["example"] == {"data": [[0.0] * 10]}
    assert "is served compiled" in services.get_logs(workspace, "svc")

    (how,) = service.properties.values()
    assert service.properties == {"served m:1": how}
    assert how.startswith(f"compiled, by scikit-learn {sklearn.__version__}: compared on ")

    forest = register(workspace, tmp_path, RandomForestRegressor(3, random_state=0))
    service = services.update(workspace, "svc", models=[forest])
    assert service.models == ("m:2",)
    joblib_answer = joblib.load(tmp_path / "m.pkl").predict(rows)
    status, answer = ask(service.scoring_uri, body)
    np.testing.assert_allclose(json.loads(answer)["predict"], joblib_answer, rtol=1e-5)
    assert services.reload(workspace, "svc").state == "Healthy"


def test_several_models_behind_one_service(workspace, tmp_path):
    first = register(workspace, tmp_path, Ridge(), "a", properties={"compile": "off"})
    second = register(workspace, tmp_path, Ridge(alpha=9.0), "b", properties={"compile": "off"})
    service = services.deploy(workspace, "two", [first, second])
    row = {"data": [[0.1] * 10]}
    answers = [ask(service.scoring_uri + path, row) for path in ("", "/a", "/b", "/b/1", "/c")]
    assert [status for status, _ in answers] == [200, 200, 200, 200, 404]
    assert answers[0] == answers[1] != answers[2] == answers[3]


def test_a_model_that_many_ask_for_at_once_is_loaded_once(workspace, tmp_path, wait_for):
    least = models.ResourceConfiguration(memory_gb=1e-6)
    made = [
        register(workspace, tmp_path, Ridge(), name, properties={"compile": "off"}, resources=least)
        for name in "ab"
    ]
    service = services.deploy(workspace, "lazy", made)
    row = {"data": [[0.1] * 10]}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(service.scoring_uri + "/b", row), range(8)))
    assert {status for status, _ in answers} == {200}
    # What is printed last is written down last.
    wait_for(lambda: "Loaded b:1" in services.get_logs(workspace, "lazy"))
    log = services.get_logs(workspace, "lazy")
    assert (log.count("Loaded a:1"), log.count("Loaded b:1")) == (1, 1)
    assert log.count("Unloaded a:1") == 1
    # The one that plain requests go to is always there.
    assert ask(service.scoring_uri, row)[0] == 200


def test_a_file_that_is_no_model_is_refused_with_the_reason(workspace, tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(b"hello")
    model = models.register(workspace, path, "m", framework="ScikitLearn")
    with pytest.raises(
        EntryScriptError, match=r"^the model cannot be served: model\.pkl is registered as ScikitLearn but is"
    ):
        services.deploy(workspace, "svc", [model])


def test_what_the_plan_says(workspace, tmp_path):
    old = register(workspace, tmp_path, Ridge(), framework_version="0.19.1")
    made = plan(workspace, "svc", [old])
    assert made.is_possible
    assert "is registered as made with scikit-learn 0.19.1; it is served with" in str(made)
    content = (tmp_path / "m.pkl").read_bytes()
    (tmp_path / "m.pkl").write_bytes(content.replace(sklearn.__version__.encode(), b"0.2.9"))
    skewed = models.register(workspace, tmp_path / "m.pkl", "m", framework="ScikitLearn")
    assert "was pickled by scikit-learn 0.2.9, and scikit-learn" in str(plan(workspace, "svc", [skewed]))
    custom = register(workspace, tmp_path, Ridge(), framework="Custom")
    with pytest.raises(PlanRejected, match="framework Custom, which needs an entry script"):
        plan(workspace, "svc", [custom]).check()
    catboost = register(workspace, tmp_path, Ridge(), framework="CatBoost")
    try:
        import catboost
    except ImportError:
        with pytest.raises(PlanRejected, match="needs catboost, which"):
            plan(workspace, "svc", [catboost]).check()
