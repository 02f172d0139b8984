"""Natural batching: what queued while the last call ran is concatenated and scored in one call."""

import sys
import time
from typing import Any, Callable, List, Optional, Tuple

from . import frames, logs
from .connection import Connection

_FIXED_HEAD_BYTES = 4  # type code, number of dimensions
_MAX_MISFITS = 8
_PAUSE_REQUESTS = 1000


class Batcher:
    """Chooses which requests to score together, and takes the common result apart.

    ``has_tables``: JSON requests may be joined too (see ``tables``), not only arrays.
    """

    def __init__(
        self, connection: Connection, max_size: int, max_delay_ms: float, has_tables: bool = False
    ) -> None:
        self._connection = connection
        self._max_size = max_size
        self._max_delay_s = max_delay_ms / 1000.0
        self._has_tables = has_tables
        self._misfits = 0  # batches in a row that brought nothing
        self._pause = 0  # requests to score alone before the next attempt

    def collect(self, first: frames.Frame) -> List[frames.Frame]:
        """Return ``first`` and the queued requests after it that can be scored in the same call."""
        batch = [first]
        if self._pause:
            self._pause -= 1
            return batch
        if not self._is_joinable(first):
            return batch
        self._connection.poll()
        self._extend(batch)
        if self._max_delay_s:
            self._linger(batch)
        return batch

    def _is_joinable(self, frame: frames.Frame) -> bool:
        if frame.kind in (frames.JSON, frames.TABLE):
            return self._has_tables and frame.type == frames.SCORE and not frame.flags
        return is_batchable(frame)

    def _extend(self, batch: List[frames.Frame]) -> None:
        pending, first = self._connection.pending, batch[0]
        while pending and len(batch) < self._max_size:
            other = pending[0]
            if not self._is_joinable(other) or other.kind != first.kind:
                return
            if first.kind == frames.ARRAY and not have_same_form(first.payload, other.payload):
                return
            if first.kind == frames.TABLE and not have_same_columns(first.payload, other.payload):
                return
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
        rows = getattr(value, "iloc", value)  # a frame is cut by position
        is_rows = type(value) is list or rows is not value or hasattr(value, "__array_interface__")
        if not is_rows or _length(value) != sum(counts):
            self.note_misfit()
            return None
        self._misfits = 0
        pieces, start = [], 0
        for count in counts:
            pieces.append(rows[start : start + count])
            start += count
        return pieces

    def note_misfit(self) -> None:
        """Count a batch in vain: its requests are run again, which must not become a habit."""
        self._misfits += 1
        if self._misfits >= _MAX_MISFITS:
            self._misfits, self._pause = 0, _PAUSE_REQUESTS
            logs.logger.warning(
                "The next %d requests are scored one by one: %d batches in a row failed, or gave results "
                "that do not have one entry per row",
                _PAUSE_REQUESTS,
                _MAX_MISFITS,
            )


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


def have_same_form(one: bytes, two: bytes) -> bool:
    """Return whether two packed arrays agree in type and in every extent but the number of rows.

    How their numbers are carried makes no difference.
    """
    rest = _FIXED_HEAD_BYTES + 8
    return bool(one[:3] == two[:3] and one[rest : 4 + 8 * one[2]] == two[rest : 4 + 8 * two[2]])


def have_same_columns(one: bytes, two: bytes) -> bool:
    """Return whether two tables have the same columns in the same order."""
    end = 8 + int.from_bytes(one[4:8], "little")
    return bool(one[4:end] == two[4:end])


def join_arrays(
    batch: List[frames.Frame], read: Callable[[Any], Any]
) -> Tuple[str, Tuple[int, ...], Any, List[int]]:
    """Return ``(type code, shape, data, rows per request)`` of all arrays one after the other.

    ``read`` makes a numpy array of a payload whose numbers are carried as smaller ones.
    """
    unpacked = [frames.unpack_carried(frame.payload) for frame in batch]
    counts = [shape[0] for _, _, shape, _ in unpacked]
    data = bytearray().join(
        content if carrier == code else _little_endian(read(frame.payload))
        for frame, (code, carrier, _, content) in zip(batch, unpacked)
    )
    return unpacked[0][0], (sum(counts),) + unpacked[0][2][1:], data, counts


def _little_endian(array: Any) -> bytes:
    return bytes((array if sys.byteorder == "little" else array.byteswap()).tobytes())
