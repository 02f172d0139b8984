"""Deploy, update and reload: plan, revision, smoke run, live; or back to what was before."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from moorage import environments
from moorage.deployments import DeploymentConfig, InferenceConfig, LocalConfig
from moorage.deployments.planning import check_service_name, plan
from moorage.deployments.plans import Plan
from moorage.errors import (
    DeploymentFailed,
    InvalidArgument,
    InvalidName,
    MoorageError,
    NotSupported,
    PropertyExists,
    ServiceExists,
    ServiceNotFound,
)
from moorage.models import Model
from moorage.models.model import checked_labels, checked_text
from moorage.services import rows
from moorage.services.access import prepare_access, settle_access
from moorage.services.converging import DEFAULT_TIMEOUT_S, Contents, converge
from moorage.services.definitions import Definition, define
from moorage.services.events import OnEvent, Teller
from moorage.services.locks import operation
from moorage.services.queries import get
from moorage.services.service import Row, Service
from moorage.targets import Fault, Order, Place, Target, open_target
from moorage.workspace import Workspace
from moorage_server.settings import DEFAULT_SCORING_TIMEOUT_MS

KEPT_REVISIONS = 5
_SHORTEST_DRAIN_S = 60.0
_LONGEST_DRAIN_S = 3600.0


def deploy(
    workspace: Workspace,
    name: str,
    models: Sequence[Model | str],
    inference_config: InferenceConfig | None = None,
    deployment_config: DeploymentConfig | None = None,
    *,
    overwrite: bool = False,
    tags: Mapping[str, object] | None = None,
    properties: Mapping[str, object] | None = None,
    description: str | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_event: OnEvent | None = None,
) -> Service:
    """Make a service, or with ``overwrite`` a new revision of one; return when it answers requests.

    A deployment that was cut short is finished by the same call.

    Raises:
        PlanRejected, InvalidName, ModelNotFound, ...: it cannot work; nothing was changed.
        ServiceExists: there is a service of that name and ``overwrite`` is False.
        OperationInProgress: another operation on it runs.
        EntryScriptError: the script failed; a service that ran before still does.
        DeploymentFailed, DeploymentTimeout, PortInUse: the target could not bring it up; as before.
    """
    changes = _changes(tags or {}, properties or {}, description)
    config = deployment_config or LocalConfig()
    check_service_name(name)
    with operation(workspace, name):
        row = rows.find_or_none(workspace, name)
        if row is not None and row.live_revision is not None and not overwrite:
            raise ServiceExists(name)
        work = _Work.of(workspace, name, config, on_event, timeout_s)
        row = work.settle(row)
        if row is None:
            # A folder without a row is what a deletion left that was cut short.
            work.target.destroy(work.place)
        made = work.plan(row, models, inference_config, config)
        work.bring_live(row, made, inference_config or _unreachable(), changes)
    return get(workspace, name)


def make_plan(
    workspace: Workspace,
    name: str,
    models: Sequence[Model | str],
    inference_config: InferenceConfig | None = None,
    deployment_config: DeploymentConfig | None = None,
) -> Plan:
    """Return what `deploy` would do, and what is wrong with it; a service of that name may keep its port."""
    config = deployment_config or LocalConfig()
    own_port = None
    with suppress(ServiceNotFound, NotSupported, InvalidName):
        rows.find(workspace, check_service_name(name))
        place = Place(workspace.path, workspace.name, name)
        own_port = open_target(config.compute_type).observe(place).port
    return plan(workspace, name, models, inference_config, config, own_port=own_port)


def update(
    workspace: Workspace,
    name: str,
    *,
    models: Sequence[Model | str] | None = None,
    inference_config: InferenceConfig | None = None,
    deployment_config: DeploymentConfig | None = None,
    tags: Mapping[str, object] | None = None,
    add_tags: Mapping[str, object] | None = None,
    remove_tags: Sequence[str] = (),
    properties: Mapping[str, object] | None = None,
    description: str | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_event: OnEvent | None = None,
) -> Service:
    """Change what is given and keep the rest; no request is lost.

    ``tags`` replaces all tags, then ``remove_tags``, then ``add_tags``; ``properties`` are added. Only these
    and the description: nothing is restarted. Nothing at all: a new revision of the same things.

    Raises:
        ServiceNotFound: there is no service of that name.
        PropertyExists: properties are set once.
        Otherwise as `deploy`; the revision that ran before still does.
    """
    with operation(workspace, name):
        row = rows.find(workspace, name)
        changes = _label_changes(
            row,
            tags=tags,
            add_tags=add_tags,
            remove_tags=remove_tags,
            properties=properties,
            description=description,
        )
        if changes and models is None and inference_config is None and deployment_config is None:
            rows.change(workspace, name, **changes)
        else:
            work = _Work.of(
                workspace, name, _definition(workspace, row).deployment_config, on_event, timeout_s
            )
            row = work.settle(row) or row
            definition = _definition(workspace, row)
            config = deployment_config or definition.deployment_config
            given = inference_config or definition.inference_config
            files = inference_config or work.kept_files(row, definition) or given
            made = work.plan(row, definition.models if models is None else models, files, config)
            work.bring_live(row, made, given, changes)
    return get(workspace, name)


def reload(
    workspace: Workspace,
    name: str,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_event: OnEvent | None = None,
) -> Service:
    """Make a revision with fresh copies of the script and its folder; bring a stopped service back.

    Where the user's files are gone, those of the last revision are taken.

    Raises:
        ServiceNotFound: there is no service of that name.
        Otherwise as `deploy`.
    """
    with operation(workspace, name):
        row = rows.find(workspace, name)
        work = _Work.of(workspace, name, _definition(workspace, row).deployment_config, on_event, timeout_s)
        row = work.settle(row) or row
        definition = _definition(workspace, row)
        given = definition.inference_config
        files: InferenceConfig = given
        if not given.entry_path.is_file():
            files = work.kept_files(row, definition) or given
            if files is not given:
                work.teller.tell("warning", f"{given.entry_path} is gone; the deployed copy is used")
        work.bring_live(
            row, work.plan(row, definition.models, files, definition.deployment_config), given, {}
        )
    return get(workspace, name)


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
        row = rows.find(workspace, name)
        if row.live_revision is None:
            raise InvalidArgument("name", f"service {name!r} has never served; deploy it again")
        definition = _definition(workspace, row)
        work = _Work.of(workspace, name, definition.deployment_config, on_event, timeout_s)
        order = work.order(row, row.live_revision, definition.deployment_config)
        prepare_access(workspace, name, work.target, definition.deployment_config)
        if row.live_revision in work.target.observe(work.place).failed:
            work.target.stop(work.place)
        observed = converge(work.target, work.place, order, work.teller, timeout_s=timeout_s)
        rows.went_live(workspace, name, order.revision, observed.host, observed.port)
        work.teller.tell("live", f"{name} answers again", order.revision)
    return get(workspace, name)


@dataclass(frozen=True, slots=True)
class _Work:
    """One operation that makes a revision; the lock is held by the caller."""

    workspace: Workspace
    place: Place
    target: Target
    teller: Teller
    timeout_s: float

    @classmethod
    def of(
        cls,
        workspace: Workspace,
        name: str,
        config: DeploymentConfig,
        on_event: OnEvent | None,
        timeout_s: float,
    ) -> "_Work":
        place = Place(workspace.path, workspace.name, name)
        return cls(workspace, place, open_target(config.compute_type), Teller(name, on_event), timeout_s)

    def settle(self, row: Row | None) -> Row | None:
        """Note what an operation that was cut short has reached after all; return the row as it is then."""
        if row is None or row.wanted_revision is None or row.wanted_revision == row.live_revision:
            return row
        observed = self.target.observe(self.place)
        if observed.live != row.wanted_revision or observed.live not in observed.ready:
            return row
        rows.went_live(self.workspace, row.name, row.wanted_revision, observed.host, observed.port)
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
        made = plan(
            self.workspace,
            self.place.service,
            models,
            inference_config,
            config,
            own_port=observed.port if observed else None,
        )
        for problem in made.warnings:
            self.teller.tell("warning", str(problem))
        made.check()
        self.teller.tell("planned", f"{self.place.service} can be deployed")
        return made

    def bring_live(
        self, row: Row | None, made: Plan, given: InferenceConfig, changes: Mapping[str, Any]
    ) -> None:
        """Make a revision of the plan and let it take over; on any failure leave things as they were."""
        name = self.place.service
        given = self._with_registered_environment(given)
        begun = rows.begin(self.workspace, name, self.target.name, define(made, given), changes)
        order = self.order(begun, begun.last_revision, made.deployment_config)
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
            self._go_back(row, order, error)
            raise
        rows.went_live(self.workspace, name, order.revision, observed.host, observed.port)
        settle_access(self.workspace, name, self.target, made.deployment_config)
        uri = self.target.scoring_uri(self.place, observed)
        self.teller.tell("live", f"{name} answers at {uri}", order.revision)
        self._prune(order.revision)

    def _with_registered_environment(self, given: InferenceConfig) -> InferenceConfig:
        """Keep an environment that came with the configuration under its name, as the old platform did."""
        if given.environment is None:
            return given
        with suppress(InvalidName):  # the name of a curated one: theirs to version
            return replace(given, environment=environments.register(self.workspace, given.environment))
        return given

    def order(self, row: Row, revision: int, config: DeploymentConfig) -> Order:
        if not isinstance(config, LocalConfig):
            return Order(revision)
        # A service keeps the address that its clients know, unless another one is asked for.
        kept = row.port if config.port is None and row.host == config.host else config.port
        timeout_ms = (
            DEFAULT_SCORING_TIMEOUT_MS if config.scoring_timeout_ms is None else config.scoring_timeout_ms
        )
        # A request that the old revision has begun may take as long as any request; 0 is no limit.
        drain_s = _LONGEST_DRAIN_S if timeout_ms == 0 else timeout_ms / 1000 + _SHORTEST_DRAIN_S
        return Order(revision, config.host, kept, min(drain_s, _LONGEST_DRAIN_S))

    def _go_back(self, row: Row | None, order: Order, error: BaseException) -> None:
        name = self.place.service
        self.teller.tell("failed", _first_line(error), order.revision)
        if row is not None and row.live_revision is not None:
            # What served before was never stopped; it only has to be what is wanted again.
            definition = rows.definition_of(self.workspace, name, row.live_revision)
            config = definition.deployment_config if definition else LocalConfig()
            back = replace(
                self.order(row, row.live_revision, config), host=row.host or order.host, port=row.port
            )
            if self.target.observe(self.place).ordered not in (None, row.live_revision):
                self.target.start(self.place, back)
            text = f"revision {row.live_revision} of {name} was left alone and is what is wanted"
            self.teller.tell("restored", text, row.live_revision)
        else:
            self.target.stop(self.place)
        rows.went_back(self.workspace, name, _fault(error))

    def _prune(self, live: int) -> None:
        name = self.place.service
        numbers = rows.revisions_of(self.workspace, name)
        observed = self.target.observe(self.place)
        in_use = observed.ready | observed.starting | {live}
        old = [n for n in sorted({*numbers, *observed.prepared})[:-KEPT_REVISIONS] if n not in in_use]
        for number in old:
            self.target.retire(self.place, number)
        if old:
            rows.forget_revisions(self.workspace, name, old)


def _definition(workspace: Workspace, row: Row) -> Definition:
    definition = rows.definition_of(workspace, row.name, row.revision)
    if definition is None:
        text = f"what {row.name} was made of is not known any more; deploy it again with --overwrite"
        raise DeploymentFailed(text)
    return definition


def _changes(
    tags: Mapping[str, object], properties: Mapping[str, object], description: str | None
) -> dict[str, Any]:
    return {
        "tags": checked_labels("tags", tags),
        "properties": checked_labels("properties", properties),
        "description": checked_text("description", description),
    }


def _label_changes(
    row: Row,
    *,
    tags: Mapping[str, object] | None,
    add_tags: Mapping[str, object] | None,
    remove_tags: Sequence[str],
    properties: Mapping[str, object] | None,
    description: str | None,
) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if tags is not None or add_tags or remove_tags:
        kept = dict(row.tags) if tags is None else checked_labels("tags", tags)
        for key in remove_tags:
            kept.pop(key, None)
        changes["tags"] = kept | checked_labels("tags", add_tags)
    if properties is not None:
        new = checked_labels("properties", properties)
        for key, value in new.items():
            if row.properties.get(key, value) != value:
                raise PropertyExists(
                    f"property {key!r} of service {row.name} is set already and cannot be changed"
                )
        changes["properties"] = {**row.properties, **new}
    if description is not None:
        changes["description"] = checked_text("description", description)
    return changes


def _fault(error: BaseException) -> Fault | None:
    if not isinstance(error, MoorageError):
        return Fault("start", "the deployment was interrupted; run the same command again")
    stage = getattr(error, "stage", "start")
    message = getattr(error, "message", None) or str(error)
    return Fault(stage, message, getattr(error, "traceback", None) or "")


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]


def _unreachable() -> InferenceConfig:
    raise AssertionError("a plan without an inference configuration is rejected")
