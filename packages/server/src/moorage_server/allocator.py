"""Lets the C library keep memory that will be needed again a moment later."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # <malloc.h> of glibc
TRIM_ABOVE_BYTES = 32 << 20
MAP_ABOVE_BYTES = 8 << 20


def keep_freed_memory() -> bool:
    """Stop glibc from giving every large body back to the kernel and asking for it again.

    By default it returns free memory at the top of the heap as soon as there are 128 KiB of it, so that a
    body of a few hundred kilobytes costs a page fault per 4 KiB, again with each request: a fifth of the
    front's time for 1000 rows of ten floats. At most ``TRIM_ABOVE_BYTES`` are kept.

    Returns:
        False where the C library has no such setting.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    # Both: setting one of them ends the adaptation of the other.
    return bool(mallopt(_M_TRIM_THRESHOLD, TRIM_ABOVE_BYTES) and mallopt(_M_MMAP_THRESHOLD, MAP_ABOVE_BYTES))
