"""Blobs in a folder: written aside, forced to disk, renamed. Readable by its owner alone.

The layout is that of `object_blobs`, so obstore can read the folder too. Writing does not go through obstore
because its local store neither syncs to disk nor sets file modes, and wants the name before the content.
"""

import errno
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from moorage.errors import BlobCorrupt, ModelChanged, StorageFull, StorageUnavailable
from moorage.folders import make_private_folder
from moorage.storage.blobs import SHA256, Blobs, Buffer, Progress, StoredBlob, blob_key
from moorage.storage.digests import Hasher, file_sha256, pieces
from moorage.storage.sources import open_source, source_pieces, source_sha256

ABANDONED_AFTER_S = 60
"""A half-written file younger than this is left alone even if nobody holds its lock (it may be just born)."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class LocalBlobs(Blobs):
    """A content-addressed folder. ``incoming/`` holds files being written, each locked by its writer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = folder.as_uri()
        self._is_swept = False

    def put_file(
        self, path: Path, *, probably_stored: bool = False, on_progress: Progress | None = None
    ) -> StoredBlob:
        with open_source(path) as source:
            before = _fingerprint(source)
            blob = self._find_same(source, before[0]) if probably_stored else None
            if blob is None:
                blob = self._copy_in(source, before[0], on_progress)
            elif on_progress is not None:
                on_progress(blob.size_bytes)
            if _fingerprint(source) != before or blob.size_bytes != before[0]:
                # The blob is true to its name all the same; as an unused one it is collected later.
                raise ModelChanged(f"{path} changed while it was read; register it when nothing writes to it")
            return blob

    def pieces(self, sha256: str) -> Iterator[Buffer]:
        with self._open(sha256) as source, Hasher() as hasher:
            for piece in pieces(source, _fingerprint(source)[0]):
                hasher.update(piece)
                yield piece
            if hasher.hexdigest() != sha256:
                raise BlobCorrupt(sha256, "its content has changed")

    def size(self, sha256: str) -> int | None:
        try:
            return self._path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def delete(self, sha256: str) -> None:
        try:
            self._path(sha256).unlink(missing_ok=True)
        except OSError as error:
            raise _as_ours(error, self.folder) from error

    def list(self) -> Iterator[StoredBlob]:
        for folder in sorted(self.folder.glob("sha256/??")):
            for entry in os.scandir(folder):
                if SHA256.fullmatch(entry.name):
                    status = entry.stat(follow_symlinks=False)
                    at = datetime.fromtimestamp(status.st_mtime, timezone.utc)
                    yield StoredBlob(entry.name, status.st_size, stored_at=at)

    def _path(self, sha256: str) -> Path:
        return self.folder / blob_key(sha256)

    def _open(self, sha256: str) -> BinaryIO:
        try:
            return self._path(sha256).open("rb", buffering=0)
        except FileNotFoundError:
            raise BlobCorrupt(sha256, "its file is missing") from None

    def _find_same(self, source: BinaryIO, expected_bytes: int) -> StoredBlob | None:
        """Return the blob with the content of ``source`` if an intact one is stored."""
        sha256, size_bytes = source_sha256(source, expected_bytes)
        try:
            with self._open(sha256) as stored:
                if file_sha256(stored, size_bytes)[0] != sha256:
                    return None
                # Young again, so that the collector of unused blobs leaves it alone.
                os.utime(stored.fileno())
        except BlobCorrupt:
            return None
        except OSError as error:
            raise _as_ours(error, self.folder) from error
        return StoredBlob(sha256, size_bytes)

    def _copy_in(self, source: BinaryIO, expected_bytes: int, on_progress: Progress | None) -> StoredBlob:
        with self._aside() as (aside, target), Hasher() as hasher:
            size_bytes = 0
            for piece in source_pieces(source, expected_bytes):
                hasher.update(piece)
                _write_all(target, piece)
                size_bytes += len(piece)
                if on_progress is not None:
                    on_progress(len(piece))
            os.fsync(target)
            final = self._path(hasher.hexdigest())
            is_new = not final.exists()
            make_private_folder(final.parent)
            # Also over an existing blob: its copy on disk may be damaged, this one is known to be good.
            aside.rename(final)
            _sync_folder(final.parent)
            return StoredBlob(final.name, size_bytes, is_new=is_new)

    @contextmanager
    def _aside(self) -> Iterator[tuple[Path, int]]:
        """Give a new locked file in ``incoming/`` and its descriptor; gone afterwards unless renamed."""
        incoming = self.folder / "incoming"
        aside = incoming / f"{os.getpid()}-{secrets.token_hex(8)}"
        try:
            make_private_folder(incoming)
            if not self._is_swept:
                self._is_swept = True
                self.remove_abandoned()
            target = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _as_ours(error, self.folder) from error
        try:
            fcntl.flock(target, fcntl.LOCK_EX)
            yield aside, target
        except OSError as error:
            raise _as_ours(error, self.folder) from error
        finally:
            os.close(target)
            aside.unlink(missing_ok=True)

    def remove_abandoned(self) -> None:
        with suppress(FileNotFoundError):
            for entry in os.scandir(self.folder / "incoming"):
                with suppress(OSError):
                    _remove_if_abandoned(entry)


def _remove_if_abandoned(entry: "os.DirEntry[str]") -> None:
    if time.time() - entry.stat(follow_symlinks=False).st_mtime < ABANDONED_AFTER_S:
        return
    descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while its writer lives
        Path(entry.path).unlink()
    finally:
        os.close(descriptor)


def _fingerprint(source: BinaryIO) -> tuple[int, int, int]:
    status = os.fstat(source.fileno())
    return status.st_size, status.st_mtime_ns, status.st_ino


def _write_all(descriptor: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _as_ours(error: OSError, folder: Path) -> StorageFull | StorageUnavailable:
    if error.errno in FULL:
        return StorageFull(
            f"no space left for model files in {folder} ({error.strerror}); "
            "nothing was stored. Free some space and run the same command again"
        )
    return StorageUnavailable(f"cannot write to {folder}: {error.strerror}; check that it belongs to you")
