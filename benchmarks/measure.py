"""The measurement itself: every server in turn, round after round."""

import math
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from benchmarks import environments, wrk
from benchmarks.processes import DidNotStart, Running, free_port, running
from benchmarks.servers.base import Run, Server
from benchmarks.workloads import BY_KEY, Task, Workload, expected

PAUSE_MS = 8.0  # wrk pauses in whole milliseconds; shorter pauses would be mostly rounding


@dataclass(frozen=True)
class Plan:
    workloads: tuple[Workload, ...]
    rounds: int
    seconds: float  # of one measurement
    warm_up_s: float


@dataclass
class Results:
    """All that was seen; keys are ``(title of the server, key of the workload)``."""

    measurements: dict[tuple[str, str], list[wrk.Measurement]] = field(default_factory=dict)
    seconds_to_ready: dict[str, list[float]] = field(default_factory=dict)
    memory_bytes: dict[str, list[int]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)  # servers and workloads without figures, and why

    def median(self, title: str, key: str) -> wrk.Measurement | None:
        """Return the median of each figure over the rounds; None if there are none."""
        seen = self.measurements.get((title, key))
        if not seen:
            return None
        return wrk.Measurement(
            requests_per_s=median(m.requests_per_s for m in seen),
            p50_ms=median(m.p50_ms for m in seen),
            p90_ms=median(m.p90_ms for m in seen),
            p99_ms=median(m.p99_ms for m in seen),
            failed=sum(m.failed for m in seen),
        )


def measure(plan: Plan, servers: Iterable[Server], say: Callable[[str], None]) -> Results:
    """Install what has to be installed, then measure; what cannot be measured is among the problems."""
    results = Results()
    ready: list[tuple[Server, Path, Path]] = []
    for server in servers:
        try:
            python = environments.python_for(server)
            ready.append((server, python, environments.model_dir_for(server, python)))
            results.versions[server.title] = environments.version_of(server, python)
        except environments.CannotBeInstalled as error:
            results.problems.append(f"{server.title}: could not be installed: {error}")
            say(results.problems[-1])
    for number in range(plan.rounds):
        # Whoever comes first meets a cooler processor: everybody comes first once.
        turn = ready[number % len(ready) :] + ready[: number % len(ready)] if ready else []
        for server, python, model_dir in turn:
            for task, workloads in _by_task(plan.workloads, server):
                say(f"round {number + 1} of {plan.rounds}: {server.title}, {task}")
                try:
                    _measure_task(plan, server, python, model_dir, task, workloads, results)
                except (DidNotStart, WrongAnswer, httpx.HTTPError) as error:
                    problem = f"{server.title}, {task}: {error}"
                    say(problem)
                    if problem not in results.problems:
                        results.problems.append(problem)
    return results


class WrongAnswer(Exception):
    """The server answered something else than the model says: its speed is of no interest."""


def _by_task(workloads: tuple[Workload, ...], server: Server) -> list[tuple[Task, list[Workload]]]:
    """Group what one start of the server can answer: same script, same workers, same batching."""
    groups: dict[tuple[Task, int, bool], list[Workload]] = {}
    for workload in workloads:
        if server.supports(workload):
            groups.setdefault((workload.task, workload.workers, workload.batching), []).append(workload)
    return [(task, group) for (task, _, _), group in groups.items()]


def _measure_task(
    plan: Plan,
    server: Server,
    python: Path,
    model_dir: Path,
    task: Task,
    workloads: list[Workload],
    results: Results,
) -> None:
    first = workloads[0]
    with tempfile.TemporaryDirectory(prefix="moorage-bench-") as name:
        folder = Path(name)
        service = folder / "service"
        service.mkdir()
        port = free_port()
        workers = max(server.workers, first.workers)
        run = Run(task, port, workers, first.batching, python, model_dir, service)
        with running(
            server.command(run), port, server.request(first), folder / "log", server.start_timeout_s
        ) as live:
            results.seconds_to_ready.setdefault(server.title, []).append(live.seconds_to_ready)
            for workload in workloads:
                check_answer(server, workload, live.address)
                pause_ms = _pause_ms(results, server, workload)
                connections = _connections(results, server, workload)
                request = server.request(workload)
                wrk.load(live.address, request, connections, plan.warm_up_s, folder, pause_ms)
                seen = wrk.load(live.address, request, connections, plan.seconds, folder, pause_ms)
                results.measurements.setdefault((server.title, workload.key), []).append(seen)
            _weigh(live, server, task, results)


def _weigh(live: Running, server: Server, task: Task, results: Results) -> None:
    if task == "ridge":
        results.memory_bytes.setdefault(server.title, []).append(live.memory_bytes())


def _wanted_rate(results: Results, server: Server, workload: Workload) -> float | None:
    """Return the requests per second of a workload with less than full load; None: as many as possible."""
    full = results.measurements.get((server.title, "b"))
    return full[-1].requests_per_s * workload.load if full and workload.load < 1 else None


def _connections(results: Results, server: Server, workload: Workload) -> int:
    rate = _wanted_rate(results, server, workload)
    # Enough that every connection has a pause which wrk can keep.
    return workload.connections if rate is None else max(2, math.ceil(rate * PAUSE_MS / 1000))


def _pause_ms(results: Results, server: Server, workload: Workload) -> float:
    rate = _wanted_rate(results, server, workload)
    return 0.0 if rate is None else PAUSE_MS


def check_answer(server: Server, workload: Workload, address: str) -> None:
    """Ask once and compare with the right answer.

    Raises:
        WrongAnswer: it is another one.
    """
    request = server.request(workload)
    answer = httpx.post(
        address + request.path,
        content=request.body,
        headers={"Content-Type": request.content_type},
        timeout=30,
    )
    try:
        seen = server.answer(workload, answer.raise_for_status().text)
    except (ValueError, KeyError, TypeError) as error:
        raise WrongAnswer(f"({workload.key}) {answer.text[:200]!r} is not understood: {error}") from error
    if not _equal(seen, expected(workload.key)):
        raise WrongAnswer(f"({workload.key}) answered {str(seen)[:200]}")


def _equal(seen: Any, right: Any) -> bool:
    if not isinstance(right, list):
        return bool(seen == right)
    return (
        isinstance(seen, list)
        and len(seen) == len(right)
        and all(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9) for a, b in zip(seen, right, strict=True))
    )


def predictions_per_s(key: str, seconds: float) -> float:
    """Return how often ``model.predict`` alone runs per second, the array being there already."""
    import numpy as np
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge

    model = Ridge().fit(*load_diabetes(return_X_y=True))
    rows = np.array(BY_KEY[key].rows(), dtype=float)
    count, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        model.predict(rows)
        count += 1
    return count / elapsed
