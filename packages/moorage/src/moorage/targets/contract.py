"""What a service asks of the place where it runs. One contract, one suite of tests for all targets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from moorage.deployments.plans import Plan
from moorage.errors import MoorageError
from moorage_server.auth import Admission
from moorage_server.supervision.candidate_records import CandidateKind, CandidateState, Part


@dataclass(frozen=True, slots=True)
class Place:
    """Which service is meant: the workspace's folder, its name, and the service's name."""

    workspace_path: Path
    workspace_name: str
    service: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a revision does not run: stage, a sentence, and the user's own traceback or ''.

    Stages of the script: settings, import, check, init, smoke. Of the target: listen, start.
    """

    stage: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class CandidateSeen:
    """What a target sees of a revision beside the one that serves.

    ``answered`` and ``failed``: its own answers since it takes part, and how many were errors (400 and
    above); ``live_...``: those of the revision beside it; ``slow``: of its requests, those that took too long
    or have not ended since. ``ends_at``: when a canary takes over, in seconds since 1970; ``compared``:
    counts of a mirror, by outcome. ``rejected`` comes with a ``fault``.
    """

    revision: int
    kind: CandidateKind
    state: CandidateState
    share_percent: int
    ends_at: float | None = None
    answered: int = 0
    failed: int = 0
    live_answered: int = 0
    live_failed: int = 0
    slow: int = 0
    compared: Mapping[str, int] = field(default_factory=dict)
    fault: Fault | None = None

    @property
    def is_active(self) -> bool:
        return self.state in ("starting", "serving")


@dataclass(frozen=True, slots=True)
class Observed:
    """What a target sees of a service now.

    ``prepared`` are the revisions whose files are there; ``ordered`` is the one that the target was told to
    run, and still shall if ``is_ordered_to_run``; ``live`` answers requests, or did and is being started
    again (then it is not in ``ready``); new connections may come to ``accepting``; ``failed`` could not be
    started since they were ordered, or lost their trial.
    """

    exists: bool = False
    is_supervised: bool = False
    prepared: frozenset[int] = frozenset()
    ordered: int | None = None
    is_ordered_to_run: bool = True
    live: int | None = None
    ready: frozenset[int] = frozenset()
    starting: frozenset[int] = frozenset()
    accepting: frozenset[int] = frozenset()
    failed: Mapping[int, Fault] = field(default_factory=dict)
    restarts: int = 0
    host: str | None = None
    port: int | None = None
    error: Fault | None = None
    candidate: CandidateSeen | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """What a revision has to show: of its first ``requests`` at most this share may fail (5xx).

    Otherwise the target lets ``fallback``, a prepared revision, serve again.
    """

    requests: int
    max_error_share: float
    fallback: int


@dataclass(frozen=True, slots=True)
class Beside(Part):
    """A prepared revision that takes part beside the ordered one.

    A canary answers its share of the requests, for so long, and takes over then unless it was worse or too
    slow; ``for_s`` None: until it is ordered itself. A mirror gets copies of such a share.
    """

    revision: int


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: a revision and where it listens (``port`` None: any free one).

    ``drain_timeout_s``: how long the revision may take to finish its requests once another replaces it.
    """

    revision: int
    host: str = "127.0.0.1"
    port: int | None = None
    drain_timeout_s: float = 60.0
    trial: Trial | None = None
    beside: Beside | None = None


class TargetFault(MoorageError):
    """The target refused or could not do what was asked; the message says what would help."""

    code = "target-fault"


LogKind = Literal["service", "init"]


class Target(Protocol):
    """Every call may be repeated: after a crash at any point the same call finishes the work."""

    name: str

    def build(self, plan: Plan, on_line: Callable[[str], None]) -> None:
        """Make what takes long and is shared by services, such as an image; no service is changed."""

    def prepare(self, place: Place, revision: int, plan: Plan, contents: "Contents") -> None:
        """Put everything that ``revision`` needs in place; nothing of it is visible before it is complete."""

    def start(self, place: Place, order: Order) -> None:
        """Run a prepared revision; once it is ready, it replaces what ran before. Returns at once."""

    def stop(self, place: Place) -> None:
        """Let nothing run, also not after the machine was restarted; requests in flight are finished.

        Returns when that is so.
        """

    def rest(self, place: Place) -> None:
        """As `stop`, but what should run stays as it was: `start`, or the next start of the machine, brings
        it back."""

    def observe(self, place: Place) -> Observed:
        """Look at what is there now."""

    def admit(self, place: Place, admission: Admission) -> None:
        """Let these callers in from now on, and no others; revisions that ask for nothing do not care."""

    def retire(self, place: Place, revision: int) -> None:
        """Remove what only ``revision`` needs; it neither runs nor is ordered."""

    def destroy(self, place: Place) -> None:
        """Stop the service and remove everything of it, logs included; harmless if there is nothing."""

    def findings(self, place: Place, revision: int) -> dict[str, Any] | None:
        """Return what a mirror beside ``revision`` has found, None if there never was one."""

    def snapshot(self, place: Place, revision: int) -> Path | None:
        """Return the application root of a kept revision, None if it is not kept."""

    def logs(self, place: Place, num_lines: int, kind: LogKind = "service") -> str:
        """Return the last lines that the service printed, '' if it never did."""

    def scoring_uri(self, place: Place, observed: Observed) -> str | None:
        """Return the address of ``/score``, None while there is none."""


class Contents(Protocol):
    """Where the files of models come from."""

    def write_file(self, sha256: str, target: Path) -> None:
        """Write the content with that digest to a new file, checked while it is written."""
