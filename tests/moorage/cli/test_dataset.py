"""``moor dataset``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SPECIFICATION: dict[str, Any] = {
    "datasetType": "Tabular",
    "parameters": {"path": ["data/*.csv"], "sourceType": "delimited_files", "separator": ";"},
    "registration": {"name": "mydata", "tags": {"a": "1"}, "createNewVersion": True},
}


@pytest.fixture
def place(place: Path, answer: Callable[..., Any]) -> Path:
    (place / "data").mkdir()
    (place / "data" / "one.csv").write_text("a;b\n1;2\n")
    (place / "dataset.json").write_text(json.dumps(SPECIFICATION))
    answer("workspace", "create", "-w", "lab")
    return place


def test_a_data_set_is_registered_shown_and_removed(place: Path, answer: Callable[..., Any]) -> None:
    made = answer("dataset", "register", "-f", "dataset.json", "-t", "out.json")
    assert (made["name"], made["version"], made["datasetType"]) == ("mydata", 1, "Tabular")
    assert (made["files"], made["tags"]) == (["one.csv"], {"a": "1"})
    assert json.loads(Path("out.json").read_text())["id"] == made["id"]
    (place / "data" / "one.csv").write_text("a;b\n3;4\n")
    assert answer("dataset", "register", "-f", "dataset.json")["version"] == 2
    assert [found["version"] for found in answer("dataset", "list")] == [2]
    assert answer("dataset", "show", "-n", "mydata", "-v", "1") == made
    assert answer("dataset", "show", "-i", made["id"]) == made
    assert answer("dataset", "unregister", "-n", "mydata") == {"name": "mydata", "removedVersions": 2}
    assert answer("dataset", "list") == []


def test_the_template_can_be_registered_once_its_files_are_there(
    place: Path, answer: Callable[..., Any]
) -> None:
    template = answer("dataset", "register", "--show-template")
    template["parameters"]["path"] = "data"
    (place / "dataset.json").write_text(json.dumps(template))
    assert answer("dataset", "register", "-f", "dataset.json", "--skip-validation")["version"] == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"datasetType": "Sound"}, "datasetType"),
        ({"parameters": {"path": "data", "speed": 1}}, "parameters.speed"),
        ({"parameters": {"path": "nowhere/*.csv"}}, "nowhere/*.csv names no file"),
        ({"parameters": {"path": {"datastoreName": "mine"}}}, "'mine' does not exist"),
        ({"registration": {"name": "a/b"}}, "'a/b' is not a valid dataset name"),
    ],
)
def test_wrong_specifications_say_where(
    place: Path, invoke: Callable[..., Any], change: dict[str, Any], said: str
) -> None:
    (place / "dataset.json").write_text(json.dumps({**SPECIFICATION, **change}))
    result = invoke("dataset", "register", "-f", "dataset.json")
    assert result.exit_code in (1, 2)
    assert said in result.stderr


def test_what_is_not_there(place: Path, invoke: Callable[..., Any]) -> None:
    assert invoke("dataset", "register").exit_code == 2
    assert invoke("dataset", "register", "-f", "none.json").exit_code == 1
    assert invoke("dataset", "show").exit_code == 2
    missing = invoke("dataset", "show", "-n", "nothing")
    assert (missing.exit_code, "'nothing' is not registered" in missing.stderr) == (3, True)
