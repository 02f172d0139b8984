"""Batch configurations, data collection, and what old scripts import for its effect."""

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from azureml.core import Environment, Workspace
from azureml.exceptions import NotYetAvailable
from azureml.monitoring import ModelDataCollector
from azureml.pipeline.steps import ParallelRunConfig, ParallelRunStep


def config(**changes: Any) -> ParallelRunConfig:
    given: dict[str, Any] = {
        "environment": Environment("e"),
        "entry_script": "batch.py",
        "error_threshold": 10,
        "output_action": "append_row",
        "compute_target": None,
        "node_count": 2,
        **changes,
    }
    return ParallelRunConfig(**given)


def test_a_batch_configuration_has_its_defaults() -> None:
    made = config()
    assert (made.run_invocation_timeout, made.run_max_try, made.logging_level) == (60, 3, "INFO")
    made.environment_variables = {"A": "1"}
    assert made.environment_variables == {"A": "1"}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"output_action": "print"}, "append_row or summary_only"),
        ({"error_threshold": -2}, "error_threshold"),
        ({"node_count": 0}, "node_count"),
        ({"mini_batch_size": "ten"}, "mini_batch_size"),
        ({"mini_batch_size": "1MB", "partition_keys": ["a"]}, "exclude"),
        ({"append_row_file_name": "a/b"}, "plain file name"),
        ({"allowed_failed_percent": 101}, "0 to 100"),
        ({"allowed_failed_count": -5}, "allowed_failed_count"),
    ],
)
def test_wrong_batch_configurations_are_refused(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        config(**changes)


def test_a_batch_configuration_survives_its_file(ws: Workspace) -> None:
    Environment("e").register(ws)
    made = config(mini_batch_size="1MB", description="d", environment_variables={"A": "1"})
    made.save_to_yaml("batch.yml")
    found = ParallelRunConfig.load_yaml(ws, "batch.yml")
    assert (found.mini_batch_size, found.description, found.node_count) == ("1MB", "d", 2)
    assert found.environment_variables == {"A": "1"}
    assert found.environment is not None
    assert found.environment.version == "1"


def test_running_a_batch_says_what_to_do() -> None:
    with pytest.raises(NotYetAvailable, match="ParallelRunStep"):
        ParallelRunStep("step", config(), [])


def test_collecting_warns_once_and_keeps_nothing() -> None:
    with pytest.warns(UserWarning, match="not kept"):
        collector = ModelDataCollector("m", designation="inputs", feature_names=["a"])
    assert collector.collect([[1]]) == {}
    assert collector.add_correlations([1], {}) == [1]


def test_imports_for_their_effect_have_none() -> None:
    for name in ("azureml.train.automl", "azureml.contrib.services.aml_request", "azureml.contrib.services"):
        assert importlib.import_module(name)


EXTENDING = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"


@pytest.mark.parametrize("init", [EXTENDING, None], ids=["with an __init__", "without one"])
def test_other_distributions_below_azureml_are_found(tmp_path: Path, init: str | None) -> None:
    for package in ("azureml", "azureml/contrib", "azureml/elsewhere"):
        (tmp_path / "site" / package).mkdir(parents=True)
        if init is not None:
            (tmp_path / "site" / package / "__init__.py").write_text(init)
    (tmp_path / "site/azureml/contrib/theirs.py").write_text("NAME = 'theirs'\n")
    (tmp_path / "site/azureml/elsewhere/part.py").write_text("NAME = 'part'\n")
    code = (
        "import azureml.contrib.theirs as a, azureml.elsewhere.part as b\n"
        "import azureml.core.model as c, azureml.contrib.services.aml_request as d\n"
        "print(a.NAME, b.NAME, c.Model.__name__, d.AMLRequest.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["theirs", "part", "Model", "AMLRequest"], done.stderr
