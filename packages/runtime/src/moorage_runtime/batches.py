"""Natural batching: what queued while the last call ran is concatenated and scored in one call."""

import time
from typing import Any, List, Optional, Tuple

from . import frames
from .connection import Connection

_FIXED_HEAD_BYTES = 4  # type code, number of dimensions
_MAX_MISFITS = 8


class Batcher:
    """Chooses which requests to score together, and takes the common result apart."""

    def __init__(self, connection: Connection, max_size: int, max_delay_ms: float) -> None:
        self._connection = connection
        self._max_size = max_size
        self._max_delay_s = max_delay_ms / 1000.0
        self._misfits = 0  # results in a row that could not be taken apart

    @property
    def is_active(self) -> bool:
        """False when batching is off, or was given up for this script."""
        return self._max_size > 1 and self._misfits < _MAX_MISFITS

    def collect(self, first: frames.Frame) -> List[frames.Frame]:
        """Return ``first`` and the queued requests after it that can be scored in the same call."""
        batch = [first]
        if not is_batchable(first):
            return batch
        self._connection.poll()
        self._extend(batch)
        if self._max_delay_s:
            self._linger(batch)
        return batch

    def _extend(self, batch: List[frames.Frame]) -> None:
        pending = self._connection.pending
        while pending and len(batch) < self._max_size and _fits(batch[0], pending[0]):
            batch.append(pending.popleft())

    def _linger(self, batch: List[frames.Frame]) -> None:
        """Wait for more, as long as that is allowed and nothing else has arrived."""
        end = time.perf_counter() + self._max_delay_s
        while len(batch) < self._max_size and self._connection.is_open and not self._connection.pending:
            rest = end - time.perf_counter()
            if rest <= 0:
                return
            self._connection.wait(rest)
            self._extend(batch)

    def split(self, value: Any, counts: List[int]) -> Optional[List[Any]]:
        """Cut a result into pieces of ``counts`` rows; None if it does not have one entry per row."""
        is_fitting = (type(value) is list or hasattr(value, "__array_interface__")) and _length(value) == sum(
            counts
        )
        self._misfits = 0 if is_fitting else self._misfits + 1
        if not is_fitting:
            return None
        pieces, start = [], 0
        for count in counts:
            pieces.append(value[start : start + count])
            start += count
        return pieces


def _length(value: Any) -> int:
    try:
        return len(value)
    except TypeError:  # an array without dimensions
        return -1


def is_batchable(frame: frames.Frame) -> bool:
    """Return whether a request is an array of rows that may be scored together with others."""
    return (
        frame.type == frames.SCORE
        and frame.kind == frames.ARRAY
        and not frame.flags
        and len(frame.payload) >= _FIXED_HEAD_BYTES
        and frame.payload[2] > 0
    )


def _fits(first: frames.Frame, other: frames.Frame) -> bool:
    """Return whether two arrays agree in type and in every extent but the number of rows."""
    if not is_batchable(other):
        return False
    one, two = first.payload, other.payload
    rest = _FIXED_HEAD_BYTES + 8
    return bool(one[:4] == two[:4] and one[rest : 4 + 8 * one[2]] == two[rest : 4 + 8 * two[2]])


def join_arrays(batch: List[frames.Frame]) -> Tuple[str, Tuple[int, ...], bytearray, List[int]]:
    """Return ``(type code, shape, data, rows per request)`` of all arrays one after the other."""
    unpacked = [frames.unpack_array(frame.payload) for frame in batch]
    counts = [shape[0] for _, shape, _ in unpacked]
    data = bytearray().join(content for _, _, content in unpacked)
    return unpacked[0][0], (sum(counts),) + unpacked[0][1][1:], data, counts
