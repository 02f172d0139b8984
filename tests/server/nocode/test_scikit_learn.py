"""scikit-learn without a script: methods, forms of files, compiled or not, and what goes wrong."""

import gzip
import json
import pickle
import warnings

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from moorage_server.nocode.errors import InvalidInput, ModelUnusable
from moorage_server.nocode.pickles import read_facts
from moorage_server.nocode.tensors import to_json


def test_without_a_method_a_classifier_gives_probabilities(serve, fit):
    path, estimator, rows = fit(LogisticRegression(max_iter=1000), "iris")
    asked = serve(path, "ScikitLearn")
    assert asked.model.facts["compiled"] == "yes"
    body = {"data": rows.tolist()}
    np.testing.assert_allclose(asked.score(body)["predict_proba"], estimator.predict_proba(rows), rtol=1e-5)
    assert asked.score({**body, "method": "predict"}) == {"predict": estimator.predict(rows).tolist()}
    decisions = asked.score(body, query="method=decision_function")["decision_function"]
    np.testing.assert_allclose(decisions, estimator.decision_function(rows))


def test_the_method_property_is_the_default(serve, fit):
    path, estimator, rows = fit(LogisticRegression(max_iter=1000), "iris")
    asked = serve(path, "ScikitLearn", method="predict")
    assert asked.score({"data": rows.tolist()}) == {"predict": estimator.predict(rows).tolist()}


@pytest.mark.parametrize(
    ("estimator", "method"),
    [
        (GaussianMixture(2, random_state=0), "score_samples"),
        (make_pipeline(StandardScaler(), KMeans(2, n_init=1, random_state=0)), "transform"),
        (StandardScaler(), "transform"),
    ],
)
def test_other_methods(serve, fit, estimator, method):
    path, estimator, rows = fit(estimator)
    answer = serve(path, "ScikitLearn").score({"data": rows.tolist(), "method": method})
    np.testing.assert_allclose(answer[method], getattr(estimator, method)(rows))


def test_a_method_that_is_not_there(serve, fit):
    path, _, rows = fit(Ridge())
    message = serve(path, "ScikitLearn").refusal({"data": rows.tolist(), "method": "__reduce__"}, 404)
    assert message == "model has no method '__reduce__'; it has predict"


@pytest.mark.parametrize(
    "form", ["joblib", "joblib-compressed", "pickle", "pickle-2", "gzip", "cloudpickle", "skops"]
)
def test_forms_of_files(serve, fit, form, tmp_path):
    path, estimator, rows = fit(Ridge())
    if form == "joblib-compressed":
        joblib.dump(estimator, path, compress=3)
    elif form == "pickle":
        path.write_bytes(pickle.dumps(estimator))
    elif form == "pickle-2":
        path.write_bytes(pickle.dumps(estimator, protocol=2))
    elif form == "gzip":
        joblib.dump(estimator, path, compress=("gzip", 3))
    elif form == "cloudpickle":
        path.write_bytes(cloudpickle.dumps(estimator))
    elif form == "skops":
        pytest.importorskip("skops.io").dump(estimator, path)
    answer = serve(path, "ScikitLearn").score({"data": rows.tolist()})
    np.testing.assert_allclose(answer["predict"], estimator.predict(rows))
    import sklearn

    assert read_facts(path).versions == (sklearn.__version__,)


def test_compiled_and_pickled_give_the_same_answers(serve, fit):
    path, _, rows = fit(RandomForestRegressor(20, random_state=0))
    compiled, pickled = serve(path, "ScikitLearn"), serve(path, "ScikitLearn", compile="off")
    assert compiled.model.facts["compiled"] == "yes"
    assert pickled.model.facts == {
        **pickled.model.facts,
        "compiled": "no",
        "why": "the property compile is off",
    }
    body = {"data": rows.tolist()}
    np.testing.assert_allclose(compiled.score(body)["predict"], pickled.score(body)["predict"], rtol=1e-5)
    array = rows.astype(compiled.model.fast_input.type_code)
    fast = json.loads(compiled.model.write_rows(compiled.model.run_rows(array)))
    np.testing.assert_allclose(fast["predict"], pickled.score(body)["predict"], rtol=1e-5)


