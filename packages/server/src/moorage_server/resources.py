"""What a scorer may take of the machine, kept by the kernel."""

import contextlib
import logging
import os
import resource
from dataclasses import dataclass

from moorage_server.settings import ServiceSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScorerLimits:
    """Limits of one scorer process and, each for itself, of what it starts; 0: as its parent has it."""

    memory_bytes: int = 0
    open_files: int = 0
    niceness: int = 0

    @classmethod
    def of(cls, settings: ServiceSettings) -> "ScorerLimits":
        return cls(settings.memory_limit_bytes, settings.open_files_limit, settings.niceness)

    def apply(self, pid: int) -> None:
        """Set them on a process that was just started; what the system does not permit is logged."""
        if self.memory_bytes:
            # Data, not address space: libraries reserve far more addresses than they ever use.
            self._limit(pid, "RLIMIT_DATA", self.memory_bytes)
        if self.open_files:
            self._limit(pid, "RLIMIT_NOFILE", self.open_files)
        if self.niceness:
            with contextlib.suppress(ProcessLookupError):
                # Less than the server itself gives way is a privilege.
                own = os.getpriority(os.PRIO_PROCESS, 0)
                os.setpriority(os.PRIO_PROCESS, pid, max(own, self.niceness))

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
