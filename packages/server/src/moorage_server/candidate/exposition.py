"""What Prometheus reads about two revisions of a service, while there are two."""

from collections.abc import Iterable

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from moorage_server.candidate.companion import Companion
from moorage_server.candidate.mirror import Mirror
from moorage_server.exposition import as_text


def revisions_text(companion: Companion) -> bytes:
    """Return the families whose label ``revision`` tells the live one and the other one apart."""
    return as_text(_families(companion))


def _families(companion: Companion) -> Iterable[Metric]:
    instruction = companion.instruction
    both = (
        (str(instruction.beside), "live", companion.live),
        (str(instruction.generation), instruction.kind, companion.app),
    )
    labels = ["revision", "role"]
    requests = CounterMetricFamily(
        "moorage_revision_requests", "Answered scoring requests of each revision.", labels=[*labels, "status"]
    )
    runs = CounterMetricFamily("moorage_revision_runs", "Calls of run() by each revision.", labels=labels)
    seconds = CounterMetricFamily(
        "moorage_revision_run_seconds", "Time that run() of each revision took.", labels=labels
    )
    held = GaugeMetricFamily(
        "moorage_revision_requests_held", "Requests that run or wait, by revision.", labels=labels
    )
    for revision, role, app in both:
        for status, count in sorted(app.metrics.answers.items()):
            requests.add_metric([revision, role, str(status)], count)
        runs.add_metric([revision, role], app.metrics.run_count)
        seconds.add_metric([revision, role], app.metrics.run_ms_sum / 1000)
        held.add_metric([revision, role], app.pool.held)
    yield from (requests, runs, seconds, held)
    if isinstance(companion, Mirror):
        mirrored = CounterMetricFamily(
            "moorage_mirrored_requests", "Copies of requests, by what became of them.", labels=["outcome"]
        )
        for outcome in ("sent", "dropped", "same", "different", "failed", "not_compared"):
            mirrored.add_metric([outcome], getattr(companion.findings, outcome))
        yield mirrored
