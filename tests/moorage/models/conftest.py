"""Workspaces on every database, and model files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from moorage.workspace import Workspace


@pytest.fixture
def registry(home: Path, database_url: str) -> Iterator[Workspace]:
    """An empty workspace, on each kind of database in turn."""
    with Workspace.create("test", database_url=database_url) as workspace:
        yield workspace


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"a trained model")
    return path


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder from relative paths and contents."""

    def make(name: str, contents: dict[str, bytes]) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for path, content in contents.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        return folder

    return make