def test_labels_keep_their_kind(serve, tmp_path):
    rows = np.arange(40.0).reshape(20, 2)
    for labels in (np.array(["yes", "no"] * 10), np.array([True, False] * 10), np.array([3, 5] * 10)):
        path = tmp_path / "model.pkl"
        joblib.dump(RandomForestClassifier(3, random_state=0).fit(rows, labels), path)
        asked = serve(path, "ScikitLearn")
        assert asked.model.facts["compiled"] == "yes"
        answer = asked.score({"data": [[0, 1]], "method": "predict"})["predict"]
        assert [type(one) for one in answer] == [type(labels[0].item())]


def test_answers_are_described_by_method(serve, tmp_path):
    estimator = RandomForestClassifier(3, random_state=0).fit([[0.0, 1], [1, 0], [2, 2]], ["a", "b", "c"])
    joblib.dump(estimator, tmp_path / "model.pkl")
    asked = serve(tmp_path / "model.pkl", "ScikitLearn")
    assert [str(asked.model.outputs_of(name)[0]) for name in ("predict", "predict_proba")] == [
        "predict: string [?]",
        "predict_proba: float64 [?, 3]",
    ]
    assert asked.get("/v2/models/model")["outputs"] == [
        {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 3]}
    ]


def test_missing_values_are_left_to_scikit_learn(serve, fit):
    path, _, rows = fit(Ridge())
    asked = serve(path, "ScikitLearn")
    body = rows[:1].tolist()
    body[0][3] = None
    assert "NaN" in asked.refusal({"data": body})
    forest, estimator, _ = fit(RandomForestRegressor(3, random_state=0))
    expected = estimator.predict(np.array(body, dtype=float))
    assert serve(forest, "ScikitLearn").score({"data": body})["predict"] == expected.tolist()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_numbers_that_no_graph_gets_are_answered_as_scikit_learn_does(serve, fit, value):
    path, estimator, rows = fit(RandomForestRegressor(3, random_state=0))
    model = serve(path, "ScikitLearn").model
    rows = rows[:3].astype(model.fast_input.type_code)
    rows[1, 2] = value
    if np.isinf(value):
        with pytest.raises(ValueError, match="infinity"):
            estimator.predict(rows)
        with pytest.raises(InvalidInput, match="infinity"):
            model.run_rows(rows)
    else:
        np.testing.assert_allclose(model.run_rows(rows), estimator.predict(rows), rtol=1e-5)


def test_answers_that_are_no_numbers_stay_tokens():
    assert to_json(np.array([1.0, np.nan, np.inf])) == b"[1.0, NaN, Infinity]"
    assert to_json(np.array([1.5, 2.0], np.float32)) == b"[1.5,2.0]"


def test_a_compiled_form_is_kept_for_the_next_start(serve, fit, tmp_path, monkeypatch):
    path, _, rows = fit(Ridge())
    cache = tmp_path / "compiled"
    first = serve(path, "ScikitLearn", cache)
    names = sorted(path.suffix for path in cache.iterdir())
    assert names == [".json", ".json", ".onnx"]
    assert json.loads((cache / "served.json").read_text())["model:1"].startswith("compiled, by scikit-learn")

    def not_again(*arguments: object) -> None:
        raise AssertionError("it was made again")

    monkeypatch.setattr("moorage_server.nocode.compiled._make", not_again)
    second = serve(path, "ScikitLearn", cache)
    assert second.model.facts == first.model.facts
    assert second.score({"data": rows.tolist()}) == first.score({"data": rows.tolist()})
    next(cache.glob("*.onnx")).write_bytes(b"damaged")
    with pytest.raises(AssertionError, match="made again"):
        serve(path, "ScikitLearn", cache)


