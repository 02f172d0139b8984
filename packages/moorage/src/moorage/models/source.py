"""Which files a path to register means, and under which paths they are kept."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from moorage.errors import EmptyModelFolder, InvalidArgument, ModelPathNotAllowed, ModelPathNotFound

LONGEST_PATH_BYTES = 2000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to store: ``path`` as it will be called, ``file`` where it is now (no symbolic link)."""

    path: str
    file: Path
    size_bytes: int


def find_files(path: str | os.PathLike[str], child_paths: Sequence[str] | None = None) -> list[SourceFile]:
    """Return the files below ``path``, sorted by path. A folder's own name is kept as one level.

    ``child_paths`` (relative to the folder) choose among what is in it. Symbolic links are followed as long
    as they stay inside the folder.

    Raises:
        ModelPathNotFound: the path, or a child path, does not exist.
        EmptyModelFolder: nothing to store.
        ModelPathNotAllowed: a link or child path leaves the folder, or something is no file (a device).
    """
    # "." and "folder/.." get their names; a link keeps its own, which resolve() would replace.
    start = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100
    if not start.exists():
        raise ModelPathNotFound(_not_found(path, start))
    if not start.is_dir():
        if child_paths:
            raise ModelPathNotFound(
                f"{path} is a file, so it has no child path {child_paths[0]!r}; give the folder as the path"
            )
        return [_source_file(PurePosixPath(start.name), start.resolve(), start)]
    if not start.name:
        raise ModelPathNotAllowed(f"{path} is the root of the file system and has no name to keep it under")
    root = start.resolve()
    chosen = [_child(start, root, child) for child in child_paths or ()] or [start]
    found = {file.path: file for begin in chosen for file in _walk(begin, start, root, ())}
    if not found:
        raise EmptyModelFolder(f"{path} holds no file; save the model into it first")
    return [found[name] for name in sorted(found)]


def _walk(place: Path, start: Path, root: Path, parents: tuple[Path, ...]) -> Iterator[SourceFile]:
    """Give the files at or below ``place``; ``parents``: the real folders on the way down (to see loops)."""
    real = _inside(place, root)
    if not real.is_dir():
        yield _source_file(PurePosixPath(start.name, *place.relative_to(start).parts), real, place)
        return
    if real in parents:
        raise ModelPathNotAllowed(f"{place} is a link to a folder that it lies in; remove that link")
    try:
        entries = sorted(place.iterdir())
    except PermissionError:
        raise ModelPathNotAllowed(f"{place} cannot be read; check its permissions") from None
    for entry in entries:
        yield from _walk(entry, start, root, (*parents, real))


def _inside(place: Path, root: Path) -> Path:
    try:
        real = place.resolve(strict=True)
    except FileNotFoundError:
        raise ModelPathNotFound(f"{place} is a link to nothing; remove it or restore its target") from None
    except (OSError, RuntimeError) as error:  # a link to itself
        raise ModelPathNotAllowed(f"{place} cannot be followed: {error}") from None
    if not real.is_relative_to(root):
        raise ModelPathNotAllowed(
            f"{place} is a link to {real}, outside of {root}; copy the file into the folder instead"
        )
    return real


def _source_file(path: PurePosixPath, file: Path, shown: Path) -> SourceFile:
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ModelPathNotAllowed(f"{shown} is neither a file nor a folder")
    if not os.access(file, os.R_OK):
        raise ModelPathNotAllowed(f"{shown} cannot be read; check its permissions")
    try:
        length = len(str(path).encode())
    except UnicodeEncodeError:
        raise ModelPathNotAllowed(f"the name of {str(shown)!r} is not valid UTF-8; rename the file") from None
    if length > LONGEST_PATH_BYTES:
        raise ModelPathNotAllowed(
            f"the path {path} has {length} bytes; at most {LONGEST_PATH_BYTES} are kept"
        )
    return SourceFile(str(path), file, status.st_size)


def _child(start: Path, root: Path, child: str) -> Path:
    if not isinstance(child, (str, os.PathLike)):
        raise InvalidArgument("child_paths", f"{child!r} is not a path")
    relative = PurePosixPath(os.path.normpath(child))
    if relative.is_absolute() or ".." in relative.parts:
        raise ModelPathNotAllowed(f"child path {str(child)!r} leaves {start}; child paths are relative to it")
    if not (start / relative).exists():
        raise ModelPathNotFound(f"child path {str(child)!r} does not exist in {start}")
    return start / relative


def _not_found(path: str | os.PathLike[str], start: Path) -> str:
    text = f"{path} does not exist"
    if not Path(path).is_absolute():
        text += f" (looked in {Path.cwd()})"
    return text if start.parent.is_dir() else f"{text}; there is no folder {start.parent} either"
