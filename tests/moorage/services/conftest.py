"""Services with real supervisors, fronts and scorers, in a workspace of their own."""

import contextlib
import time

import pytest

from moorage import models, services
from moorage.deployments import InferenceConfig
from moorage_server.supervision import orphans

ECHO = """\
import json, os

def init():
    global answer
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.txt")) as file:
        answer = file.read().strip()

def run(data):
    return {"answer": answer, "got": json.loads(data)}
"""


@pytest.fixture
def script(tmp_path):
    """Write an entry script into a folder of its own and return its configuration."""

    def write(text=ECHO, name="score.py", folder="src"):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return InferenceConfig(entry_script=path)

    return write


@pytest.fixture
def model(workspace, tmp_path):
    """Register a version of the model "m" whose file says what is given."""

    def register(content="one"):
        path = tmp_path / "model.txt"
        path.write_text(content)
        return models.register(workspace, path, "m")

    return register


@pytest.fixture(autouse=True)
def _nothing_left(request):
    """End what a test left running, and fail it if a deleted service still has processes."""
    if "workspace" not in request.fixturenames:
        yield
        return
    workspace = request.getfixturevalue("workspace")
    yield
    folder = workspace.path / "services"
    for service in list(folder.glob("[a-z]*")) if folder.is_dir() else ():
        with contextlib.suppress(Exception):
            services.delete(workspace, service.name)
    assert orphans.marked(f"{folder}/") == []


@pytest.fixture
def wait_for():
    def wait(condition, *, timeout_s=30.0):
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError(f"{condition} did not come true within {timeout_s} s")

    return wait
