"""Sending requests to a service on trial, one after the other, and looking at its processes."""

import http.client
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from moorage.profiling.processes import cpu_seconds, peak_memory_bytes
from moorage.profiling.profile import PERCENTILES, Measured, percentile
from moorage.profiling.trial import Trial

__all__ = ["measure"]

REQUEST_TIMEOUT_S = 90.0
_HEADERS = {"content-type": "application/json", "accept": "application/json"}


@dataclass
class _Tally:
    latencies_ms: list[float] = field(default_factory=list)
    total: int = 0
    first_failure: str | None = None


def measure(
    trial: Trial, requests: Sequence[bytes], *, count: int, longest_s: float
) -> tuple[Measured, str | None]:
    """Send ``count`` requests, taken in turn, but none after ``longest_s``; return what was seen.

    One more is sent before, whose time does not count: it warms the script up. Also returns what the first
    failed request was answered with.
    """
    tally = _Tally()
    connection = http.client.HTTPConnection(trial.host, trial.port, timeout=REQUEST_TIMEOUT_S)
    try:
        _send(connection, requests[0], _Tally())
        front, scorers = trial.pids()
        cpu_before = cpu_seconds((front, *scorers))
        begun = time.perf_counter()
        while tally.total < count and time.perf_counter() - begun < longest_s:
            _send(connection, requests[tally.total % len(requests)], tally)
        elapsed_s = time.perf_counter() - begun
    finally:
        connection.close()
    front, scorers = trial.pids()
    cpu_after = cpu_seconds((front, *scorers))
    is_known = cpu_before is not None and cpu_after is not None and cpu_after >= cpu_before
    ordered = sorted(tally.latencies_ms)
    measured = Measured(
        total_requests=tally.total,
        successful_requests=len(ordered),
        elapsed_s=elapsed_s,
        start_s=trial.start_s,
        average_ms=sum(ordered) / len(ordered) if ordered else None,
        latency_ms={f"{one:g}": percentile(ordered, one) for one in PERCENTILES} if ordered else {},
        cpu_cores=(cpu_after - cpu_before) / elapsed_s if is_known and cpu_after and cpu_before else None,
        memory_bytes=peak_memory_bytes((front, *scorers)),
        scorer_memory_bytes=peak_memory_bytes(scorers),
    )
    return measured, tally.first_failure


def _send(connection: http.client.HTTPConnection, body: bytes, tally: _Tally) -> None:
    begun = time.perf_counter()
    tally.total += 1
    try:
        connection.request("POST", "/score", body, _HEADERS)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        failure = f"{type(error).__name__}: {error}"
    else:
        if answer.status == 200:
            tally.latencies_ms.append((time.perf_counter() - begun) * 1000)
            return
        failure = f"status {answer.status}: {content[:2000].decode(errors='replace')}"
    tally.first_failure = tally.first_failure or failure
