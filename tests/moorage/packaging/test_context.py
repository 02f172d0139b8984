"""The files of an image: complete, equal each time, and safe whatever names and texts there are."""

import hashlib
import json
import os
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage import events, models, packaging
from moorage.deployments import InferenceConfig
from moorage.deployments.no_code_environment import default_environment
from moorage.environments import CondaSpecification, Environment
from moorage.environments.interpreters import this_python
from moorage.environments.locking import Lock, this_platform
from moorage.environments.store import Store
from moorage.errors import (
    DownloadTargetExists,
    EngineNotFound,
    ImageBuildFailed,
    InvalidArgument,
    InvalidConfiguration,
    PlanRejected,
)
from moorage.packaging.dockerfile import Recipe, quoted
from moorage.packaging.package import image_location

pytestmark = pytest.mark.usefixtures("offline")


def digest(folder: Path) -> str:
    """Return a hash of names, contents, modes and times of all files."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        facts = path.lstat()
        line = f"{path.relative_to(folder)} {oct(facts.st_mode)} {int(facts.st_mtime)}\n"
        found.update(line.encode() + (path.read_bytes() if path.is_file() else b""))
    return found.hexdigest()


@pytest.fixture
def make(workspace, model):
    def make(config, models=None, **options):
        given = [model] if models is None else models
        return packaging.package(workspace, given, config, generate_dockerfile=True, **options)

    return make


def test_the_files_are_complete(make, script):
    made = make(script())
    here = {str(path.relative_to(made.context)) for path in made.context.rglob("*") if path.is_file()}
    assert {name for name in here if not name.startswith("server/moorage")} == {
        "Dockerfile",
        "app/model_config_map.json",
        "app/src/score.py",
        "environment/lock.txt",
        "models/m/1/model.txt",
        "run.sh",
        "server/lock.txt",
        "service.json",
    }
    text = (made.context / "Dockerfile").read_text()
    minor = "{}.{}".format(*sys.version_info)
    assert f"ARG BASE_IMAGE=docker.io/library/python:{minor}-slim-bookworm" in text
    assert ' AZUREML_MODEL_DIR="/var/azureml-app/azureml-models/m/1"' in text
    assert "USER 10001:10001" in text
    assert "EXPOSE 5001" in text
    settings = json.loads((made.context / "service.json").read_text())
    assert settings["spin_us"] == 0
    assert settings["model_dir"] == "/var/azureml-app/azureml-models/m/1"
    assert (settings["entry_script"], settings["source_directory"]) == ("src/score.py", "src")
    assert settings["python"] == "/opt/environment/bin/python"
    assert (made.is_image, made.location) == (False, str(made.context))
    wheels = {path.name.split("-")[0]: path for path in made.context.glob("server/*.whl")}
    with zipfile.ZipFile(wheels["moorage_server"]) as wheel:
        assert {"moorage_server/front.py", "moorage_server/py.typed"} <= set(wheel.namelist())
    with zipfile.ZipFile(wheels["moorage_runtime"]) as wheel:
        assert "moorage_runtime/__main__.py" in wheel.namelist()


def test_equal_things_give_equal_files(make, script, monkeypatch):
    first = digest(make(script()).context)
    assert digest(make(script()).context) == first
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    assert digest(make(script()).context) != first


def test_several_models_share_a_folder(make, script, workspace, model, tmp_path):
    from moorage import models

    other = models.register(workspace, tmp_path / "model.txt", "other")
    made = make(script(), [model, other, model.id])
    settings = json.loads((made.context / "service.json").read_text())
    assert settings["model_dir"] == "/var/azureml-app/azureml-models"
    assert (made.context / "models" / "other" / "1" / "model.txt").read_text() == "one"
    assert made.models == ("m:1", "other:1")


def test_a_user_managed_environment_is_the_base_image(make, script):
    environment = Environment("e", user_managed=True, interpreter=Path("/opt/miniconda/bin/python"))
    made = make(script(environment=environment), base_image="localhost/mine:1")
    text = (made.context / "Dockerfile").read_text()
    assert "ARG BASE_IMAGE=localhost/mine:1" in text
    assert "AS moorage-environment" not in text
    assert "sys.version_info >= (3, 10)" in text
    assert json.loads((made.context / "service.json").read_text())["python"] == "/opt/miniconda/bin/python"


def test_variables_are_not_instructions(make, script):
    environment = Environment(
        "e", pip_requirements=("boat",), variables={"SECRET": 'x"\nRUN evil', "WORKER_COUNT": "2"}
    )
    made = make(script(environment=environment))
    assert "evil" not in (made.context / "Dockerfile").read_text()
    settings = json.loads((made.context / "service.json").read_text())
    assert settings["environment"]["SECRET"] == 'x"\nRUN evil'
    assert settings["worker_count"] == 2


def test_further_steps_come_before_the_user_is_changed(make, script, tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "steps").write_text("RUN apt-get install -y libgomp1\n")
    environment = CondaSpecification(pip=("boat",))
    file = tmp_path / "src" / "conda.yml"
    file.write_text(json.dumps(environment.to_document()))
    config = script()
    config = InferenceConfig(
        entry_script="score.py",
        source_directory=config.source_directory,
        conda_file="conda.yml",
        extra_docker_file_steps="steps",
    )
    text = (make(config).context / "Dockerfile").read_text()
    assert text.index("libgomp1") < text.index("USER 10001")


def test_a_copy_is_saved_into_an_empty_folder_only(make, script, tmp_path):
    made = make(script())
    target = packaging.save(made, tmp_path / "out")
    assert (target / "Dockerfile").is_file()
    with pytest.raises(DownloadTargetExists):
        packaging.save(made, target)


def test_a_package_is_found_again(make, script, workspace):
    made = make(script())
    assert packaging.find(workspace, made.id) == made
    for wrong in ("../../x", "20200101000000-00000000"):
        with pytest.raises(InvalidArgument, match="there is no package"):
            packaging.find(workspace, wrong)


def test_what_was_made_and_removed_is_in_the_audit_log(make, script, workspace):
    made, kept = make(script()), make(script())
    os.utime(made.folder / "build.log", (0, 0))
    assert packaging.remove_older(workspace, 3600) > 0
    assert (made.folder.exists(), kept.folder.exists()) == (False, True)
    found = events.list_events(workspace, kind="package")
    assert [(event.kind, event.subject) for event in found] == [
        ("package.removed", f"package {made.id}"),
        ("package.made", f"package {kept.id}"),
        ("package.made", f"package {made.id}"),
    ]


def test_what_cannot_work_leaves_nothing(make, script, workspace):
    with pytest.raises(PlanRejected, match="has no function run"):
        make(script("def init(): pass\n"))
    with pytest.raises(InvalidConfiguration, match="needs an environment"):
        make(InferenceConfig(entry_script=script().entry_path))
    with pytest.raises(ImageBuildFailed, match="docker build"):
        packaging.pull(make(script()))
    assert len(list((workspace.path / "packages").iterdir())) == 1


def test_an_image_without_an_engine_says_what_to_do(workspace, model, script, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineNotFound, match=r"needs a container engine.*generate_dockerfile=True"):
        packaging.package(workspace, [model], script())
    assert not (workspace.path / "packages").exists()


def test_an_older_python_brings_the_server_s_along():
    text = Recipe("3.6").text
    assert "ARG BASE_IMAGE=docker.io/library/python:3.6-slim-bullseye" in text
    assert "ARG SERVER_IMAGE=docker.io/library/python:3.11-slim-bullseye" in text
    assert "COPY --from=moorage-server /opt/python /opt/python" in text
    assert "SERVER_IMAGE" not in Recipe("3.10").text


@pytest.mark.parametrize(
    ("name", "label", "location"),
    [
        (None, "1", "localhost/package:1"),
        ("mine", "v1.0", "localhost/mine:v1.0"),
        ("registry.example.org:5000/team/mine", "x", "registry.example.org:5000/team/mine:x"),
    ],
)
def test_names_of_images(name, label, location):
    assert image_location(name, label) == location


@pytest.mark.parametrize(
    ("name", "label"), [("Mine", "1"), ("--x", "1"), ("a b", "1"), ("a", "-1"), ("a", "")]
)
def test_names_that_no_image_can_have(name, label):
    with pytest.raises(InvalidArgument):
        image_location(name, label)


@given(st.text())
def test_a_quoted_text_is_one_word(text):
    try:
        word = quoted(text)
    except ValueError:
        assert set(text) & set("\n\r\0")
        return
    inner = word[1:-1].replace("\\\\", "").replace('\\"', "").replace("\\$", "")
    assert word[0] == word[-1] == '"'
    assert not set(inner) & set('"$\\')


@pytest.fixture
def graph(workspace, tmp_path, home):
    """Register a model that needs no script, and make its lock known."""
    (tmp_path / "graph.onnx").write_bytes(b"graph of nothing")
    registered = models.register(workspace, tmp_path / "graph.onnx", "g", framework="Onnx")
    wanted = default_environment(workspace, [registered])
    lock = Lock("{}.{}".format(*sys.version_info), this_platform(), "onnxruntime==1.0\n")
    Store.of(home).remember(wanted, this_python(), lock)
    return registered


def test_models_without_a_script_bring_ours(workspace, graph):
    made = packaging.package(workspace, [graph], None, generate_dockerfile=True)
    assert (made.context / "app" / "moorage_no_code.py").is_file()
    assert (made.context / "environment" / "lock.txt").read_text() == "onnxruntime==1.0\n"
    settings = json.loads((made.context / "service.json").read_text())
    assert settings["entry_script"] == "moorage_no_code.py"
    served = json.loads(settings["environment"]["MOORAGE_NO_CODE"])
    assert served["code"].startswith("/opt/moorage/lib/python3")
    paths = {one["name"]: one["path"] for one in served["models"]}
    assert paths == {"g": "azureml-models/g/1/graph.onnx"}


def test_a_model_that_needs_a_script_is_refused_without_one(workspace, model):
    with pytest.raises(PlanRejected, match="without a framework, which needs an entry script"):
        packaging.package(workspace, [model], None, generate_dockerfile=True)
    with pytest.raises(PlanRejected, match="neither a model nor an entry script"):
        packaging.package(workspace, [], None, generate_dockerfile=True)
