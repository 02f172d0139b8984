"""``Model.package`` as old code calls it: the files of an image, and what is said where there is none."""

import sys
from pathlib import Path

import pytest

from azureml.core import Environment, Model, Workspace
from azureml.core.model import InferenceConfig, ModelPackage
from azureml.exceptions import WebserviceException
from moorage.environments.interpreters import this_python
from moorage.environments.locking import Lock, this_platform
from moorage.environments.store import Store
from moorage.environments.wanted import translate
from moorage.packaging.wheels import requirements_of


@pytest.fixture
def config(home: Path) -> InferenceConfig:
    """A script with an empty environment; what the server needs is known, so that nothing is downloaded."""
    needs = translate(None, requirements_of("moorage-server", without="moorage-runtime"))
    for wanted in (needs, translate(None)):
        lock = Lock("{}.{}".format(*sys.version_info), this_platform(), "\n")
        Store.of(home).remember(wanted, this_python(), lock)
    Path("score.py").write_text("def init(): pass\ndef run(data): return data\n")
    return InferenceConfig("score.py", environment=Environment("empty"))


@pytest.fixture
def model(ws: Workspace) -> Model:
    Path("m.txt").write_text("one")
    return Model.register(ws, "m.txt", "m")


def test_the_files_of_an_image(
    ws: Workspace, model: Model, config: InferenceConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    package = Model.package(ws, [model], config, generate_dockerfile=True)
    package.wait_for_creation(show_output=True)
    assert "Package creation Succeeded" in capsys.readouterr().out
    package.save("./imagefiles")
    assert Path("imagefiles/models/m/1/m.txt").read_text() == "one"
    registry = package.get_container_registry()
    assert (registry.address, registry.username, registry.password) == ("docker.io", "", "")
    with pytest.raises(WebserviceException, match="not empty"):
        package.save("./imagefiles")
    with pytest.raises(WebserviceException, match="docker build"):
        package.pull()
    document = package.serialize()
    assert (document["state"], document["packageType"]) == ("Succeeded", "DockerBuildContext")
    again = ModelPackage(ws, document["id"], None)
    assert (again.location, again.generate_dockerfile) == (package.location, True)
    assert isinstance(again.get_logs(), str)
    assert isinstance(again.get_logs(decode=False), bytes)


def test_without_an_engine_or_a_script_it_is_said_at_once(
    ws: Workspace, model: Model, config: InferenceConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WebserviceException, match="entry script"):
        Model.package(ws, [model])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(WebserviceException, match="container engine"):
        Model.package(ws, [model], config)


def test_a_failed_build_is_raised_by_whoever_waits_and_its_log_can_be_read(
    ws: Workspace, model: Model, config: InferenceConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = tmp_path / "bin" / "podman"
    engine.parent.mkdir()
    engine.write_text('#!/bin/sh\nif [ "$1" = build ]; then echo "step 3 failed"; exit 7; fi\n')
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", str(engine.parent))
    package = Model.package(ws, [model], config)
    assert package.state == "Failed"
    with pytest.raises(WebserviceException, match="step 3 failed"):
        package.wait_for_creation(show_output=True)
    with pytest.raises(WebserviceException, match="step 3 failed"):
        package.pull()
    assert "step 3 failed" in package.get_logs()
    assert str(package.package_build_log_uri).startswith("file:///")
