"""Memory of the processes over time, and whether it stays flat."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MB = 1_000_000


def peak_bytes(process: psutil.Process) -> int:
    """Return the largest resident size that a process ever had (Linux)."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system does not tell the peak of a process")


@dataclass
class Samples:
    """Resident sizes of some processes, in bytes, one row for each call of :meth:`take`."""

    processes: Mapping[str, psutil.Process]
    times_s: list[float] = field(default_factory=list)
    rows: list[dict[str, int]] = field(default_factory=list)
    began_at: float = field(default_factory=time.monotonic)

    def take(self) -> None:
        """Measure all processes.

        Raises:
            psutil.NoSuchProcess: one of them is gone.
        """
        self.times_s.append(time.monotonic() - self.began_at)
        self.rows.append({name: process.memory_info().rss for name, process in self.processes.items()})

    def line(self) -> str:
        """Return the last row for people."""
        return f"{self.times_s[-1]:6.0f} s " + "".join(
            f"{size / MB:>18.1f}" for size in self.rows[-1].values()
        )

    def growth_bytes(self, name: str) -> float:
        """Return how much a process grew from the second to the last quarter of the time.

        The first quarter is left out: caches and allocators find their size in it.
        """
        quarter = len(self.rows) // 4
        before = statistics.median(row[name] for row in self.rows[quarter : 2 * quarter])
        return statistics.median(row[name] for row in self.rows[-quarter:]) - before
