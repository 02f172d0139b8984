"""Databases and workspaces for the tests of the control plane."""

import os
import runpy
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from moorage import services
from moorage.targets.container.settings import label_of
from moorage.targets.contract import Place
from moorage.workspace import Workspace
from moorage_server.supervision import orphans


@contextmanager
def _new_postgres_database() -> Iterator[str]:
    server = os.environ.get("MOORAGE_TEST_POSTGRES_URL")
    if not server:
        pytest.skip("MOORAGE_TEST_POSTGRES_URL is not set; scripts/with-postgres sets it")
    name = f"moorage_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The address of an empty PostgreSQL database of one's own; skips where there is no server."""
    with _new_postgres_database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'registry.db'}"
        return
    with _new_postgres_database() as url:
        yield url


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home of workspaces, also for child processes."""
    for name in list(os.environ):
        if name.startswith("MOORAGE_") and not name.startswith("MOORAGE_TEST_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("MOORAGE_HOME", str(folder))
    monkeypatch.setenv("MOORAGE_ENVIRONMENTS", "as-is")
    monkeypatch.setenv("MOORAGE_CONTAINER_ENGINE", "none")
    return folder


@pytest.fixture
def containers(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    container_engine: Any,
) -> str:
    """Let services run in containers; return the name of their base image. Skips where there is no engine.

    Locks that were found are shared by all tests of a process: looking packages up takes seconds.
    """
    for name, value in container_engine.variables.items():
        monkeypatch.setenv(name, value)
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    (home / "environments").mkdir(parents=True)
    for name in ("known", ".locks"):
        (shared / name).mkdir(exist_ok=True)
        (home / "environments" / name).symlink_to(shared / name, target_is_directory=True)
    return str(container_engine.base_image)


@pytest.fixture
def containers_of(workspace: Workspace) -> Callable[[str], list[str]]:
    """Return a function that gives the names of all containers of a service of this test's workspace."""
    # What `make test-images` says.
    engine = "docker" if os.environ.get("MOORAGE_TEST_IMAGES") == "docker" else "podman"

    def listed(service: str) -> list[str]:
        if shutil.which(engine) is None:
            return []
        label = label_of(Place(workspace.path, workspace.name, service))
        command = [engine, "ps", "-a", "--filter", f"label={label}", "--format", "{{.Names}}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout.split()

    return listed


@pytest.fixture
def ended_services(workspace: Workspace) -> Iterator[None]:
    """End what a test left running, and fail it if a deleted service still has processes."""
    yield
    folder = workspace.path / "services"
    for service in list(folder.glob("[a-z]*")) if folder.is_dir() else ():
        with suppress(Exception):
            services.delete(workspace, service.name)
    assert orphans.marked(f"{folder}/") == []


@pytest.fixture
def workspace(home: Path) -> Iterator[Workspace]:
    """An empty workspace on SQLite and local files."""
    with Workspace.create("test") as opened:
        yield opened


@pytest.fixture
def new_channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Make conda channels in folders; what comes from them is kept in a cache of the test's own."""
    pytest.importorskip("rattler", reason="packages of conda channels need moorage[conda]")
    for name in ("CONDA_CHANNEL_ALIAS", "CONDA_DEFAULT_CHANNELS", "CONDA_CHANNEL_PRIORITY", "UV_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "rattler"))
    channel = runpy.run_path(str(Path(__file__).parents[1] / "conda_channel.py"))["CondaChannel"]
    return lambda name="channel": channel(tmp_path / name)
