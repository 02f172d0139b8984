"""Counters of a front: plain numbers on the way, Prometheus text when somebody asks."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

_BUCKETS_MS = (0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 60000)


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
        self.array_bodies = 0  # bodies that were decoded without a Python object per number
        self.run_ms_sum = 0.0
        self.run_count = 0
        self._buckets = [0] * (len(_BUCKETS_MS) + 1)

    def count_run(self, ms: float) -> None:
        """Count one call of ``run``."""
        self.run_ms_sum += ms
        self.run_count += 1
        if ms <= _BUCKETS_MS[0]:
            self._buckets[0] += 1
            return
        for index, bound in enumerate(_BUCKETS_MS):
            if ms <= bound:
                self._buckets[index] += 1
                return
        self._buckets[-1] += 1

    def count_refused(self, status: int) -> None:
        self.refused[status] += 1

    def text(self, gauges: Gauges) -> bytes:
        """Return the text exposition format; times are in seconds, as is the custom there."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Snapshot(list(self._families(gauges))))
        return generate_latest(registry)

    def _families(self, gauges: Gauges) -> Iterable[Metric]:
        requests = CounterMetricFamily("moorage_requests", "Answered scoring requests.", labels=["status"])
        for status, count in sorted(self.answers.items()):
            requests.add_metric([str(status)], count)
        yield requests
        refused = CounterMetricFamily(
            "moorage_refused_requests", "Requests that were not proper HTTP.", labels=["status"]
        )
        for status, count in sorted(self.refused.items()):
            refused.add_metric([str(status)], count)
        yield refused
        yield CounterMetricFamily(
            "moorage_client_disconnects", "Clients that went away unanswered.", value=self.disconnects
        )
        yield CounterMetricFamily(
            "moorage_array_bodies", "Bodies that were decoded straight to arrays.", value=self.array_bodies
        )
        yield CounterMetricFamily(
            "moorage_scorer_restarts", "Scorers that were replaced.", value=gauges.restarts
        )
        yield self._run_seconds()
        for name, text, value in (
            ("moorage_requests_held", "Requests that run or wait.", gauges.held),
            ("moorage_requests_waiting", "Requests that wait for a scorer.", gauges.waiting),
            ("moorage_connections", "Open client connections.", gauges.connections),
            ("moorage_scorers", "Scorer processes that should run.", gauges.scorers),
            ("moorage_scorers_ready", "Scorer processes that are ready.", gauges.scorers_ready),
        ):
            yield GaugeMetricFamily(name, text, value=value)

    def _run_seconds(self) -> Metric:
        buckets, cumulated = [], 0
        for bound, count in zip(_BUCKETS_MS, self._buckets, strict=False):
            cumulated += count
            buckets.append((f"{bound / 1000:g}", float(cumulated)))
        buckets.append(("+Inf", float(self.run_count)))
        return HistogramMetricFamily(
            "moorage_run_seconds", "Time that run() took.", buckets=buckets, sum_value=self.run_ms_sum / 1000
        )


class _Snapshot(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
