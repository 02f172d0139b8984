"""Notebooks that people wrote for Azure ML run top to bottom as they are.

They are kept as text with ``# %%`` between cells, since they have magics such as ``%%writefile``. What they
presuppose is a workspace, whose name a ``config.json`` in the current folder has.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from azureml.core import Model, Workspace
from moorage import services

NOTEBOOKS = Path(__file__).parent / "notebooks"
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # people leave files open
    pytest.mark.slow,
]


def cells(text: str) -> Iterator[tuple[int, str]]:
    """Give the cells with the number of the line that each begins in."""
    begin, lines = 0, []
    for number, line in enumerate([*text.splitlines(), "# %%"]):
        if line.startswith("# %%"):
            yield begin, "\n".join(lines).strip("\n")
            begin, lines = number + 1, []
        else:
            lines.append(line)


def run_notebook(name: str) -> dict[str, Any]:
    """Execute a notebook's cells in one namespace and return that."""
    path = NOTEBOOKS / name
    names: dict[str, Any] = {"__name__": "__main__"}
    for begin, cell in cells(path.read_text(encoding="utf-8")):
        magic, _, rest = cell.partition("\n")
        if magic.startswith("%%writefile "):
            Path(magic.split()[1]).write_text(rest + "\n", encoding="utf-8")
        else:
            exec(compile("\n" * begin + cell, path, "exec"), names)
    return names


@pytest.fixture(autouse=True)
def _prepared(ws: Workspace, stops_services: None) -> None:
    keys = {"subscription_id": "s", "resource_group": "g", "workspace_name": "lab"}
    Path("config.json").write_text(json.dumps(keys))


def test_train_register_deploy_with_keys_and_update(
    ws: Workspace, empty_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(empty_runs, ws._moorage.path)
    pytest.importorskip("sklearn", reason="the notebook trains with scikit-learn")
    names = run_notebook("train_and_deploy.ipy")
    assert names["resp"].json() == names["prediction"] == names["after_update"]
    assert [type(one) for one in names["prediction"]] == [float, float]
    assert names["unauthorized"] == 401
    assert names["new_key"] != names["key1"]
    assert (names["details"]["state"], names["details"]["totalQueries"]) == ("Succeeded", 20)
    assert Model.list(ws) == []
    assert services.list_services(ws._moorage) == []
    assert 'ACI service creation operation finished, operation "Succeeded"' in capsys.readouterr().out


def test_debug_locally_with_reload(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    names = run_notebook("local_debugging.ipy")
    assert (names["first"], names["second"]) == ([3, 6, 30], "reloaded")
    assert "the model cannot be loaded" in str(names["failure"])
    assert names["third"] == "Hello from Azure Machine Learning"
    printed = capsys.readouterr().out
    assert "extra: Mrudula" in printed
    assert "Hello from the updated score script" in printed
    assert services.list_services(ws._moorage) == []


def test_several_models_in_one_service(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    names = run_notebook("ensemble.ipy")
    assert [model.id for model in names["prod"]] == ["second_model:2"]
    assert [model.id for model in names["mine"]] == ["second_model:2", "second_model:1"]
    assert names["by_tag"].version == 1
    assert names["answer"] == {"sum": 40, "weights": [1, 3]}
    assert names["changed"] == names["with_token"] == {"sum": 30, "weights": [1, 2]}
    assert "no cluster: " in capsys.readouterr().out
    assert Model.list(ws) == []
