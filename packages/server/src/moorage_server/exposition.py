"""What Prometheus reads at ``/metrics``."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from moorage_server.metrics import BUCKETS_MS, Gauges, Metrics


def prometheus_text(metrics: Metrics, gauges: Gauges) -> bytes:
    """Return the text exposition format; times are in seconds, as is the custom there."""
    return as_text(_families(metrics, gauges))


def as_text(families: Iterable[Metric]) -> bytes:
    """Return metric families in the text exposition format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(list(families)))
    return generate_latest(registry)


def _families(metrics: Metrics, gauges: Gauges) -> Iterable[Metric]:
    requests = CounterMetricFamily("moorage_requests", "Answered scoring requests.", labels=["status"])
    for status, count in sorted(metrics.answers.items()):
        requests.add_metric([str(status)], count)
    yield requests
    refused = CounterMetricFamily(
        "moorage_refused_requests", "Requests that were not proper HTTP.", labels=["status"]
    )
    for status, count in sorted(metrics.refused.items()):
        refused.add_metric([str(status)], count)
    yield refused
    yield CounterMetricFamily(
        "moorage_client_disconnects", "Clients that went away unanswered.", value=metrics.disconnects
    )
    yield CounterMetricFamily(
        "moorage_array_bodies",
        "Bodies that were decoded straight to arrays or columns.",
        value=metrics.array_bodies,
    )
    yield CounterMetricFamily("moorage_scorer_restarts", "Scorers that were replaced.", value=gauges.restarts)
    yield _run_seconds(metrics)
    for name, text, value in (
        ("moorage_requests_held", "Requests that run or wait.", gauges.held),
        ("moorage_requests_waiting", "Requests that wait for a scorer.", gauges.waiting),
        ("moorage_connections", "Open client connections.", gauges.connections),
        ("moorage_scorers", "Scorer processes that should run.", gauges.scorers),
        ("moorage_scorers_ready", "Scorer processes that are ready.", gauges.scorers_ready),
    ):
        yield GaugeMetricFamily(name, text, value=value)


def _run_seconds(metrics: Metrics) -> Metric:
    buckets, cumulated = [], 0
    for bound, count in zip(BUCKETS_MS, metrics.buckets, strict=False):
        cumulated += count
        buckets.append((f"{bound / 1000:g}", float(cumulated)))
    buckets.append(("+Inf", float(metrics.run_count)))
    return HistogramMetricFamily(
        "moorage_run_seconds", "Time that run() took.", buckets=buckets, sum_value=metrics.run_ms_sum / 1000
    )


class _Snapshot(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
