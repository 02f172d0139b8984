"""``moor check``: what is wrong with a script, without a workspace and without running it."""

import json
import subprocess
import sys
from pathlib import Path

GOOD = """
import os
MODEL = None
def init():
    global MODEL
    MODEL = os.path.join(os.getenv("AZUREML_MODEL_DIR"), "model.pkl")
def run(data):
    return data
"""
TABLES = """
import numpy as np
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
def init():
    raise RuntimeError("init() is not called by a check")
@input_schema("NAME", StandardPythonParameterType({"x": NumpyParameterType(np.array([[1.0]]))}))
@output_schema(StandardPythonParameterType({"Results": StandardPythonParameterType([1.0])}))
def run(NAME):
    return {"Results": []}
"""


def _check(*arguments: object) -> tuple[int, list[dict[str, str]], str]:
    done = subprocess.run(
        [sys.executable, "-m", "moorage.cli", "check", *map(str, arguments), "-o", "json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else [], done.stderr


def test_a_good_script_gives_no_findings(tmp_path: Path) -> None:
    script = tmp_path / "score.py"
    script.write_text(GOOD)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.pkl").write_bytes(b"")
    assert _check(script, "--model-dir", tmp_path / "model") == (0, [], "")


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    script = tmp_path / "score.py"
    script.write_text("import no_such_package\ndef run(*rows): pass\n")
    code, findings, _ = _check(script)
    assert code == 1
    said = " ".join(finding["message"] for finding in findings)
    assert "no function init()" in said
    assert "*rows" in said
    assert "no_such_package" in said


def test_a_model_file_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    script = tmp_path / "score.py"
    script.write_text(GOOD)
    (tmp_path / "model").mkdir()
    code, [finding], _ = _check(script, "--model-dir", tmp_path / "model")
    assert code == 0
    assert finding["severity"] == "warning"
    assert "model.pkl" in finding["message"]


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    script = tmp_path / "score.py"
    script.write_text("def init(): pass\ndef run(data) return data\n")
    code, [finding], _ = _check(script)
    assert code == 1
    assert finding["where"] == "score.py, line 2"


def test_power_bi_finds_a_wrong_name_and_accepts_the_right_one(tmp_path: Path) -> None:
    wrong, right = tmp_path / "wrong.py", tmp_path / "right.py"
    wrong.write_text(TABLES.replace("NAME", "inputs"))
    right.write_text(TABLES.replace("NAME", "Inputs"))
    code, findings, _ = _check(wrong, "--power-bi")
    assert code == 1
    assert any("upper and lower case" in finding["message"] for finding in findings)
    code, findings, _ = _check(right, "--power-bi")
    assert code == 0
    assert not [finding for finding in findings if finding["severity"] == "error"]


def test_power_bi_shows_the_traceback_of_a_script_that_cannot_be_imported(tmp_path: Path) -> None:
    script = tmp_path / "score.py"
    script.write_text("def init(): pass\ndef run(data): pass\n1 / 0\n")
    code, findings, said = _check(script, "--power-bi")
    assert (code, findings) == (1, [])
    assert "ZeroDivisionError" in said
    assert "line 3" in said


def test_a_missing_script_and_folder_are_named(tmp_path: Path) -> None:
    code, [finding], _ = _check(tmp_path / "nothing.py")
    assert code == 1
    assert "nothing.py does not exist" in finding["message"]
    code, _, said = _check(tmp_path / "nothing.py", "--model-dir", tmp_path / "no-folder")
    assert code == 2
    assert "no-folder does not exist" in said
