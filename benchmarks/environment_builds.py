"""How long the environment of a deployment takes: python -m benchmarks.environment_builds.

With an empty cache of packages and nothing known; with the packages on this machine but no environment; and
with all of it there, as for a second service. Looking up versions and building are measured apart.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.report import machine, table
from moorage.environments import CondaSpecification
from moorage.environments.building import build_lock, lock_of
from moorage.environments.store import Store
from moorage.environments.wanted import Wanted, translate

# What the documents deploy: three libraries, and what came with the old server.
ASKED_FOR = CondaSpecification(
    packages=("numpy", "pandas", "scikit-learn"), pip=("azureml-defaults", "inference-schema[numpy-support]")
)
COLD, WARM, THERE = "nothing is there", "packages are there", "the environment is there"
MOST_S = {COLD: 30.0, WARM: 3.0}


@dataclass(frozen=True)
class Times:
    """Seconds to find the versions, and to build."""

    lock_s: float
    build_s: float

    @property
    def total_s(self) -> float:
        return self.lock_s + self.build_s


def main() -> int:
    """Measure, print, and return 1 if it takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="once instead of three times")
    rounds = 1 if parser.parse_args().quick else 3
    wanted = translate(ASKED_FOR)
    found: dict[str, list[Times]] = {COLD: [], WARM: [], THERE: []}
    for _round in range(rounds):
        for case, times in measure(wanted):
            found[case].append(times)
    rows = [["what is there", "find versions (s)", "build (s)", "together (s)", "may take (s)"]]
    for case, all_times in found.items():
        values = [
            median(get) for get in zip(*((t.lock_s, t.build_s, t.total_s) for t in all_times), strict=True)
        ]
        rows.append(
            [case, *(f"{value:.2f}" for value in values), f"{MOST_S[case]:.0f}" if case in MOST_S else ""]
        )
    print(f"\nAn environment of {', '.join(wanted.requirements)}\n{machine()}; median of {rounds}\n")
    print(table(rows))
    late = [case for case, most in MOST_S.items() if median(t.total_s for t in found[case]) > most]
    if late:
        print(f"\nLonger than it may take: {', '.join(late)}")
    return 1 if late else 0


def measure(wanted: Wanted) -> Iterator[tuple[str, Times]]:
    """Yield the three cases in order. All is on one disk: packages get into environments by hard links."""
    with tempfile.TemporaryDirectory(prefix="moorage-bench-") as folder, _cache(Path(folder, "cache")):
        for case, home in ((COLD, "one"), (WARM, "other"), (THERE, "other")):
            store = Store.of(Path(folder, home))
            begun = time.perf_counter()
            lock, python, _notices = lock_of(wanted, store=store)
            locked = time.perf_counter()
            build_lock(lock, python, store=store)
            yield case, Times(locked - begun, time.perf_counter() - locked)


@contextmanager
def _cache(folder: Path) -> Iterator[None]:
    before = os.environ.get("UV_CACHE_DIR")
    os.environ["UV_CACHE_DIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["UV_CACHE_DIR"]
        else:
            os.environ["UV_CACHE_DIR"] = before


if __name__ == "__main__":
    sys.exit(main())
