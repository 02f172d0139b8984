"""A model, a script, and what the server needs, known beforehand: no package index is asked."""

import os
import sys

import pytest

from moorage import models
from moorage.deployments import InferenceConfig
from moorage.environments import Environment
from moorage.environments.interpreters import Python, this_python
from moorage.environments.locking import Lock, this_platform
from moorage.environments.store import Store
from moorage.environments.wanted import translate
from moorage.packaging.wheels import requirements_of

SCRIPT = """\
import json, os, sys

def init():
    global text
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.txt")) as file:
        text = file.read()

def run(data):
    return {"model": text, "got": json.loads(data), "user": os.getuid(), "prefix": sys.prefix}
"""


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    if "MOORAGE_TEST_IMAGES" not in os.environ:
        for name in ("MOORAGE_BASE_IMAGE", "MOORAGE_BUILD_OPTIONS", "SOURCE_DATE_EPOCH"):
            monkeypatch.delenv(name, raising=False)


@pytest.fixture
def offline(home):
    """Make locks known: of the server, and of an environment that asks for "boat"."""
    python = this_python()
    needs = translate(None, requirements_of("moorage-server", without="moorage-runtime"))
    locks = {needs: "uvicorn==1.0", translate(None, ["boat"]): "boat==1.0", translate(None): ""}
    for wanted, line in locks.items():
        lock = Lock("{}.{}".format(*sys.version_info), this_platform(), f"{line}\n")
        Store.of(home).remember(wanted, python, lock)
    # For images whose Python nobody knows.
    Store.of(home).remember(needs, Python(python.path, (3, 0, 0)), lock)


@pytest.fixture
def script(tmp_path):
    """Write a script into a source folder; return the configuration with an environment."""

    def write(text=SCRIPT, environment=None, **options):
        folder = tmp_path / "src"
        folder.mkdir(exist_ok=True)
        (folder / "score.py").write_text(text)
        environment = environment or Environment("e", pip_requirements=("boat",))
        return InferenceConfig(
            entry_script="score.py", source_directory=folder, environment=environment, **options
        )

    return write


@pytest.fixture
def model(workspace, tmp_path):
    path = tmp_path / "model.txt"
    path.write_text("one")
    return models.register(workspace, path, "m", tags={"quoted": 'a "b" $HOME \\'})
