"""File contents that nothing uses any more: found and removed, also while others register."""

from datetime import datetime, timedelta, timezone

from sqlalchemy import delete

from moorage.storage.audit import record
from moorage.storage.contents import is_used
from moorage.storage.statements import insert_missing
from moorage.storage.tables import blobs as blob_rows
from moorage.workspace import Workspace

GRACE_S = 24 * 3600.0
"""Contents younger than this may belong to a registration that still stores its other files."""


def remove_unused_blobs(workspace: Workspace, *, grace_s: float = GRACE_S) -> int:
    """Remove what killed registrations left behind and return how many bytes that frees.

    Safe at any time: a registration that counted on a content which is removed here stores it again.
    """
    workspace.blobs.remove_abandoned()
    cutoff = datetime.now(timezone.utc) - timedelta(seconds=grace_s)
    freed_bytes = count = 0
    for blob in workspace.blobs.list():
        if blob.stored_at is not None and blob.stored_at > cutoff:
            continue
        if remove_if_unused(workspace, blob.sha256):
            freed_bytes += blob.size_bytes
            count += 1
    if count:
        with workspace.database.write() as connection:
            record(connection, "workspace.collected", "workspace", contents=count, freed_bytes=freed_bytes)
    return freed_bytes


def remove_if_unused(workspace: Workspace, sha256: str) -> bool:
    """Remove a content if nothing has it; say whether that was so."""
    with workspace.database.read() as connection:
        if is_used(connection, sha256):
            return False
    with workspace.database.write() as connection:
        # Our own row for the content makes a registration that is about to use it wait until we are done.
        row = {"sha256": sha256, "size_bytes": 0, "stored_at": datetime.now(timezone.utc)}
        insert_missing(connection, blob_rows, [row], key="sha256")
        if is_used(connection, sha256):
            return False
        workspace.blobs.delete(sha256)
        connection.execute(delete(blob_rows).where(blob_rows.c.sha256 == sha256))
    return True
