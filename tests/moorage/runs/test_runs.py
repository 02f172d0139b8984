"""Runs as the control plane sees them. One store for the module: making its tables takes seconds."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from moorage import events, runs
from moorage.errors import (
    InvalidArgument,
    InvalidName,
    PropertyExists,
    RunFileNotFound,
    RunNotFound,
    TrackingUnavailable,
)
from moorage.workspace import Workspace

pytest.importorskip("mlflow", reason="runs are kept by MLflow (moorage[mlflow])")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with Workspace.create("runs", home=tmp_path_factory.mktemp("home")) as made:
            yield made


@pytest.fixture(scope="module")
def tracking(workspace: Workspace) -> runs.Tracking:
    return runs.open_tracking(workspace)


@pytest.fixture
def run(tracking: runs.Tracking) -> runs.Run:
    return tracking.start(tracking.experiment("exp"))


def test_everything_is_kept_inside_the_workspace(
    workspace: Workspace, tracking: runs.Tracking, run: runs.Run, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("a")
    runs.upload_file(tracking, run.id, "outputs/a.txt", tmp_path / "a.txt")
    assert (workspace.path / "runs.db").is_file()
    assert [path.name for path in (workspace.path / "run-files").rglob("*.txt")] == ["a.txt"]
    assert stat.S_IMODE((workspace.path / "run-files").stat().st_mode) == 0o700


def test_a_store_that_is_opened_again_has_the_runs(
    workspace: Workspace, tracking: runs.Tracking, run: runs.Run
) -> None:
    tracking.finish(run.id, "Failed", "why")
    again = runs.open_tracking(workspace)
    found = again.run(run.id)
    assert (found.status, found.error) == ("Failed", "why")
    assert again.experiment_of(found).name == "exp"
    assert run.id in [one.id for one in again.runs(again.experiment("exp"))]


def test_wrong_values_are_refused(tracking: runs.Tracking, run: runs.Run, tmp_path: Path) -> None:
    with pytest.raises(InvalidName):
        tracking.experiment("no spaces")
    with pytest.raises(InvalidArgument, match="Done"):
        tracking.finish(run.id, "Done")
    with pytest.raises(RunNotFound):
        tracking.run("0" * 32)
    for path in ("/etc/passwd", "../x", ""):
        with pytest.raises(InvalidArgument):
            runs.upload_file(tracking, run.id, path, __file__)
        with pytest.raises(InvalidArgument):
            runs.download_files(tracking, run.id, path, tmp_path)
    with pytest.raises(RunFileNotFound, match="no files"):
        runs.download_files(tracking, run.id, "x", tmp_path)
    with pytest.raises(InvalidArgument):
        runs.log_value(tracking, run.id, "a\nb", "text")


def test_properties_are_set_once_and_nothing_else_changes_then(
    tracking: runs.Tracking, run: runs.Run
) -> None:
    tracking.change(run.id, add_properties={"p": "1"}, add_tags={"t": "1"})
    with pytest.raises(PropertyExists):
        tracking.change(run.id, add_properties={"q": "1", "p": "2"}, add_tags={"t": "2"})
    found = tracking.run(run.id)
    assert (found.properties, found.tags) == ({"p": "1"}, {"t": "1"})


def test_a_file_takes_the_place_of_one_with_its_name(
    tracking: runs.Tracking, run: runs.Run, tmp_path: Path
) -> None:
    for content in ("one", "two"):
        (tmp_path / "other-name").write_text(content)
        runs.upload_file(tracking, run.id, "model.pkl", tmp_path / "other-name")
    found = runs.download_files(tracking, run.id, "model.pkl", tmp_path / "down")
    assert (found.name, found.read_text()) == ("model.pkl", "two")


def test_a_store_that_cannot_be_reached_is_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://nowhere")
    with pytest.raises(TrackingUnavailable):
        runs.open_tracking(workspace)


def test_what_changes_is_in_the_audit_log(
    workspace: Workspace, tracking: runs.Tracking, tmp_path: Path
) -> None:
    before = events.list_events(workspace, limit=1)[0].id
    experiment = tracking.experiment("audited")
    tracking.experiment("audited")  # is there
    tracking.set_experiment_tags(experiment, {"team": "a"})
    run = tracking.start(experiment)
    child = tracking.start(experiment, parent_id=run.id)
    for value in (0.5, 0.25):
        runs.log_metric(tracking, run.id, "loss", value)
    runs.log_value(tracking, run.id, "classes", ["a", "b"])
    (tmp_path / "a.txt").write_text("abc")
    runs.upload_file(tracking, run.id, "outputs/a.txt", tmp_path / "a.txt")
    tracking.change(run.id, add_tags={"quality": "good"}, description="better")
    tracking.change(run.id)  # changes nothing
    tracking.change(run.id, remove_tags=["nothing"])
    tracking.finish(child.id, "Running")
    with events.acting_as("ada", "10.0.0.7"):
        tracking.finish(child.id, "Failed", "secret of a script")
    tracking.finish(run.id, "Completed")
    tracking.delete_experiment(experiment.id)

    found = [event for event in reversed(events.list_events(workspace)) if event.id > before]
    is_run, is_child = f"run {run.id}", f"run {child.id}"
    assert [(event.kind, event.subject, dict(event.details)) for event in found] == [
        ("experiment.created", "experiment audited", {}),
        ("experiment.changed", "experiment audited", {"tags": ["team"]}),
        ("run.started", is_run, {"experiment": "audited"}),
        ("run.started", is_child, {"experiment": "audited", "parent": run.id}),
        ("run.logged", is_run, {"name": "loss"}),
        ("run.logged", is_run, {"name": "classes"}),
        ("run.file-kept", is_run, {"path": "outputs/a.txt", "size_bytes": 3}),
        ("run.changed", is_run, {"changed": ["description", "tags"]}),
        ("run.changed", is_child, {"status": "Running"}),
        ("run.ended", is_child, {"status": "Failed"}),
        ("run.ended", is_run, {"status": "Completed"}),
        ("experiment.deleted", "experiment audited", {}),
    ]
    assert next(event.actor for event in found if event.kind == "run.ended") == "ada"


def test_what_failed_is_no_event(workspace: Workspace, tracking: runs.Tracking, run: runs.Run) -> None:
    tracking.change(run.id, add_properties={"fixed": "1"})
    before = events.list_events(workspace, limit=1)[0].id
    with pytest.raises(PropertyExists):
        tracking.change(run.id, add_properties={"fixed": "2"})
    with pytest.raises(RunNotFound):
        tracking.finish("nothing", "Completed")
    with pytest.raises(InvalidName):
        tracking.experiment("a b")
    assert events.list_events(workspace, limit=1)[0].id == before
