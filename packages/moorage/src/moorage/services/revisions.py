"""The kept revisions of a service: which there are, and going back to one."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Literal

from sqlalchemy import select, update

from moorage.errors import InvalidArgument, RevisionNotFound
from moorage.services import rows
from moorage.services.access import prepare_access, settle_access
from moorage.services.candidates import abort
from moorage.services.converging import DEFAULT_TIMEOUT_S, converge
from moorage.services.events import OnEvent
from moorage.services.locks import operation
from moorage.services.queries import get
from moorage.services.service import Row, Service
from moorage.services.work import Work, live_definition
from moorage.storage.audit import record
from moorage.storage.tables import service_revisions
from moorage.storage.tables import services as service_rows
from moorage.targets import Fault
from moorage.workspace import Workspace
from moorage_server.supervision.records import TRIAL_STAGE

RevisionState = Literal["live", "canary", "mirror", "kept", "withdrawn", "failed"]
ROLLED_BACK = "rolled-back"


@dataclass(frozen=True, slots=True)
class Revision:
    """One kept revision; ``live_at``: when it last came to serve, None if it never did. Times are aware UTC.

    ``canary`` and ``mirror``: it takes part beside the live one; ``withdrawn``: a rollback left it, or it
    lost its trial; ``failed``: it never served, or could not when it was gone back to. ``fault``: why.
    """

    number: int
    state: RevisionState
    models: tuple[str, ...]
    created_at: datetime
    created_by: str
    live_at: datetime | None
    fault: Fault | None = None


def revisions(workspace: Workspace, name: str) -> list[Revision]:
    """Return the kept revisions of a service, the newest first.

    Raises:
        ServiceNotFound: there is none of that name.
    """
    service = get(workspace, name)
    live, seen = service.revision, service.candidate
    columns = service_revisions.c
    wanted = select(service_revisions).where(columns.service_name == name).order_by(columns.number.desc())
    with workspace.database.read() as connection:
        found = connection.execute(wanted).all()
    made = []
    for row in found:
        fault = None if row.fault is None else Fault(**row.fault)
        state = _state(row.number == live, row.live_at, row.withdrawn_at, fault)
        if seen is not None and seen.revision == row.number and state == "failed":
            # The database learns of it with the next operation.
            state, fault = (seen.kind, None) if seen.is_active else (state, seen.fault or fault)
        if state == "kept" and live is not None and row.number > live and _lost_trial(service):
            state, fault = "withdrawn", service.error
        if state == "failed" and fault is None and service.state != "Transitioning":
            fault = Fault("start", "its deployment was cut short")
        made.append(
            Revision(
                number=row.number,
                state=state,
                models=tuple(row.definition.get("models", ())),
                created_at=row.created_at,
                created_by=row.created_by,
                live_at=row.live_at,
                fault=None if state == "live" else fault,
            )
        )
    return made


def rollback(
    workspace: Workspace,
    name: str,
    *,
    to: int | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_event: OnEvent | None = None,
) -> Service:
    """Let a kept revision serve again: ``to``, else the one before; no request is lost.

    While there is a canary or a mirror, that is what ends, and the revision that serves goes on.
    The files of that revision are taken as they were deployed, also of models that were deleted since.
    What is newer than it counts as withdrawn: a later rollback passes it over. A rollback that was cut short
    is finished by the same call.

    Raises:
        ServiceNotFound: there is no service of that name.
        RevisionNotFound: ``to`` is not kept, or there is nothing to go back to.
        InvalidArgument: ``to`` serves already.
        Otherwise as `deploy`; the revision that ran before still does.
    """
    with operation(workspace, name):
        _go_back(workspace, name, to, timeout_s, on_event)
    return get(workspace, name)


def _go_back(
    workspace: Workspace, name: str, to: int | None, timeout_s: float, on_event: OnEvent | None
) -> None:
    """See `rollback`; the lock is held by the caller."""
    row = rows.find(workspace, name)
    work = Work.of(workspace, name, live_definition(workspace, row).deployment_config, on_event, timeout_s)
    unfinished = _unfinished(row)
    seen = work.target.observe(work.place).candidate
    row = work.settle(row) or row
    if row.live_revision is None:
        raise RevisionNotFound(name, to, [])
    if seen is not None and seen.state != "promoted" and to in (None, row.live_revision):
        if seen.is_active:
            abort(work, row, seen)
        else:
            text = f"revision {seen.revision} was taken back already; with --to, {name} goes further back"
            work.teller.tell("restored", text, row.live_revision)
        return
    row = work.end_candidate(row, "a rollback went back further") or row
    live = row.live_revision or row.last_revision
    if to is None and unfinished is not None and unfinished == row.live_revision:
        return
    goal = to or unfinished or choose(revisions(workspace, name), live)
    known = [one.number for one in revisions(workspace, name) if one.live_at is not None]
    if goal is None or goal not in known or goal not in work.target.observe(work.place).prepared:
        raise RevisionNotFound(name, to, [number for number in known if number != row.live_revision])
    if goal == row.live_revision:
        raise InvalidArgument("to", f"revision {goal} of {name} serves already")
    lost = work.target.observe(work.place).failed.get(goal)
    if lost is not None:
        raise InvalidArgument("to", f"revision {goal} of {name} failed ({lost.message}); update it instead")
    _begin(workspace, row, goal)
    definition = rows.definition_of(workspace, name, goal)
    if definition is None:
        raise RevisionNotFound(name, goal, known)
    config = definition.deployment_config
    order = work.order(row, goal, config)
    try:
        prepare_access(workspace, name, work.target, config)
        observed = converge(work.target, work.place, order, work.teller, timeout_s=timeout_s)
    except BaseException as error:
        work.go_back(row, order, error)
        raise
    rows.went_live(workspace, name, goal, observed.host, observed.port)
    settle_access(workspace, name, work.target, config)
    work.teller.tell("live", f"{name} is back at revision {goal}", goal)


def choose(kept: Sequence[Revision], live: int) -> int | None:
    """Return the newest revision before ``live`` that served and was not given up, None if there is none."""
    before = [
        one.number
        for one in kept
        if one.number < live and one.live_at is not None and one.state not in ("withdrawn", "failed")
    ]
    return max(before, default=None)


def _unfinished(row: Row) -> int | None:
    """Return where a rollback that was cut short wanted to go."""
    is_back = row.wanted_revision is not None and row.wanted_revision < row.last_revision
    return row.wanted_revision if is_back and row.wanted_revision != row.live_revision else None


def _begin(workspace: Workspace, row: Row, goal: int) -> None:
    """Note what is wanted, and what is given up with it, in one transaction."""
    columns = service_revisions.c
    now = datetime.now(timezone.utc)
    with workspace.database.write() as connection:
        connection.execute(
            update(service_rows)
            .where(service_rows.c.name == row.name)
            .values(wanted_revision=goal, updated_at=now)
        )
        connection.execute(
            update(service_revisions)
            .where(columns.service_name == row.name, columns.number > goal, columns.withdrawn_at.is_(None))
            .values(withdrawn_at=now)
        )
        reason = Fault(ROLLED_BACK, f"{rows.user() or 'somebody'} rolled back to revision {goal}")
        connection.execute(
            update(service_revisions)
            .where(columns.service_name == row.name, columns.number == row.live_revision)
            .values(fault=asdict(reason))
        )
        record(
            connection,
            "service.rolled-back",
            f"service {row.name}",
            revision=goal,
            previous=row.live_revision,
        )


def _lost_trial(service: Service) -> bool:
    return service.error is not None and service.error.stage == TRIAL_STAGE


def _state(
    is_live: bool, live_at: datetime | None, withdrawn_at: datetime | None, fault: Fault | None
) -> RevisionState:
    if is_live:
        return "live"
    if live_at is None:
        return "failed"
    if withdrawn_at is not None:
        return "withdrawn"
    return "kept" if fault is None or fault.stage == ROLLED_BACK else "failed"
