"""Serve every estimator of scikit-learn that can predict; write the table in docs/no-code-scikit-learn.md.

Each one is fitted on a small real data set, saved with joblib, loaded as a deployment without a script loads
it, asked in both ways that requests take, and compared with what the estimator itself answers.

    python scripts/no_code_table.py            writes the page
    python scripts/no_code_table.py Ridge SVC  prints the lines of some
"""

import io
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "no-code-scikit-learn.md"
TOLERANCE = 1e-5  # relative to the largest answer
ROWS = 12
_TABLE = "<!-- table -->"


@dataclass(frozen=True)
class Line:
    """What became of one estimator: compiled, pickled, or refused with the reason."""

    name: str
    served: str
    methods: str
    reason: str
    seconds: float


def candidates() -> dict[str, type]:
    """Return the public estimators that have ``predict``, by name."""
    from sklearn.utils import all_estimators

    return {name: kind for name, kind in all_estimators() if hasattr(kind, "predict")}


def _arguments() -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what estimators need that cannot be made without arguments, or would take long."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.svm import LinearSVC
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    def classifier() -> Any:
        return LogisticRegression(max_iter=1000)

    regressors = [("a", Ridge()), ("b", DecisionTreeRegressor(max_depth=3, random_state=0))]
    classifiers = [("a", classifier()), ("b", DecisionTreeClassifier(max_depth=3, random_state=0))]
    grid = {"param_grid": {"C": [0.1, 1.0]}}
    return {
        **dict.fromkeys(("VotingRegressor", "StackingRegressor"), lambda: {"estimators": regressors}),
        **dict.fromkeys(("VotingClassifier", "StackingClassifier"), lambda: {"estimators": classifiers}),
        **dict.fromkeys(
            ("MultiOutputRegressor", "RegressorChain", "RFE", "RFECV"), lambda: {"estimator": Ridge()}
        ),
        **dict.fromkeys(
            (
                "ClassifierChain",
                "FixedThresholdClassifier",
                "MultiOutputClassifier",
                "OneVsOneClassifier",
                "OneVsRestClassifier",
                "OutputCodeClassifier",
                "TunedThresholdClassifierCV",
                "SelfTrainingClassifier",
            ),
            lambda: {"estimator": classifier()},
        ),
        **dict.fromkeys(
            ("GridSearchCV", "HalvingGridSearchCV"), lambda: {"estimator": classifier(), **grid, "cv": 2}
        ),
        **dict.fromkeys(
            ("RandomizedSearchCV", "HalvingRandomSearchCV"),
            lambda: {"estimator": classifier(), "param_distributions": {"C": [0.1, 1.0]}, "cv": 2},
        ),
        "RandomizedSearchCV": lambda: {
            "estimator": classifier(),
            "param_distributions": {"C": [0.1, 1.0]},
            "n_iter": 2,
            "cv": 2,
        },
        "CalibratedClassifierCV": lambda: {"estimator": LinearSVC(), "cv": 2},
        "FrozenEstimator": lambda: {"estimator": Ridge()},
        "Pipeline": lambda: {"steps": [("scale", _scaler()), ("model", classifier())]},
        "TransformedTargetRegressor": lambda: {"regressor": Ridge()},
        "RANSACRegressor": lambda: {"min_samples": 20},
        "PLSRegression": lambda: {"n_components": 2},
        "PLSCanonical": lambda: {"n_components": 1},
        "CCA": lambda: {"n_components": 1},
        "LocalOutlierFactor": lambda: {"novelty": True},
        "MLPClassifier": lambda: {"hidden_layer_sizes": (8,), "max_iter": 1000},
        "MLPRegressor": lambda: {"hidden_layer_sizes": (8,), "max_iter": 1000},
    }


def _scaler() -> Any:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler()


def made(kind: type, name: str) -> Any:
    """Return an estimator that is not fitted, the same in every run."""
    arguments = _arguments().get(name, dict)()
    estimator = kind(**arguments)
    parameters = estimator.get_params(deep=False)
    small = {"random_state": 0, "n_estimators": 10, "n_jobs": None}
    estimator.set_params(
        **{key: value for key, value in small.items() if key in parameters and key not in arguments}
    )
    return estimator


