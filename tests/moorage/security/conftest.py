"""A script and a model to deploy, and nothing left running afterwards."""

import pytest

from moorage import models
from moorage.deployments import InferenceConfig

ECHO = "def init(): pass\ndef run(data): return data\n"


@pytest.fixture
def script(tmp_path):
    """Write an entry script into a folder of its own and return its configuration."""

    def write(text=ECHO):
        path = tmp_path / "src" / "score.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return InferenceConfig(entry_script=path)

    return write


@pytest.fixture
def model(workspace, tmp_path):
    """Register a model with one file."""
    path = tmp_path / "model.txt"
    path.write_text("weights")
    return models.register(workspace, path, "m")


@pytest.fixture(autouse=True)
def _nothing_left(request):
    if "workspace" in request.fixturenames:
        request.getfixturevalue("ended_services")
