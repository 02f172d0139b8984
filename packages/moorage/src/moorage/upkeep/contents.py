"""Copying file contents from one store to another, each checked against its digest on the way."""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from sqlalchemy import Connection, select

from moorage.errors import BlobCorrupt
from moorage.storage import Blobs
from moorage.storage.tables import blobs as blob_rows
from moorage.storage.tables import metadata


def used_digests(connection: Connection) -> dict[str, int]:
    """Return the digests of all contents that something uses, with their sizes."""
    sizes: dict[str, int] = {
        row.sha256: row.size_bytes for row in connection.execute(select(blob_rows)).all()
    }
    used: set[str] = set()
    for table in metadata.sorted_tables:
        if any(key.target_fullname == "blobs.sha256" for key in table.foreign_keys):
            used |= set(connection.execute(select(table.c.sha256).distinct()).scalars())
    return {sha256: sizes.get(sha256, 0) for sha256 in sorted(used)}


def copy_contents(
    source: Blobs,
    target: Blobs,
    digests: Iterable[str],
    on_progress: Callable[[int], None] = lambda size_bytes: None,
) -> int:
    """Copy what ``target`` does not have; return how many were copied.

    Raises:
        BlobCorrupt: a content is missing or not what its name says.
    """
    count = 0
    with tempfile.TemporaryDirectory(prefix="moorage-") as folder:
        aside = Path(folder) / "content"
        for sha256 in digests:
            size = source.size(sha256)
            if size is not None and target.size(sha256) == size:
                continue
            with aside.open("wb") as file:
                source.write_to(sha256, file)  # raises if the content is not what its name says
            stored = target.put_file(aside)
            if stored.sha256 != sha256:
                raise BlobCorrupt(sha256, "the copy has another digest")
            on_progress(stored.size_bytes)
            count += 1
    return count


def check_contents(store: Blobs, digests: Iterable[str]) -> None:
    """Read contents to their ends; raises `BlobCorrupt` at the first that is not what its name says."""
    for sha256 in digests:
        store.verify(sha256)