def table() -> pd.DataFrame:
    return pd.DataFrame({"town": ["Rome", "Oslo", "Rome", "Bern"], "size": [1.5, 2.0, 3.0, 4.0]})


@pytest.fixture
def pipeline(tmp_path):
    made = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["town"]), ("passthrough", ["size"])), Ridge()
    )
    made.fit(table(), [1.0, 2.0, 3.0, 4.0])
    joblib.dump(made, tmp_path / "model.pkl")
    return tmp_path / "model.pkl", made


def test_tables_by_name_or_in_order(serve, pipeline):
    path, estimator = pipeline
    asked = serve(path, "ScikitLearn")
    assert asked.model.facts["compiled"] == "no"
    expected = {"predict": pytest.approx(estimator.predict(table()[:2]).tolist())}
    assert asked.score({"data": [["Rome", 1.5], ["Oslo", 2.0]]}) == expected
    assert asked.score({"data": [{"size": 1.5, "town": "Rome"}, {"size": 2, "town": "Oslo"}]}) == expected
    assert asked.score({"data": {"town": ["Rome", "Oslo"], "size": [1.5, 2]}}) == expected
    assert asked.score({"town": ["Rome", "Oslo"], "size": [1.5, 2]}) == expected
    split = {"columns": ["size", "town"], "data": [[1.5, "Rome"], [2, "Oslo"]]}
    predictions = asked.score({"dataframe_split": split})["predictions"]
    assert predictions == expected["predict"]
    assert asked.model.facts["why"] == "its first step takes columns of different kinds"
    metadata = asked.get("/v2/models/model")
    assert [(one["name"], one["datatype"], one["shape"]) for one in metadata["inputs"]] == [
        ("town", "BYTES", [-1]),
        ("size", "FP64", [-1]),
    ]
    tensors = [
        {"name": "size", "shape": [2], "datatype": "FP64", "data": [1.5, 2]},
        {"name": "town", "shape": [2], "datatype": "BYTES", "data": ["Rome", "Oslo"]},
    ]
    answer = asked.score({"inputs": tensors}, path="/v2/models/model/infer")
    assert answer["outputs"][0]["data"] == expected["predict"]
    # What the documentation page offers has to work.
    assert asked.model.sample == {"data": [["Bern", 0.0]]}
    asked.score(asked.model.sample)


@pytest.mark.parametrize("estimator", [LogisticRegression(), RandomForestClassifier(3, random_state=0)])
def test_columns_of_numbers_are_compiled_by_their_names(serve, tmp_path, estimator):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(40, 4)), columns=["d", "a", "dropped", "b"])
    scale = make_column_transformer((StandardScaler(), ["a", "b"]), ("passthrough", ["d"]))
    made = make_pipeline(scale, estimator).fit(frame, frame["a"] > frame["b"])
    joblib.dump(made, tmp_path / "model.pkl")
    asked = serve(tmp_path / "model.pkl", "ScikitLearn", tmp_path / "kept", compile="auto")
    assert asked.model.facts["compiled"] == "yes", asked.model.facts["why"]
    again = serve(tmp_path / "model.pkl", "ScikitLearn", tmp_path / "kept")
    rows = frame[:5]
    expected = pytest.approx(made.predict_proba(rows).ravel().tolist(), rel=1e-5, abs=1e-6)
    bodies = [rows.to_numpy().tolist(), rows[["b", "a", "d", "dropped"]].to_dict("records")]
    for one in (asked, again):
        for body in bodies:
            likely = np.ravel(one.score({"data": body})["predict_proba"])
            assert likely.tolist() == expected
            assert 0 <= likely.min() <= likely.max() <= 1
        fast = one.model.run_rows(rows.to_numpy().astype(one.model.fast_input.type_code))
        assert np.ravel(fast).tolist() == expected


