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


def test_create_from_all_that_an_environment_can_be_made_of(
    answer: Callable[..., Any], invoke: Callable[..., Any], place: Path
) -> None:
    (place / "conda.yml").write_text("dependencies: [python=3.8, {pip: [six]}]")
    (place / "requirements.txt").write_text("# packages\nsix==1.17.0\n--extra-index-url https://x.example/\n")
    (place / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.9"\ndependencies = ["six"]\n')
    (place / "Dockerfile").write_text("FROM scratch\n")

    def create(*flags: str) -> Any:
        return answer("environment", "create", "-n", "e", *flags)

    made = create("-f", "conda.yml", "--variable", "A=b=c")
    assert (made["version"], made["environmentVariables"]) == ("1", {"A": "b=c"})
    assert made["python"]["condaDependencies"]["dependencies"] == ["python=3.8", {"pip": ["six"]}]
    assert create("-f", "conda.yml", "--variable", "A=b=c")["version"] == "1"
    made = create("-f", "requirements.txt", "--image", "localhost/base:1")
    assert (made["version"], made["docker"]["baseImage"]) == ("2", "localhost/base:1")
    assert not made["python"]["userManagedDependencies"]
    lines = ["six==1.17.0", "--extra-index-url https://x.example/"]
    assert made["python"]["pipRequirements"] == lines
    made = create("-f", "pyproject.toml")
    assert made["python"]["condaDependencies"]["dependencies"] == ["python>=3.9", {"pip": ["six"]}]
    made = create("--image", "localhost/base:1")
    assert made["python"]["userManagedDependencies"]
    assert create("--dockerfile", "Dockerfile")["docker"]["baseDockerfile"] == "FROM scratch\n"
    made = create("--interpreter", "/opt/python/bin/python")
    assert made["python"]["interpreterPath"] == "/opt/python/bin/python"
    assert made["python"]["userManagedDependencies"]
    for flags in (
        [],
        ["--image", "a", "--dockerfile", "Dockerfile"],
        ["--interpreter", "python3", "-f", "conda.yml"],
        ["--dockerfile", "nothing"],
        ["--image", "a", "--variable", "no"],
        ["-f", "poetry.lock"],
    ):
        refused = invoke("environment", "create", "-n", "e", *flags)
        assert refused.exit_code != 0
        assert "Error: " in refused.stderr
