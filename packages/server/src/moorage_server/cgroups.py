"""Bounds that hold for a scorer and all that it starts together: control groups of Linux, version 2.

Used where the process may make groups beside its own, as root and services of systemd may; elsewhere the
limits of single processes have to do.
"""

import contextlib
import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)

ROOT = Path("/sys/fs/cgroup")
PREFIX = "moorage-"
_PERIOD_US = 100_000


class ServiceGroup:
    """The group of one front, with a group in it for each scorer. ``folder`` holds nothing but groups."""

    def __init__(self, folder: Path, memory_bytes: int) -> None:
        self.folder, self._memory_bytes, self._count = folder, memory_bytes, 0

    def add(self, pid: int, shares: int = 1) -> Path | None:
        """Put a process into a group of its own, with the memory of ``shares`` scorers; None: not done."""
        self._count += 1
        folder = self.folder / f"scorer-{self._count}"
        try:
            folder.mkdir()
            if self._memory_bytes:
                (folder / "memory.max").write_text(str(self._memory_bytes * shares))
                # Without this the rest of a killed scorer would live on.
                (folder / "memory.oom.group").write_text("1")
            (folder / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            logger.warning("a scorer has no control group: %s", error)
            remove(folder)
            return None
        return folder

    def close(self) -> None:
        for folder in self.folder.glob("scorer-*"):
            remove(folder)
        remove(self.folder)


def make(
    memory_bytes: int, cpu_cores: float, *, root: Path = ROOT, own: str | None = None
) -> ServiceGroup | None:
    """Make a group for the scorers of this process, in which they share ``cpu_cores``; 0: no bound.

    Returns None where that is not permitted, or nothing is to be bounded.
    """
    wanted = [name for name, value in (("memory", memory_bytes), ("cpu", cpu_cores)) if value]
    own = _own_group() if own is None else own
    if not wanted or own is None:
        return None
    # Beside the own group: one with processes in it cannot have groups that divide its memory.
    parent = (root / own.lstrip("/")).parent if own != "/" else root
    folder = parent / f"{PREFIX}{os.getpid()}"
    try:
        enabled = (parent / "cgroup.subtree_control").read_text().split()
        if not set(wanted) <= set(enabled):
            return None
        _remove_abandoned(parent)
        folder.mkdir(exist_ok=True)
        if cpu_cores:
            (folder / "cpu.max").write_text(f"{max(1000, round(cpu_cores * _PERIOD_US))} {_PERIOD_US}")
        if memory_bytes:
            (folder / "cgroup.subtree_control").write_text("+memory")
    except OSError:
        remove(folder)
        return None
    return ServiceGroup(folder, memory_bytes)


def remove(folder: Path) -> None:
    """Remove a group whose processes have ended; others stay, and go with the next front."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def has_cpu_quota(*, root: Path = ROOT, own: str | None = None) -> bool:
    """Whether this process may use only a part of the processors' time, by version 1 or 2."""
    own = (_own_group() if own is None else own) or "/"
    group = root / own.lstrip("/")
    folders = [folder for folder in (group, *group.parents) if folder.is_relative_to(root)]
    for folder in folders or [root]:
        with contextlib.suppress(OSError):
            if not (folder / "cpu.max").read_text().startswith("max"):
                return True
    with contextlib.suppress(OSError, ValueError):
        return int((root / "cpu" / "cpu.cfs_quota_us").read_text()) > 0
    return False


def _own_group() -> str | None:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    return next((line.removeprefix("0::") for line in lines if line.startswith("0::/")), None)


def _remove_abandoned(parent: Path) -> None:
    """Remove the groups of fronts that were killed."""
    for folder in parent.glob(f"{PREFIX}*"):
        number = folder.name.removeprefix(PREFIX)
        if number.isdecimal() and not Path("/proc", number).exists():
            ServiceGroup(folder, 0).close()