def data_for(estimator: Any, name: str) -> tuple[Any, Any]:
    """Return rows and target of a real data set that the estimator can be fitted on."""
    from sklearn.base import is_classifier
    from sklearn.datasets import load_diabetes, load_iris
    from sklearn.utils import get_tags

    tags = get_tags(estimator)
    if name in ("Pipeline", "GridSearchCV", "RandomizedSearchCV") or is_classifier(estimator):
        rows, target = load_iris(return_X_y=True)
    else:
        rows, target = load_diabetes(return_X_y=True)
        rows, target = rows[:120], target[:120]
    if name in ("FixedThresholdClassifier", "TunedThresholdClassifierCV"):
        target = target == 0
    if tags.input_tags.positive_only or name in ("GammaRegressor", "PoissonRegressor"):
        rows = np.abs(rows)
    if name == "CategoricalNB":
        rows = np.floor(rows)
    if name == "IsotonicRegression":
        rows = rows[:, :1]
    is_multi = name.startswith(("MultiTask", "MultiOutput")) or name in ("ClassifierChain", "RegressorChain")
    if is_multi:
        target = np.column_stack([target, target[::-1]])
    if name == "ClassifierChain":
        target = (target > 0).astype(int)
    return rows, target


def lines(names: list[str] | None = None) -> Iterator[Line]:
    """Yield what became of each estimator, in alphabetical order."""
    known = candidates()
    for name in names or sorted(known):
        started = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                served, methods, reason = _serve(known[name], name)
        except Exception as error:  # the table says what went wrong
            text = str(error).strip().splitlines()[0][:160] if str(error).strip() else ""
            served, methods, reason = "refused", "", f"{type(error).__name__}: {text}"
        yield Line(name, served, methods, reason, time.perf_counter() - started)


def _serve(kind: type, name: str) -> tuple[str, str, str]:
    import joblib

    from moorage_server.nocode.model import Source
    from moorage_server.nocode.service import Deployment, Service

    estimator = made(kind, name)
    rows, target = data_for(estimator, name)
    estimator.fit(rows, target)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.pkl")
        joblib.dump(estimator, path)
        service = Service()
        source = Source("m", "1", str(path), "ScikitLearn", None, {}, path.stat().st_size)
        service.open(Deployment((source,)))
    _compare(service, estimator, rows[:: max(1, len(rows) // ROWS)][:ROWS])
    facts = service.first.facts
    served = "compiled" if facts["compiled"] == "yes" else "pickled"
    return served, ", ".join(service.first.methods), facts["why"]


def _compare(service: Any, estimator: Any, rows: Any) -> None:
    """Ask for every method, and for the default as the front would; raise if an answer differs."""
    from moorage_runtime.model_service import Request

    headers = {"content-type": "application/json"}
    for method in service.first.methods:
        body = json.dumps({"data": rows.tolist(), "method": method}).encode()
        answer = service.answer(Request("POST", "/score", "", headers, body))
        if answer.status != 200:
            raise AssertionError(f"{method}: {answer.body.decode()[:200]}")
        _check(method, getattr(estimator, method)(rows), json.loads(answer.body)[method])
    fast = service.first.fast_input
    if fast is not None:
        method = service.first.default_method
        answer = json.loads(service.write(service.run(rows.astype(fast.type_code))))
        _check(method, getattr(estimator, method)(rows), answer[method])


def _check(method: str, expected: Any, got: Any) -> None:
    wanted = np.asarray(expected)
    answer = np.asarray(got, dtype=wanted.dtype)
    if wanted.shape != answer.shape:
        raise AssertionError(f"{method} has the shape {answer.shape}, not {wanted.shape}")
    if wanted.dtype.kind != "f":
        np.testing.assert_array_equal(answer, wanted)
    else:
        largest = np.abs(wanted).max(initial=0.0) or 1.0
        np.testing.assert_allclose(answer / largest, wanted / largest, rtol=0, atol=TOLERANCE)


def page(found: list[Line]) -> str:
    """Return the page with the table of all estimators."""
    import sklearn

    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else f"{_TABLE}\n"
    target = io.StringIO()
    counts = {kind: sum(line.served == kind for line in found) for kind in ("compiled", "pickled", "refused")}
    target.write(
        f"scikit-learn {sklearn.__version__}: {len(found)} estimators with `predict`; {counts['compiled']} "
        f"are served compiled, {counts['pickled']} as pickled, {counts['refused']} are refused.\n\n"
        "| estimator | served | methods | why |\n|---|---|---|---|\n"
    )
    for line in found:
        reason = line.reason.replace("|", "/")
        target.write(f"| {line.name} | {line.served} | {line.methods} | {reason} |\n")
    return text.split(_TABLE)[0] + f"{_TABLE}\n\n{target.getvalue()}"


def main(names: list[str]) -> int:
    found = []
    for line in lines(names or None):
        print(f"{line.name:36} {line.served:9} {line.seconds:6.2f} s  {line.reason}", flush=True)
        found.append(line)
    if not names:
        PAGE.write_text(page(found), encoding="utf-8")
        print(f"{PAGE.relative_to(ROOT)} is written")
    return 0 if all(line.served != "refused" for line in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
