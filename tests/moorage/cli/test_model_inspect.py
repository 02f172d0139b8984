"""``moor model inspect``, and the framework that ``moor model register`` finds out."""

import json
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.linear_model import Ridge


@pytest.fixture
def ridge(place: Path) -> Path:
    joblib.dump(Ridge().fit([[1.0], [2.0]], [1, 2]), place / "ridge.pkl")
    return place / "ridge.pkl"


def test_a_pickle(answer: Any, ridge: Path) -> None:
    import sklearn

    found = answer("model", "inspect", str(ridge), "-o", "json")
    assert (found["framework"], found["format"], found["version"]) == (
        "ScikitLearn",
        "joblib",
        sklearn.__version__,
    )
    assert found["sizeInBytes"] == ridge.stat().st_size
    assert "pickles run code" in found["findings"][0]


def test_nothing_is_executed(answer: Any, place: Path) -> None:
    (place / "evil.pkl").write_bytes(b"cos\nsystem\n(S'touch executed'\ntR.")
    assert answer("model", "inspect", "evil.pkl", "-o", "json")["framework"] is None
    assert not (place / "executed").exists()


def test_an_onnx_file(answer: Any, place: Path) -> None:
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 3]) for name in "xy"]
    graph = onnx.helper.make_graph([node], "g", values[:1], values[1:])
    opsets = [onnx.helper.make_opsetid("", 17)]
    onnx.save_model(onnx.helper.make_model(graph, opset_imports=opsets, producer_name="me"), "model.onnx")
    found = answer("model", "inspect", "model.onnx", "-o", "json")
    assert (found["inputs"], found["outputs"]) == (["x: float [n, 3]"], ["y: float [n, 3]"])
    assert found["details"]["opset"] == "ai.onnx 17"
    (place / "model.onnx").write_bytes(b"no graph")
    assert "damaged" in answer("model", "inspect", "model.onnx", "-o", "json")["findings"][0]


def test_other_formats(answer: Any, place: Path) -> None:
    saved = place / "saved"
    (saved / "variables").mkdir(parents=True)
    (saved / "saved_model.pb").write_bytes(b"\x08\x01")
    (place / "trees.txt").write_text("tree\nversion=v4\nnum_class=1\n")
    (place / "trees.cbm").write_bytes(b"CBM1....")
    (place / "trees.json").write_text('{"learner": {}, "version": [2, 1, 0]}')
    (place / "notes.txt").write_text("hello")
    expected = {
        "saved": ("TensorFlow", None),
        "trees.txt": ("LightGBM", "v4"),
        "trees.cbm": ("CatBoost", None),
        "trees.json": ("XGBoost", "2.1.0"),
        "notes.txt": (None, None),
    }
    for name, facts in expected.items():
        found = answer("model", "inspect", name, "-o", "json")
        assert (found["framework"], found["version"]) == facts, name


def test_a_file_that_is_not_there(invoke: Any) -> None:
    result = invoke("model", "inspect", "gone.onnx")
    assert result.exit_code != 0
    assert "gone.onnx does not exist" in result.output


def test_register_says_the_framework(invoke: Any, ridge: Path) -> None:
    import sklearn

    result = invoke("model", "register", "-n", "m", "-p", str(ridge), "-o", "json")
    model = json.loads(result.stdout)
    assert (model["framework"], model["frameworkVersion"]) == ("ScikitLearn", sklearn.__version__)
    assert f"registered with the framework ScikitLearn {sklearn.__version__}" in result.stderr
    given = invoke(
        "model", "register", "-n", "m", "-p", str(ridge), "--model-framework", "Custom", "-o", "json"
    )
    assert json.loads(given.stdout)["framework"] == "Custom"
    assert "registered with" not in given.stderr


def test_register_says_what_is_wrong_with_a_file(invoke: Any, place: Path) -> None:
    pytest.importorskip("onnx")
    (place / "bad.onnx").write_bytes(b"hello")
    result = invoke("model", "register", "-n", "m", "-p", "bad.onnx")
    assert result.exit_code == 0
    assert "Warning: bad.onnx: the file is damaged" in result.stderr
    (place / "folder").mkdir()
    for name in ("a.bin", "b.bin"):
        (place / "folder" / name).write_bytes(b"x")
    assert "Warning" not in invoke("model", "register", "-n", "m", "-p", "folder").stderr
