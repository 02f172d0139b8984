"""What a scorer may take of the machine, and as whom; kept by the kernel."""

import contextlib
import logging
import math
import os
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from moorage_server import confined
from moorage_server.cgroups import ServiceGroup
from moorage_server.scorer_user import ScorerUser, launcher
from moorage_server.settings import ServiceSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScorerLimits:
    """Limits of one scorer process and, each for itself, of what it starts; 0: as its parent has it.

    ``group`` bounds them together where the system permits that; ``shares``: scorers of one process tree.
    """

    memory_bytes: int = 0
    open_files: int = 0
    niceness: int = 0
    cpu_cores: float = 0.0
    user: ScorerUser | None = None
    group: ServiceGroup | None = None
    shares: int = 1

    @classmethod
    def of(
        cls, settings: ServiceSettings, user: ScorerUser | None = None, group: ServiceGroup | None = None
    ) -> "ScorerLimits":
        return cls(
            settings.memory_limit_bytes,
            settings.open_files_limit,
            settings.niceness,
            settings.cpu_cores_limit,
            user,
            group,
            settings.worker_count + 1 if settings.preload else 1,
        )

    @property
    def _per_process(self) -> dict[str, int]:
        # Data, not address space: libraries reserve far more addresses than they ever use.
        limits = {"RLIMIT_DATA": self.memory_bytes, "RLIMIT_NOFILE": self.open_files}
        return {name: value for name, value in limits.items() if value}

    def command(self, command: Sequence[str]) -> list[str]:
        """Return the command that runs ``command`` as the user that is to run it."""
        if self.user is None:
            return list(command)
        return [*launcher(self.user, self._per_process, self.niceness, self._cpus()), *command]

    def variables(self, variables: dict[str, str]) -> dict[str, str]:
        """Return the variables for :meth:`command`."""
        return variables if self.user is None else confined.covered(variables)

    def apply(self, pid: int) -> Path | None:
        """Set them on a process that was just started; what the system does not permit is logged.

        Returns the control group of the process, to be removed when it has ended.
        """
        folder = None if self.group is None else self.group.add(pid, self.shares)
        if self.user is not None:
            return folder  # it does the rest itself: nobody else may set limits of another user's process
        for name, value in self._per_process.items():
            self._limit(pid, name, value)
        with contextlib.suppress(ProcessLookupError):
            if self.niceness:
                # Less than the server itself gives way is a privilege.
                own = os.getpriority(os.PRIO_PROCESS, 0)
                os.setpriority(os.PRIO_PROCESS, pid, max(own, self.niceness))
            cpus = self._cpus()
            if cpus:
                os.sched_setaffinity(pid, cpus)
        return folder

    def _cpus(self) -> list[int]:
        """Return the processors to keep to; all of those of this process: []."""
        if not self.cpu_cores or not hasattr(os, "sched_getaffinity"):
            return []
        available = sorted(os.sched_getaffinity(0))
        count = max(1, math.ceil(self.cpu_cores))
        if count >= len(available):
            return []
        # Another service begins elsewhere.
        first = os.getpid() % len(available)
        return sorted((available[first:] + available[:first])[:count])

    def _limit(self, pid: int, name: str, value: int) -> None:
        if not hasattr(resource, "prlimit"):
            logger.warning("this system cannot limit %s of another process; the limit has no effect", name)
            return
        kind = getattr(resource, name)
        with contextlib.suppress(ProcessLookupError):
            try:
                highest = resource.prlimit(pid, kind)[1]
                if highest != resource.RLIM_INFINITY:
                    value = min(value, highest)
                resource.prlimit(pid, kind, (value, value))
            except (PermissionError, ValueError, OSError) as error:
                if isinstance(error, ProcessLookupError):
                    raise
                logger.warning("the limit %s = %d of a scorer cannot be set: %s", name, value, error)
