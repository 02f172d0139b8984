"""File contents, each kept once under its sha256. The same keys in every store: ``sha256/ab/ab12...``."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from moorage.errors import WorkspaceUnusable

Buffer = bytes | memoryview

Progress = Callable[[int], None]
"""Called with the number of bytes done since the last call."""

SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A content in the store. ``is_new``: it was not there before this call."""

    sha256: str
    size_bytes: int
    is_new: bool = False
    stored_at: datetime | None = None


class Blobs(ABC):
    """A store of file contents. Safe to use from many processes at once."""

    url: str

    @abstractmethod
    def put_file(
        self, path: Path, *, probably_stored: bool = False, on_progress: Progress | None = None
    ) -> StoredBlob:
        """Store the content of a file in constant memory; when this returns it survives a power cut.

        A content that is there already is not written again, but a damaged copy of it is replaced.
        ``probably_stored``: read the file once to learn its digest before anything is written (the caller
        knows a blob of that size); a wrong guess costs that reading, nothing else.

        Raises:
            StorageFull: no space; nothing is left behind.
            ModelChanged: the file changed while it was read.
        """

    @abstractmethod
    def pieces(self, sha256: str) -> Iterator[Buffer]:
        """Give the content in pieces, each valid until the next is asked for; complete only at the end.

        Raises:
            BlobCorrupt: missing or changed content; the latter is known after the last piece.
        """

    def write_to(self, sha256: str, target: BinaryIO, on_progress: Progress | None = None) -> None:
        """Copy the content into an open file, in constant memory. Errors as in `pieces`."""
        for piece in self.pieces(sha256):
            rest = memoryview(piece)
            while rest:  # an unbuffered file may take less, as on a disk that fills up
                rest = rest[target.write(rest) :]
            if on_progress is not None:
                on_progress(len(piece))

    @abstractmethod
    def size(self, sha256: str) -> int | None:
        """Return the size in bytes, None when there is no such blob."""

    @abstractmethod
    def delete(self, sha256: str) -> None:
        """Remove a blob; it is fine when there is none."""

    @abstractmethod
    def list(self) -> Iterator[StoredBlob]:
        """Give all blobs with size and time of storing, in no order."""

    def remove_abandoned(self) -> None:
        """Remove what writers left behind that were killed, if this kind of store has such a thing."""
        return

    def verify(self, sha256: str) -> None:
        """Read the blob to its end; raises `BlobCorrupt` if it is not what its name says."""
        for _piece in self.pieces(sha256):
            pass


def blob_key(sha256: str) -> str:
    """Return the path of a blob below the store's root; digests from outside are checked here."""
    if SHA256.fullmatch(sha256) is None:
        raise ValueError(f"{sha256!r} is not a sha256 digest")
    return f"sha256/{sha256[:2]}/{sha256}"


def open_blobs(url: str | Path) -> Blobs:
    """Open the store at a folder (path or ``file://`` URL) or at any URL obstore knows (s3, az, gs, ...).

    Raises:
        WorkspaceUnusable: the URL is not understood.
    """
    if isinstance(url, Path):
        return _local(url)
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        return _local(Path(url2pathname(parts.path)))
    if not parts.scheme:
        raise WorkspaceUnusable(f"{url!r} is not a blob store address such as s3://bucket/folder")
    from moorage.storage.object_blobs import ObjectBlobs

    return ObjectBlobs.open(url)


def _local(folder: Path) -> Blobs:
    from moorage.storage.local_blobs import LocalBlobs

    return LocalBlobs(folder.absolute())
