"""Blobs in an object store (S3, Azure Blob, GCS, ...) through obstore. Objects appear whole or not at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import MemoryStore, from_url

from moorage.errors import BlobCorrupt, ModelChanged, StorageUnavailable, WorkspaceUnusable
from moorage.storage.addresses import shown
from moorage.storage.blobs import SHA256, Blobs, Buffer, Progress, StoredBlob, blob_key
from moorage.storage.digests import CHUNK_BYTES, Hasher
from moorage.storage.sources import open_source, size_of, source_pieces, source_sha256

_ONE_REQUEST_BYTES = 8 * 1024 * 1024
_ATTEMPTS = 3


class ObjectBlobs(Blobs):
    """Any obstore store. The digest is learnt by reading once more: an object cannot be renamed for free."""

    def __init__(self, store: Any, url: str) -> None:
        self._store, self.url = store, url

    @classmethod
    def open(cls, url: str) -> "ObjectBlobs":
        """Credentials come from the environment, as obstore reads them (AWS_*, AZURE_*, GOOGLE_*).

        Raises:
            WorkspaceUnusable: the address is none of a store, or the credentials cannot be read.
        """
        scheme, place, *_ = urlsplit(url)
        if not place and scheme != "memory":
            raise WorkspaceUnusable(
                f"the blob store {shown(url)} has no bucket or container; write for example {scheme}://bucket/folder"
            )
        try:
            return cls(MemoryStore() if url == "memory://" else from_url(url), url)
        except (BaseError, ValueError) as error:
            raise WorkspaceUnusable(
                f"the blob store {shown(url)} cannot be opened: {_without(url, error)}"
            ) from error

    def put_file(
        self, path: Path, *, probably_stored: bool = False, on_progress: Progress | None = None
    ) -> StoredBlob:
        with open_source(path) as source:
            sha256, size_bytes = source_sha256(source, size_of(source))
            if self.size(sha256) == size_bytes:
                if on_progress is not None:
                    on_progress(size_bytes)
                return StoredBlob(sha256, size_bytes)
            blob = StoredBlob(sha256, size_bytes)
            for attempt in range(1, _ATTEMPTS + 1):
                content = _checked(path, source, blob, on_progress if attempt == 1 else None)
                try:
                    self._put(blob, content)
                except BaseError as error:
                    # Azure refuses one of two uploads in pieces to the same name: the other one did it.
                    if self.size(sha256) == size_bytes:
                        return blob
                    if attempt == _ATTEMPTS:
                        raise self._unavailable(error) from error
                else:
                    break
            return StoredBlob(sha256, size_bytes, is_new=True)

    def _put(self, blob: StoredBlob, content: Iterator[bytes]) -> None:
        key = blob_key(blob.sha256)
        if blob.size_bytes <= _ONE_REQUEST_BYTES:
            obstore.put(self._store, key, b"".join(content), use_multipart=False)
        else:
            obstore.put(self._store, key, content, chunk_size=2 * CHUNK_BYTES)

    def pieces(self, sha256: str) -> Iterator[Buffer]:
        try:
            with Hasher() as hasher:
                for piece in obstore.get(self._store, blob_key(sha256)).stream(min_chunk_size=CHUNK_BYTES):
                    content = bytes(piece)
                    hasher.update(content)
                    yield content
                if hasher.hexdigest() != sha256:
                    raise BlobCorrupt(sha256, "its content has changed")
        except FileNotFoundError:
            raise BlobCorrupt(sha256, "its object is missing") from None
        except BaseError as error:
            raise self._unavailable(error) from error

    def size(self, sha256: str) -> int | None:
        try:
            return obstore.head(self._store, blob_key(sha256))["size"]
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise self._unavailable(error) from error

    def delete(self, sha256: str) -> None:
        try:
            obstore.delete(self._store, blob_key(sha256))
        except FileNotFoundError:
            return
        except BaseError as error:
            raise self._unavailable(error) from error

    def list(self) -> Iterator[StoredBlob]:
        try:
            for page in obstore.list(self._store, prefix="sha256/"):
                for entry in page:
                    name = entry["path"].rpartition("/")[2]
                    if SHA256.fullmatch(name):
                        yield StoredBlob(name, entry["size"], stored_at=entry["last_modified"])
        except BaseError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StorageUnavailable:
        return StorageUnavailable(f"the blob store {shown(self.url)} refused: {_without(self.url, error)}")


def _without(url: str, error: Exception) -> str:
    """Return what an error says, without an address in it that may hold a secret."""
    # Behind that come the structures of the library.
    said = str(error).partition("\n\nDebug source:")[0].replace(url, shown(url))
    query = url.partition("?")[2]
    return said.replace(query, "***") if query else said


def _checked(path: Path, source: Any, blob: StoredBlob, on_progress: Progress | None) -> Iterator[bytes]:
    """Give the file's content; raises at the end, before the upload is completed, if the digest differs."""
    with Hasher() as hasher:
        for piece in source_pieces(source, blob.size_bytes):
            content = bytes(piece)
            hasher.update(content)
            yield content
            if on_progress is not None:
                on_progress(len(content))
        if hasher.hexdigest() != blob.sha256:
            raise ModelChanged(f"{path} changed while it was read; register it when nothing writes to it")
