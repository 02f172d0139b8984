"""A service on trial: started beside all others, without a record, and removed when it was measured."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from moorage.deployments import InferenceConfig, LocalConfig
from moorage.deployments.planning import plan
from moorage.errors import DeploymentFailed
from moorage.folders import make_private_folder
from moorage.services.converging import Contents, converge
from moorage.services.events import OnEvent, Teller
from moorage.services.work import planned
from moorage.targets import Order, Place, open_target
from moorage.workspace import Workspace
from moorage_server.supervision import files
from moorage_server.supervision.lock import FileLock
from moorage_server.supervision.records import Status

__all__ = ["Trial", "on_trial"]

SERVICE = "trial"
_FOLDER = "profiling"
_LOCK = "trial.lock"
_LOG_LINES = 200


@dataclass(frozen=True, slots=True)
class Trial:
    """A service that answers: where, and how long it took to start (seconds)."""

    place: Place
    host: str
    port: int
    start_s: float

    def pids(self) -> tuple[int, tuple[int, ...]]:
        """Return the front's process and those of the scorers."""
        content = files.read_json(self.place.workspace_path / "services" / SERVICE / files.STATUS)
        status = Status.from_json(content) if content else None
        live = None if status is None or status.generation is None else status.of(status.generation)
        if live is None or live.pid is None:
            raise DeploymentFailed("the service on trial has ended; its log says why")
        return live.pid, tuple(live.scorer_pids)


class TrialLog:
    """Holds what the service printed, also after it was removed; and whether it was started at all."""

    has_begun: bool = False
    text: str = ""


@contextmanager
def on_trial(
    workspace: Workspace,
    models: Sequence[str],
    inference_config: InferenceConfig,
    config: LocalConfig,
    *,
    log: TrialLog,
    on_event: OnEvent | None = None,
) -> Iterator[Trial]:
    """Start the service, give it, and remove it whatever happens. What a killed run left is removed, too.

    Raises:
        As `moorage.services.deploy` does.
    """
    teller = Teller(SERVICE, on_event)
    made = planned(lambda: plan(workspace, SERVICE, models, inference_config, config), teller)
    for problem in made.warnings:
        teller.tell("warning", str(problem))
    made.check()
    target = open_target(config.compute_type)
    folder, lock = _new_folder(workspace)
    place = Place(folder, workspace.name, SERVICE)
    log.has_begun = True
    try:
        begun = time.monotonic()
        contents = Contents(workspace, made.models)
        observed = converge(target, place, Order(1, config.host), teller, plan=made, contents=contents)
        if observed.port is None:
            raise DeploymentFailed("the service on trial has no port")
        yield Trial(place, observed.host or config.host, observed.port, time.monotonic() - begun)
    finally:
        log.text = target.logs(place, _LOG_LINES)
        target.destroy(place)
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _new_folder(workspace: Workspace) -> tuple[Path, FileLock]:
    """Make a folder that is ours as long as this process lives."""
    parent = workspace.path / _FOLDER
    make_private_folder(parent)
    _remove_abandoned(workspace, parent)
    folder = Path(tempfile.mkdtemp(prefix="trial-", dir=parent))
    lock = FileLock(folder / _LOCK)
    lock.acquire()
    return folder, lock


def _remove_abandoned(workspace: Workspace, parent: Path) -> None:
    for folder in parent.glob("trial-*"):
        lock = FileLock(folder / _LOCK)
        # A folder without a lock file was made an instant ago, and is about to be locked.
        if (folder / _LOCK).exists() and lock.acquire():
            open_target("local").destroy(Place(folder, workspace.name, SERVICE))
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