def test_wrong_tables(serve, pipeline):
    asked = serve(pipeline[0], "ScikitLearn")
    assert asked.refusal({"data": [{"town": "Rome", "sise": 1}]}) == (
        "data: the table lacks size and has sise, which the model does not know; the columns are town, size"
    )
    assert asked.refusal({"data": [["Rome"]]}) == (
        "data: expected 2 values in each row, got 1; the columns are town, size"
    )
    assert "unknown categories ['Paris']" in asked.refusal({"data": [["Paris", 1.0]]})


def test_texts(serve, tmp_path):
    made = make_pipeline(CountVectorizer(), MultinomialNB()).fit(["good day", "bad day"], ["up", "down"])
    joblib.dump(made, tmp_path / "model.pkl")
    asked = serve(tmp_path / "model.pkl", "ScikitLearn")
    assert asked.score({"data": ["so good"], "method": "predict"}) == {"predict": ["up"]}
    assert asked.refusal({"data": [1]}) == "data[0]: expected a text, got 1"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"data": [[1, 2]]}, "data: expected 10 values in each row, got 2"),
        ({"data": [[1] * 10, [1]]}, "data: the rows are of different lengths"),
        (
            {"data": [1] * 10},
            "data: expected rows of values ([[1, 2], [3, 4]]), got an array of 1 dimensions",
        ),
        ({"data": []}, "data: expected at least one row"),
        ({"data": 3}, "data: expected a list of rows, got 3"),
        ({"data": [[1] * 10], "more": 1}, "the request has unknown members: more"),
        ({"data": [[1] * 10], "method": 3}, "method: expected the name of a method, got 3"),
        ({"rows": []}, "the request has no known form; expected an object such as"),
        (3, "expected an object such as"),
        (b"{", "The request body could not be decoded as JSON"),
        (b"", "The request body is empty"),
        (b'"\xff"', "The request body cannot be decoded as utf-8"),
    ],
)
def test_refused_requests(serve, fit, body, message):
    asked = serve(fit(Ridge())[0], "ScikitLearn")
    assert asked.refusal(body).startswith(message)


def test_version_skew_is_said_before_loading(serve, fit):
    import sklearn

    path, estimator, rows = fit(Ridge())
    content = pickle.dumps(estimator).replace(sklearn.__version__.encode(), b"0.1.9", 1)
    assert len(sklearn.__version__) == 5
    path.write_bytes(content)
    assert read_facts(path).versions == ("0.1.9",)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asked = serve(path, "ScikitLearn")
    assert not caught
    assert asked.model.facts["version_skew"].startswith("the model was pickled by scikit-learn 0.1.9")
    asked.score({"data": rows.tolist()})
    path.write_bytes(content.replace(b"linear_model._ridge", b"linear_model._rigde"))
    with pytest.raises(ModelUnusable, match=r"pickled by scikit-learn 0\.1\.9.*Train it again"):
        serve(path, "ScikitLearn")


def test_files_that_cannot_be_served(serve, fit, tmp_path):
    path, estimator, _ = fit(Ridge())
    whole = path.read_bytes()
    for content, message in (
        (whole[: len(whole) // 2], "is damaged"),
        (b"", "damaged or no pickled model"),
        (b"hello", "damaged or no pickled model"),
        (pickle.dumps({"a": 1}), "holds a builtins.dict, which has none of predict"),
        (b"cno_such_module\nThing\n.", "needs the module no_such_module"),
        (gzip.compress(pickle.dumps(estimator))[:50], "damaged"),
    ):
        path.write_bytes(content)
        with pytest.raises(ModelUnusable, match=message):
            serve(path, "ScikitLearn")


def test_a_skops_file_with_an_unknown_type_is_refused(serve, tmp_path):
    io = pytest.importorskip("skops.io")
    from collections import Counter

    path = tmp_path / "model.skops"
    estimator = Ridge().fit([[1.0], [2.0]], [1, 2])
    estimator.extra_ = Counter()
    io.dump(estimator, path)
    with pytest.raises(ModelUnusable, match=r"types that skops does not know: collections\.Counter"):
        serve(path, "ScikitLearn")
    assert serve(path, "ScikitLearn", skops__trusted="collections.Counter").score({"data": [[1]]})
