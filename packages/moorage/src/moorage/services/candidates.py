"""A revision beside the one that serves: a canary answers a share of the requests, a mirror gets copies."""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from moorage.deployments import DeploymentConfig, InferenceConfig, LocalConfig
from moorage.deployments.plans import Plan
from moorage.errors import DeploymentFailed, DeploymentTimeout, InvalidArgument, NoCandidate, NotSupported
from moorage.services import rows
from moorage.services.access import prepare_access, settle_access
from moorage.services.converging import DEFAULT_TIMEOUT_S, Contents, converge, error_of
from moorage.services.definitions import define
from moorage.services.events import OnEvent
from moorage.services.locks import operation
from moorage.services.queries import get
from moorage.services.service import Row, Service
from moorage.services.work import Work, live_definition
from moorage.targets import Fault, Order, Place, open_target
from moorage.targets.contract import Beside, CandidateSeen, Trial
from moorage.workspace import Workspace
from moorage_server.supervision.candidate_records import DEFAULT_SLOWER, Part

DEFAULT_CANARY_FOR_S = 600.0
DEFAULT_TOLERANCE = 1e-6
STAGE = "canary"
_POLL_S = 0.05


def part_of(
    canary: int | None,
    canary_for_s: float | None,
    mirror: int | None,
    mirror_tolerance: float,
    canary_slower: float = DEFAULT_SLOWER,
) -> Part | None:
    """Return how a new revision is to take part, None if it is to take over.

    Raises:
        InvalidArgument: the values make no sense, or not together.
    """
    if canary is not None and mirror is not None:
        raise InvalidArgument("canary and mirror", "cannot be given together")
    if canary is not None:
        if isinstance(canary, bool) or not isinstance(canary, int) or not 1 <= canary <= 99:
            raise InvalidArgument("canary", "must be a whole number of percent, from 1 to 99")
        if canary_for_s is not None and not (math.isfinite(canary_for_s) and canary_for_s > 0):
            raise InvalidArgument("canary_for_s", "must be a number of seconds above 0, or None")
        if not (math.isfinite(canary_slower) and (canary_slower == 0 or canary_slower >= 1)):
            raise InvalidArgument("canary_slower", "must be a number from 1 on, or 0")
        return Part(kind="canary", share_percent=canary, for_s=canary_for_s, slower=canary_slower)
    if mirror is not None:
        if isinstance(mirror, bool) or not isinstance(mirror, int) or not 1 <= mirror <= 100:
            raise InvalidArgument("mirror", "must be a whole number of percent, from 1 to 100")
        if not (math.isfinite(mirror_tolerance) and mirror_tolerance >= 0):
            raise InvalidArgument("mirror_tolerance", "must be a number from 0 on")
        return Part(kind="mirror", share_percent=mirror, tolerance=mirror_tolerance)
    return None


def bring_beside(
    work: Work, row: Row, made: Plan, given: InferenceConfig, *, changes: Mapping[str, Any], part: Part
) -> None:
    """Make a revision of the plan and let it take part; on any failure leave things as they were."""
    name = work.place.service
    before = live_definition(work.workspace, row)
    _check(work, row, before.deployment_config, made.deployment_config, part)
    row = work.end_candidate(row, "another revision took its place") or row
    begun = rows.begin(work.workspace, name, work.target.name, define(made, work.registered(given)), changes)
    number = begun.last_revision
    order = work.order(begun, _live(row), before.deployment_config)
    later = work.order(begun, number, made.deployment_config)
    part = replace(
        part,
        trial_requests=work.trial_requests,
        max_error_share=work.max_error_share,
        drain_timeout_s=later.drain_timeout_s,
    )
    beside = Beside(number, **asdict(part))
    order = replace(order, host=row.host or order.host, port=row.port, beside=beside)
    try:
        # For when it takes over; until then, who may call is up to the one that serves.
        prepare_access(work.workspace, name, work.target, made.deployment_config)
        work.target.prepare(work.place, number, made, Contents(work.workspace, made.models))
        work.teller.tell("prepared", f"revision {number} is in place", number)
        work.target.start(work.place, order)
        work.teller.tell("starting", f"revision {number} starts beside revision {row.live_revision}", number)
        _await_serving(work, number)
    except BaseException as error:
        work.go_back(row, replace(order, revision=number), error)
        raise
    details = {"revision": number, "beside": row.live_revision, "percent": part.share_percent}
    rows.note(work.workspace, name, part.kind, **details)
    what = "answers" if part.kind == "canary" else "gets copies of"
    text = f"revision {number} {what} {part.share_percent} percent of the requests"
    work.teller.tell(part.kind, text, number)


def promote(
    workspace: Workspace,
    name: str,
    *,
    trial_requests: int = 100,
    max_error_share: float = 0.5,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_event: OnEvent | None = None,
) -> Service:
    """Let the canary or the mirror of a service take over; no request is lost.

    It is on trial then as after an update. One that took over by itself in the meantime is left so; a
    promotion that was cut short is finished by the same call.

    Raises:
        ServiceNotFound: there is no service of that name.
        NoCandidate: it has neither a canary nor a mirror; the message says what became of the last one.
        Otherwise as `deploy`; the revision that ran before still does.
    """
    with operation(workspace, name):
        row = rows.find(workspace, name)
        work = Work.of(
            workspace, name, live_definition(workspace, row).deployment_config, on_event, timeout_s
        )
        before = row
        row = work.settle(row) or row
        if (
            before.wanted_revision in (before.live_revision, None)
            or row.live_revision == before.live_revision
        ):
            _take_over(work, row, trial_requests, max_error_share)
    return get(workspace, name)


