"""A generation: one revision of a service being run, through all the processes that run it in turn."""

from dataclasses import dataclass
from math import inf

from .front_process import FrontProcess, describe_exit
from .records import Desired, Failure, GenerationState, GenerationStatus
from .steps import RECOVERED_AFTER_S, View, restart_delay_s


@dataclass(slots=True)
class Generation:
    """One generation and its front; times are on the supervisor's clock.

    ``run`` counts its processes; ``reported`` is what the present one said about its failure, ``error``
    why the last one ended; ``address`` is where it listens; ``is_rejected``: it lost its trial.
    """

    desired: Desired
    state: GenerationState = "starting"
    front: FrontProcess | None = None
    address: tuple[str, int | None] = ("", None)
    scorer_pids: tuple[int, ...] = ()
    accepts: bool = False
    run: int = 0
    deaths: int = 0
    was_ready: bool = False
    ready_since: float | None = None
    restart_at: float | None = None
    kill_at: float | None = None
    reported: Failure | None = None
    error: Failure | None = None
    is_rejected: bool = False

    @property
    def number(self) -> int:
        return self.desired.generation

    @property
    def is_in_use(self) -> bool:
        return self.state in ("starting", "ready", "draining")

    def view(self) -> View:
        return View(
            number=self.number,
            state=self.state,
            has_process=self.front is not None,
            was_ready=self.was_ready,
            restart_at=self.restart_at,
            kill_at=self.kill_at,
        )

    def status(self) -> GenerationStatus:
        return GenerationStatus(
            number=self.number,
            state=self.state,
            settings=self.desired.settings,
            pid=self.front.pid if self.front else None,
            scorer_pids=self.scorer_pids,
            accepts=self.accepts,
            restarts=max(0, self.run - 1),
            error=self.error,
        )

    def became_ready(self, now: float) -> None:
        self.state, self.was_ready, self.accepts = "ready", True, True
        self.ready_since, self.error = now, None

    def drain(self, now: float, longest_s: float = inf) -> None:
        """Ask the front to finish, for ``longest_s`` at most; without one there is nothing to finish."""
        if not self.is_in_use:
            return
        self.restart_at = None
        if self.front is None:
            self.state = "stopped"
            return
        if self.state != "draining":
            self.state = "draining"
            self.kill_at = now + self.desired.drain_timeout_s
            self.front.terminate()
        if self.kill_at is not None:
            self.kill_at = min(self.kill_at, now + longest_s)

    def ended(self, code: int, last_words: str, now: float) -> str:
        """Note that the front ended with ``code``; return a sentence for the log."""
        self.scorer_pids, self.accepts = (), False
        if self.state == "draining":
            self.state, self.kill_at = ("failed" if self.is_rejected else "stopped"), None
            return describe_exit(code)
        silent = Failure("start", f"the front {describe_exit(code)}", last_words)
        return self.failed(self.reported or silent, now)

    def failed(self, error: Failure, now: float) -> str:
        """Note a death: the end if it never served, otherwise a reason to try again later."""
        self.error = error
        if not self.was_ready:
            self.state = "failed"
            return f"failed: {error.message}"
        if self.ready_since is not None and now - self.ready_since >= RECOVERED_AFTER_S:
            self.deaths = 0
        self.deaths += 1
        delay_s = restart_delay_s(self.deaths)
        self.state, self.ready_since = "starting", None
        self.restart_at = now + delay_s
        return f"ended: {error.message}; starts again in {delay_s:g} s"
