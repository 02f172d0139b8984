"""Which files a path means, and which it must not."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.errors import EmptyModelFolder, ModelPathNotAllowed, ModelPathNotFound
from moorage.models.source import find_files

MakeFolder = Callable[[str, dict[str, bytes]], Path]


def _paths(path: Path | str, child_paths: list[str] | None = None) -> list[str]:
    return [file.path for file in find_files(path, child_paths)]


def test_a_file_is_kept_under_its_own_name(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _paths(model_file) == ["model.pkl"]
    monkeypatch.chdir(model_file.parent)
    assert _paths("model.pkl") == _paths("./model.pkl") == ["model.pkl"]


def test_a_folder_keeps_its_name_as_one_level(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder("flowers", {"b.txt": b"", "sub/deep/c.txt": b"", "a.txt": b"", ".hidden": b""})
    expected = ["flowers/.hidden", "flowers/a.txt", "flowers/b.txt", "flowers/sub/deep/c.txt"]
    assert _paths(folder) == _paths(f"{folder}/") == _paths(folder / "sub" / "..") == expected
    monkeypatch.chdir(folder)
    assert _paths(".") == expected
    monkeypatch.chdir(folder / "sub")
    assert _paths("..") == expected


def test_child_paths_choose_files_and_folders(make_folder: MakeFolder) -> None:
    folder = make_folder("flowers", {"a.txt": b"", "sub/b.txt": b"", "sub/c.txt": b"", "other/d.txt": b""})
    assert _paths(folder, ["sub/b.txt"]) == ["flowers/sub/b.txt"]
    assert _paths(folder, ["sub", "./a.txt", "sub/b.txt"]) == [
        "flowers/a.txt",
        "flowers/sub/b.txt",
        "flowers/sub/c.txt",
    ]


@pytest.mark.parametrize("child", ["../other.txt", "/etc/passwd", "sub/../../other.txt"])
def test_a_child_path_cannot_leave_the_folder(make_folder: MakeFolder, child: str) -> None:
    folder = make_folder("flowers", {"sub/b.txt": b""})
    (folder.parent / "other.txt").touch()
    with pytest.raises(ModelPathNotAllowed, match="leaves"):
        find_files(folder, [child])


def test_what_does_not_exist_is_named(make_folder: MakeFolder, model_file: Path) -> None:
    folder = make_folder("flowers", {"a.txt": b""})
    with pytest.raises(ModelPathNotFound, match=r"'nothing\.txt' does not exist in .*flowers"):
        find_files(folder, ["nothing.txt"])
    with pytest.raises(ModelPathNotFound, match=r"is a file, so it has no child path 'a\.txt'"):
        find_files(model_file, ["a.txt"])
    with pytest.raises(ModelPathNotFound, match=r"nothing/model\.pkl does not exist; there is no folder"):
        find_files(folder / "nothing" / "model.pkl")
    with pytest.raises(ModelPathNotFound, match=r"nothing\.pkl does not exist \(looked in "):
        find_files("nothing.pkl")


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty" / "sub").mkdir(parents=True)
    with pytest.raises(EmptyModelFolder, match="empty holds no file"):
        find_files(tmp_path / "empty")


def test_links_inside_the_folder_are_followed(make_folder: MakeFolder) -> None:
    folder = make_folder("flowers", {"versions/1/model.bin": b"12345"})
    (folder / "current").symlink_to("versions/1")
    (folder / "model.bin").symlink_to(folder / "versions" / "1" / "model.bin")
    files = find_files(folder)
    assert [(file.path, file.size_bytes) for file in files] == [
        ("flowers/current/model.bin", 5),
        ("flowers/model.bin", 5),
        ("flowers/versions/1/model.bin", 5),
    ]
    assert not any(file.file.is_symlink() for file in files)


def test_the_folder_itself_may_be_a_link(make_folder: MakeFolder, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(make_folder("real", {"a.txt": b""}))
    assert _paths(tmp_path / "linked") == ["linked/a.txt"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "/etc"])
def test_links_that_leave_the_folder_are_refused(make_folder: MakeFolder, target: str) -> None:
    folder = make_folder("flowers", {"a.txt": b""})
    (folder.parent / "secret").touch()
    (folder / "innocent").symlink_to(target)
    with pytest.raises(ModelPathNotAllowed, match=r"innocent is a link to .* outside of .*copy the file"):
        find_files(folder)
    with pytest.raises(ModelPathNotAllowed, match="outside of"):
        find_files(folder, ["innocent"])


def test_a_folder_beside_with_the_same_beginning_is_outside(make_folder: MakeFolder) -> None:
    folder = make_folder("flowers", {"a.txt": b""})
    make_folder("flowers-private", {"b.txt": b""})
    (folder / "link").symlink_to("../flowers-private/b.txt")
    with pytest.raises(ModelPathNotAllowed):
        find_files(folder)


@pytest.mark.parametrize("target", [".", "loop", "nothing", "sub"])
def test_links_to_nothing_and_loops_are_refused(make_folder: MakeFolder, target: str) -> None:
    folder = make_folder("flowers", {"a.txt": b"", "sub/b.txt": b""})
    (folder / "loop").symlink_to(target)
    (folder / "sub" / "up").symlink_to("..")
    with pytest.raises((ModelPathNotAllowed, ModelPathNotFound)):
        find_files(folder)


def test_what_is_no_file_is_refused(make_folder: MakeFolder) -> None:
    folder = make_folder("flowers", {"a.txt": b""})
    os.mkfifo(folder / "pipe")
    with pytest.raises(ModelPathNotAllowed, match="pipe is neither a file nor a folder"):
        find_files(folder)
    (folder / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(folder / "socket"))
        with pytest.raises(ModelPathNotAllowed, match="socket is neither"):
            find_files(folder)


def test_names_that_no_database_can_keep_are_refused(make_folder: MakeFolder) -> None:
    folder = make_folder("flowers", {"a.txt": b""})
    (folder / os.fsdecode(b"caf\xe9.bin")).touch()
    with pytest.raises(ModelPathNotAllowed, match=r"not valid UTF-8; rename the file"):
        find_files(folder)


def test_a_path_that_is_too_long_is_refused(make_folder: MakeFolder) -> None:
    folder = make_folder("flowers", {"/".join(["d" * 200] * 11): b""})
    with pytest.raises(ModelPathNotAllowed, match="at most 2000"):
        find_files(folder)


NAMES = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=40
)


@settings(suppress_health_check=list(HealthCheck), max_examples=50, deadline=None)
@given(name=NAMES.filter(lambda name: name not in {".", ".."} and len(name.encode()) < 250))
def test_any_file_name_is_kept_as_it_is(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "any"
    folder.mkdir(exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    (folder / name).touch()
    assert _paths(folder) == [f"any/{name}"]
