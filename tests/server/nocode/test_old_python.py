"""The service for pickles of old releases, which runs in Pythons before 3.10; here in this one."""

import json

import joblib
import pandas as pd
import pytest
from sklearn.naive_bayes import GaussianNB

from moorage_runtime.model_service import Request
from moorage_server.nocode import old_python


@pytest.fixture
def service(fit, monkeypatch):
    path, estimator, rows = fit(GaussianNB(), "iris")
    given = {"name": "m", "version": "3", "path": str(path), "options": {}}
    monkeypatch.setenv(old_python.VARIABLE, json.dumps({"models": [given]}))
    made = old_python.Service()
    made.load()
    return made, estimator, rows


def ask(service, body, path="/score", query="", method="POST"):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = service.answer(Request(method, path, query, {}, raw))
    return answer.status, json.loads(answer.body or b"null")


def test_requests_of_the_old_platform(service):
    made, estimator, rows = service
    data = rows.tolist()
    likely, labels = estimator.predict_proba(rows).tolist(), estimator.predict(rows).tolist()
    assert ask(made, {"data": data}) == (200, {"predict_proba": likely})
    assert ask(made, {"data": data, "method": "predict"}) == (200, {"predict": labels})
    assert ask(made, data, query="method=predict") == (200, {"predict": labels})
    assert ask(made, {"inputs": data}, "/score/m/3") == (200, {"outputs": likely})
    assert ask(made, {"instances": data}) == (200, {"predictions": likely})
    split = {"columns": list("abcd"), "data": data}
    assert ask(made, {"dataframe_split": split}) == (200, {"predictions": likely})


REFUSED = [
    (b"{", 400, "could not be decoded as JSON"),
    (b"\xff", 400, "cannot be decoded as utf-8"),
    (3, 400, "expected an object such as"),
    ({"rows": []}, 400, "no known form"),
    ({"data": []}, 400, "expected a list of rows"),
    ({"data": [[1, 2]]}, 400, "data: expected 4 values in each row, got 2"),
    ({"data": [[1], [2, 3]]}, 400, "rows of equal length"),
    ({"data": [[1, 2, 3, "a"]]}, 400, "the model refuses this input"),
    ({"data": [[1, 2, 3, 4]], "method": "fit"}, 404, 'no method "fit"'),
]


def test_refusals(service):
    for body, status, message in REFUSED:
        got, answer = ask(service[0], body)
        assert (got, message in answer["message"]) == (status, True), answer


def test_other_addresses_and_methods(service):
    assert ask(service[0], {}, "/score/other")[0] == 404
    assert ask(service[0], {}, "/v2/models/m")[0] == 404
    assert ask(service[0], b"", method="GET")[0] == 405
    assert ask(service[0], b"", method="OPTIONS")[0] == 200


def test_documents_and_sample(service):
    class Settings:
        service_name, service_version, path_prefix, public_examples = "name", "2", "", True

    told = service[0].describe(Settings)
    assert json.loads(told["sample"]) == {"data": [[0.0] * 4]}
    assert ask(service[0], json.loads(told["sample"]))[0] == 200
    definition = told["openapi"]["2"]["definitions"]["ServiceInput"]
    assert definition["properties"]["method"]["enum"][0] == "predict"


def test_columns_by_name(tmp_path, monkeypatch):
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 5.0]})
    joblib.dump(GaussianNB().fit(frame, [0, 1, 1]), tmp_path / "m.pkl")
    given = {"name": "m", "version": "1", "path": str(tmp_path), "options": {"method": "predict"}}
    monkeypatch.setenv(old_python.VARIABLE, json.dumps({"models": [given]}))
    made = old_python.Service()
    made.load()
    assert ask(made, {"data": {"b": [1.0], "a": [0.0]}}) == (200, {"predict": [0]})
    assert ask(made, {"data": [{"b": 0.0, "a": 2.0}]}) == (200, {"predict": [1]})
    assert "columns do not fit" in ask(made, {"data": [{"a": 1}]})[1]["message"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"hello", "m cannot be loaded by Python"), (b"\x80\x04}\x94.", "m holds a dict, which cannot predict")],
)
def test_files_that_cannot_be_served(tmp_path, monkeypatch, content, message):
    (tmp_path / "m.pkl").write_bytes(content)
    given = {"name": "m", "version": "1", "path": str(tmp_path / "m.pkl")}
    monkeypatch.setenv(old_python.VARIABLE, json.dumps({"models": [given]}))
    with pytest.raises(old_python.Unusable, match=message):
        old_python.Service().load()
