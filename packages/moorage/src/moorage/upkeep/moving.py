"""Moving a workspace to another database and another store, and back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

from sqlalchemy import Connection

from moorage.errors import InvalidArgument, WorkspaceUnusable
from moorage.storage import Database, open_blobs
from moorage.storage.addresses import shown
from moorage.storage.audit import record
from moorage.upkeep import rows
from moorage.upkeep.contents import check_contents, copy_contents, used_digests
from moorage.workspace import Workspace

LOCAL = "local"
"""As an address: the workspace's own folder."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved: all rows, the contents that the new store did not have; how many were checked there."""

    rows: int
    copied: int
    checked: int
    database: str
    blobs: str


def migrate(
    workspace: Workspace,
    *,
    database_url: str | None = None,
    blobs_url: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Moved:
    """Move rows, files or both to other places (`LOCAL`: back to the folder) and use them from then on.

    Contents are copied first, while others work; then nobody can change a row until the new places are
    written into the workspace's settings, whole or not at all. Every content is read back and its digest
    checked before that. The old places keep what they have; the workspace's own database file gets another
    name, so that nobody goes on writing to it and the workspace can come back.

    Raises:
        InvalidArgument: neither place is given, or both are those of now.
        WorkspaceUnusable: the new database is not empty, or cannot be reached.
        BlobCorrupt: a content is damaged, here or there; nothing was changed.
    """
    wanted_database = workspace.settings.database_url if database_url is None else _address(database_url)
    wanted_blobs = workspace.settings.blobs_url if blobs_url is None else _address(blobs_url)
    moves_rows = wanted_database != workspace.settings.database_url
    moves_blobs = wanted_blobs != workspace.settings.blobs_url
    if not moves_rows and not moves_blobs:
        raise InvalidArgument("database_url and blobs_url", "name a place where the workspace is not yet")
    target_blobs = open_blobs(wanted_blobs or workspace.path / "blobs") if moves_blobs else workspace.blobs
    copied = 0
    if moves_blobs:
        with workspace.database.read() as connection:
            digests = used_digests(connection)
        say(f"copying {len(digests)} contents to {shown(target_blobs.url)}")
        copied = copy_contents(workspace.blobs, target_blobs, digests)
        say("checking every digest")
        check_contents(target_blobs, digests)
    was_local = workspace.settings.database_url is None
    target = Database.open(wanted_database or workspace.path / "registry.db") if moves_rows else None
    try:
        with workspace.database.write() as source:
            rows.lock_against_changes(source)
            digests_now = used_digests(source)
            if moves_blobs:
                # What was registered meanwhile.
                newer = digests_now.keys() - digests.keys()
                copied += copy_contents(workspace.blobs, target_blobs, newer)
                check_contents(target_blobs, newer)
            count = 0
            if target is not None:
                say(f"copying rows to {target.url}")
                count = _copy_rows(source, target)
            else:
                record(source, "workspace.migrated", "workspace", to=shown(target_blobs.url), contents=copied)
            workspace.update({"database_url": wanted_database, "blobs_url": wanted_blobs})
    finally:
        if target is not None:
            target.close()
    # Opened at the new places on the next use.
    workspace.close()
    if target is not None and was_local:
        _set_aside(workspace)
    return Moved(
        rows=count,
        copied=copied,
        checked=len(digests_now) if moves_blobs else 0,
        database=workspace.database.url,
        blobs=shown(workspace.blobs.url),
    )


def _copy_rows(source: Connection, target: Database) -> int:
    count = 0
    with target.write() as connection:
        for table in rows.tables():
            if rows.count_rows(connection, table):
                raise WorkspaceUnusable(
                    f"the database {target.url} is not empty ({table.name} has rows); "
                    "a workspace moves into an empty one only"
                )
        for table in rows.tables():
            written = rows.write_rows(connection, table, rows.read_rows(source, table))
            if written != rows.count_rows(source, table):
                raise WorkspaceUnusable(f"{table.name}: not all rows arrived at {target.url}")
            count += written
        record(connection, "workspace.migrated", "workspace", to=target.url, rows=count)
    return count


def _set_aside(workspace: Workspace) -> None:
    moment = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%f")
    for suffix in ("", "-wal", "-shm"):
        file = workspace.path / f"registry.db{suffix}"
        if file.exists():
            file.rename(workspace.path / f"registry.db.moved-{moment}{suffix}")


def _address(url: str) -> str | None:
    return None if url == LOCAL else url
