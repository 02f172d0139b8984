"""What Moorage wants to be faster than, and by how much: goals beside what was measured in the same run."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.wrk import Measurement

OURS = "Moorage"
BATCHING = "Moorage, batching"
ORIGINAL = "azureml-inference-server-http, 1 worker"
ORIGINAL_PER_CORE = "azureml-inference-server-http, 2 workers"
BY_HAND = "FastAPI + uvicorn"
MODEL_SERVERS = ("MLServer", "BentoML", "LitServe", "Ray Serve", "MLflow models serve")

Median = Callable[[str, str], Measurement | None]  # of a server's title and a workload's key


@dataclass(frozen=True)
class Goal:
    """At least ``ratio`` times the requests per second of the best of ``others``."""

    key: str  # of the workload
    ratio: float
    others: tuple[str, ...]
    ours: str = OURS

    def row(self, median: Median) -> list[str] | None:
        """Return the cells of the goal's line in the table; None if a side of it was not measured."""
        mine = median(self.ours, self.key)
        seen = {title: median(title, self.key) for title in self.others}
        measured = {
            title: m.requests_per_s for title, m in seen.items() if m is not None and m.requests_per_s
        }
        if mine is None or not measured:
            return None
        best = max(measured, key=measured.__getitem__)
        ratio = mine.requests_per_s / measured[best]
        whom = best if len(self.others) == 1 else f"best other model server: {best}"
        return [
            f"({self.key}) {self.ours} : {whom}",
            f"{self.ratio:g}",
            f"{ratio:.2f}",
            _mark(ratio >= self.ratio),
        ]


RATIOS = {
    ORIGINAL: {"a": 4, "b": 8, "c": 20, "d": 15, "e": 4},
    ORIGINAL_PER_CORE: {"b": 5, "c": 12},
    BY_HAND: {"a": 1.5, "b": 3.5, "c": 15},
}
GOALS = (
    *(Goal(key, ratio, (other,)) for other, ratios in RATIOS.items() for key, ratio in ratios.items()),
    Goal("b", 16, (ORIGINAL,), BATCHING),
    Goal("g", 20, (ORIGINAL,), BATCHING),
    Goal("b", 10, (ORIGINAL_PER_CORE,), BATCHING),
    *(Goal(key, 2.5, MODEL_SERVERS) for key in "abcde"),
    Goal("e", 2.5, MODEL_SERVERS, BATCHING),
    Goal("g", 2.5, MODEL_SERVERS, BATCHING),
)
LONGEST_TAIL = 3.0  # p99 over p50 at (b)


def rows(median: Median) -> list[list[str]]:
    """Return the table: a head, and a line for each goal of which both sides were measured."""
    found = [row for row in (goal.row(median) for goal in GOALS) if row is not None]
    at_b = median(OURS, "b")
    if at_b is not None and at_b.p50_ms:
        tail = at_b.p99_ms / at_b.p50_ms
        found.append(
            [
                "(b) Moorage, p99 : p50, at most",
                f"{LONGEST_TAIL:g}",
                f"{tail:.1f}",
                _mark(tail <= LONGEST_TAIL),
            ]
        )
    return [["requests per second, as a multiple", "goal", "measured", "reached"], *found] if found else []


def _mark(is_reached: bool) -> str:
    return "yes" if is_reached else "no"
