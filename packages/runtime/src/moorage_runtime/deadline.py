"""The scoring timeout: TimeoutError raised inside the script, without a system call per request.

One interval timer is kept running; when it rings too early for the request at work it is set again
for the rest. A request costs a comparison and an assignment.
"""

import signal
import time
from types import FrameType
from typing import Optional

NEVER = float("inf")


class Deadline:
    """Guards one call at a time, in the main thread.

    To start: ``due = now + timeout_s``, and ``set()`` if ``now >= rings``. To stop: ``due = NEVER``.
    Written out by the caller, since it is done for every request.
    ``timeout_ms`` 0 means none; also where the system has no interval timers.
    """

    def __init__(self, timeout_ms: float) -> None:
        is_active = timeout_ms > 0 and hasattr(signal, "setitimer")
        self.timeout_s = timeout_ms / 1000.0 if is_active else NEVER
        self.due = NEVER  # when the request at work must be done
        # When the timer rings; in the past: it is not running, or the script has used (and lost) the
        # process's only one. Without a timeout it never has to be set.
        self.rings = 0.0 if is_active else NEVER
        if is_active:
            signal.signal(signal.SIGALRM, self._ring)

    def set(self, seconds: float, now: float) -> None:
        """Have the timer ring in ``seconds`` from ``now`` (``time.perf_counter()``)."""
        self.rings = now + seconds
        if signal.getsignal(signal.SIGALRM) != self._ring:
            signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def _ring(self, number: int, frame: Optional[FrameType]) -> None:
        now = time.perf_counter()
        due = self.due
        if due == NEVER:
            self.rings = 0.0
        elif now < due:
            self.set(max(due - now, 0.0005), now)
        else:
            self.due = NEVER  # once per call: the script may catch it and return
            self.rings = 0.0
            raise TimeoutError("run() did not return within %d ms" % (self.timeout_s * 1000))
