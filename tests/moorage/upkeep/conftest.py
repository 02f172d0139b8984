"""A workspace with something of everything in it."""

from pathlib import Path

import pytest

from moorage import environments, models
from moorage.environments import Environment
from moorage.workspace import Workspace


@pytest.fixture
def filled(workspace: Workspace, tmp_path: Path) -> Workspace:
    folder = tmp_path / "model"
    folder.mkdir()
    for number in range(5):
        (folder / f"part{number}").write_bytes(b"%d" % number * 1000 * number)
    models.register(workspace, folder, "m", tags={"stage": "test"}, properties={"a": "1"})
    models.register(workspace, folder / "part1", "m", description="ü\n")
    deleted = models.register(workspace, folder / "part2", "m")
    models.delete(workspace, deleted)
    environments.register(workspace, Environment("e", pip_requirements=("numpy",)))
    return workspace
