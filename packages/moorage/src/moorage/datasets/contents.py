"""The bytes behind the files of a data set: brought to this machine, or into the blob store."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from moorage.datasets.dataset import LocalFile, RemoteFile, Source, StoredFile
from moorage.datasets.paths import checked_path
from moorage.errors import (
    BlobNotFound,
    DatasetFileNotFound,
    DownloadTargetExists,
    FetchFailed,
    StorageUnavailable,
)
from moorage.fetching import fetch
from moorage.storage import StoredBlob
from moorage.storage.contents import count_on, put_files
from moorage.workspace import Workspace

ATTEMPTS = 10

T = TypeVar("T")


def keep(
    workspace: Workspace,
    sources: Sequence[Source],
    at: datetime,
    write: Callable[[Connection, tuple[StoredFile, ...]], T],
) -> T:
    """Store what is not stored yet, and call ``write`` with all files in the transaction that counts on them.

    Raises:
        DatasetFileNotFound: a source cannot be read.
        StorageFull, StorageUnavailable: nothing was written.
    """
    with ExitStack() as stack:
        new = [source for source in sources if not isinstance(source, StoredFile)]
        places = stack.enter_context(on_disk(None, new))
        for _attempt in range(ATTEMPTS):
            files = [(place, place.stat().st_size) for place in places.values()]
            blobs = iter(put_files(workspace.database, workspace.blobs, files))
            stored = tuple(
                source if isinstance(source, StoredFile) else _stored(source, next(blobs))
                for source in sources
            )
            sizes = {file.sha256: file.size_bytes for file in stored}
            try:
                with workspace.database.write() as connection:
                    count_on(connection, workspace.blobs, sizes, at)
                    return write(connection, stored)
            except BlobNotFound:
                continue  # another process removed its last use meanwhile
    raise StorageUnavailable(f"the files vanished from the store {ATTEMPTS} times; is something cleaning it?")


@contextmanager
def on_disk(workspace: Workspace | None, sources: Sequence[Source]) -> Iterator[Mapping[str, Path]]:
    """Give a file on this machine for each source, by its path; stored and remote ones are temporary copies.

    ``workspace`` may be None if no source is stored.
    """
    with tempfile.TemporaryDirectory(prefix="moorage-dataset-") as folder:
        yield {
            source.path: _local(workspace, source, Path(folder, str(n))) for n, source in enumerate(sources)
        }


def download(
    workspace: Workspace | None, sources: Sequence[Source], target: Path, *, overwrite: bool
) -> list[Path]:
    """Write the files below ``target`` and return where they are.

    Raises:
        DownloadTargetExists: a file is there and ``overwrite`` is False; nothing was written.
        BlobCorrupt: a stored file is damaged.
    """
    places = {source.path: target / checked_path(source.path) for source in sources}
    for place in places.values():
        if os.path.lexists(place) and not overwrite:
            raise DownloadTargetExists(f"{place} exists already; use another folder, or allow overwriting")
    with on_disk(workspace, sources) as found:
        for path, place in places.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found[path], place)
    return list(places.values())


def _stored(source: Source, blob: StoredBlob) -> StoredFile:
    return StoredFile(checked_path(source.path), blob.sha256, blob.size_bytes)


def _local(workspace: Workspace | None, source: Source, copy: Path) -> Path:
    match source:
        case LocalFile(file=file):
            if not file.is_file():
                raise DatasetFileNotFound(f"{file} does not exist any more")
            return file
        case RemoteFile(url=url):
            _fetch(url, copy)
        case StoredFile(sha256=sha256):
            if workspace is None:
                raise ValueError("stored files are in a workspace")
            with copy.open("xb", buffering=0) as target:
                workspace.blobs.write_to(sha256, target)
    return copy


def _fetch(url: str, copy: Path) -> None:
    try:
        with copy.open("xb") as target:
            fetch(url, target)
    except FetchFailed as error:
        raise DatasetFileNotFound(str(error)) from error
