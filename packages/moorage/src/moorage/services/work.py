"""What operations that bring a revision to life have in common."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from moorage import environments
from moorage.deployments import ContainerConfig, DeploymentConfig, InferenceConfig, LocalConfig
from moorage.deployments.planning import plan
from moorage.deployments.plans import Plan
from moorage.errors import DeploymentFailed, InvalidName, MoorageError
from moorage.models import Model
from moorage.services import rows
from moorage.services.access import prepare_access, settle_access
from moorage.services.addresses import public_address
from moorage.services.converging import Contents, converge
from moorage.services.definitions import Definition, define
from moorage.services.events import OnEvent, Teller
from moorage.services.retention import kept_revisions
from moorage.services.service import Row
from moorage.targets import Fault, Order, Place, Target, open_target
from moorage.targets.contract import Trial
from moorage.workspace import Workspace
from moorage_server.settings import DEFAULT_SCORING_TIMEOUT_MS

_SHORTEST_DRAIN_S = 60.0
_LONGEST_DRAIN_S = 3600.0


@dataclass(frozen=True, slots=True)
class Work:
    """One operation that makes a revision; the lock is held by the caller."""

    workspace: Workspace
    place: Place
    target: Target
    teller: Teller
    timeout_s: float
    trial_requests: int = 0
    max_error_share: float = 1.0

    @classmethod
    def of(
        cls,
        workspace: Workspace,
        name: str,
        config: DeploymentConfig,
        on_event: OnEvent | None,
        timeout_s: float,
    ) -> "Work":
        place = Place(workspace.path, workspace.name, name)
        return cls(workspace, place, open_target(config.compute_type), Teller(name, on_event), timeout_s)

    def settle(self, row: Row | None) -> Row | None:
        """Note what was reached without the database: by an operation that was cut short, or by a lost trial.

        Return the row as it is then.
        """
        if row is None or row.wanted_revision is None:
            return row
        observed = self.target.observe(self.place)
        if observed.live is None or observed.live not in observed.ready:
            return row
        if row.live_revision not in (None, row.wanted_revision) and observed.live == row.live_revision:
            seen, fault = observed.candidate, observed.failed.get(row.wanted_revision or 0)
            if fault is None and seen is not None and seen.revision == row.wanted_revision:
                fault = seen.fault
            if fault is None:
                return row
            rows.went_back(self.workspace, row.name, fault)
            return rows.find(self.workspace, row.name)
        is_cut_short = row.wanted_revision != row.live_revision and observed.live == row.wanted_revision
        lost = observed.failed.get(row.live_revision) if row.live_revision is not None else None
        if lost is not None and observed.live != row.live_revision and row.live_revision is not None:
            rows.fell_back(self.workspace, row.name, row.live_revision, observed.live, lost)
        elif is_cut_short:
            rows.went_live(self.workspace, row.name, row.wanted_revision, observed.host, observed.port)
        else:
            return row
        return rows.find(self.workspace, row.name)

    def kept_files(self, row: Row, definition: Definition) -> InferenceConfig | None:
        """Return the configuration with the files of the last good revision, None if they are gone."""
        app = None if row.revision is None else self.target.snapshot(self.place, row.revision)
        return None if app is None else definition.with_files_of(app)

    def plan(
        self,
        row: Row | None,
        models: Sequence[Model | str],
        inference_config: InferenceConfig | None,
        config: DeploymentConfig,
    ) -> Plan:
        observed = self.target.observe(self.place) if row else None
        own_port = observed.port if observed else None
        made = planned(
            lambda: plan(
                self.workspace, self.place.service, models, inference_config, config, own_port=own_port
            ),
            self.teller,
        )
        for problem in made.warnings:
            self.teller.tell("warning", str(problem))
        made.check()
        self.target.build(made, lambda line: self.teller.tell("building", line))
        self.teller.tell("planned", f"{self.place.service} can be deployed")
        return made

    def bring_live(
        self, row: Row | None, made: Plan, given: InferenceConfig, changes: Mapping[str, Any]
    ) -> None:
        """Make a revision of the plan and let it take over; on any failure leave things as they were."""
        name = self.place.service
        row = self.end_candidate(row, "another revision took its place")
        given = self.registered(given)
        begun = rows.begin(self.workspace, name, self.target.name, define(made, given), changes)
        order = self.order(begun, begun.last_revision, made.deployment_config)
        if self.trial_requests and begun.live_revision is not None:
            trial = Trial(self.trial_requests, self.max_error_share, begun.live_revision)
            order = replace(order, trial=trial)
        try:
            prepare_access(self.workspace, name, self.target, made.deployment_config)
            observed = converge(
                self.target,
                self.place,
                order,
                self.teller,
                plan=made,
                contents=Contents(self.workspace, made.models),
                timeout_s=self.timeout_s,
            )
        except BaseException as error:
            self.go_back(row, order, error)
            raise
        rows.went_live(self.workspace, name, order.revision, observed.host, observed.port)
        settle_access(self.workspace, name, self.target, made.deployment_config)
        uri = public_address(self.target.scoring_uri(self.place, observed), made.deployment_config)
        self.teller.tell("live", f"{name} answers at {uri}", order.revision)
        self.prune(order.revision)

    def registered(self, given: InferenceConfig) -> InferenceConfig:
        """Keep an environment that came with the configuration under its name, as the old platform did."""
        if given.environment is None:
            return given
        with suppress(InvalidName):  # the name of a curated one: theirs to version
            return replace(given, environment=environments.register(self.workspace, given.environment))
        return given

    def order(self, row: Row, revision: int, config: DeploymentConfig) -> Order:
        if not isinstance(config, LocalConfig | ContainerConfig):
            return Order(revision)
        # A service keeps the address that its clients know, unless another one is asked for.
        kept = row.port if config.port is None and row.host == config.host else config.port
        timeout_ms = (
            DEFAULT_SCORING_TIMEOUT_MS if config.scoring_timeout_ms is None else config.scoring_timeout_ms
        )
        # A request that the old revision has begun may take as long as any request; 0 is no limit.
        drain_s = _LONGEST_DRAIN_S if timeout_ms == 0 else timeout_ms / 1000 + _SHORTEST_DRAIN_S
        return Order(revision, config.host, kept, min(drain_s, _LONGEST_DRAIN_S))

    def go_back(self, row: Row | None, order: Order, error: BaseException) -> None:
        """After a failure, let what served before serve on, or nothing run at all."""
        name = self.place.service
        self.teller.tell("failed", _first_line(error), order.revision)
        if row is not None and row.live_revision is not None:
            # What served before was never stopped; it only has to be what is wanted again.
            observed = self.target.observe(self.place)
            if observed.candidate is not None or observed.ordered not in (None, row.live_revision):
                self.restore(row)
            text = f"revision {row.live_revision} of {name} was left alone and is what is wanted"
            self.teller.tell("restored", text, row.live_revision)
        else:
            self.target.stop(self.place)
        rows.went_back(self.workspace, name, _fault(error))

    def restore(self, row: Row) -> None:
        """Let the revision that served last be what is wanted, alone."""
        if row.live_revision is None:
            return
        definition = rows.definition_of(self.workspace, row.name, row.live_revision)
        order = self.order(
            row, row.live_revision, definition.deployment_config if definition else LocalConfig()
        )
        self.target.start(self.place, replace(order, host=row.host or order.host, port=row.port))

    def end_candidate(self, row: Row | None, reason: str) -> Row | None:
        """Note that a canary or mirror, if there is one, has ended; the caller's next order ends it."""
        seen = None if row is None else self.target.observe(self.place).candidate
        if row is None or seen is None or not seen.is_active or seen.revision != row.wanted_revision:
            return row
        rows.went_back(self.workspace, row.name, Fault(seen.kind, reason))
        return rows.find(self.workspace, row.name)

    def prune(self, live: int) -> None:
        name = self.place.service
        served, others, withdrawn = rows.revisions_of(self.workspace, name)
        observed = self.target.observe(self.place)
        in_use = observed.ready | observed.starting | kept_revisions(served, withdrawn, live)
        # What failed is of use until the next one works, for looking at.
        old = sorted({*served, *others, *observed.prepared} - in_use)
        for number in old:
            self.target.retire(self.place, number)
        if old:
            rows.forget_revisions(self.workspace, name, old)


def planned(make: Callable[[], Plan], teller: Teller) -> Plan:
    """Return a plan whose environment is built. With errors, nothing is built.

    Raises:
        RequirementsUnsolvable, EnvironmentBuildFailed, StorageFull: the environment cannot be made.
    """
    made = make()
    if made.environment is None or made.environment.is_built or made.errors:
        return made
    from moorage.deployments.own_environment import build_own

    build_own(made.environment, lambda line: teller.tell("building", line))
    return make()


def live_definition(workspace: Workspace, row: Row) -> Definition:
    definition = rows.definition_of(workspace, row.name, row.revision)
    if definition is None:
        text = f"what {row.name} was made of is not known any more; deploy it again with --overwrite"
        raise DeploymentFailed(text)
    return definition


def _fault(error: BaseException) -> Fault | None:
    if not isinstance(error, MoorageError):
        return Fault("start", "the deployment was interrupted; run the same command again")
    stage = getattr(error, "stage", "start")
    message = getattr(error, "message", None) or str(error)
    return Fault(stage, message, getattr(error, "traceback", None) or "")


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
