"""A second revision beside the one that serves, as the supervisor sees it: wanted, judged, taken over.

The front of the generation that serves runs it (:mod:`moorage_server.candidate`): it gets a file beside its
settings, and reports over its pipe.
"""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import files
from .candidate_records import Candidate, CandidateStatus, Counts
from .failures import Failure
from .judging import failure_of, is_fit, verdict
from .records import TRIAL_STAGE, Desired, Trial

INSTRUCTION_FILE = "candidate.json"


@dataclass(slots=True)
class Rollout:
    """What becomes of the candidate of a service; at most one at a time.

    ``say`` writes to the log; times are on the supervisor's ``clock``, and those that are written down, in
    seconds since 1970.
    """

    service_dir: Path
    say: Callable[[str], None]
    clock: Callable[[], float]
    desired: Desired | None = None
    status: CandidateStatus | None = None
    _over_at: float | None = None
    _latest: Counts = field(default_factory=Counts)

    def recall(self, earlier: CandidateStatus | None) -> None:
        """Carry on where a supervisor of before was killed, or the machine was switched off."""
        self.status = earlier
        if earlier is not None and earlier.ends_at is not None:
            # A clock that was set back must not keep it for ever.
            left_s = min(max(0.0, earlier.ends_at - time.time()), earlier.for_s or 0.0)
            self._over_at = self.clock() + left_s

    def follow(self, desired: Desired) -> Desired:
        """Take a new wish; return what is to run: the candidate itself where it has taken over already."""
        before, self.desired = self.desired, desired
        candidate = desired.candidate
        if before is not None and before.settings != desired.settings:
            self._withdraw(before)
        if candidate is None:
            self._withdraw(desired)
            self.status, self._over_at, self._latest = None, None, Counts()
            return desired
        status = self.status
        if status is None or status.generation != candidate.generation:
            status = CandidateStatus(
                candidate.generation,
                candidate.kind,
                candidate.share_percent,
                "starting",
                for_s=candidate.for_s,
            )
            self.status, self._over_at, self._latest = status, None, Counts()
        if status.state in ("starting", "serving"):
            self._instruct(desired, candidate)
            return desired
        self._withdraw(desired)
        return self._promoted(desired, candidate) if status.state == "promoted" else desired

    def hear(self, generation: int, event: Mapping[str, Any]) -> None:
        """Take a report of the front of ``generation``."""
        status, desired = self.status, self.desired
        if status is None or desired is None or generation != desired.generation:
            return
        if event.get("generation") != status.generation or status.state not in ("starting", "serving"):
            return
        match event.get("state"):
            case "starting":
                # Perhaps another front than before: it counts from the beginning.
                self.status, self._latest = replace(status, carried=status.counts), Counts()
            case "serving":
                self._serves(status, event)
            case "failed":
                failure = Failure.from_json(event.get("error"))
                if "count" in event:
                    self.status = replace(status, counts=status.carried + Counts.from_json(event))
                self._reject(failure or Failure("start", "it could not be started"))

    def tick(self, states: Mapping[int, tuple[str, Failure | None]]) -> Desired | None:
        """Return what is to run instead from now on, None if nothing changes.

        ``states`` are those of the generations, each with its error.
        """
        status, desired = self.status, self.desired
        if status is None or desired is None or desired.candidate is None:
            return None
        if status.state == "promoted":
            state, error = states.get(status.generation, ("", None))
            if state == "failed" and error is not None and error.stage != TRIAL_STAGE:
                self._reject(error)
                return desired
        elif any(self.clock() >= deadline for deadline in self.deadlines):
            return self._end(status, desired, desired.candidate)
        return None

    @property
    def deadlines(self) -> list[float]:
        is_on = self.status is not None and self.status.state == "serving"
        return [self._over_at] if is_on and self._over_at is not None else []

    def _end(self, status: CandidateStatus, desired: Desired, candidate: Candidate) -> Desired | None:
        """The time of a canary is over."""
        if not is_fit(status.counts):
            self._reject(failure_of(status.counts))
            return None
        self.say(f"revision {status.generation} takes over: it was a canary for {status.for_s:g} s")
        self._withdraw(desired)
        self.status, self._over_at = replace(status, state="promoted", pids=()), None
        return self._promoted(desired, candidate)

    def _serves(self, status: CandidateStatus, event: Mapping[str, Any]) -> None:
        if status.state == "starting":
            self.say(f"revision {status.generation} takes part as {status.kind}")
            self.status = status = replace(status, state="serving", error=None)
            if status.kind == "canary" and status.for_s is not None and self._over_at is None:
                self._over_at = self.clock() + status.for_s
                status = replace(status, ends_at=time.time() + status.for_s)
        self._latest = Counts.from_json(event)
        pids = tuple(pid for pid in event.get("pids") or () if isinstance(pid, int))
        findings = event.get("findings")
        self.status = replace(
            status,
            counts=status.carried + self._latest,
            pids=pids,
            findings=findings if isinstance(findings, dict) else None,
        )
        failure = verdict(self.status.counts) if status.kind == "canary" else None
        if failure is not None:
            self._reject(failure)

    def _reject(self, failure: Failure) -> None:
        if self.status is None or self.desired is None:
            return
        self.say(f"revision {self.status.generation} is taken back: {failure.message}")
        self._withdraw(self.desired)
        self.status = replace(self.status, state="rejected", error=failure, pids=())
        self._over_at = None

    def _promoted(self, desired: Desired, candidate: Candidate) -> Desired:
        trial = None
        if candidate.trial_requests:
            trial = Trial(
                candidate.trial_requests, candidate.max_error_share, desired.generation, desired.settings
            )
        return replace(
            desired,
            generation=candidate.generation,
            settings=candidate.settings,
            drain_timeout_s=candidate.drain_timeout_s,
            trial=trial,
            candidate=None,
        )

    # --- the file for the front ---

    def _instruct(self, desired: Desired, candidate: Candidate) -> None:
        path = self._path(desired)
        wanted = {
            "generation": candidate.generation,
            "settings": str(self.service_dir.absolute() / candidate.settings),
            "beside": desired.generation,
            "kind": candidate.kind,
            "share_percent": candidate.share_percent,
            "tolerance": candidate.tolerance,
            "slower": candidate.slower,
        }
        if files.read_json(path) == wanted:
            return  # the front that was taken over is at it
        try:
            files.write_json(path, wanted)
        except OSError as error:
            self._reject(Failure("start", f"the front cannot be told: {error.strerror}"))

    def _withdraw(self, desired: Desired | None) -> None:
        if desired is not None:
            with contextlib.suppress(OSError):
                self._path(desired).unlink()

    def _path(self, desired: Desired) -> Path:
        return (self.service_dir / desired.settings).with_name(INSTRUCTION_FILE)
