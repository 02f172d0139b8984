"""The two files of a service as values: what it should run, and what it runs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from .candidate_records import Candidate, CandidateStatus
from .failures import Failure, InvalidDesired, check_path, is_int

__all__ = [
    "DEFAULT_DRAIN_TIMEOUT_S",
    "TRIAL_STAGE",
    "Candidate",
    "CandidateStatus",
    "Desired",
    "Failure",
    "GenerationState",
    "GenerationStatus",
    "InvalidDesired",
    "Status",
    "SupervisorState",
    "Trial",
]

SupervisorState = Literal["starting", "running", "failed", "stopping", "stopped"]
GenerationState = Literal["starting", "ready", "draining", "failed", "stopped"]

DEFAULT_DRAIN_TIMEOUT_S = 60.0
# The stage of a failure that shows only under requests.
TRIAL_STAGE = "trial"


@dataclass(frozen=True, slots=True)
class Trial:
    """What a new generation has to show: of its first ``requests`` answers at most this share may fail.

    Otherwise ``generation`` with ``settings``, which served before, comes back.
    """

    requests: int
    max_error_share: float
    generation: int
    settings: str

    @classmethod
    def from_json(cls, value: object) -> "Trial":
        """Read the value of ``trial`` in ``desired.json``; raises `InvalidDesired`."""
        if not isinstance(value, Mapping) or value.keys() != cls.__dataclass_fields__.keys():
            raise InvalidDesired("trial must have requests, max_error_share, generation and settings")
        trial = cls(**value)
        if not (is_int(trial.requests) and is_int(trial.generation)):
            raise InvalidDesired("trial: requests and generation must be whole numbers")
        share = trial.max_error_share
        if isinstance(share, bool) or not isinstance(share, (int, float)):
            raise InvalidDesired("trial: max_error_share must be a number")
        check_path(trial.settings)
        return trial


@dataclass(frozen=True, slots=True)
class Desired:
    """What the control plane wants to run.

    ``settings`` is relative to the service folder; ``port`` None means any free port. ``running`` False:
    nothing should run, also not after the machine was started again. ``candidate``: a second revision beside.
    """

    generation: int
    settings: str
    host: str = "127.0.0.1"
    port: int | None = None
    drain_timeout_s: float = DEFAULT_DRAIN_TIMEOUT_S
    running: bool = True
    trial: Trial | None = None
    candidate: Candidate | None = None

    def to_json(self) -> dict[str, Any]:
        value = asdict(self)
        if self.running:
            # A supervisor of an earlier version refuses what it does not know.
            del value["running"]
        if self.trial is None:
            del value["trial"]
        if self.candidate is None:
            del value["candidate"]
        return value

    def fallback(self) -> "Desired | None":
        """Return what runs instead if the trial is lost."""
        if self.trial is None:
            return None
        return replace(
            self,
            generation=self.trial.generation,
            settings=self.trial.settings,
            port=None,
            trial=None,
            candidate=None,
        )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Desired":
        """Read the object in ``desired.json``.

        Raises:
            InvalidDesired: a field is missing, unknown or of the wrong type.
        """
        unknown = value.keys() - cls.__dataclass_fields__.keys()
        if unknown:
            raise InvalidDesired(f"unknown key {sorted(unknown)[0]!r}")
        try:
            trial, candidate = value.get("trial"), value.get("candidate")
            parts = {
                "trial": None if trial is None else Trial.from_json(trial),
                "candidate": None if candidate is None else Candidate.from_json(candidate),
            }
            desired = cls(**{**value, **parts})
        except TypeError as error:
            raise InvalidDesired(str(error)) from error
        if not is_int(desired.generation) or desired.generation < 1:
            raise InvalidDesired("generation must be a whole number from 1 on")
        check_path(desired.settings)
        if not isinstance(desired.host, str):
            raise InvalidDesired("host must be a text")
        if desired.port is not None and not (is_int(desired.port) and 1 <= desired.port <= 65535):
            raise InvalidDesired("port must be null or a number from 1 to 65535")
        if isinstance(desired.drain_timeout_s, bool) or not isinstance(desired.drain_timeout_s, (int, float)):
            raise InvalidDesired("drain_timeout_s must be a number of seconds")
        if not isinstance(desired.running, bool):
            raise InvalidDesired("running must be true or false")
        return desired


@dataclass(frozen=True, slots=True)
class GenerationStatus:
    """One generation as ``status.json`` shows it.

    ``settings`` is relative to the service folder; ``accepts``: new connections may come to it.
    """

    number: int
    state: GenerationState
    settings: str
    pid: int | None = None
    scorer_pids: tuple[int, ...] = ()
    accepts: bool = False
    restarts: int = 0
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What the supervisor last wrote; only true while its lock is held."""

    pid: int
    state: SupervisorState
    host: str
    port: int | None
    generation: int | None
    generations: tuple[GenerationStatus, ...]
    updated_at: str
    candidate: CandidateStatus | None = None

    def of(self, number: int) -> GenerationStatus | None:
        """Return the generation ``number``, None if it is not (or no longer) listed."""
        return next((g for g in self.generations if g.number == number), None)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Status | None":
        """Read the object in ``status.json``; None if it was written by something else."""
        try:
            generations = tuple(
                GenerationStatus(
                    number=g["number"],
                    state=g["state"],
                    settings=g["settings"],
                    pid=g["pid"],
                    scorer_pids=tuple(g["scorer_pids"]),
                    accepts=g["accepts"],
                    restarts=g["restarts"],
                    error=Failure.from_json(g["error"]),
                )
                for g in value["generations"]
            )
            return cls(
                pid=value["pid"],
                state=value["state"],
                host=value["host"],
                port=value["port"],
                generation=value["generation"],
                generations=generations,
                updated_at=value["updated_at"],
                candidate=CandidateStatus.from_json(value.get("candidate")),
            )
        except (KeyError, TypeError):
            return None
