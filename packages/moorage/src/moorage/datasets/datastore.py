"""Files that users keep beside models, by path. Their contents are in the workspace's blob store."""

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from sqlalchemy import Connection, delete, select

from moorage.datasets import contents, paths
from moorage.datasets.dataset import Source, StoredFile
from moorage.errors import DatastoreNotFound
from moorage.storage.audit import record
from moorage.storage.tables import datastore_files
from moorage.workspace import Workspace

__all__ = ["DEFAULT_DATASTORE", "NAMES", "check_datastore", "download", "find", "upload"]

DEFAULT_DATASTORE = "workspaceblobstore"
NAMES = (DEFAULT_DATASTORE, "workspacefilestore", "workspaceartifactstore", "workspaceworkingdirectory")
"""The names that every workspace of the old platform had; each is a place of its own in the one store."""


def check_datastore(name: str) -> str:
    """Return the name if there is a data store of it; raises `DatastoreNotFound`."""
    if name not in NAMES:
        raise DatastoreNotFound(name, NAMES)
    return name


def upload(
    workspace: Workspace,
    datastore: str,
    files: Sequence[Source],
    *,
    overwrite: bool = False,
    on_skip: Callable[[str], None] | None = None,
) -> tuple[StoredFile, ...]:
    """Keep files under their paths; return those written. Without ``overwrite`` what is there stays.

    Raises:
        DatasetFileNotFound: a file cannot be read; nothing was written.
    """
    check_datastore(datastore)
    taken = set() if overwrite else {file.path for file in find(workspace, datastore)[1]}
    for path in [file.path for file in files if file.path in taken]:
        if on_skip is not None:
            on_skip(path)
    wanted = [file for file in files if file.path not in taken]
    at = datetime.now(timezone.utc)

    def write(connection: Connection, stored: tuple[StoredFile, ...]) -> tuple[StoredFile, ...]:
        columns = datastore_files.c
        for file in stored:
            connection.execute(
                delete(datastore_files).where(columns.datastore == datastore, columns.path == file.path)
            )
        rows = [
            {
                "datastore": datastore,
                "path": file.path,
                "sha256": file.sha256,
                "size_bytes": file.size_bytes,
                "stored_at": at,
            }
            for file in stored
        ]
        if rows:
            connection.execute(datastore_files.insert(), rows)
            size_bytes = sum(file.size_bytes for file in stored)
            subject = f"datastore {datastore}"
            record(connection, "datastore.uploaded", subject, files=len(rows), size_bytes=size_bytes)
        return stored

    return contents.keep(workspace, wanted, at, write)


def find(workspace: Workspace, datastore: str, pattern: str = "") -> tuple[str, list[StoredFile]]:
    """Return the files that a path, folder or pattern means, sorted by path, and the folder that it fixes.

    Raises:
        DatastoreNotFound: there is no data store of that name.
    """
    check_datastore(datastore)
    columns = datastore_files.c
    wanted = select(columns.path, columns.sha256, columns.size_bytes).where(columns.datastore == datastore)
    with workspace.database.read() as connection:
        known = {row.path: StoredFile(*row) for row in connection.execute(wanted)}
    folder, chosen = paths.matching(pattern, known)
    return folder, [known[path] for path in chosen]


def download(
    workspace: Workspace, datastore: str, target: Path, *, prefix: str = "", overwrite: bool = False
) -> list[Path]:
    """Write the files whose path begins with ``prefix`` below ``target``; those that are there stay.

    Returns:
        Where the written files are.
    """
    found = [file for file in find(workspace, datastore)[1] if file.path.startswith(prefix.strip("/"))]
    missing = [file for file in found if overwrite or not (target / file.path).exists()]
    return contents.download(workspace, missing, target, overwrite=overwrite)
