"""What every server is asked: one record per row of the table, and the data behind it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

Task = Literal["ridge", "floats", "frame", "raw", "slow"]
SEED = 20240229


@dataclass(frozen=True)
class Workload:
    key: str
    title: str
    task: Task  # which script answers
    connections: int  # kept alive, each sends the next request when the last was answered
    rows: Callable[[], Any]  # lists of numbers, records, or bytes
    workers: int = 1
    batching: bool = False  # servers that can concatenate requests may do so
    load: float = 1.0  # share of the throughput of workload (b) at which requests are sent; 1: all out


def rows_of_integers(count: int) -> list[list[float]]:
    """Return ``count`` rows of ten whole numbers."""
    source = random.Random(SEED)
    return [[source.randint(0, 99) for _ in range(10)] for _ in range(count)]


def rows_of_floats(count: int) -> list[list[float]]:
    """Return ``count`` rows of ten numbers that take 17 digits, as ``json.dumps`` writes them."""
    source = random.Random(SEED)
    return [[source.random() / 7 for _ in range(10)] for _ in range(count)]


def records(count: int) -> list[dict[str, Any]]:
    """Return ``count`` rows of a table with two text and three number columns."""
    source = random.Random(SEED)
    return [
        {
            "region": source.choice(["north", "south", "east", "west"]),
            "customer": f"customer-{source.randint(0, 9999):04d}",
            "amount": round(source.uniform(1, 1000), 2),
            "items": source.randint(1, 20),
            "discount": round(source.random() / 4, 4),
        }
        for _ in range(count)
    ]


@cache
def raw_bytes(count: int) -> bytes:
    return random.Random(SEED).randbytes(count)


WORKLOADS = (
    Workload("a", "1x10 JSON, 1 connection", "ridge", 1, lambda: rows_of_integers(1)),
    Workload("b", "1x10 JSON, 16 connections", "ridge", 16, lambda: rows_of_integers(1)),
    Workload("c", "1000x10 JSON of integers, 4 connections", "ridge", 4, lambda: rows_of_integers(1000)),
    Workload(
        "d", "1000x10 JSON of 17-digit floats, 4 connections", "floats", 4, lambda: rows_of_floats(1000)
    ),
    Workload("e", "100-row table with text and numbers, 4 connections", "frame", 4, lambda: records(100)),
    Workload("f", "1 MB raw body, 4 connections", "raw", 4, lambda: raw_bytes(1_000_000)),
    Workload(
        "g",
        "5 ms of work whatever the batch, 32 connections",
        "slow",
        32,
        lambda: rows_of_integers(1),
        batching=True,
    ),
    Workload(
        "h", "1x10 JSON, 16 connections, two scorers", "ridge", 16, lambda: rows_of_integers(1), workers=2
    ),
    Workload("s", "as (b), at half of its load", "ridge", 16, lambda: rows_of_integers(1), load=0.5),
)
BY_KEY = {workload.key: workload for workload in WORKLOADS}


@cache
def expected(key: str) -> Any:
    """Return the right answer to a workload: numbers, or for raw bytes their count.

    The model is trained here on the same data as in the environments of the servers.
    """
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge

    workload = BY_KEY[key]
    rows = workload.rows()
    if workload.task in ("ridge", "floats"):
        return Ridge().fit(*load_diabetes(return_X_y=True)).predict(rows).tolist()
    if workload.task == "frame":
        rates = {"north": 1.0, "south": 0.9, "east": 1.1, "west": 1.2}
        return [row["amount"] * row["items"] * (1 - row["discount"]) * rates[row["region"]] for row in rows]
    if workload.task == "slow":
        return [float(sum(row)) for row in rows]
    return len(rows)
