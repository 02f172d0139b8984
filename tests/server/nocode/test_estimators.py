"""Estimators of every family give the same answers as a service; `make estimators` takes all of them."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "no-code-scikit-learn.md"
SOME = {
    "AdaBoostClassifier": "compiled",
    "ClassifierChain": "pickled",
    "GaussianNB": "compiled",
    "GridSearchCV": "compiled",
    "IsotonicRegression": "pickled",
    "KMeans": "compiled",
    "KNeighborsClassifier": "compiled",
    "LinearSVC": "compiled",
    "MultiOutputClassifier": "pickled",
    "MultiTaskLasso": "compiled",
    "NearestCentroid": "pickled",
    "OneVsRestClassifier": "pickled",
    "PLSRegression": "compiled",
    "RandomForestClassifier": "compiled",
    "Ridge": "compiled",
    "SVC": "compiled",
}


@pytest.fixture(scope="module")
def table():
    spec = importlib.util.spec_from_file_location("no_code_table", ROOT / "scripts" / "no_code_table.py")
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["no_code_table"] = module  # its dataclass looks itself up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["no_code_table"]


@pytest.mark.parametrize("name", SOME)
def test_an_estimator(table, name):
    (line,) = table.lines([name])
    assert line.served in ("compiled", "pickled"), line.reason
    import skl2onnx
    import sklearn

    # Other releases convert others; that the answers are right holds for all.
    if sklearn.__version__.startswith("1.8.") and skl2onnx.__version__.startswith("1.20"):
        assert line.served == SOME[name], line.reason


def test_a_wrong_answer_is_noticed(table, monkeypatch):
    monkeypatch.setattr(
        "moorage_server.nocode.scikit_model.ScikitModel._ask", lambda self, m, rows: rows[:, 0] * 2
    )
    (line,) = table.lines(["ClassifierChain"])
    assert line.served == "refused"


def test_the_page_has_every_estimator(table):
    import sklearn

    text = PAGE.read_text()
    if f"scikit-learn {sklearn.__version__}:" not in text:
        pytest.skip("the page was made with another scikit-learn")
    rows = re.findall(r"^\| (\w+) \| (compiled|pickled|refused) \|", text, re.MULTILINE)
    assert [name for name, _ in rows] == sorted(table.candidates())
    assert "refused" not in {served for _, served in rows}
