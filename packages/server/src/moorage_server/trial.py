"""Telling the supervisor how the first requests of a new revision went."""

from moorage_server.clock import Clock
from moorage_server.events import Events
from moorage_server.metrics import Metrics

# Too much to do says nothing about a revision.
OVERLOADED = 503


class Trial:
    """Reports once per second, and only until ``requests`` were answered: afterwards it costs nothing."""

    def __init__(self, requests: int, metrics: Metrics, events: Events) -> None:
        self._requests = requests
        self._metrics = metrics
        self._events = events
        self._reported = 0

    def begin(self, clock: Clock) -> None:
        clock.every_second(self._report)

    def _report(self) -> None:
        if self._reported >= self._requests:
            return
        answers = self._metrics.answers
        count = sum(answers.values())
        if count == self._reported:
            return
        self._reported = count
        failed = sum(n for status, n in answers.items() if status >= 500 and status != OVERLOADED)
        self._events.requests(count, failed)
