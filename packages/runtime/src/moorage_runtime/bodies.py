"""The body of a raw request: in memory, or arriving piece by piece."""

import io
from collections import deque
from typing import Any, Deque

from . import frames
from .connection import Connection
from .http.errors import ClientDisconnected


class ArrivingBody(io.RawIOBase):
    """Reads ``BODY`` frames of one request as they come; holds one of them at a time.

    Raises:
        ClientDisconnected: the client went away before the body was complete.
    """

    def __init__(self, connection: Connection, request_id: int) -> None:
        super().__init__()
        self._connection = connection
        self._request_id = request_id
        self._piece = memoryview(b"")
        self._is_complete = False
        self._is_aborted = False
        self._others: Deque[frames.Frame] = deque()

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._piece and not self._is_complete:
            self._next_piece()
        count = min(len(target), len(self._piece))
        target[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count

    def _next_piece(self) -> None:
        connection = self._connection
        if self._is_aborted or not connection.receive():
            self._is_aborted = True
            raise ClientDisconnected()
        frame = connection.pending.popleft()
        if frame.type != frames.BODY:
            self._others.append(frame)  # a STOP, say: not ours to act on
        elif frame.request_id == self._request_id:
            if frame.flags & frames.ABORTED:
                self._is_aborted = True
                raise ClientDisconnected()
            self._piece = memoryview(frame.payload)
            self._is_complete = bool(frame.flags & frames.LAST)

    def release(self) -> None:
        """Give back what arrived meanwhile and does not belong to the body."""
        self._connection.pending.extendleft(reversed(self._others))
        self._others.clear()
