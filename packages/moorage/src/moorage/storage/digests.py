"""sha256 beside reading and writing: hashing runs in a thread, since it and file IO release the GIL."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

CHUNK_BYTES = 4 * 1024 * 1024


class Hasher:
    """A sha256 that digests one piece while the caller moves the next. Use as a context manager."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._thread: ThreadPoolExecutor | None = None
        self._pending: Future[None] | None = None

    def __enter__(self) -> "Hasher":
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)

    def update(self, piece: bytes | memoryview) -> None:
        """Take a piece in. Its memory must stay as it is until the next `update` or `hexdigest` returned."""
        if len(piece) < CHUNK_BYTES and self._pending is None:
            self._hash.update(piece)  # a thread costs more than it saves
            return
        self._wait()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sha256")
        self._pending = self._thread.submit(self._hash.update, piece)

    def hexdigest(self) -> str:
        self._wait()
        return self._hash.hexdigest()

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None


def pieces(source: BinaryIO, expected_bytes: int) -> Iterator[memoryview]:
    """Read an unbuffered file to its end in pieces of `CHUNK_BYTES`.

    Two buffers take turns: a piece stays valid until the next but one is asked for. A file that turns out
    longer than ``expected_bytes`` is not read further: it may grow as fast as it is read, for ever.
    """
    buffers = (memoryview(bytearray(CHUNK_BYTES)), memoryview(bytearray(CHUNK_BYTES)))
    turn, done = 0, 0
    while done <= expected_bytes and (count := source.readinto(buffers[turn])):  # type: ignore[attr-defined]
        yield buffers[turn][:count]
        done += count
        turn = 1 - turn


def file_sha256(source: BinaryIO, expected_bytes: int) -> tuple[str, int]:
    """Return digest and number of bytes of an unbuffered file, read as `pieces` does."""
    size_bytes = 0
    with Hasher() as hasher:
        for piece in pieces(source, expected_bytes):
            hasher.update(piece)
            size_bytes += len(piece)
        return hasher.hexdigest(), size_bytes
