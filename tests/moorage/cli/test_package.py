"""``moor model package``: the files of an image. No package index is asked."""

import json
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


def test_a_folder_with_something_in_it_is_refused_before_anything_is_made(
    answer: Callable[..., Any], invoke: Callable[..., Any], project: Path
) -> None:
    flags = ("model", "package", "--es", "score.py", "--cf", "conda.yml", "--output-path", ".")
    assert "not empty; choose another folder" in invoke(*flags).stderr
    assert not list(project.parent.glob("**/packages/*"))


def test_packages_are_removed_when_that_is_asked_for(answer: Callable[..., Any], project: Path) -> None:
    answer("model", "package", "--es", "score.py", "--cf", "conda.yml", "--output-path", "out")
    (kept,) = project.parent.glob("**/packages/*")
    answer("workspace", "gc", "--packages")  # too young
    answer("workspace", "gc", "--grace-hours", "0")
    assert kept.is_dir()
    assert answer("workspace", "gc", "--grace-hours", "0", "--packages")["freedBytes"] > 100_000
    assert not kept.exists()
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


def test_the_manifest_for_a_device_is_refused_before_anything_is_built(
    invoke: Callable[..., Any], project: Path
) -> None:
    flags = ("model", "package", "--es", "score.py", "--cf", "conda.yml", "--iot-edge", "edge.json")
    assert "names no registry" in invoke(*flags).stderr
    named = (*flags, "--in", "registry.example.org/mine")
    assert "leave out --output-path" in invoke(*named, "--output-path", "out").stderr
    assert "MODULE/OUTPUT" in invoke(*named, "--edge-source", "camera").stderr
    (project / "edge.json").touch()
    assert "exists already" in invoke(*named).stderr
    assert not (project / "out").exists()


def test_the_manifest_for_a_device_is_written(
    answer: Callable[..., Any], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "bin").mkdir()
    engine = project / "bin" / "podman"
    script = "import sys; a = sys.argv\n"
    script += "if '--iidfile' in a: open(a[a.index('--iidfile') + 1], 'w').write('sha256:1')"
    engine.write_text(f"#!{sys.executable}\n{script}\n")
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", str(project / "bin"))
    flags = ("--es", "score.py", "--cf", "conda.yml", "--in", "registry.example.org/mine", "--il", "7")
    made = answer("model", "package", *flags, "--iot-edge", "edge.json")
    assert made["location"] == "registry.example.org/mine:7"
    modules = json.loads((project / "edge.json").read_text())["modulesContent"]["$edgeAgent"]
    assert modules["properties.desired"]["modules"]["mine"]["settings"]["image"] == made["location"]
