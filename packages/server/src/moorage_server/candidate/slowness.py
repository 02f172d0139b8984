"""Which requests of a canary take far longer than those of the revision beside it, or never end."""

from collections.abc import Callable
from time import monotonic

from moorage_server.metrics import Metrics
from moorage_server.scorers import ScorerPool

# What is answered within a second is not called slow, however fast the other revision is.
LEAST_MS = 1000.0
# Counts until the revision beside it has answered anything.
UNKNOWN_MS = 60_000.0


class TimedMetrics(Metrics):
    """Also counts the calls of ``run`` that took longer than ``slow_after_ms``."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = 0
        self.slow_after_ms = UNKNOWN_MS

    def count_run(self, ms: float) -> None:
        super().count_run(ms)
        if ms > self.slow_after_ms:
            self.slow += 1


class Slowness:
    """Compares the time of calls of ``run``: waiting says how many requests there are, not how a script is.

    A call is slow from ``slower`` times the mean of the live revision on, and from a second; or from the
    canary's own time limit on, where that is shorter.
    """

    def __init__(
        self,
        slower: float,
        live: Metrics,
        own: TimedMetrics,
        pool: ScorerPool,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """``slower`` 0: nothing is slow. ``clock`` is that of `ScorerConnection.head_since`."""
        self._slower, self._live, self._own, self._pool, self._clock = slower, live, own, pool, clock
        self._before = (live.run_count, live.run_ms_sum)

    def begin(self) -> None:
        """Compare with what the live revision does from now on."""
        self._before = (self._live.run_count, self._live.run_ms_sum)
        self.update()

    def update(self) -> float:
        """Set the limit to what the live revision takes now; return it, in milliseconds."""
        limit_ms = self._limit_ms()
        self._own.slow_after_ms = limit_ms
        return limit_ms

    @property
    def hanging(self) -> int:
        """Requests held by a call that has taken longer than the limit already.

        Those behind it at the same scorer are held as well, and all that wait if every scorer hangs.
        While one does, clients that went away count: they had waited too long.
        """
        since = self._clock() - self._own.slow_after_ms / 1000
        working = [scorer.connection for scorer in self._pool.scorers if scorer.connection is not None]
        hanging = [
            connection
            for connection in working
            if connection.in_flight and not connection.is_streaming and connection.head_since < since
        ]
        if not self._slower or not hanging:
            return 0
        held = sum(not call.is_cancelled for connection in hanging for call in connection.in_flight)
        if len(hanging) == len(working):
            held += len(self._pool.waiting)
        return held + self._own.disconnects

    def _limit_ms(self) -> float:
        if not self._slower:
            return float("inf")
        count, total_ms = self._live.run_count - self._before[0], self._live.run_ms_sum - self._before[1]
        if not count:
            # It answers nothing beside this canary: what it did before.
            count, total_ms = self._live.run_count, self._live.run_ms_sum
        limit_ms = max(LEAST_MS, self._slower * total_ms / count) if count else UNKNOWN_MS
        own_ms = self._pool.settings.scoring_timeout_ms
        return min(limit_ms, own_ms) if own_ms else limit_ms
