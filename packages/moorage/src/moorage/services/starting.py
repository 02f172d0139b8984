"""Starting and stopping the processes of services, and bringing all of them back after a restart."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from moorage.errors import InvalidArgument, MoorageError
from moorage.services import rows
from moorage.services.access import prepare_access
from moorage.services.converging import DEFAULT_TIMEOUT_S, converge
from moorage.services.events import OnEvent, Teller
from moorage.services.locks import operation, operation_in
from moorage.services.queries import get
from moorage.services.service import Service
from moorage.services.work import Work, live_definition
from moorage.targets import Fault, Place, open_target
from moorage.targets.local import LocalTarget
from moorage.workspace import Workspace


def start(
    workspace: Workspace,
    name: str,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_event: OnEvent | None = None,
) -> Service:
    """Start the processes of a service again, with the revision that served last.

    Raises:
        ServiceNotFound: there is no service of that name, or it never served.
        Otherwise as `deploy`.
    """
    with operation(workspace, name):
        _start(workspace, name, timeout_s, on_event)
    return get(workspace, name)


def _start(workspace: Workspace, name: str, timeout_s: float, on_event: OnEvent | None) -> None:
    """See `start`; the lock is held by the caller."""
    row = rows.find(workspace, name)
    if row.live_revision is None:
        raise InvalidArgument("name", f"service {name!r} has never served; deploy it again")
    definition = live_definition(workspace, row)
    work = Work.of(workspace, name, definition.deployment_config, on_event, timeout_s)
    row = work.settle(row) or row
    if row.live_revision is None:
        raise InvalidArgument("name", f"service {name!r} has never served; deploy it again")
    observed = work.target.observe(work.place)
    if observed.candidate is not None and observed.live in observed.ready:
        return  # nothing is to be started, and a canary goes on
    order = work.order(row, row.live_revision, definition.deployment_config)
    prepare_access(workspace, name, work.target, definition.deployment_config)
    if row.live_revision in work.target.observe(work.place).failed:
        work.target.stop(work.place)
    observed = converge(work.target, work.place, order, work.teller, timeout_s=timeout_s)
    rows.went_live(workspace, name, order.revision, observed.host, observed.port)
    work.teller.tell("live", f"{name} answers again", order.revision)


def stop(workspace: Workspace, name: str, *, on_event: OnEvent | None = None) -> Service:
    """Finish the requests of a service and let nothing of it run until `start`, whatever restarts.

    Raises:
        ServiceNotFound: there is no service of that name.
        OperationInProgress: another operation on it runs.
    """
    with operation(workspace, name):
        row = rows.find(workspace, name)
        target, place = open_target(row.target), Place(workspace.path, workspace.name, name)
        seen = target.observe(place).candidate
        target.stop(place)
        if seen is not None and seen.is_active and seen.revision == row.wanted_revision:
            rows.went_back(workspace, name, Fault(seen.kind, "the service was stopped"))
        rows.note(workspace, name, "stopped")
        Teller(name, on_event).tell(
            "stopped", f"{name} has stopped; start it with: moor service start -n {name}"
        )
    return get(workspace, name)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one service: ``text`` is a word (as it was, started, stopped), ``problem`` why not."""

    workspace: str
    service: str
    text: str
    problem: str | None = None


def up(
    home: Path | str | None = None,
    *,
    workspace_name: str | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Bring every service of this machine back that should run; return when all answer or failed.

    Works from the services' own folders: no database has to be reachable. What runs is left alone, what was
    stopped stays so.
    """
    target = LocalTarget()
    outcomes, waiting = [], []
    for place in _places(home, workspace_name):
        outcome = _wake(target, place)
        if outcome is None:
            waiting.append(place)
        else:
            on_outcome(outcome)
            outcomes.append(outcome)
    # All of them start at the same time; each is waited for in turn.
    deadline = time.monotonic() + timeout_s
    for place in waiting:
        outcome = Outcome(
            place.workspace_name, place.service, "started", _await_live(target, place, deadline)
        )
        on_outcome(outcome)
        outcomes.append(outcome)
    _note(home, outcomes, "started", "brought-back")
    return outcomes


def down(
    home: Path | str | None = None,
    *,
    workspace_name: str | None = None,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Finish the requests of all services of this machine and end their processes; `up` brings them back."""
    target = LocalTarget()
    outcomes = []
    for place in _places(home, workspace_name):
        if not target.observe(place).is_supervised:
            continue
        problem = None
        try:
            with operation_in(place):
                target.rest(place)
        except MoorageError as error:
            problem = str(error)
        outcomes.append(Outcome(place.workspace_name, place.service, "stopped", problem))
        on_outcome(outcomes[-1])
    _note(home, outcomes, "stopped", "taken-down")
    return outcomes


def _note(home: Path | str | None, outcomes: Sequence[Outcome], text: str, verb: str) -> None:
    """Write into the audit logs what was done. Services have to come back also where no database answers."""
    done = [outcome for outcome in outcomes if outcome.text == text and outcome.problem is None]
    for name, ours in groupby(done, key=lambda outcome: outcome.workspace):
        with suppress(MoorageError, SQLAlchemyError), Workspace.open(name, home=home) as workspace:
            for outcome in ours if workspace.has_database else ():
                rows.note(workspace, outcome.service, verb)


def _places(home: Path | str | None, workspace_name: str | None) -> list[Place]:
    chosen = (
        Workspace.list_all(home) if workspace_name is None else [Workspace.open(workspace_name, home=home)]
    )
    found = []
    for workspace in chosen:
        folder = workspace.path / "services"
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        # A name that starts with a dot is work in progress, or the folder of locks.
        found += [Place(workspace.path, workspace.name, name) for name in names if name[0] != "."]
    return found


def _wake(target: LocalTarget, place: Place) -> Outcome | None:
    """Start what should run and does not; None if that now has to be waited for."""
    try:
        if not target.observe(place).is_ordered_to_run:
            return Outcome(place.workspace_name, place.service, "left stopped")
        if target.observe(place).is_supervised:
            return Outcome(place.workspace_name, place.service, "runs")
        with operation_in(place):
            target.wake(place)
    except MoorageError as error:
        return Outcome(place.workspace_name, place.service, "not started", str(error))
    return None


def _await_live(target: LocalTarget, place: Place, deadline: float) -> str | None:
    """Wait until a service answers; return why it does not, None if it does."""
    while True:
        observed = target.observe(place)
        if observed.live is not None and observed.live in observed.ready:
            return None
        if observed.ordered is not None and observed.ordered in observed.failed and observed.live is None:
            return observed.failed[observed.ordered].message
        if time.monotonic() >= deadline:
            return f"it was not ready in time; see: moor service logs -n {place.service}"
        time.sleep(0.05)
