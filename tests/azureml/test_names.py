"""Names that notebooks import, whether or not their subject is built: they import, and say what to do."""

from pathlib import Path

import pytest

from azureml.core import ComputeTarget, Environment, Keyvault, Workspace
from azureml.exceptions import ComputeTargetException, NotYetAvailable

IMPORTS = (Path(__file__).parent / "data" / "imports.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("line", IMPORTS)
def test_old_imports_work(line: str) -> None:
    names: dict[str, object] = {}
    exec(line, names)
    assert len(names) > 1


def test_training_says_what_to_do_instead(ws: Workspace) -> None:
    from azureml.core import RunConfiguration, ScriptRunConfig
    from azureml.core.compute import AmlCompute
    from azureml.pipeline.core import Pipeline, PublishedPipeline
    from azureml.train.automl import AutoMLConfig
    from azureml.train.estimator import Estimator

    for call in (
        lambda: ScriptRunConfig(source_directory=".", script="train.py"),
        RunConfiguration,
        lambda: Estimator(source_directory=".", entry_script="train.py"),
        lambda: AutoMLConfig(task="regression"),
        lambda: Pipeline(workspace=ws, steps=[]),
        lambda: PublishedPipeline.list(ws),
    ):
        with pytest.raises(NotYetAvailable, match=r"with Python yourself"):
            call()
    assert issubclass(NotYetAvailable, NotImplementedError)
    with pytest.raises(ComputeTargetException, match="ComputeTargetNotFound"):
        ComputeTarget(workspace=ws, name="cpu-cluster")
    config = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=4)
    assert config.max_nodes == 4
    with pytest.raises(NotYetAvailable, match="runs the service on this machine"):
        ComputeTarget.create(ws, "cpu-cluster", config)
    assert (ws.compute_targets, ComputeTarget.list(ws)) == ({}, [])
    with pytest.raises(AttributeError):
        AutoMLConfig._private  # noqa: B018


def test_a_key_vault_keeps_secrets_sealed(ws: Workspace) -> None:
    vault = ws.get_default_keyvault()
    assert isinstance(vault, Keyvault)
    vault.set_secret(name="password", value="s3cret-text")
    vault.set_secrets({"other": "b"})
    assert ws.get_default_keyvault().get_secret("password") == "s3cret-text"
    assert vault.get_secrets(["other", "none"]) == {"other": "b", "none": None}
    assert vault.list_secrets() == [{"name": "other"}, {"name": "password"}]
    vault.delete_secrets(["other"])
    assert vault.list_secrets() == [{"name": "password"}]
    for file in ws._moorage.path.glob("registry.db*"):
        assert b"s3cret-text" not in file.read_bytes()


def test_run_details_are_printed(
    ws: Workspace, empty_runs: object, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    from azureml.core import Experiment
    from azureml.widgets import RunDetails

    shutil.copy(str(empty_runs), ws._moorage.path)
    run = Experiment(ws, "shown").start_logging()
    run.log("loss", 0.25)
    RunDetails(run).show()
    printed = capsys.readouterr().out
    assert f"Run {run.id}: Running" in printed
    assert "loss: 0.25" in printed
    assert ws.get_mlflow_tracking_uri() == f"sqlite:///{ws._moorage.path / 'runs.db'}"


def test_collectors_are_there_outside_of_services_too() -> None:
    pd = pytest.importorskip("pandas", reason="collectors take pandas frames")
    from azureml.ai.monitoring import Collector

    seen: list[Exception] = []
    collector = Collector(name="model_inputs", on_error=seen.append)
    context = collector.collect(pd.DataFrame({"a": [1]}))
    assert collector.collect(pd.DataFrame({"b": [2]}), context) is context
    collector.collect(5)
    assert [type(error) for error in seen] == [TypeError]


def test_environments_list_is_by_name(ws: Workspace) -> None:
    Environment("mine").register(ws)
    assert list(Environment.list(ws)) == ["mine"]
