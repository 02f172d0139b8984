"""The second revision itself: its own scorers and its own counts, behind the front of the first."""

import asyncio
import dataclasses
from collections.abc import Mapping
from typing import Any

from moorage_server import answers
from moorage_server.app import App
from moorage_server.candidate.instruction import Instruction
from moorage_server.exchange import Exchange
from moorage_server.metrics import Metrics
from moorage_server.scorers import ScorerPool
from moorage_server.settings import ServiceSettings
from moorage_server.smoke import smoke_run

# Who asks, how often and how much at once says nothing about a revision.
NOT_ITS_DOING = frozenset({401, 413, 429, 503})
_DRAIN_STEP_S = 0.05


class CompanionApp(App):
    """What scoring needs of an application; requests are logged by the one that received them."""

    def __init__(self, settings: ServiceSettings, pool: ScorerPool, live: App, metrics: Metrics) -> None:
        super().__init__(settings, pool, live.clock, metrics)
        self._live = live
        self.access_log = live.access_log

    def log_request(self, exchange: Exchange, status: int, length: int | None) -> None:
        self._live.log_request(exchange, status, length)


class Companion:
    """Scorers of another revision; what to do with requests, its subclasses decide."""

    def __init__(
        self, instruction: Instruction, pool: ScorerPool, live: App, metrics: Metrics | None = None
    ) -> None:
        self.instruction = instruction
        self.live = live
        self.app = CompanionApp(pool.settings, pool, live, metrics or Metrics())
        self.must_hurry = False
        self._before: tuple[int, int] = (0, 0)

    @classmethod
    def adapt(cls, settings: ServiceSettings) -> ServiceSettings:
        """Keep what is about scoring; keys, limits and certificates are those of the front."""
        return dataclasses.replace(
            settings,
            auth=None,
            tls_certificate=None,
            tls_key=None,
            rate_limit_per_s=0.0,
            cors_origins="",
            app_insights=None,
            development=False,
            debug_port=None,
        )

    async def start(self) -> None:
        """Load the script and score its sample.

        Raises:
            ScriptFailed: it could not be loaded, or failed with its own sample.
        """
        description = await self.app.pool.start()
        if self.app.settings.smoke_run:
            await smoke_run(self.app.pool, description)
        self.app.describe(description)
        self._before = tally(self.live.metrics.answers)

    def score(self, exchange: Exchange, query: bytes, tail: bytes, cors: bytes) -> None:
        """Answer a scoring request, in place of the application's own handler."""
        raise NotImplementedError

    def report(self) -> dict[str, Any]:
        """Return how it went since :meth:`start`, for the supervisor."""
        count, failed = tally(self.app.metrics.answers)
        live_count, live_failed = tally(self.live.metrics.answers)
        return {
            "count": count,
            "failed": failed,
            "live_count": live_count - self._before[0],
            "live_failed": live_failed - self._before[1],
            "pids": self.app.pool.pids,
        }

    def hurry(self) -> None:
        """Do not wait any longer for what it was given."""
        self.must_hurry = True

    async def leave(self) -> None:
        """Let it answer what it was given, unless it ``must_hurry``, and end it."""
        # Looked at now and then: a count that is kept for each request is not worth a signal of its own.
        while self.app.pool.held and not self.must_hurry:  # noqa: ASYNC110
            await asyncio.sleep(_DRAIN_STEP_S)
        await self.app.pool.stop()
        self._answer_the_rest()

    def _answer_the_rest(self) -> None:
        """Fail what is held still: nobody will run it any more, and its clients wait."""
        waiting = self.app.pool.waiting
        while waiting:
            self.app.pool.held -= 1
            waiting.take().lost(answers.SCORER_ENDED)


def tally(by_status: Mapping[int, int]) -> tuple[int, int]:
    """Return how many answers were given, and how many of them were errors (400 and above)."""
    counted = [(status, n) for status, n in by_status.items() if status not in NOT_ITS_DOING]
    return sum(n for _, n in counted), sum(n for status, n in counted if status >= 400)
