"""What a supervisor makes of what its killed predecessor left: generations, by status and keeper."""

import contextlib
import os
from pathlib import Path

from . import orphans
from .front_process import AdoptedFront
from .generation import Generation
from .keeping import KeptFront
from .records import DEFAULT_DRAIN_TIMEOUT_S, TRIAL_STAGE, Desired, GenerationStatus, Status


def adopt(
    service_dir: Path, kept: KeptFront, earlier: Status | None, wanted: Desired | None, now: float
) -> Generation | None:
    """Take over a front that was ready; None if it cannot be used. Then its pipes are closed.

    Of one that was still starting nobody knows whether its report was read; it has to be started afresh.
    """
    one = earlier.of(kept.generation) if earlier else None
    front = None
    if earlier is not None and one is not None and one.state in ("ready", "draining"):
        mark = orphans.mark(service_dir, kept.generation, kept.run)
        with contextlib.suppress(OSError):
            front = AdoptedFront(kept.pid, mark=mark, log_fd=kept.log_fd, ready_fd=kept.ready_fd)
    if front is None or earlier is None or one is None:
        os.close(kept.log_fd)
        os.close(kept.ready_fd)
        return None
    generation = Generation(_as_desired(one, earlier, wanted), state=one.state, front=front)
    # The mark of later runs must not be that of this one.
    generation.address, generation.run = kept.address, max(one.restarts + 1, kept.run)
    generation.scorer_pids, generation.accepts = one.scorer_pids, one.accepts
    generation.was_ready, generation.error = True, one.error
    generation.is_rejected = one.error is not None and one.error.stage == TRIAL_STAGE
    if one.state == "ready":
        generation.ready_since = now
    else:
        generation.kill_at = now + generation.desired.drain_timeout_s
    return generation


def served_before(
    service_dir: Path, earlier: Status, wanted: Desired | None, now: float
) -> Generation | None:
    """Return the generation that served, to be started again at once; None if there is none."""
    served = earlier.of(earlier.generation) if earlier.generation is not None else None
    if served is None or wanted is None or not (service_dir / served.settings).is_file():
        return None
    generation = Generation(_as_desired(served, earlier, wanted), was_ready=True, restart_at=now)
    generation.address = (earlier.host, earlier.port)
    return generation


def lost_trial(wanted: Desired | None, earlier: Status | None) -> Generation | None:
    """Return what is wanted but was taken back already, and must not be tried again; None if all is well."""
    if wanted is None or wanted.trial is None or earlier is None:
        return None
    one = earlier.of(wanted.generation)
    if one is None or one.error is None or one.error.stage != TRIAL_STAGE:
        return None
    generation = Generation(wanted, state="failed", error=one.error, is_rejected=True)
    generation.address = (earlier.host, earlier.port)
    return generation


def _as_desired(one: GenerationStatus, earlier: Status, wanted: Desired | None) -> Desired:
    if wanted is not None and one.number == wanted.generation:
        return wanted
    drain_s = wanted.drain_timeout_s if wanted else DEFAULT_DRAIN_TIMEOUT_S
    return Desired(one.number, one.settings, earlier.host, earlier.port, drain_s)
