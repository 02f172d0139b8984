"""A canary: a share of the requests is answered by the other revision."""

from collections.abc import Callable
from typing import Any

from moorage_server.app import App, decode_path
from moorage_server.candidate.companion import Companion
from moorage_server.candidate.instruction import Instruction
from moorage_server.candidate.share import Share
from moorage_server.candidate.slowness import Slowness, TimedMetrics
from moorage_server.exchange import Exchange
from moorage_server.scorers import ScorerPool

# A revision that hangs must not take more requests with it than these, for each of its scorers.
HELD_PER_SCORER = 64
JUDGED_EVERY = 5  # requests of its own
_SCORED = (b"POST", b"GET")


class Canary(Companion):
    """Answers its share itself, and leaves the rest, and what it cannot take now, to the live revision."""

    def __init__(
        self, instruction: Instruction, pool: ScorerPool, live: App, on_some: Callable[[], None]
    ) -> None:
        """``on_some`` is called after every few requests, so that somebody can judge how it goes."""
        metrics = TimedMetrics()
        super().__init__(instruction, pool, live, metrics)
        self._metrics = metrics
        self.slowness = Slowness(instruction.slower, live.metrics, metrics, pool)
        self._on_some, self._given = on_some, 0
        self._share = Share(instruction.share_percent)
        self._most_held = min(self.app.pool.limit, HELD_PER_SCORER * self.app.settings.worker_count)
        self._own_line = b"x-moorage-revision: %d\r\n" % instruction.generation
        self._live_line = b"x-moorage-revision: %d\r\n" % instruction.beside

    async def start(self) -> None:
        """See `Companion.start`."""
        await super().start()
        self.slowness.begin()

    def report(self) -> dict[str, Any]:
        """See `Companion.report`; also how many requests are slow, and from when on one is."""
        limit_ms = self.slowness.update()
        if not self.instruction.slower:
            return super().report()
        times = {
            "slow": self._metrics.slow,
            "hanging": self.slowness.hanging,
            "slow_after_ms": round(limit_ms),
        }
        return {**super().report(), **times}

    def score(self, exchange: Exchange, query: bytes, tail: bytes, cors: bytes) -> None:
        if self._can_take(exchange) and self._share.takes():
            self.app.scoring.score(exchange, query, tail + self._own_line, cors)
            self._given += 1
            if self._given % JUDGED_EVERY == 0:
                self._on_some()
        else:
            self.live.scoring.score(exchange, query, tail + self._live_line, cors)

    def _can_take(self, exchange: Exchange) -> bool:
        pool, scoring = self.app.pool, self.app.scoring
        # Other methods are questions of browsers; they are let in without a key.
        if exchange.method not in _SCORED or not pool.ready or pool.held >= self._most_held:
            return False
        if not exchange.is_complete and not scoring.takes_streams:
            return False
        path = decode_path(exchange.target.partition(b"?")[0])
        return path == b"/score" or scoring.serves(path)
