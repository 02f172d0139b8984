"""How often one caller may call: a bucket of permissions that fills at a steady rate."""

import time
from collections.abc import Callable

_MOST_CALLERS = 10_000


class RateLimit:
    """Buckets by caller. A caller who was away for long may send ``burst`` requests at once."""

    def __init__(self, per_second: float, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = float(burst or max(1, round(per_second)))
        self._now = now
        self._buckets: dict[str, tuple[float, float]] = {}  # what was left, and when

    def wait_s(self, caller: str) -> float:
        """Take a permission and return 0, or return after how many seconds there will be one."""
        now = self._now()
        left, at = self._buckets.get(caller, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_second)
        if left < 1:
            return (1 - left) / self._per_second
        if len(self._buckets) >= _MOST_CALLERS and caller not in self._buckets:
            self._forget(now)
        self._buckets[caller] = (left - 1, now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Drop the buckets that are full again, they are as good as new ones; else the older half."""
        full_after_s = self._burst / self._per_second
        kept = {name: one for name, one in self._buckets.items() if now - one[1] < full_after_s}
        if len(kept) >= _MOST_CALLERS:
            newest = sorted(kept.items(), key=lambda item: item[1][1])[_MOST_CALLERS // 2 :]
            kept = dict(newest)
        self._buckets = kept
