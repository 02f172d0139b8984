"""The files of a run. Paths are relative, with "/"."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from moorage.errors import InvalidArgument, RunFileNotFound
from moorage.runs.tracking import Tracking, clear_errors

HIDDEN = ".moorage"
"""The folder of what we keep beside the user's files."""


def upload_file(tracking: Tracking, run_id: str, path: str, source: str | os.PathLike[str]) -> None:
    """Store a file under ``path``; a file that is there is replaced.

    Raises:
        InvalidArgument: ``path`` is absolute, empty or leaves the run.
        FileNotFoundError: there is no such file.
    """
    wanted = _checked(path)
    file = Path(source)
    if not file.is_file():
        raise FileNotFoundError(f"{file} is not a file, so it cannot be kept as {path!r}")
    folder = None if str(wanted.parent) == "." else str(wanted.parent)
    with tempfile.TemporaryDirectory() as aside, clear_errors(run_id):
        if file.name != wanted.name:  # MLflow keeps the name that the file has
            file = Path(shutil.copyfile(file, Path(aside) / wanted.name))
        tracking.client.log_artifact(run_id, str(file), folder)
        size_bytes = file.stat().st_size
    tracking.note_run(run_id, "file-kept", path=str(wanted), size_bytes=size_bytes)


def list_files(tracking: Tracking, run_id: str) -> list[str]:
    """Return the paths of all files of a run, sorted."""
    return sorted(path for path in walk(tracking, run_id, None) if not path.startswith(f"{HIDDEN}/"))


def download_files(tracking: Tracking, run_id: str, path: str, target: Path) -> Path:
    """Write a file or a folder of a run into the folder ``target``; return where it is then.

    Raises:
        RunFileNotFound: the run has no such file or folder.
    """
    wanted = str(_checked(path))
    known = list_files(tracking, run_id)
    if wanted not in known and not any(one.startswith(f"{wanted}/") for one in known):
        raise RunFileNotFound(run_id, path, known)
    target.mkdir(parents=True, exist_ok=True)
    with clear_errors(run_id):
        return Path(tracking.client.download_artifacts(run_id, wanted, str(target)))


def walk(tracking: Tracking, run_id: str, folder: str | None) -> Iterator[str]:
    with clear_errors(run_id):
        entries = tracking.client.list_artifacts(run_id, folder)
    for entry in entries:
        if entry.is_dir:
            yield from walk(tracking, run_id, entry.path)
        else:
            yield entry.path


def _checked(path: str) -> PurePosixPath:
    relative = PurePosixPath(path)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise InvalidArgument("path", f"{path!r} must be relative and stay inside the run")
    return relative
