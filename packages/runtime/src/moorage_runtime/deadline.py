"""The scoring timeout: TimeoutError raised inside the script, without a system call per request.

One interval timer is kept running; when it rings too early for the request at work it is set again
for the rest. A request costs a comparison and an assignment.
"""

import signal
import time
from types import FrameType
from typing import Optional

_NEVER = float("inf")


class Deadline:
    """Guards one call at a time, in the main thread: ``start()`` before it, ``stop()`` after it.

    ``timeout_ms`` 0 means none; also where the system has no interval timers.
    """

    def __init__(self, timeout_ms: float) -> None:
        self.timeout_s = timeout_ms / 1000.0
        self.is_active = timeout_ms > 0 and hasattr(signal, "setitimer")
        self._due = _NEVER  # when the request at work must be done
        self._rings = 0.0  # when the timer rings; in the past: it is not running
        if self.is_active:
            signal.signal(signal.SIGALRM, self._ring)

    def start(self, now: float) -> None:
        """Begin a guarded call at ``now`` (``time.perf_counter()``)."""
        if self.is_active:
            self._due = now + self.timeout_s
            # Also sets the timer again if the script used (and lost) the process's only one.
            if now >= self._rings:
                self._set(self.timeout_s, now)

    def stop(self) -> None:
        """The call is over: a timer that rings from now on raises nothing."""
        self._due = _NEVER

    def _set(self, seconds: float, now: float) -> None:
        self._rings = now + seconds
        if signal.getsignal(signal.SIGALRM) != self._ring:
            signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def _ring(self, number: int, frame: Optional[FrameType]) -> None:
        now = time.perf_counter()
        due = self._due
        if due == _NEVER:
            self._rings = 0.0
        elif now < due:
            self._set(max(due - now, 0.0005), now)
        else:
            self._due = _NEVER  # once per call: the script may catch it and return
            self._rings = 0.0
            raise TimeoutError("run() did not return within %d ms" % (self.timeout_s * 1000))
