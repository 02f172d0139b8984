"""Every ``az ml`` command line of the documents, typed into bash as it is; ``az`` is that of Moorage."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Status = tuple[str, str]
Scenario = Callable[[Any, Any], Status]
WORKS = ("works", "")
SCRIPT = "def init(): pass\n\ndef run(data): return data\n"


def test_an_az_command_runs(az_block: Any, stage: Any, outcome: Any, outcome_of: Any) -> None:
    scenario = next((one for mark, one in SCENARIOS if mark in az_block.text), None)
    assert scenario is not None, f"no scenario knows {az_block}:\n{az_block.text}"
    outcome_of(az_block, outcome(*scenario(az_block, stage)))


@pytest.fixture(autouse=True)
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the ``az`` of Moorage in place, as ``moor install-az-shim`` does."""
    from typer.testing import CliRunner

    from moorage.cli.app import app

    folder = tmp_path / "bin"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path / "azure"))
    done = CliRunner().invoke(app, ["install-az-shim", "--bin-dir", str(folder)])
    assert json.loads(done.stdout)["isFoundFirst"], done.output


def typed(block: Any, *, replace: tuple[str, str] = ("", "")) -> Any:
    """Type the command of a block into a shell and return its JSON answer."""
    line = block.text.replace(*replace) if replace[0] else block.text
    assert line.startswith("az ml ")
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def register_from_run(block: Any, stage: Any) -> Status:
    pytest.importorskip("mlflow", reason="runs are kept by MLflow")
    from azureml.core import Experiment

    Path("model.pkl").write_bytes(b"trained")
    run = Experiment(stage.ws, "myexperiment").start_logging()
    run.upload_file("outputs/sklearn_mnist_model.pkl", "model.pkl")
    run.complete()
    # The id of a run is given by the store; the command of the document names an invented one.
    answer = typed(block, replace=("myrunid", run.id))
    assert (answer["id"], answer["runId"]) == ("sklearn_mnist:1", run.id)
    assert answer["experimentName"] == "myexperiment"
    return "works", "the id of a run that is there in place of myrunid"


def register(block: Any, stage: Any) -> Status:
    Path("mnist").mkdir()
    Path("mnist/model.onnx").write_bytes(b"onnx")
    answer = typed(block)
    assert (answer["id"], answer["version"]) == ("onnx_mnist:1", 1)
    return WORKS


def deploy(block: Any, stage: Any) -> Status:
    stage.register(stage.ridge("m.pkl"), "mymodel")
    Path("score.py").write_text(SCRIPT)
    Path("inferenceconfig.json").write_text(json.dumps({"entryScript": "score.py"}))
    Path("deploymentconfig.json").write_text(json.dumps({"computeType": "local"}))
    answer = typed(block)
    assert answer["name"] == ("myservice" if "-n myservice" in block.text else "mymodel")
    assert list(stage.ws.webservices) == [answer["name"]]
    return WORKS


def download(block: Any, stage: Any) -> Status:
    stage.register(stage.ridge("m.pkl"), "mymodel")
    typed(block)
    assert Path("model_folder/m.pkl").is_file()
    return WORKS


SCENARIOS: list[tuple[str, Scenario]] = [
    ("--asset-path", register_from_run),
    ("model register", register),
    ("model deploy", deploy),
    ("model download", download),
]
