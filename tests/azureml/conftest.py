"""A workspace of the old kind in a folder of its own, and files to register."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from azureml.core import Workspace
from moorage import services


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for workspaces, and an empty current folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("MOORAGE_HOME", str(folder))
    for variable in ("MOORAGE_WORKSPACE", "MOORAGE_DATABASE_URL", "MOORAGE_BLOBS_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return folder


@pytest.fixture
def ws(home: Path) -> Iterator[Workspace]:
    workspace = Workspace.create("lab", subscription_id="sub", resource_group="group", show_output=False)
    yield workspace
    workspace._moorage.close()


@pytest.fixture(scope="session")
def empty_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of runs with nothing in it, to be copied into workspaces: making its tables takes seconds."""
    pytest.importorskip("mlflow", reason="runs are kept by MLflow (moorage[mlflow])")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOORAGE_HOME", str(tmp_path_factory.mktemp("runs-home")))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        workspace = Workspace.create("template", show_output=False)
        workspace._tracking()
        workspace._moorage.close()
        return workspace._moorage.path / "runs.db"


@pytest.fixture
def model_file() -> str:
    Path("model.pkl").write_bytes(b"weights")
    return "model.pkl"


@pytest.fixture
def model_folder() -> str:
    folder = Path("net")
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "sub" / "b.txt").write_text("b")
    return "net"


@pytest.fixture
def stops_services(ws: Workspace) -> Iterator[None]:
    """Stop whatever a test deployed."""
    yield
    for service in services.list_services(ws._moorage):
        services.delete(ws._moorage, service.name)
