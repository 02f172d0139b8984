"""Storing many files and counting on them: first contents, then rows that need them, in one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select

from moorage.errors import BlobNotFound
from moorage.storage.blobs import Blobs, StoredBlob
from moorage.storage.database import Database
from moorage.storage.statements import insert_missing
from moorage.storage.tables import blobs as blob_rows
from moorage.storage.tables import metadata

__all__ = ["count_on", "is_used", "put_files"]

SMALL_BYTES = 8 * 1024 * 1024
WRITERS = 4
"""Small files are stored by that many threads: most of their time is waiting for the disk to confirm."""

Advance = Callable[[int], None]


def put_files(
    database: Database, store: Blobs, files: Sequence[tuple[Path, int]], advance: Advance | None = None
) -> list[StoredBlob]:
    """Store files, given with their sizes in bytes, and return their contents in the same order.

    Nothing refers to the contents yet: `count_on` them in the transaction that writes the rows.
    """
    known = _known_sizes(database, {size_bytes for _file, size_bytes in files})

    def put(numbered: tuple[int, tuple[Path, int]]) -> tuple[int, StoredBlob]:
        number, (file, size_bytes) = numbered
        return number, store.put_file(file, probably_stored=size_bytes in known, on_progress=advance)

    small = [one for one in enumerate(files) if one[1][1] < SMALL_BYTES]
    stored = [put(one) for one in enumerate(files) if one[1][1] >= SMALL_BYTES]
    if len(small) < WRITERS:
        stored += [put(one) for one in small]
    else:
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="store") as writers:
            try:
                stored += writers.map(put, small)
            except BaseException:
                writers.shutdown(wait=True, cancel_futures=True)
                raise
    return [blob for _number, blob in sorted(stored, key=lambda one: one[0])]


def count_on(connection: Connection, store: Blobs, sizes: Mapping[str, int], at: datetime) -> None:
    """Claim contents (sizes in bytes by digest) for rows of this transaction, before they are written.

    From here to the commit nobody can remove them.

    Raises:
        BlobNotFound: another process removed one meanwhile; store the files again.
    """
    # In one order for all, so that two transactions with the same files cannot wait for each other.
    rows = [{"sha256": sha256, "size_bytes": sizes[sha256], "stored_at": at} for sha256 in sorted(sizes)]
    insert_missing(connection, blob_rows, rows, key="sha256")
    # With the rows ours: whoever wants to remove one waits for the end of this transaction, and looks again.
    for sha256, size_bytes in sizes.items():
        if store.size(sha256) != size_bytes:
            raise BlobNotFound(f"sha256:{sha256} is no longer in the store")


def is_used(connection: Connection, sha256: str) -> bool:
    """Tell whether any row of any table has that content."""
    for table in metadata.sorted_tables:
        if any(key.target_fullname == "blobs.sha256" for key in table.foreign_keys):
            found = select(table.c.sha256).where(table.c.sha256 == sha256).limit(1)
            if connection.execute(found).first() is not None:
                return True
    return False


def _known_sizes(database: Database, sizes: Iterable[int]) -> set[int]:
    """Return those of ``sizes`` that some stored content has: such a file is likely to be stored already."""
    wanted = list(sizes)
    with database.read() as connection:
        found: set[int] = set()
        for start in range(0, len(wanted), 500):
            column = blob_rows.c.size_bytes
            batch = select(column).where(column.in_(wanted[start : start + 500])).distinct()
            found.update(connection.execute(batch).scalars())
        return found
