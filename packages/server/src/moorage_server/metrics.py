"""Counters of a front: plain numbers. :mod:`moorage_server.exposition` writes them for Prometheus."""

from collections import defaultdict
from dataclasses import dataclass

BUCKETS_MS = (0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 60000)


@dataclass(frozen=True, slots=True)
class Gauges:
    """What is true at this moment."""

    held: int  # requests that run or wait
    waiting: int
    scorers_ready: int
    scorers: int
    restarts: int  # since the start
    connections: int


class Metrics:
    """Counters since the start of the process."""

    def __init__(self) -> None:
        self.answers: defaultdict[int, int] = defaultdict(int)  # scoring answers by status
        self.refused: defaultdict[int, int] = defaultdict(int)  # requests that were no proper HTTP, by status
        self.disconnects = 0  # clients that went away unanswered
        self.array_bodies = 0  # bodies that were decoded without a Python object per value
        self.run_ms_sum = 0.0
        self.run_count = 0
        self.buckets = [0] * (len(BUCKETS_MS) + 1)

    def count_run(self, ms: float) -> None:
        """Count one call of ``run``."""
        self.run_ms_sum += ms
        self.run_count += 1
        if ms <= BUCKETS_MS[0]:
            self.buckets[0] += 1
            return
        for index, bound in enumerate(BUCKETS_MS):
            if ms <= bound:
                self.buckets[index] += 1
                return
        self.buckets[-1] += 1

    def count_refused(self, status: int) -> None:
        self.refused[status] += 1
