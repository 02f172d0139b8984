"""Files to store, read with care: what goes wrong here is about the user's file, not about our store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from moorage.errors import ModelPathNotAllowed
from moorage.storage.digests import file_sha256, pieces


@contextmanager
def open_source(path: Path) -> Iterator[BinaryIO]:
    """Open a file to store, unbuffered.

    Raises:
        ModelPathNotAllowed: it cannot be read.
    """
    try:
        source = path.open("rb", buffering=0)
    except OSError as error:
        raise _unreadable(path, error) from error
    with source:
        yield source


def size_of(source: BinaryIO) -> int:
    return os.fstat(source.fileno()).st_size


def source_pieces(source: BinaryIO, expected_bytes: int) -> Iterator[memoryview]:
    """As `pieces`, from the beginning.

    Raises:
        ModelPathNotAllowed: reading fails.
    """
    try:
        source.seek(0)
        yield from pieces(source, expected_bytes)
    except OSError as error:
        raise _unreadable(source.name, error) from error


def source_sha256(source: BinaryIO, expected_bytes: int) -> tuple[str, int]:
    """As `file_sha256`, from the beginning; errors as in `source_pieces`."""
    try:
        source.seek(0)
        return file_sha256(source, expected_bytes)
    except OSError as error:
        raise _unreadable(source.name, error) from error


def _unreadable(path: object, error: OSError) -> ModelPathNotAllowed:
    return ModelPathNotAllowed(f"{path} cannot be read: {error.strerror}")
