"""What the disk refuses, as errors of ours."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from moorage.errors import StorageFull, StorageUnavailable

FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def clear_errors(what: str, wish: str) -> Iterator[None]:
    """Say of errors of the disk what could not be done: ``what`` thing was to be ``wish``, such as "written".

    Raises:
        StorageFull, StorageUnavailable: instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull(f"no space left for {what}; free some and try again") from error
        raise StorageUnavailable(
            f"{what} cannot be {wish}: {error.filename or ''}: {error.strerror}"
        ) from error
