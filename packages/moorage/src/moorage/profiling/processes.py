"""What the system knows of processes: memory and processor time. Linux only; elsewhere None."""

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["cpu_seconds", "peak_memory_bytes"]

_PROC = Path("/proc")


def peak_memory_bytes(pids: Iterable[int]) -> int | None:
    """Return the sum of the largest resident sizes that processes ever had; None if one cannot be told."""
    total = 0
    for pid in pids:
        line = next((one for one in _lines(pid, "status") if one.startswith("VmHWM:")), None)
        if line is None:
            return None
        total += int(line.split()[1]) * 1024
    return total


def cpu_seconds(pids: Iterable[int]) -> float | None:
    """Return the processor time that the processes have used, None if one cannot be told."""
    total = 0.0
    for pid in pids:
        lines = _lines(pid, "stat")
        if not lines:
            return None
        # The name in parentheses may hold anything; the numbers are after its end.
        fields = lines[0].rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _lines(pid: int, name: str) -> list[str]:
    try:
        return (_PROC / str(pid) / name).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
