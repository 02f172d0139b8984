"""Bringing a service to a revision, one step at a time, until it serves or cannot."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from moorage.deployments.plans import Plan
from moorage.errors import (
    DeploymentFailed,
    DeploymentTimeout,
    EntryScriptError,
    MoorageError,
    PortInUse,
)
from moorage.models.download import naming_users
from moorage.models.model import Model, ModelFile
from moorage.services.events import Teller
from moorage.services.steps import Done, GiveUp, Prepare, Start, Wait, next_step
from moorage.targets import Fault, Observed, Order, Place, Target
from moorage.workspace import Workspace

DEFAULT_TIMEOUT_S = 1200.0
_POLL_S = 0.01
_SLOWEST_POLL_S = 0.25
# Looking again after one percent of the time that has passed keeps the delay out of every measurement.
_POLL_SHARE = 0.01
_MOST_STARTS = 3
_SCRIPT_STAGES = frozenset({"settings", "import", "check", "init", "run", "smoke", "model"})


@dataclass(slots=True)
class Contents:
    """The workspace's store of file contents, as a target sees it."""

    workspace: Workspace
    models: tuple[Model, ...]

    def write_file(self, sha256: str, target: Path) -> None:
        """See `moorage.targets.contract.Contents`."""
        file = ModelFile(target.name, sha256, 0)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as copy, naming_users(self.workspace, file):
            self.workspace.blobs.write_to(sha256, copy)
            os.fsync(descriptor)


def converge(
    target: Target,
    place: Place,
    order: Order,
    teller: Teller,
    *,
    plan: Plan | None = None,
    contents: Contents | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> Observed:
    """Do what is to be done until ``order`` serves; return what is there then.

    ``plan`` and ``contents`` are needed unless the revision is prepared already.

    Raises:
        EntryScriptError, PortInUse, DeploymentFailed: it cannot serve.
        DeploymentTimeout: it did not within ``timeout_s``.
    """
    begun = time.monotonic()
    starts = 0
    while True:
        observed = target.observe(place)
        step = next_step(order, observed)
        match step:
            case Done():
                return observed
            case GiveUp(fault):
                raise error_of(fault, order)
            case Prepare():
                if plan is None or contents is None:
                    raise DeploymentFailed(f"the files of revision {order.revision} are gone; deploy again")
                target.prepare(place, order.revision, plan, contents)
                teller.tell("prepared", f"revision {order.revision} is in place", order.revision)
            case Start():
                starts += 1
                if starts > _MOST_STARTS:
                    raise DeploymentFailed(
                        f"the processes of {place.service} end as soon as they start; see its log"
                    )
                teller.tell("starting", f"revision {order.revision} starts", order.revision)
                target.start(place, order)
            case Wait():
                waited_s = time.monotonic() - begun
                if waited_s >= timeout_s:
                    raise DeploymentTimeout(
                        f"revision {order.revision} of {place.service} was not ready within {timeout_s:g} s; "
                        "its init() may need longer: see the log, or allow more time"
                    )
                time.sleep(min(_SLOWEST_POLL_S, max(_POLL_S, _POLL_SHARE * waited_s)))


def error_of(fault: Fault, order: Order) -> MoorageError:
    """Return the error that a fault of a revision means to whoever deployed it."""
    if fault.stage in _SCRIPT_STAGES:
        return EntryScriptError(fault.stage, fault.message, fault.traceback or None)
    if fault.stage == "listen" and order.port is not None and "in use" in fault.message:
        return PortInUse(order.port)
    said = f"\n{fault.traceback}" if fault.traceback else ""
    return DeploymentFailed(f"{fault.message}{said}")
