"""Polling instead of sleeping, for a client that sends one request after the other.

To wake a process that sleeps costs more than the front does for a request, on a virtual machine above all,
and for such a client it has to be done four times for each: in the client, twice in the front, and in the
scorer. Here the front decides that it polls for an answer, and that the scorer polls for the next request.

That is only of use where nobody else wants the processors, so the kernel's own account of how long front and
scorers waited for one is watched while they poll. Where it cannot be read nothing polls.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic

from moorage_runtime import frames
from moorage_server import cgroups
from moorage_server.settings import ServiceSettings

SEQUENTIAL = 16  # so many requests in a row that had the service for themselves: one client, one at a time
# Of its answer comes the next request of a client that may be worth polling for, and while it is polled for,
# of one that is: where the host is busy, a machine that sleeps between requests is woken up late.
MAY_FOLLOW_WITHIN_S, FOLLOWS_WITHIN_S = 0.001, 0.0004
FAST_RUN_S = 0.001  # with what it takes to wake up; a longer run makes that not worth mentioning
LONGER_S = 0.0001  # than its run may an answer take
SPIN_US = 500  # how long a scorer polls for the next request, unless the service says so
LOOK_EVERY = 256  # requests of such a client
RECENT_S = 1.0  # what happened before says nothing about now
# So much of the time may front and scorers have waited for a processor, all together: while they slept
# between requests, and while they polled. Measured on two processors, where the client has to take one of
# theirs: up to 0.16 and 0.36 without neighbours; with one that computes 0.3 to 0.6 asleep, and 0.7 polling.
MAX_SHARE_ASLEEP, MAX_SHARE_POLLING = 0.2, 0.5
FIRST_PAUSE_S = 1.0  # doubled as long as polling turns out to be wrong after it, too
LONGEST_PAUSE_S = 60.0


class Polling:
    """Decides, for each request that has a service for itself, whether its answer is polled for."""

    def __init__(self, spin_us: int, *, is_forced: bool, pids: Callable[[], Iterable[int]]) -> None:
        """``pids`` are the processes to watch besides this one; ``is_forced``: whoever else there is.

        ``spin_us``: how long a scorer polls; 0: nothing polls.
        """
        self.spin_us = spin_us
        self.flag = 0  # for the next request to a scorer: poll for the one behind it
        self.streak = 0  # requests in a row from a client that sends one after the other
        self._may_follow_within_s = max(MAY_FOLLOW_WITHIN_S, spin_us / 1e6 if is_forced else 0)
        self._is_forced = is_forced
        self._pids = pids
        self._is_pausing = True  # until a look has shown that nobody else wants the processors
        self._until_look = 0
        self._followed_soon = 0  # requests since the last look
        self._looked_at = 0.0
        self._waits_ns: dict[int, int] = {}
        self._pause_s = FIRST_PAUSE_S
        self._paused_until = 0.0

    @classmethod
    def of(cls, settings: ServiceSettings, pids: Callable[[], Iterable[int]]) -> "Polling":
        """Return what a service asks for with ``spin_us``; None: poll where that is of use."""
        spin_us = settings.spin_us
        if spin_us is not None:
            return cls(spin_us, is_forced=True, pids=pids)
        is_possible = not settings.cpu_cores_limit and _has_processors() and _wait_ns(os.getpid()) is not None
        return cls(SPIN_US if is_possible else 0, is_forced=False, pids=pids)

    def stop(self) -> None:
        """There is more than one client."""
        self.streak = self.flag = 0

    def is_due(self, silent_s: float, mean_run_s: float) -> bool:
        """Whether to poll for the answer of a request that came so long after the answer before it."""
        if not self.spin_us:
            return False
        if silent_s > self._may_follow_within_s or mean_run_s > FAST_RUN_S:
            self.streak >>= 1  # one slow request is none: a long row is not forgotten for it
            self.flag = 0
            return False
        self.streak += 1
        if self.streak <= SEQUENTIAL:
            return False
        if not self._is_forced:
            self._followed_soon += silent_s < FOLLOWS_WITHIN_S
            self._until_look -= 1
            if self._until_look <= 0:
                self._look()
            if self._is_pausing:
                return False
        self.flag = frames.POLL
        return True

    def _look(self) -> None:
        """See whether others want the processors, and whether polling is of use."""
        self._until_look = LOOK_EVERY
        followed_soon, self._followed_soon = self._followed_soon, 0
        now = monotonic()
        if now < self._paused_until:
            return
        waited_s, elapsed_s = self._waited_s(now)
        if elapsed_s > RECENT_S:
            return  # the next look will tell
        if self.flag:
            is_of_use = followed_soon > LOOK_EVERY / 2
            self._is_pausing = waited_s > MAX_SHARE_POLLING * elapsed_s or not is_of_use
        else:
            self._is_pausing = waited_s > MAX_SHARE_ASLEEP * elapsed_s
        if self._is_pausing:
            is_again = now - self._paused_until < 2 * self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S) if is_again else FIRST_PAUSE_S
            self._paused_until = now + self._pause_s
            self.flag = 0

    def _waited_s(self, now: float) -> tuple[float, float]:
        """Return how long front and scorers have waited for a processor since the last look, and its age.

        One of which nothing is known counts as if it had waited all the time.
        """
        before_ns, elapsed_s = self._waits_ns, now - self._looked_at
        self._waits_ns, self._looked_at = {}, now
        waited_ns = 0
        for pid in (os.getpid(), *self._pids()):
            wait_ns = _wait_ns(pid)
            if wait_ns is None:  # it has just ended, or this process may not look at it
                return elapsed_s, elapsed_s
            self._waits_ns[pid] = wait_ns
            waited_ns += wait_ns - before_ns.get(pid, wait_ns)
        return waited_ns * 1e-9, elapsed_s


def _has_processors() -> bool:
    """Whether there are two processors, as much of each as there is."""
    try:
        return len(os.sched_getaffinity(0)) > 1 and not cgroups.has_cpu_quota()
    except (AttributeError, OSError):  # not on macOS
        return False


def _wait_ns(pid: int) -> int | None:
    """Return how long a process has waited for a processor although it could have run; None: not known."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_bytes().split()[1])
    except (OSError, ValueError, IndexError):
        return None
