"""A download is complete and true, or absent; nothing lands outside the target folder."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from moorage import models
from moorage.errors import (
    BlobCorrupt,
    DownloadTargetExists,
    ModelNotFound,
    ModelPathNotAllowed,
    StorageUnavailable,
)
from moorage.models import Model
from moorage.storage.blobs import blob_key
from moorage.workspace import Workspace

MakeFolder = Callable[[str, dict[str, bytes]], Path]


@pytest.fixture
def flowers(workspace: Workspace, make_folder: MakeFolder) -> Model:
    contents = {"model.bin": b"12345", "sub/labels.txt": b"rose"}
    return models.register(workspace, make_folder("flowers", contents), "flowers")


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_comes_back_with_its_name(workspace: Workspace, flowers: Model, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    target = tmp_path / "to" / "here"
    result = models.download(workspace, flowers, target, on_progress=lambda *step: steps.append(step))
    assert result == target / "flowers"
    assert _tree(target) == {"flowers/model.bin": b"12345", "flowers/sub/labels.txt": b"rose"}
    assert steps[-1] == (9, 9)


def test_a_file_comes_back_below_a_relative_folder(
    workspace: Workspace, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.register(workspace, model_file, "m")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert models.download(workspace, "m:1", ".") == Path("model.pkl")
    assert models.download(workspace, "m", "deep/er") == Path("deep/er/model.pkl")
    assert Path("deep/er/model.pkl").read_bytes() == model_file.read_bytes()


def test_files_are_made_with_the_usual_mode(workspace: Workspace, flowers: Model, tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        models.download(workspace, flowers, tmp_path / "to")
    finally:
        os.umask(old)
    assert (tmp_path / "to" / "flowers" / "model.bin").stat().st_mode & 0o777 == 0o640


def test_what_is_there_is_kept_unless_overwriting_is_allowed(
    workspace: Workspace, flowers: Model, tmp_path: Path
) -> None:
    place = tmp_path / "to" / "flowers" / "sub" / "labels.txt"
    place.parent.mkdir(parents=True)
    place.write_text("mine")
    with pytest.raises(DownloadTargetExists, match=str(place)):
        models.download(workspace, flowers, tmp_path / "to")
    assert _tree(tmp_path / "to") == {"flowers/sub/labels.txt": b"mine"}
    (tmp_path / "to" / "flowers" / "other").write_text("stays")
    models.download(workspace, flowers, tmp_path / "to", exist_ok=True)
    assert _tree(tmp_path / "to") == {
        "flowers/model.bin": b"12345",
        "flowers/sub/labels.txt": b"rose",
        "flowers/other": b"stays",
    }


def test_a_link_at_a_files_place_is_replaced_and_not_followed(
    workspace: Workspace, flowers: Model, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    place = tmp_path / "to" / "flowers" / "model.bin"
    place.parent.mkdir(parents=True)
    place.symlink_to(victim)
    with pytest.raises(DownloadTargetExists):
        models.download(workspace, flowers, tmp_path / "to")
    models.download(workspace, flowers, tmp_path / "to", exist_ok=True)
    assert victim.read_text() == "precious"
    assert place.read_bytes() == b"12345"
    assert not place.is_symlink()


def test_a_folder_link_out_of_the_target_is_refused(
    workspace: Workspace, flowers: Model, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "flowers").symlink_to(tmp_path / "outside")
    with pytest.raises(ModelPathNotAllowed, match="leads out of"):
        models.download(workspace, flowers, tmp_path / "to", exist_ok=True)
    assert _tree(tmp_path / "outside") == {}


@pytest.mark.parametrize("path", ["../evil", "/tmp/evil-moorage", "flowers/../../evil"])
def test_a_path_that_was_edited_in_the_database_cannot_escape(
    workspace: Workspace, flowers: Model, tmp_path: Path, path: str
) -> None:
    with workspace.database.write() as connection:
        connection.execute(text("UPDATE model_files SET path = :path WHERE path LIKE '%bin'"), {"path": path})
    with pytest.raises(ModelPathNotAllowed, match="leaves the target folder"):
        models.download(workspace, "flowers", tmp_path / "to", exist_ok=True)
    assert not (tmp_path / "to").exists()


def test_a_folder_at_a_files_place_is_named(workspace: Workspace, flowers: Model, tmp_path: Path) -> None:
    (tmp_path / "to" / "flowers" / "model.bin").mkdir(parents=True)
    with pytest.raises(DownloadTargetExists, match="is a folder"):
        models.download(workspace, flowers, tmp_path / "to", exist_ok=True)


def test_a_damaged_file_is_named_with_the_models_it_hits(
    workspace: Workspace, flowers: Model, make_folder: MakeFolder, tmp_path: Path
) -> None:
    models.register(workspace, make_folder("copy", {"labels": b"rose"}), "copy")
    sha256 = flowers.files[1].sha256
    damaged = workspace.path / "blobs" / blob_key(sha256)
    damaged.write_bytes(b"Rose")
    with pytest.raises(BlobCorrupt) as caught:
        models.download(workspace, flowers, tmp_path / "to")
    assert (caught.value.sha256, caught.value.used_by) == (sha256, ("copy:1", "flowers:1"))
    assert (
        f"sha256:{sha256} is damaged: its content has changed; it belongs to models copy:1, flowers:1"
        in str(caught.value)
    )
    assert _tree(tmp_path / "to") == {}

    models.register(workspace, make_folder("again", {"x": b"rose"}), "again")
    models.download(workspace, flowers, tmp_path / "to")
    assert _tree(tmp_path / "to")["flowers/sub/labels.txt"] == b"rose"


def test_a_missing_file_of_the_store_is_named(workspace: Workspace, flowers: Model, tmp_path: Path) -> None:
    (workspace.path / "blobs" / blob_key(flowers.files[0].sha256)).unlink()
    with pytest.raises(BlobCorrupt, match=r"missing; it belongs to model flowers:1"):
        models.download(workspace, flowers, tmp_path / "to")


def test_an_unknown_model_makes_no_folder(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        models.download(workspace, "nothing:1", tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_a_target_that_is_a_file_is_named(workspace: Workspace, flowers: Model, tmp_path: Path) -> None:
    (tmp_path / "to").write_text("")
    with pytest.raises(StorageUnavailable, match="cannot write to"):
        models.download(workspace, flowers, tmp_path / "to")


def test_a_full_disk_leaves_no_part_of_a_model(
    workspace: Workspace, make_folder: MakeFolder, tmp_path: Path
) -> None:
    models.register(workspace, make_folder("big", {"a": b"small", "b": b"x" * 3_000_000}), "big")
    program = (
        "import resource, sys\nfrom moorage import models\nfrom moorage.errors import StorageFull\n"
        "from moorage.workspace import Workspace\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "try:\n    models.download(Workspace.open(), 'big', sys.argv[1])\n"
        "except StorageFull as error:\n    sys.exit('no space left' not in str(error))\n"
        "sys.exit(2)\n"
    )
    result = subprocess.run([sys.executable, "-c", program, str(tmp_path / "to")], check=False)
    assert result.returncode == 0
    assert _tree(tmp_path / "to") == {}
