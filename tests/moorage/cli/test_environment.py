"""``moor environment``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def folder(place: Path) -> Path:
    path = place / "myenv"
    path.mkdir()
    (path / "conda.yml").write_text("dependencies: [python=3.8, {pip: [scikit-learn==0.24.2]}]")
    definition = {"name": "myenv", "python": {"condaDependenciesFile": "conda.yml"}}
    (path / "azureml_environment.json").write_text(json.dumps(definition))
    return path


def test_register_list_show(answer: Callable[..., Any], folder: Path, place: Path) -> None:
    registered = answer("environment", "register", "-d", "myenv", "-t", "env.json")
    assert (registered["name"], registered["version"]) == ("myenv", "1")
    assert "python=3.8" in registered["python"]["condaDependencies"]["dependencies"]
    assert json.loads((place / "env.json").read_text()) == registered
    assert answer("environment", "register", "-d", "myenv")["version"] == "1"  # unchanged
    (folder / "conda.yml").write_text("dependencies: [python=3.9]")
    assert answer("environment", "register", "-d", "myenv")["version"] == "2"
    assert [found["version"] for found in answer("environment", "list")] == ["2", "1"]
    assert answer("environment", "show", "-n", "myenv")["version"] == "2"
    assert answer("environment", "show", "-n", "myenv", "-v", "1") == registered


def test_what_is_not_there_is_said(invoke: Callable[..., Any]) -> None:
    missing = invoke("environment", "show", "-n", "nothing")
    assert missing.exit_code == 3
    assert "environment nothing is not registered" in missing.stderr
    no_file = invoke("environment", "register", "-d", "nothing")
    assert no_file.exit_code == 1
    assert "azureml_environment.json does not exist" in no_file.stderr
