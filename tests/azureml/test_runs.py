"""Experiments and runs, kept by MLflow."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from azureml.core import Experiment, Model, Run, Workspace
from azureml.exceptions import (
    ActivityFailedException,
    ModelPathNotFoundException,
    NotYetAvailable,
    RunEnvironmentException,
    UserErrorException,
    WebserviceException,
)
from azureml.train.automl.run import AutoMLRun

needs_mlflow = pytest.mark.usefixtures("mlflow")


@pytest.fixture(scope="module")
def mlflow() -> None:
    pytest.importorskip("mlflow", reason="runs are kept by MLflow (moorage[mlflow])")


@pytest.fixture(scope="module")
def kept(empty_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOORAGE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        workspace = Workspace.create("runs", show_output=False)
        shutil.copy(empty_runs, workspace._moorage.path)
        yield workspace
        workspace._moorage.close()


@pytest.fixture
def experiment(kept: Workspace, request: pytest.FixtureRequest) -> Experiment:
    return Experiment(workspace=kept, name=request.node.name[:60].replace("[", "-").replace("]", ""))


@pytest.fixture
def run(experiment: Experiment) -> Run:
    return experiment.start_logging()


def test_an_experiment_is_made_once(kept: Workspace) -> None:
    first = Experiment(kept, "once")
    assert Experiment(kept, "once").id == first.id
    assert "once" in kept.experiments
    assert [one.name for one in Experiment.list(kept, experiment_name="once")] == ["once"]
    assert repr(first) == "Experiment(Name: once,\nWorkspace: runs)"
    first.set_tags({"a": "1"})
    assert first.tags["a"] == "1"
    assert [one.name for one in Experiment.list(kept, tags={"a": "1"})] == ["once"]
    with pytest.raises(UserErrorException, match="not a valid experiment name"):
        Experiment(kept, "no spaces")


def test_a_run_goes_from_running_to_its_end(experiment: Experiment, run: Run) -> None:
    assert run.status == "Running"
    run.complete()
    assert run.get_status() == "Completed"
    details = run.wait_for_completion()
    assert (details["runId"], details["status"]) == (run.id, "Completed")
    assert details["endTimeUtc"] is not None
    failed = experiment.start_logging()
    failed.fail(error_details="no data", error_code="E1")
    assert failed.get_detailed_status() == {"status": "Failed", "details": "E1: no data"}
    with pytest.raises(ActivityFailedException, match="no data"):
        failed.wait_for_completion()
    canceled = experiment.start_logging()
    canceled.cancel()
    assert canceled.status == "Canceled"
    assert [one.id for one in experiment.get_runs()] == [canceled.id, failed.id, run.id]
    assert [one.id for one in Run.list(experiment, status="Failed")] == [failed.id]
    assert failed.number == 2


def test_a_block_ends_its_run(experiment: Experiment) -> None:
    with experiment.start_logging() as good:
        pass
    assert good.status == "Completed"
    with pytest.raises(ValueError, match="x"), experiment.start_logging() as bad:
        raise ValueError("x")
    assert bad.status == "Failed"


def test_numbers_texts_lists_and_tables_come_back(run: Run) -> None:
    run.log("accuracy", 0.5)
    for value in (3, 2, 1):
        run.log("loss", value)
    run.log("note", "text")
    run.log_list("list", [1, 2])
    run.log_row("rows", x=1, y=2)
    run.log_row("rows", x=3, y=4)
    run.log_table("table", {"a": [1, 2], "b": [3, 4]})
    run.log_confusion_matrix("matrix", {"data": [[1]]})
    assert run.get_metrics() == {
        "accuracy": 0.5,
        "loss": [3.0, 2.0, 1.0],
        "note": "text",
        "list": [1, 2],
        "rows": {"x": [1, 3], "y": [2, 4]},
        "table": {"a": [1, 2], "b": [3, 4]},
        "matrix": {"data": [[1]]},
    }
    assert run.get_metrics("loss") == {"loss": [3.0, 2.0, 1.0]}
    assert run.get_file_names() == []
    with pytest.raises(WebserviceException, match="JSON"):
        run.log_list("bad", [object()])


def test_files_are_kept_under_their_names(run: Run) -> None:
    Path("local.txt").write_text("one")
    run.upload_file("outputs/model.pkl", "local.txt")
    run.upload_file("outputs/stream.bin", io.BytesIO(b"two"))
    Path("folder/sub").mkdir(parents=True)
    Path("folder/sub/deep.txt").write_text("three")
    run.upload_folder("kept", "folder")
    run.upload_files(["a.txt", "b.txt"], ["local.txt", "local.txt"])
    run.log_image("plot", path="local.txt")
    assert run.get_file_names() == [
        "a.txt",
        "b.txt",
        "kept/sub/deep.txt",
        "outputs/model.pkl",
        "outputs/stream.bin",
        "plot.txt",
    ]
    run.download_file("outputs/model.pkl")
    assert Path("model.pkl").read_text() == "one"
    run.download_file("outputs/stream.bin", "elsewhere/name.bin")
    assert Path("elsewhere/name.bin").read_bytes() == b"two"
    run.download_files(prefix="kept", output_directory="down", append_prefix=False)
    assert Path("down/sub/deep.txt").read_text() == "three"
    with pytest.raises(ModelPathNotFoundException, match=r"a\.txt"):
        run.download_file("missing.txt")
    with pytest.raises(WebserviceException, match="inside"):
        run.upload_file("../out.txt", "local.txt")
    with pytest.raises(FileNotFoundError):
        run.upload_file("x.txt", "nothing-here")


def test_labels_change(run: Run) -> None:
    run.tag("a", 1)
    run.set_tags({"b": "2"})
    run.remove_tags(["a", "never"])
    run.add_properties({"p": "1"})
    run.display_name = "shown"
    run.description = "said"
    assert (run.get_tags(), run.get_properties()) == ({"b": "2"}, {"p": "1"})
    assert (run.display_name, run.description) == ("shown", "said")
    with pytest.raises(WebserviceException, match="property 'p'"):
        run.add_properties({"p": "2"})
    assert [one.id for one in run.experiment.get_runs(tags={"b": "2"})] == [run.id]
    assert list(run.experiment.get_runs(properties={"p": "2"})) == []


def test_runs_have_children(experiment: Experiment, run: Run) -> None:
    child = run.child_run("child")
    grandchild = child.child_run()
    assert child.parent is not None
    assert child.parent.id == run.id
    assert [one.id for one in run.get_children()] == [child.id]
    assert {one.id for one in run.get_children(recursive=True)} == {child.id, grandchild.id}
    assert [one.id for one in experiment.get_runs()] == [run.id]
    grandchild.log("m", 1)
    assert run.get_metrics(recursive=True) == {run.id: {}, child.id: {}, grandchild.id: {"m": 1.0}}


def test_a_model_is_registered_from_a_run(
    kept: Workspace, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("m.pkl").write_bytes(b"weights")
    run.upload_file("outputs/sklearn_mnist_model.pkl", "m.pkl")
    model = run.register_model(
        model_name="sklearn_mnist", model_path="outputs/sklearn_mnist_model.pkl", tags={"a": "1"}
    )
    assert model.id == f"sklearn_mnist:{model.version}"
    assert capsys.readouterr().out == ""
    found = Model(kept, "sklearn_mnist", run_id=run.id)
    assert (found.run_id, found.experiment_name, found.tags) == (run.id, run.experiment.name, {"a": "1"})
    assert found.run is not None
    assert found.run.id == run.id
    assert Path(found.download("got")).read_bytes() == b"weights"
    assert found.download("again") == "again/sklearn_mnist_model.pkl"
    folder = run.register_model("folder_model", "outputs")
    assert folder.download("whole") == "whole/outputs"
    with pytest.raises(ModelPathNotFoundException, match=r"outputs/sklearn_mnist_model\.pkl"):
        run.register_model("other", "outputs/nothing.pkl")
    with pytest.raises(WebserviceException, match="letters"):
        run.register_model("no spaces")


def test_a_run_is_found_by_its_id(kept: Workspace, run: Run) -> None:
    assert kept.get_run(run.id).experiment.name == run.experiment.name
    assert Run(run.experiment, run.id).id == run.id
    assert repr(run).startswith(f"Run(Experiment: {run.experiment.name},\nId: {run.id}")
    with pytest.raises(WebserviceException, match="nowhere"):
        Run.get(kept, "nowhere")


def test_the_best_candidate_is_registered(kept: Workspace, run: Run) -> None:
    run.add_properties({"primary_metric": "accuracy"})
    for accuracy in (0.7, 0.9, 0.8):
        child = run.child_run()
        Path("model.pkl").write_text(str(accuracy))
        child.upload_file("outputs/model.pkl", "model.pkl")
        child.log("accuracy", accuracy)
        child.log("error", 1 - accuracy)
    automl = AutoMLRun(run.experiment, run.id)
    assert automl.model_id is None
    model = automl.register_model(description="My AutoML Model")
    assert automl.model_id == model.name
    assert model.name.startswith("AutoML")
    assert Path(model.download("best")).read_text() == "0.9"
    assert Path(automl.register_model(iteration=0).download("first")).read_text() == "0.7"
    assert automl.get_best_child("error").get_metrics("accuracy") == {"accuracy": 0.9}
    with pytest.raises(UserErrorException, match="unknown"):
        automl.get_best_child("unknown")
    with pytest.raises(UserErrorException, match="3 iterations"):
        automl.register_model(iteration=3)


def test_outside_of_a_job_there_is_a_stand_in(capsys: pytest.CaptureFixture[str]) -> None:
    context = Run.get_context()
    assert context.id.startswith("OfflineRun_")
    context.log("accuracy", 0.5)
    assert "accuracy" in capsys.readouterr().out
    context.tag("a", 1)
    assert context.get_tags() == {"a": 1}
    context.complete()
    for missing in ("register_model", "experiment", "get_metrics", "get_details", "parent", "number"):
        assert not hasattr(context, missing)
    with pytest.raises(RunEnvironmentException):
        Run.get_context(allow_offline=False)


def test_training_jobs_say_what_to_do(experiment: Experiment) -> None:
    with pytest.raises(NotYetAvailable, match="start_logging"):
        experiment.submit(None)


def test_without_mlflow_the_way_to_it_is_told(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mlflow.tracking", None)
    with pytest.raises(NotYetAvailable, match=r"moorage\[mlflow\]"):
        Experiment(ws, "e")
