"""Copies of a model's files in a folder of the caller's choice, checked on the way."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from sqlalchemy import select

from moorage.errors import (
    BlobCorrupt,
    DownloadTargetExists,
    ModelPathNotAllowed,
    StorageFull,
    StorageUnavailable,
)
from moorage.models.model import Model, ModelFile
from moorage.models.queries import get_by_id
from moorage.storage.local_blobs import FULL
from moorage.storage.tables import model_files, models
from moorage.workspace import Workspace


def download(
    workspace: Workspace,
    model: Model | str,
    target_dir: str | os.PathLike[str],
    *,
    exist_ok: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write the files of a model (a record or an id) below ``target_dir``; return the file or top folder.

    All are written aside and checked against their digests first, then renamed into place one by one.

    Raises:
        ModelNotFound: it is not registered.
        DownloadTargetExists: a file of it is there and ``exist_ok`` is False; nothing was written.
        ModelPathNotAllowed: a link in ``target_dir`` would lead a file out of it.
        BlobCorrupt: a stored file is damaged; nothing was put in place.
        StorageFull, StorageUnavailable: ``target_dir`` cannot take the files; nothing was put in place.
    """
    wanted = get_by_id(workspace, model) if isinstance(model, str) else model
    target = Path(target_dir).expanduser()
    with _clear_errors(target):
        places = {file: _place(target, file.path, exist_ok) for file in wanted.files}
        target.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".moorage-download-", dir=target))
        try:
            _fetch(workspace, wanted, aside, on_progress)
            for number, place in enumerate(places.values()):
                _put_in_place(aside / str(number), place, exist_ok)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return target / wanted.top_level_name


def _fetch(
    workspace: Workspace, model: Model, aside: Path, on_progress: Callable[[int, int], None] | None
) -> None:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if on_progress is not None:
            on_progress(done, model.size_bytes)

    for number, file in enumerate(model.files):
        with (aside / str(number)).open("xb", buffering=0) as copy, naming_users(workspace, file):
            workspace.blobs.write_to(file.sha256, copy, advance)


@contextmanager
def naming_users(workspace: Workspace, file: ModelFile) -> Iterator[None]:
    """Let `BlobCorrupt` say which models are hit."""
    try:
        yield
    except BlobCorrupt as error:
        columns = models.c
        users = (
            select(columns.name, columns.version)
            .join(model_files, model_files.c.model_id == columns.id)
            .where(model_files.c.sha256 == file.sha256)
            .distinct()
            .order_by(columns.name, columns.version)
        )
        with workspace.database.read() as connection:
            ids = [f"{name}:{version}" for name, version in connection.execute(users)]
        raise BlobCorrupt(error.sha256, error.problem, ids) from error


def _place(target: Path, path: str, exist_ok: bool) -> Path:
    """Return where a file goes; the path was checked when it was registered, but a database can be edited."""
    relative = PurePosixPath(path)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise ModelPathNotAllowed(f"the registered path {path!r} leaves the target folder")
    place = target / relative
    if not place.parent.resolve().is_relative_to(target.resolve()):
        raise ModelPathNotAllowed(
            f"{place.parent} is a link that leads out of {target}; remove it or choose another target folder"
        )
    if place.is_dir() and not place.is_symlink():
        raise DownloadTargetExists(f"{place} is a folder, where a file of the model belongs; move it away")
    if os.path.lexists(place) and not exist_ok:
        raise DownloadTargetExists(f"{place} exists already; use another folder, or allow overwriting")
    return place


def _put_in_place(copy: Path, place: Path, exist_ok: bool) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if exist_ok:
        copy.replace(place)
        return
    try:
        os.link(copy, place)  # unlike a rename, it never replaces what appeared since we looked
    except FileExistsError:
        raise DownloadTargetExists(f"{place} appeared while the model was downloaded") from None
    except OSError:  # a file system without hard links
        copy.replace(place)


@contextmanager
def _clear_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull(f"no space left in {target}; nothing was downloaded") from error
        raise StorageUnavailable(f"cannot write to {error.filename or target}: {error.strerror}") from error
