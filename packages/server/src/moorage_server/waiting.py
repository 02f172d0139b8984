"""The line in front of the scorers: first come, first served, and nobody waits for ever."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

from moorage_server.calls import Call


class WaitingLine:
    """Calls that wait; ``on_expired`` gets each that has waited too long, once it has left the line."""

    def __init__(self, max_wait_s: float, on_expired: Callable[[Call], None]) -> None:
        """``max_wait_s`` 0: no limit."""
        self._max_wait_s = max_wait_s
        self._on_expired = on_expired
        self._calls: deque[Call] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def first(self) -> Call:
        return self._calls[0]

    def take(self) -> Call:
        return self._calls.popleft()

    def join(self, call: Call) -> None:
        call.queued_at = monotonic()
        self._calls.append(call)
        self._arm(self._max_wait_s)

    def rejoin(self, calls: Sequence[Call]) -> None:
        """Put calls that were with a scorer already in front of all others; their time starts anew."""
        now = monotonic()
        for call in reversed(calls):
            call.queued_at = now
            self._calls.appendleft(call)
        if calls:
            self._arm(self._max_wait_s)

    def leave(self, call: Call) -> None:
        """The client of a call has gone.

        At once: whoever comes and leaves again and again must not fill the memory with what nobody wants.
        """
        with contextlib.suppress(ValueError):
            self._calls.remove(call)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, seconds: float) -> None:
        if self._timer is None and self._max_wait_s:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def _expire(self) -> None:
        self._timer = None
        oldest = monotonic() - self._max_wait_s
        # Those that rejoined are in front and younger: all are looked at, none is waited behind.
        expired = [call for call in self._calls if call.queued_at <= oldest]
        for call in expired:
            self._calls.remove(call)
        if self._calls:
            self._arm(min(call.queued_at for call in self._calls) - oldest)
        for call in expired:
            self._on_expired(call)
