"""A second revision as values: what is wanted, and what became of it so far."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from .failures import Failure, InvalidDesired, check_path, is_int

DEFAULT_SLOWER = 10.0
CandidateKind = Literal["canary", "mirror"]
# rejected: it failed, and gets nothing any more; promoted: it is what is to run now.
CandidateState = Literal["starting", "serving", "rejected", "promoted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How a second revision takes part.

    ``share_percent``: of the requests (canary) or of the copies (mirror). ``for_s``: how long until a canary
    takes over; None: until somebody says so. ``tolerance``: of numbers, when a mirror compares. ``slower``:
    how many times as long as the live revision a canary may take for a request; 0: any time. The rest
    counts from when it has taken over: see `records.Trial` and `records.Desired`.
    """

    kind: CandidateKind
    share_percent: int
    for_s: float | None = None
    tolerance: float = 0.0
    trial_requests: int = 0
    max_error_share: float = 1.0
    drain_timeout_s: float = 60.0
    slower: float = DEFAULT_SLOWER


@dataclass(frozen=True, slots=True)
class Candidate(Part):
    """Revision ``generation`` beside the one that serves."""

    generation: int
    settings: str

    @classmethod
    def from_json(cls, value: object) -> "Candidate":
        """Read the value of ``candidate`` in ``desired.json``; raises `InvalidDesired`."""
        if not isinstance(value, Mapping):
            raise InvalidDesired("candidate must be an object")
        try:
            made = cls(**value)
        except TypeError as error:
            raise InvalidDesired(f"candidate: {error}") from error
        if made.kind not in ("canary", "mirror"):
            raise InvalidDesired("candidate: kind must be canary or mirror")
        if not is_int(made.generation) or not is_int(made.trial_requests):
            raise InvalidDesired("candidate: generation and trial_requests must be whole numbers")
        if not is_int(made.share_percent) or not 1 <= made.share_percent <= 100:
            raise InvalidDesired("candidate: share_percent must be from 1 to 100")
        numbers = (made.for_s or 0.0, made.tolerance, made.max_error_share, made.drain_timeout_s, made.slower)
        if any(isinstance(n, bool) or not isinstance(n, (int, float)) or n < 0 for n in numbers):
            raise InvalidDesired("candidate: times, tolerance and share must be numbers from 0 on")
        check_path(made.settings)
        return made


@dataclass(frozen=True, slots=True)
class Counts:
    """Answers since it takes part: its own and those of the live revision, and how many were errors.

    ``slow``: its own that took longer than ``slow_after_ms``; ``hanging``: requests that are held by a call
    which has taken longer already, and has not ended.
    """

    count: int = 0
    failed: int = 0
    live_count: int = 0
    live_failed: int = 0
    slow: int = 0
    hanging: int = 0
    slow_after_ms: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.count + other.count,
            self.failed + other.failed,
            self.live_count + other.live_count,
            self.live_failed + other.live_failed,
            self.slow + other.slow,
            other.hanging,  # as it is now: those of a front of before are gone
            other.slow_after_ms,
        )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Counts":
        """Take what there is; what is no number counts as 0."""
        names = [field.name for field in fields(cls)]
        return cls(*(value[name] if is_int(value.get(name)) else 0 for name in names))


@dataclass(frozen=True, slots=True)
class CandidateStatus:
    """What became of it.

    ``carried``: the part of ``counts`` from fronts of before; ``findings``: counts of a mirror.
    ``ends_at``: when its time is over, in seconds since 1970, None: not before somebody says so.
    """

    generation: int
    kind: CandidateKind
    share_percent: int
    state: CandidateState
    for_s: float | None = None
    ends_at: float | None = None
    counts: Counts = Counts()
    carried: Counts = Counts()
    pids: tuple[int, ...] = ()
    findings: dict[str, int] | None = None
    error: Failure | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> "CandidateStatus | None":
        """Read the value of ``candidate`` in ``status.json``; None if there is none that is understood."""
        if not isinstance(value, Mapping):
            return None
        try:
            return cls(
                generation=value["generation"],
                kind=value["kind"],
                share_percent=value["share_percent"],
                state=value["state"],
                for_s=value["for_s"],
                ends_at=value["ends_at"],
                counts=Counts.from_json(value["counts"]),
                carried=Counts.from_json(value["carried"]),
                pids=tuple(value["pids"]),
                findings=value["findings"],
                error=Failure.from_json(value["error"]),
            )
        except (KeyError, TypeError, AttributeError):
            return None
