"""Services in environments of their own: built before anything is changed, shared, and kept while in use."""

from dataclasses import replace
from pathlib import Path

import pytest

from moorage import services
from moorage.deployments import InferenceConfig
from moorage.environments import CondaSpecification, Environment, read_conda_file
from moorage.environments.collecting import collect_garbage
from moorage.errors import InterpreterNotFound, PlanRejected, RequirementsUnsolvable

ASK = """\
import json, sys

def init(): pass

def run(data):
    from importlib import import_module
    return {"python": sys.version.split()[0], "prefix": sys.prefix,
            "versions": {name: import_module(name).__version__ for name in json.loads(data)}}
"""


@pytest.fixture(autouse=True)
def _building(home, monkeypatch):
    monkeypatch.setenv("MOORAGE_ENVIRONMENTS", "build")


@pytest.fixture
def pure_wheels(tmp_path):
    """Lines for pip that make a folder with one wheel the only index."""
    import zipfile

    folder = tmp_path / "wheels"
    folder.mkdir()
    info = "boat-1.0.dist-info"
    with zipfile.ZipFile(folder / "boat-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("boat.py", "__version__ = '1.0'\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: boat\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return ("--no-index", f"--find-links {folder}")


SAIL = """\
import os, subprocess, sail

def init(): pass

def run(data):
    said = subprocess.check_output(["hoist"], text=True).strip()
    return {"sail": sail.version, "data": os.environ["SAIL_DATA"], "said": said, "own": os.environ["OWN"]}
"""


def test_a_service_has_packages_of_channels_with_their_programs_and_variables(
    workspace, script, home, new_channel
):
    channel = new_channel()
    channel.add_python()
    channel.add("sail", module="version = '1.0'\n", needs=["hoist"])
    activate = 'export SAIL_DATA="$CONDA_PREFIX/share" OWN=theirs\n'
    files = {"bin/hoist": "#!/bin/sh\necho up\n", "etc/conda/activate.d/hoist.sh": activate}
    channel.add("hoist", files=files)
    conda = CondaSpecification(channels=(channel.url,), packages=("sail",))
    config = replace(script(SAIL), environment=Environment("e", conda=conda, variables={"OWN": "mine"}))
    told = []
    services.deploy(workspace, "one", [], config, on_event=told.append)
    assert any(event.kind == "building" and "sail==1.0" in event.message for event in told)
    answer = services.run(workspace, "one", "{}").json()
    folder = Path(answer["data"]).parent
    assert (answer["sail"], answer["said"], answer["own"]) == ("1.0", "up", "mine")
    assert folder.parent == home / "environments"
    assert collect_garbage(home, kept_minutes=0) == []  # it is in use


@pytest.mark.slow
def test_a_service_runs_in_a_python_of_a_channel(workspace, script, home, new_channel):
    """A whole Python, with nothing in common with the one that deploys."""
    source = Path.home() / ".pyenv" / "versions" / "3.12.1"
    if not source.is_dir():
        pytest.skip("no Python 3.12.1 of pyenv to make a package of")
    channel = new_channel()
    release = channel.add_whole_python(source)
    channel.add("sail", module="__version__ = '1.0'\n")
    conda = CondaSpecification(channels=(channel.url,), packages=("sail", "python=3.12"))
    config = replace(script(ASK), environment=Environment("e", conda=conda))
    services.deploy(workspace, "one", [], config)
    answer = services.run(workspace, "one", '["sail"]').json()
    assert (answer["python"], answer["versions"]) == (release, {"sail": "1.0"})
    assert Path(answer["prefix"]).parent == home / "environments"


def test_a_service_runs_in_its_environment_and_keeps_it(workspace, script, model, home, pure_wheels):
    environment = Environment("e", pip_requirements=(*pure_wheels, "boat==1.0"))
    config = replace(script(ASK), environment=environment)
    told = []
    services.deploy(workspace, "one", [model()], config, on_event=told.append)
    assert any(event.kind == "building" and "boat==1.0" in event.message for event in told)
    answer = services.run(workspace, "one", '["boat"]').json()
    assert answer["versions"] == {"boat": "1.0"}
    assert Path(answer["prefix"]).parent == home / "environments"

    told.clear()
    services.deploy(workspace, "two", ["m"], config, on_event=told.append)
    assert not any(event.kind == "building" for event in told)
    assert services.run(workspace, "two", "[]").json()["prefix"] == answer["prefix"]
    assert collect_garbage(home, kept_minutes=0) == []

    # What cannot be had changes nothing.
    for fault, environment in (
        (RequirementsUnsolvable, Environment("e", pip_requirements=(*pure_wheels, "boat==2.0"))),
        (InterpreterNotFound, Environment("e", conda=CondaSpecification(packages=("python=3.2",)))),
    ):
        with pytest.raises(fault):
            services.update(workspace, "one", inference_config=replace(config, environment=environment))
    assert services.get(workspace, "one").revision == 1
    assert services.run(workspace, "one", '["boat"]').json()["versions"] == {"boat": "1.0"}

    for name in ("one", "two"):
        services.delete(workspace, name)
    assert len(collect_garbage(home, kept_minutes=0)) == 1


def test_an_import_that_the_environment_lacks_is_said_before_it_is_deployed(
    workspace, script, model, pure_wheels
):
    environment = Environment("e", pip_requirements=(*pure_wheels, "boat"))
    config = replace(script("import yaml\n" + ASK), environment=environment)
    with pytest.raises(PlanRejected, match="yaml"):
        services.deploy(workspace, "one", [model()], config)
    assert services.list_services(workspace) == []


CONDA_FILE = """\
name: project_environment
dependencies:
  - python=3.6.2
  - scikit-learn=0.20.0
  - pip:
      # You must list azureml-defaults as a pip dependency
    - azureml-defaults>=1.0.45
    - inference-schema[numpy-support]
"""

DECORATED = """\
import sys
import numpy as np
import sklearn
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema
from sklearn.linear_model import Ridge

def init():
    global model
    model = Ridge(alpha=1e-9).fit([[1.0], [2.0]], [2.0, 4.0])

@input_schema("data", NumpyParameterType(np.array([[1.0]])))
@output_schema(NumpyParameterType(np.array([1.0])))
def run(data):
    return [sys.version[:4], sklearn.__version__, model.predict(data).round(6).tolist()]
"""


def test_the_documented_conda_file_builds_and_serves(workspace, script, model, tmp_path):
    if not list(Path.home().glob(".pyenv/versions/3.6.*/bin/python")):
        pytest.skip("no Python 3.6 below ~/.pyenv")
    file = tmp_path / "myenv.yml"
    file.write_text(CONDA_FILE)
    config = InferenceConfig(entry_script=script(DECORATED).entry_script, conda_file=file)
    assert read_conda_file(file).python == "3.6.2"
    services.deploy(workspace, "sklearn-service", [model()], config)
    answer = services.run(workspace, "sklearn-service", '{"data": [[3.0], [4.0]]}').json()
    assert answer == ["3.6.", "0.20.0", [6.0, 8.0]]
    services.delete(workspace, "sklearn-service")