def _take_over(work: Work, row: Row, trial_requests: int, max_error_share: float) -> None:
    """Let the candidate be what is wanted; on any failure leave things as they were."""
    workspace, name, revision = work.workspace, row.name, row.wanted_revision
    observed = work.target.observe(work.place)
    seen = observed.candidate
    is_candidate = seen is not None and seen.is_active and seen.revision == revision
    # Ordered, but not there yet: a promotion was cut short.
    is_begun = seen is None and observed.ordered == revision != row.live_revision
    if revision is None or not (is_candidate or is_begun):
        raise NoCandidate(name, None if seen is None or seen.fault is None else seen.fault.message)
    definition = rows.definition_of(workspace, name, revision)
    if definition is None:
        raise DeploymentFailed(f"what revision {revision} of {name} was made of is not known")
    config = definition.deployment_config
    order = work.order(row, revision, config)
    if trial_requests and row.live_revision is not None:
        order = replace(order, trial=Trial(trial_requests, max_error_share, row.live_revision))
    rows.note(workspace, name, "promoted", revision=revision, previous=row.live_revision)
    try:
        prepare_access(workspace, name, work.target, config)
        observed = converge(work.target, work.place, order, work.teller, timeout_s=work.timeout_s)
    except BaseException as error:
        work.go_back(row, order, error)
        raise
    rows.went_live(workspace, name, revision, observed.host, observed.port)
    settle_access(workspace, name, work.target, config)
    work.teller.tell("live", f"revision {revision} of {name} has taken over", revision)
    work.prune(revision)


def abort(work: Work, row: Row, candidate: CandidateSeen) -> None:
    """End the canary or mirror of a service; what serves goes on alone."""
    text = f"{candidate.kind} was ended by {rows.user() or 'somebody'}"
    work.end_candidate(row, text)
    work.restore(row)
    rows.note(
        work.workspace, row.name, "rolled-back", revision=row.live_revision, previous=candidate.revision
    )
    work.teller.tell("restored", f"revision {row.live_revision} of {row.name} serves alone again")


def mirror_findings(workspace: Workspace, name: str) -> dict[str, Any]:
    """Return what the mirror of a service has found: counts, and a sample of pairs that differ.

    Keys: ``generation`` (the revision), ``beside``, ``state``, ``sent``, ``dropped``, ``same``,
    ``different``, ``failed``, ``notCompared``, ``reasons`` (where answers differ, to how often), ``pairs``.

    Raises:
        ServiceNotFound: there is no service of that name.
        NoCandidate: it has no mirror, and had none beside the revision that serves.
    """
    service = get(workspace, name)
    seen = service.candidate
    if service.revision is None:
        raise NoCandidate(name, None, kind="mirror")
    target = open_target(service.target)
    found = target.findings(Place(workspace.path, workspace.name, name), service.revision)
    is_on = seen is not None and seen.kind == "mirror" and seen.is_active
    if is_on and seen is not None and (found is None or found.get("generation") != seen.revision):
        counts = {"sent": 0, "dropped": 0, "same": 0, "different": 0, "failed": 0, "notCompared": 0}
        found = {"generation": seen.revision, **counts, "reasons": {}, "pairs": []}
    if found is None:
        raise NoCandidate(name, None, kind="mirror")
    return {**found, "beside": service.revision, "state": "serving" if is_on else "ended"}


def _check(work: Work, row: Row, before: DeploymentConfig, after: DeploymentConfig, part: Part) -> None:
    """Refuse what cannot be done beside a revision that serves."""
    if not isinstance(before, LocalConfig) or not isinstance(after, LocalConfig):
        raise NotSupported(f"a {part.kind} needs a service of compute type local")
    observed = work.target.observe(work.place)
    if row.live_revision is None or observed.live != row.live_revision or observed.live not in observed.ready:
        raise InvalidArgument(part.kind, f"needs a revision of {row.name} that serves; start it first")
    if after.host != before.host or after.port not in (None, before.port, row.port):
        raise InvalidArgument(
            part.kind, "cannot come with another address: the share is of the requests to the present one"
        )


def _live(row: Row) -> int:
    assert row.live_revision is not None, "checked before"
    return row.live_revision


def _await_serving(work: Work, number: int) -> None:
    deadline = time.monotonic() + work.timeout_s
    while True:
        observed = work.target.observe(work.place)
        seen = observed.candidate
        if seen is not None and seen.revision == number:
            if seen.state in ("serving", "promoted"):
                return
            if seen.state == "rejected":
                raise error_of(seen.fault or Fault("start", "it gave no reason"), Order(number))
        elif observed.is_supervised and seen is None:
            raise DeploymentFailed(f"somebody else changes what runs for {work.place.service}")
        if time.monotonic() >= deadline:
            raise DeploymentTimeout(
                f"revision {number} of {work.place.service} was not ready within {work.timeout_s:g} s; "
                "its init() may need longer: see the log, or allow more time"
            )
        time.sleep(_POLL_S)
