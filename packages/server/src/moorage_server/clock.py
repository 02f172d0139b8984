"""A clock that ticks once per second: what needs no better is read from here and costs nothing."""

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate


class Clock:
    """``tick`` counts seconds since the start; ``date_header`` is the line for answers."""

    def __init__(self) -> None:
        self.tick = 0
        self.date_header = b""
        self._handle: asyncio.TimerHandle | None = None
        self._every_second: list[Callable[[], None]] = []
        self._set_date()

    def every_second(self, action: Callable[[], None]) -> None:
        self._every_second.append(action)

    def start(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(1.0, self._advance)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _advance(self) -> None:
        self.tick += 1
        self._set_date()
        self._handle = asyncio.get_running_loop().call_later(1.0, self._advance)
        for action in self._every_second:
            action()

    def _set_date(self) -> None:
        self.date_header = b"date: %b\r\n" % formatdate(time.time(), usegmt=True).encode()
