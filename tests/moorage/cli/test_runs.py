"""Runs and experiments on the command line, and models registered from the files of a run."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from moorage import runs
from moorage.workspace import Workspace

Invoke = Callable[..., Any]


@pytest.fixture
def run_id(place: Path) -> Iterator[str]:
    """A finished run of the experiment "training", with a model, a log and a metric."""
    pytest.importorskip("mlflow", reason="runs are kept by MLflow")
    (place / "model.pkl").write_bytes(b"trained")
    (place / "log.txt").write_text("epoch 1")
    with Workspace.create("test") as workspace:
        tracking = runs.open_tracking(workspace)
        run = tracking.start(tracking.experiment("training"))
        runs.upload_file(tracking, run.id, "outputs/model.pkl", place / "model.pkl")
        runs.upload_file(tracking, run.id, "logs/log.txt", place / "log.txt")
        runs.log_metric(tracking, run.id, "alpha", 0.5)
        tracking.finish(run.id, "Completed")
        yield run.id


def test_runs_are_found_and_changed(answer: Invoke, invoke: Invoke, run_id: str, place: Path) -> None:
    assert [one["name"] for one in answer("experiment", "list")] == ["training"]
    listed = answer("run", "list", "-e", "training", "--minimal", "-t", "runs.json")
    assert [one["runId"] for one in listed] == [run_id]
    assert json.loads((place / "runs.json").read_text()) == listed
    assert answer("run", "list", "--status", "Failed") == []
    assert answer("run", "list", "-e", "other") == []
    shown = answer("run", "show", "-r", run_id)
    assert (shown["status"], shown["metrics"]) == ("Completed", {"alpha": 0.5})
    assert shown["files"] == ["logs/log.txt", "outputs/model.pkl"]
    assert answer("run", "update", "-r", run_id, "--add-tag", "good")["tags"] == {"good": ""}
    assert [one["runId"] for one in answer("run", "list", "--tags", "good")] == [run_id]
    assert answer("run", "list", "--tags", "good=no") == []
    assert "epoch 1" in invoke("run", "monitor-logs", "-r", run_id).stdout
    assert answer("run", "download-logs", "-r", run_id, "-d", "got")["files"] == ["logs/log.txt"]
    assert (place / "got" / "logs" / "log.txt").read_text() == "epoch 1"
    assert answer("run", "cancel", "-r", run_id)["status"] == "Canceled"
    assert invoke("run", "show", "-r", "nothing").exit_code == 3
    assert invoke("run", "show", "-r", run_id, "-e", "other").exit_code == 3


def test_a_model_comes_from_the_files_of_a_run(answer: Invoke, invoke: Invoke, run_id: str) -> None:
    model = answer("model", "register", "-n", "m", "--asset-path", "outputs/model.pkl", "-r", run_id)
    assert (model["id"], model["runId"], model["experimentName"]) == ("m:1", run_id, "training")
    missing = invoke("model", "register", "-n", "m", "--asset-path", "outputs/x.pkl", "-r", run_id)
    assert missing.exit_code == 1
    assert "outputs/model.pkl" in missing.stderr
    assert [one["id"] for one in answer("model", "list")] == ["m:1"]


def test_what_is_not_available_says_what_to_do_instead(invoke: Invoke) -> None:
    submitted = invoke("run", "submit-script", "-e", "x", "train.py", "--alpha", "4")
    assert (submitted.exit_code, submitted.stdout) == (1, "")
    assert "run the script with Python" in submitted.stderr
    created = invoke("computetarget", "create", "aks", "-n", "c", "--no-wait", "--agent-count", "2")
    assert created.exit_code == 1
    assert "moor model deploy" in created.stderr
    assert invoke("computetarget", "attach", "aks", "-n", "c").exit_code == 2  # without its id
    assert invoke("computetarget", "show", "-n", "c").exit_code == 3
    assert invoke("computetarget", "detach", "-n", "c").exit_code == 1
    version = invoke("endpoint", "realtime", "create-version", "-n", "e", "-vn", "v2", "-tp", "20")
    assert version.exit_code == 1
    assert "moor service update" in version.stderr


def test_endpoints_are_services_of_their_type(answer: Invoke, invoke: Invoke) -> None:
    assert answer("endpoint", "realtime", "list") == []
    missing = invoke("endpoint", "realtime", "show", "-n", "nothing")
    assert missing.exit_code == 3
    assert "nothing" in missing.stderr


def test_a_scaffold_is_registered_and_downloaded(answer: Invoke, invoke: Invoke, place: Path) -> None:
    made = answer("environment", "scaffold", "-n", "mine", "-d", "made", "-t", "scaffold.json")
    assert made["files"] == ["azureml_environment.json", "conda_dependencies.yml"]
    assert json.loads((place / "scaffold.json").read_text()) == made
    registered = answer("environment", "register", "-d", "made")
    assert registered["name"] == "mine"
    answer("environment", "download", "-n", "mine", "-d", "again", "-v", registered["version"])
    assert answer("environment", "register", "-d", "again")["version"] == registered["version"]
    there = invoke("environment", "download", "-n", "mine", "-d", "again")
    assert there.exit_code == 1
    assert "again exists already" in there.stderr
    answer("environment", "download", "-n", "mine", "-d", "again", "--overwrite")


def test_names_are_completed_quietly(answer: Invoke, model_path: Path) -> None:
    from types import SimpleNamespace

    from moorage.cli import completion

    typed = SimpleNamespace(params={})
    assert completion.complete_models(typed, "") == []
    answer("workspace", "create", "-w", "default")
    for name in ("mymodel", "mymodel", "my_other"):
        answer("model", "register", "-n", name, "-p", "model.pkl")
    assert completion.complete_models(typed, "my") == ["my_other", "mymodel"]
    assert completion.complete_models(typed, "my_") == ["my_other"]
    assert completion.complete_model_ids(typed, "mymodel") == ["mymodel:2", "mymodel:1"]
    assert completion.complete_services(typed, "") == []
    assert completion.complete_environments(typed, "") == []
    assert completion.complete_workspaces("d") == ["default"]
    broken = SimpleNamespace(params={"workspace_name": "../nowhere"})
    assert completion.complete_models(broken, "") == []


@pytest.mark.slow
def test_a_new_store_is_made_without_a_word(moor: Callable[..., Any]) -> None:
    pytest.importorskip("mlflow", reason="runs are kept by MLflow")
    done = moor("experiment", "list")
    assert (done.returncode, done.stderr) == (0, "")
