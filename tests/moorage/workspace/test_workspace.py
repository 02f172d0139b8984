"""Workspaces: folders that belong to their owner, found by name."""

import json
import multiprocessing
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from moorage.errors import InvalidName, WorkspaceExists, WorkspaceNotFound, WorkspaceUnusable
from moorage.workspace import Workspace

processes = multiprocessing.get_context("forkserver")


def test_a_created_workspace_is_found_again(home: Path) -> None:
    created = Workspace.create("ocean", subscription_id="s", resource_group="g", location="l")
    assert created.path == home / "workspaces" / "ocean"
    for found in (Workspace.open("ocean"), Workspace.open(), Workspace.open("ocean", home=home)):
        assert (found.name, found.path) == ("ocean", created.path)
        assert (found.subscription_id, found.resource_group, found.location) == ("s", "g", "l")
        assert found.created_at == created.created_at
    assert timedelta(0) <= datetime.now(timezone.utc) - created.created_at < timedelta(minutes=1)
    assert repr(created) == f"Workspace(name='ocean', path='{created.path}')"


def test_labels_of_the_old_cloud_have_a_default(home: Path) -> None:
    workspace = Workspace.create("ocean")
    assert (workspace.subscription_id, workspace.resource_group, workspace.location) == ("local",) * 3


def test_creating_twice_is_refused_unless_that_is_fine(home: Path) -> None:
    Workspace.create("ocean", location="north")
    with pytest.raises(WorkspaceExists, match="'ocean' exists already"):
        Workspace.create("ocean")
    assert Workspace.create("ocean", location="south", exist_ok=True).location == "north"


@pytest.mark.parametrize("name", ["a", "A1", "my-work_space", "x" * 64])
def test_valid_names(home: Path, name: str) -> None:
    assert Workspace.create(name).name == name


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "-a", "_a", "a b", "é", "x" * 65, "a\n", None])
def test_invalid_names_reach_no_folder(home: Path, name: Any) -> None:
    for act in (Workspace.create, Workspace.open) if name is not None else (Workspace.create,):
        with pytest.raises(InvalidName, match="is not a valid workspace name"):
            act(name)
    assert not home.exists()


def test_unknown_names_are_said_with_the_known_ones(home: Path) -> None:
    with pytest.raises(WorkspaceNotFound, match=r"there is no workspace yet.*moor workspace create -w a"):
        Workspace.open("a")
    with pytest.raises(WorkspaceNotFound, match="There is none yet"):
        Workspace.open()
    Workspace.create("b")
    Workspace.create("c")
    with pytest.raises(WorkspaceNotFound, match="known workspaces: b, c"):
        Workspace.open("a")
    with pytest.raises(WorkspaceNotFound, match=r"several here \(b, c\)"):
        Workspace.open()


def test_the_environment_variable_chooses(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Workspace.create("a")
    Workspace.create("b")
    monkeypatch.setenv("MOORAGE_WORKSPACE", "b")
    assert Workspace.open().name == Workspace.open_or_create_default().name == "b"
    assert Workspace.open("a").name == "a"
    monkeypatch.setenv("MOORAGE_WORKSPACE", "c")
    with pytest.raises(WorkspaceNotFound):
        Workspace.open_or_create_default()


def test_the_default_is_made_only_where_there_is_none(home: Path) -> None:
    assert Workspace.open_or_create_default().name == "default"
    assert Workspace.open_or_create_default().name == "default"
    Workspace.create("a")
    with pytest.raises(WorkspaceNotFound):
        Workspace.open_or_create_default()


def test_listing_leaves_out_what_is_no_workspace(home: Path) -> None:
    assert Workspace.list_all() == []
    for name in ("b", "a"):
        Workspace.create(name)
    (home / "workspaces" / "stray").mkdir()
    (home / "workspaces" / ".half.made").mkdir()
    (home / "workspaces" / ".half.made" / "workspace.json").write_text("{}")
    assert [workspace.name for workspace in Workspace.list_all()] == ["a", "b"]


def test_everything_is_its_owners_alone(home: Path) -> None:
    old = os.umask(0)
    try:
        workspace = Workspace.create("a")
        _ = workspace.database
        workspace.close()
    finally:
        os.umask(old)
    for folder in (home, home / "workspaces", workspace.path):
        assert folder.stat().st_mode & 0o777 == 0o700, folder
    for file in (path for path in workspace.path.rglob("*") if path.is_file()):
        assert file.stat().st_mode & 0o077 == 0, file


def _create(start_together: Any, home: Path) -> None:
    start_together.wait(60)
    with Workspace.create("shared", home=home, exist_ok=True, location=str(os.getpid())) as workspace:
        _ = workspace.database


def test_eight_processes_create_the_same_workspace(home: Path) -> None:
    start_together = processes.Barrier(8)
    children = [processes.Process(target=_create, args=(start_together, home)) for _ in range(8)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0] * 8
    assert [path.name for path in (home / "workspaces").iterdir()] == ["shared"]


@pytest.mark.parametrize("content", ["", "not json", "[]", '{"created_at": 1, "surprise": 2}', "{}"])
def test_a_damaged_settings_file_is_named(home: Path, content: str) -> None:
    workspace = Workspace.create("a")
    (workspace.path / "workspace.json").write_text(content)
    with pytest.raises(WorkspaceUnusable, match=r"workspace\.json cannot be read"):
        Workspace.open("a")


def test_a_folder_in_the_way_is_named_and_left_alone(home: Path) -> None:
    (home / "workspaces" / "a").mkdir(parents=True)
    (home / "workspaces" / "a" / "precious").write_text("")
    with pytest.raises(WorkspaceUnusable, match="is in the way"):
        Workspace.create("a")
    assert [path.name for path in (home / "workspaces").iterdir()] == ["a"]


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceUnusable, match="MOORAGE_HOME"):
        Workspace.create("a", home=tmp_path / "file")


def test_settings_are_changed_whole(home: Path) -> None:
    workspace = Workspace.create("a")
    workspace.update({"location": "south"})
    assert Workspace.open("a").location == "south"
    assert json.loads((workspace.path / "workspace.json").read_text())["location"] == "south"
    assert (workspace.path / "workspace.json").stat().st_mode & 0o777 == 0o600


def test_a_closed_workspace_opens_again(home: Path) -> None:
    workspace = Workspace.create("a")
    first = workspace.database
    workspace.close()
    assert workspace.database is not first
    workspace.close()
    workspace.close()


def test_addresses_come_from_settings_or_environment(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Workspace.create(
        "a", database_url=f"sqlite:///{tmp_path / 'one.db'}", blobs_url=(tmp_path / "blobs").as_uri()
    ) as workspace:
        assert workspace.database.url.endswith("one.db")
        assert workspace.blobs.url == (tmp_path / "blobs").as_uri()
    monkeypatch.setenv("MOORAGE_DATABASE_URL", f"sqlite:///{tmp_path / 'two.db'}")
    monkeypatch.setenv("MOORAGE_BLOBS_URL", "memory://")
    with Workspace.open("a") as workspace:
        assert workspace.database.url.endswith("two.db")
        assert workspace.blobs.url == "memory://"
