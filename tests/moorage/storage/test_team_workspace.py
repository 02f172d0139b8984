"""One workspace in PostgreSQL (or SQLite) and an object store, from registration to the way back."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from moorage import models, upkeep
from moorage.errors import StorageUnavailable, WorkspaceUnusable
from moorage.workspace import Workspace

REGISTER = """
import sys
from moorage import models
from moorage.errors import StorageUnavailable, WorkspaceUnusable
from moorage.workspace import Workspace
with Workspace.open("team") as workspace:
    for path in sys.argv[1:]:
        print(models.register(workspace, path, "m").version)
"""


@pytest.mark.parametrize("kind", ["s3", "azure", "google"])
def test_models_live_in_a_store_and_move(
    home: Path, tmp_path: Path, database_url: str, kind: str, request: pytest.FixtureRequest
) -> None:
    blobs_url = request.getfixturevalue(f"{kind}_url")
    folder = tmp_path / "model"
    folder.mkdir()
    for number in range(12):
        (folder / f"part{number}").write_bytes(b"%d" % number * 10_000)
    with Workspace.create("team", database_url=database_url, blobs_url=blobs_url) as workspace:
        model = models.register(workspace, folder, "m")
        assert not (workspace.path / "blobs").exists()
        models.download(workspace, model, tmp_path / "down")
        assert (tmp_path / "down" / "model" / "part7").read_bytes() == b"7" * 10_000
        assert upkeep.check(workspace) == []
        moved = upkeep.migrate(workspace, database_url="local", blobs_url="local")
        assert (moved.copied, moved.checked) == (12, 12)
        assert upkeep.check(workspace) == []
        assert models.list_models(workspace) == [model]
        # And to the store again, which has everything still.
        assert upkeep.migrate(workspace, blobs_url=blobs_url).copied == 0
        models.delete(workspace, model)
        assert [blob.sha256 for blob in workspace.blobs.list()] == []


def test_sixteen_processes_register_at_once(
    home: Path, tmp_path: Path, postgres_url: str, s3_url: str
) -> None:
    with Workspace.create("team", database_url=postgres_url, blobs_url=s3_url) as workspace:
        same = tmp_path / "same"
        same.write_text("the same for all")
        others = [tmp_path / f"own{number}" for number in range(16)]
        for other in others:
            other.write_text(other.name)

        def register(own: Path) -> list[int]:
            command = [sys.executable, "-c", REGISTER, str(same), str(own)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
            assert done.returncode == 0, done.stderr
            return [int(line) for line in done.stdout.split()]

        with ThreadPoolExecutor(16) as threads:
            given = [version for versions in threads.map(register, others) for version in versions]
        assert sorted(given) == list(range(1, 33))
        kept = models.list_models(workspace)
        assert sorted(model.version for model in kept) == sorted(given)
        assert len({file.sha256 for model in kept for file in model.files}) == 17
        assert upkeep.check(workspace) == []


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ({"blobs_url": "gs://"}, "gs:.* has no bucket or container; write for example gs://bucket/folder"),
        (
            {"blobs_url": "s3:/bucket/folder"},
            "has no bucket or container; write for example s3://bucket/folder",
        ),
        ({"blobs_url": "gopher://host/x"}, "gopher://host/x"),
        ({"database_url": "mysql://host/x"}, "database 'mysql' is not supported"),
        ({"database_url": "postgresql://u:secret@127.0.0.1:1/x"}, "Connection refused|cannot be used"),
    ],
)
def test_a_place_that_is_none_is_said_when_the_workspace_is_made(home: Path, places: dict, said: str) -> None:
    with pytest.raises((WorkspaceUnusable, StorageUnavailable), match=said) as caught:
        Workspace.create("team", **places)
    assert "secret" not in str(caught.value)
    # Nothing is left in the way of the right address.
    assert Workspace.list_all() == []
    with Workspace.create("team") as workspace:
        assert workspace.database.is_sqlite


def test_credentials_of_a_store_that_are_none_are_said_in_one_line(
    home: Path, google_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Workspace.create("team", blobs_url=google_url):
        pass
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", "{bad")
    with pytest.raises(WorkspaceUnusable, match="gs://bucket/folder cannot be opened") as caught:
        Workspace.create("other", blobs_url=google_url)
    assert "\n" not in str(caught.value)
