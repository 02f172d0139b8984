"""``moor model``, without deploying."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Invoke = Callable[..., Any]


@pytest.fixture
def registered(answer: Invoke, model_path: Path) -> dict[str, Any]:
    answer("model", "register", "-n", "m", "-p", str(model_path))
    found: dict[str, Any] = answer(
        *("model", "register", "-n", "m", "-p", "model.pkl", "-d", "a model", "--tag", "stage=test"),
        *("--tag", "a=b=c", "--property", "p=1", "--model-framework", "ScikitLearn"),
        *("--model-framework-version", "0.20.3", "--cc", "0.5", "--gb", "1.5", "--gc", "1"),
        *("--experiment-name", "spring", "--run-id", "run-1", "--sample-input-dataset-id", "in"),
    )
    return found


def test_register_prints_the_documented_keys(registered: dict[str, Any]) -> None:
    assert registered.pop("createdTime").endswith("+00:00")
    assert registered.pop("createdBy")
    assert registered == {
        "description": "a model",
        "experimentName": "spring",
        "framework": "ScikitLearn",
        "frameworkVersion": "0.20.3",
        "id": "m:2",
        "name": "m",
        "properties": {"p": "1"},
        "resourceConfiguration": {"cpu": 0.5, "memoryInGB": 1.5, "gpu": 1},
        "runId": "run-1",
        "sampleInputDatasetId": "in",
        "sampleOutputDatasetId": None,
        "sizeInBytes": 15,
        "tags": {"a": "b=c", "stage": "test"},
        "version": 2,
    }


def test_a_model_without_a_framework_is_custom(answer: Invoke, model_path: Path) -> None:
    assert answer("model", "register", "-n", "m", "-p", str(model_path))["framework"] == "Custom"


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ("", "m:2 m:1"),
        ("-n m --latest", "m:2"),
        ("-l", "m:2"),
        ("--tag stage", "m:2"),
        ("--tag stage=test --tag a=b=c", "m:2"),
        ("--tag stage=other", ""),
        ("--property p=1", "m:2"),
        ("--run-id run-1", "m:2"),
        ("--dataset-id in", "m:2"),
        ("--dataset-id out", ""),
        ("--limit 1 --offset 1", "m:1"),
    ],
)
def test_list(registered: Any, answer: Invoke, filters: str, ids: str) -> None:
    assert [model["id"] for model in answer("model", "list", *filters.split())] == ids.split()
    assert [model["id"] for model in answer("ml", "model", "list", *filters.split())] == ids.split()


@pytest.mark.parametrize(
    ("choice", "version"),
    [("-i m:1", 1), ("-i m", 2), ("-n m", 2), ("-n m --version 1", 1), ("-n m --run-id run-1", 2)],
)
def test_show(registered: Any, answer: Invoke, choice: str, version: int) -> None:
    shown = answer("model", "show", *choice.split())
    assert shown["version"] == version
    assert [file["path"] for file in shown["files"]] == ["model.pkl"]
    assert "python" in shown["libraries"]


@pytest.mark.parametrize("choice", ["-i x:1", "-n x", "-i m:3", "-n m --version 3", "-n m --run-id other"])
def test_show_of_what_is_not_there_ends_with_3(registered: Any, invoke: Invoke, choice: str) -> None:
    result = invoke("model", "show", *choice.split())
    assert (result.exit_code, result.stdout) == (3, "")
    assert "is not registered" in result.stderr


def test_update(registered: Any, answer: Invoke) -> None:
    changed = answer(
        *("model", "update", "-i", "m:2", "--add-tag", "new=1", "--remove-tag", "stage"),
        *("--add-property", "q=2", "--description", "better", "--cc", "2"),
    )
    assert (changed["tags"], changed["properties"]) == ({"a": "b=c", "new": "1"}, {"p": "1", "q": "2"})
    assert changed["description"] == "better"
    assert changed["resourceConfiguration"]["cpu"] == 2


def test_download_and_overwrite(registered: Any, answer: Invoke, invoke: Invoke, place: Path) -> None:
    assert answer("model", "download", "-i", "m:2", "-t", "to") == {
        "id": "m:2",
        "path": str(place / "to" / "model.pkl"),
    }
    assert (place / "to" / "model.pkl").read_bytes() == b"a trained model"
    again = invoke("model", "download", "-i", "m:2", "-t", "to")
    assert again.exit_code == 1
    assert "model.pkl exists already" in again.stderr
    answer("model", "download", "--model-id", "m:1", "--target-dir", "to", "--overwrite")


def test_delete(registered: Any, answer: Invoke, invoke: Invoke) -> None:
    assert answer("model", "delete", "-i", "m:1") == {"id": "m:1", "deleted": True}
    assert [model["id"] for model in answer("model", "list")] == ["m:2"]
    assert invoke("model", "delete", "-i", "m:1").exit_code == 1
    without_version = invoke("model", "delete", "-i", "m")
    assert without_version.exit_code == 2
    assert "names no version" in without_version.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("-n m -p nothing.pkl", 1, "nothing.pkl does not exist"),
        ("-n m", 2, "say which file or folder"),
        ("-p model.pkl", 2, "--name"),
        ("-n a/b -p model.pkl", 2, "'a/b' is not a valid model name: 1 to 255 letters"),
        ("-n m -p model.pkl --tag x", 2, "'x' is not written key=value"),
        ("-n m -p model.pkl --property =x", 2, "'=x' is not written key=value"),
        ("-n m -p model.pkl --cc many", 2, "'--cpu-cores' / '--cc'"),
        ("-n m -p model.pkl --cc -1", 2, "cpu_cores"),
        ("-n m -p model.pkl --model-framework-version 1", 2, "framework"),
        ("-n m -p model.pkl -t nowhere/info.json", 2, "nowhere/info.json cannot be written"),
        ("-n m -p model.pkl -f nothing.json", 2, "nothing.json cannot be read"),
        ("-n m -p .", 1, "pipe is neither a file nor a folder"),
        ("-n m --asset-path outputs/model.pkl", 2, "say of which"),
        ("-n m --asset-path outputs/model.pkl -p model.pkl", 2, "one of both"),
        ("-n m -p model.pkl --unknown", 2, "--unknown"),
        ("-n m -p model.pkl -w nothing", 1, "moor workspace create -w nothing"),
        ("-n m -p model.pkl -w ../x", 2, "'../x' is not a valid workspace name"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(
    invoke: Invoke, answer: Invoke, model_path: Path, arguments: str, code: int, message: str
) -> None:
    import os

    os.mkfifo("pipe")
    result = invoke("model", "register", *arguments.split())
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert answer("model", "list") == []


def test_the_metadata_file_leads_to_the_model(answer: Invoke, model_path: Path, place: Path) -> None:
    from moorage.cli.deployment import chosen_models

    answer("model", "register", "-n", "m", "-p", "model.pkl", "-t", "info.json")
    assert json.loads((place / "info.json").read_text())["modelId"] == "m:1"
    assert chosen_models(["other:3"], [place / "info.json"]) == ["other:3", "m:1"]
    assert [path.name for path in place.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    "content",
    [
        {"runId": "r", "experimentName": "e"},
        {"RunId": "r", "ExperimentName": "e"},
        {"run_id": "r", "experiment_name": "e"},
    ],
)
def test_run_and_experiment_come_from_a_file(
    answer: Invoke, model_path: Path, place: Path, content: dict[str, str]
) -> None:
    (place / "run.json").write_text(json.dumps(content))
    model = answer("model", "register", "-n", "m", "-p", "model.pkl", "-f", "run.json")
    assert (model["runId"], model["experimentName"]) == ("r", "e")


def test_a_traceback_only_with_debug(invoke: Invoke) -> None:
    assert "Traceback" not in invoke("model", "show", "-i", "x:1").stderr
    result = invoke("model", "show", "-i", "x:1", "--debug")
    assert result.exit_code == 3
    assert "Traceback" in result.stderr
    assert "Error: model x:1 is not registered" in result.stderr
