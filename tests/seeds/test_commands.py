"""Every ``az ml`` command line of the documents, given to ``moor`` word for word behind ``az``."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Status = tuple[str, str]
Scenario = Callable[[Any, Any], Status]
SPELLED = ("works", "spelled moor ml ... (or with an alias az=moor)")
SCRIPT = "def init(): pass\n\ndef run(data): return data\n"


def test_an_az_command_runs(az_block: Any, stage: Any, outcome: Any, outcome_of: Any) -> None:
    scenario = next((one for mark, one in SCENARIOS if mark in az_block.text), None)
    assert scenario is not None, f"no scenario knows {az_block}:\n{az_block.text}"
    outcome_of(az_block, outcome(*scenario(az_block, stage)))


def moor(block: Any, *, replace: tuple[str, str] = ("", ""), code: int = 0) -> Any:
    """Run the command of a block and return its JSON answer, or the text of its error."""
    words = shlex.split(block.text.replace(*replace) if replace[0] else block.text)
    assert words[:2] == ["az", "ml"]
    done = subprocess.run(
        [sys.executable, "-m", "moorage.cli", *words[1:]],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr


def register_from_run(block: Any, stage: Any) -> Status:
    pytest.importorskip("mlflow", reason="runs are kept by MLflow")
    from azureml.core import Experiment

    Path("model.pkl").write_bytes(b"trained")
    run = Experiment(stage.ws, "myexperiment").start_logging()
    run.upload_file("outputs/sklearn_mnist_model.pkl", "model.pkl")
    run.complete()
    # The id of a run is given by the store; the command of the document names an invented one.
    answer = moor(block, replace=("myrunid", run.id))
    assert (answer["id"], answer["runId"]) == ("sklearn_mnist:1", run.id)
    assert answer["experimentName"] == "myexperiment"
    return "works", f"{SPELLED[1]}; the id of a run that is there in place of myrunid"


def register(block: Any, stage: Any) -> Status:
    Path("mnist").mkdir()
    Path("mnist/model.onnx").write_bytes(b"onnx")
    answer = moor(block)
    assert (answer["id"], answer["version"]) == ("onnx_mnist:1", 1)
    return SPELLED


def deploy(block: Any, stage: Any) -> Status:
    stage.register(stage.ridge("m.pkl"), "mymodel")
    Path("score.py").write_text(SCRIPT)
    Path("inferenceconfig.json").write_text(json.dumps({"entryScript": "score.py"}))
    Path("deploymentconfig.json").write_text(json.dumps({"computeType": "local"}))
    answer = moor(block)
    assert answer["name"] == ("myservice" if "-n myservice" in block.text else "mymodel")
    assert list(stage.ws.webservices) == [answer["name"]]
    return SPELLED


def download(block: Any, stage: Any) -> Status:
    stage.register(stage.ridge("m.pkl"), "mymodel")
    moor(block)
    assert Path("model_folder/m.pkl").is_file()
    return SPELLED


SCENARIOS: list[tuple[str, Scenario]] = [
    ("--asset-path", register_from_run),
    ("model register", register),
    ("model deploy", deploy),
    ("model download", download),
]
