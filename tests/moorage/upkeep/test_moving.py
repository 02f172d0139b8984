"""A workspace moves to another database and another store, and back, and nothing is lost."""

import dataclasses
import json

import pytest

from moorage import environments, events, models, upkeep
from moorage.errors import BlobCorrupt, InvalidArgument, WorkspaceUnusable
from moorage.storage.addresses import shown
from moorage.workspace import Workspace


def _everything(workspace):
    return (
        models.list_models(workspace),
        environments.list_environments(workspace),
        [dataclasses.asdict(event) for event in events.list_events(workspace, kind="model")],
    )


def test_over_and_back(filled, database_url, tmp_path):
    before = _everything(filled)
    moved = upkeep.migrate(filled, database_url=database_url, blobs_url=(tmp_path / "store").as_uri())
    assert moved.checked == moved.copied == 5
    assert _everything(filled) == before
    # Another process, which knows nothing but the folder, finds it there too.
    with Workspace.open("test") as again:
        assert _everything(again) == before
        assert again.database.url != f"sqlite:///{filled.path / 'registry.db'}"
    # Numbers go on: of versions, and of rows.
    path = tmp_path / "new.txt"
    path.write_text("new")
    assert models.register(filled, path, "m").version == 4
    after = _everything(filled)
    assert not (filled.path / "registry.db").exists()
    upkeep.migrate(filled, database_url="local", blobs_url="local")
    assert _everything(filled) == after
    assert filled.settings.database_url is None
    assert models.register(filled, path, "m").version == 5
    assert upkeep.check(filled) == []


def test_a_damaged_content_stops_the_move_before_anything_is_changed(filled, tmp_path):
    sha256 = models.get(filled, "m", 2).files[0].sha256
    blob = filled.path / "blobs" / "sha256" / sha256[:2] / sha256
    blob.write_bytes(b"x" + blob.read_bytes()[1:])
    with pytest.raises(BlobCorrupt, match=sha256):
        upkeep.migrate(filled, blobs_url=(tmp_path / "store").as_uri())
    assert Workspace.open("test").settings.blobs_url is None


def test_only_an_empty_database_takes_a_workspace(filled, tmp_path):
    url = f"sqlite:///{tmp_path / 'other.db'}"
    upkeep.migrate(filled, database_url=url)
    upkeep.migrate(filled, database_url="local")
    with pytest.raises(WorkspaceUnusable, match="not empty"):
        upkeep.migrate(filled, database_url=url)
    assert filled.settings.database_url is None
    with pytest.raises(InvalidArgument, match="not yet"):
        upkeep.migrate(filled, database_url="local")
    with pytest.raises(InvalidArgument, match="not yet"):
        upkeep.migrate(filled)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://ada:s3cret@db:5432/moorage", "postgresql://ada:***@db:5432/moorage"),
        ("s3://bucket/folder", "s3://bucket/folder"),
        ("az://container/x?sig=s3cret&sv=2", "az://container/x?***"),
        ("file:///a/b", "file:///a/b"),
        ("http://[::1", "(an address that is not understood)"),
    ],
)
def test_addresses_are_shown_without_secrets(url, expected):
    assert shown(url) == expected
    assert "s3cret" not in shown(url)


def test_no_command_shows_a_password(home, run_moor_quietly):
    code, said = run_moor_quietly(
        "workspace", "create", "-w", "team", "--database-url", "postgresql://ada:s3cret@127.0.0.1:9/none"
    )
    assert code == 1
    assert "s3cret" not in said
    assert not (home / "workspaces" / "team").exists()
    # The database can be out of reach later.
    Workspace.create("team").update({"database_url": "postgresql://ada:s3cret@127.0.0.1:9/none"})
    settings = json.loads((home / "workspaces" / "team" / "workspace.json").read_text())
    assert (home / "workspaces" / "team" / "workspace.json").stat().st_mode & 0o77 == 0
    assert "s3cret" in settings["database_url"]
    for command in (
        ["workspace", "show", "-w", "team"],
        ["workspace", "list"],
        ["model", "list", "-w", "team"],
    ):
        assert "s3cret" not in run_moor_quietly(*command)[1]


@pytest.fixture
def run_moor_quietly(home):
    import subprocess
    import sys

    def run(*arguments):
        command = [sys.executable, "-m", "moorage.cli", *arguments, "--debug"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    return run
