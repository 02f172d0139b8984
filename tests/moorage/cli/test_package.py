"""``moor model package``: the files of an image. No package index is asked."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from moorage.environments.interpreters import this_python
from moorage.environments.locking import Lock, this_platform
from moorage.environments.store import Store
from moorage.environments.wanted import translate
from moorage.packaging.wheels import requirements_of


@pytest.fixture
def project(place: Path) -> Path:
    needs = translate(None, requirements_of("moorage-server", without="moorage-runtime"))
    for wanted in (needs, translate(None)):
        lock = Lock("{}.{}".format(*sys.version_info), this_platform(), "\n")
        Store.of().remember(wanted, this_python(), lock)
    (place / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    (place / "conda.yml").write_text("dependencies: [azureml-monitoring]")
    (place / "m.txt").write_text("one")
    return place


def test_the_files_are_written(answer: Callable[..., Any], project: Path) -> None:
    answer("model", "register", "-n", "m", "-p", "m.txt")
    flags = ("--es", "score.py", "--cf", "conda.yml", "--output-path", "out")
    made = answer("model", "package", "-m", "m:1", *flags)
    assert (made["packageType"], made["modelIds"]) == ("DockerBuildContext", ["m:1"])
    assert made["location"] == str(project / "out")
    assert (project / "out" / "models" / "m" / "1" / "m.txt").read_text() == "one"
    assert (project / "out" / "Dockerfile").is_file()


def test_what_cannot_work_is_said(
    invoke: Callable[..., Any], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--ic" in invoke("model", "package").stderr
    named = invoke("model", "package", "--es", "score.py", "--cf", "conda.yml", "--in", "Bad Name")
    assert "is not the name of an image" in named.stderr
    monkeypatch.setenv("PATH", "")
    refused = invoke("model", "package", "--es", "score.py", "--cf", "conda.yml")
    assert refused.exit_code == 1
    assert "needs a container engine" in refused.stderr
