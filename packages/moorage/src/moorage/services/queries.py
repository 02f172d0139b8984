"""Looking at services: from the database what they should be, from their targets what they are."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from moorage.deployments import ContainerConfig, LocalConfig
from moorage.deployments.resources import resources_of
from moorage.errors import InvalidArgument, NotSupported
from moorage.models import ResourceConfiguration
from moorage.services import rows
from moorage.services.addresses import public_address
from moorage.services.definitions import Definition
from moorage.services.locks import is_busy
from moorage.services.served import served_properties
from moorage.services.service import COMPUTE_TYPES, Row, Service, state_of
from moorage.targets import Observed, Place, open_target
from moorage.targets.contract import LogKind
from moorage.workspace import Workspace

LabelFilter = str | tuple[str, str]
"""``"key"``, ``"key=value"``, or ``(key, value)``."""


def get(workspace: Workspace, name: str) -> Service:
    """Return a service as it is now.

    Raises:
        ServiceNotFound: there is none of that name.
    """
    row = rows.find(workspace, name)
    return _service(workspace, row, rows.definitions_of(workspace, name))


def list_services(
    workspace: Workspace,
    *,
    compute_type: str | None = None,
    model_name: str | None = None,
    model_id: str | None = None,
    tags: Sequence[LabelFilter] = (),
    properties: Sequence[LabelFilter] = (),
) -> list[Service]:
    """Return the services that pass all filters, by name, as they are now.

    A tag or property filter is a key that must be there, or a key and its value.
    """
    found = []
    for row, definitions in rows.find_all(workspace):
        if not all(_has(row.tags, wanted) for wanted in tags):
            continue
        if not all(_has(row.properties, wanted) for wanted in properties):
            continue
        service = _service(workspace, row, definitions)
        if compute_type is not None and service.compute_type.lower() != compute_type.lower():
            continue
        if model_id is not None and model_id not in service.models:
            continue
        if model_name is not None and model_name not in {m.partition(":")[0] for m in service.models}:
            continue
        found.append(service)
    return found


def get_logs(workspace: Workspace, name: str, num_lines: int = 5000, *, kind: LogKind = "service") -> str:
    """Return the last lines that the service printed, '' if it never did.

    Raises:
        ServiceNotFound: there is none of that name.
        InvalidArgument: ``num_lines`` is negative.
    """
    if num_lines < 0:
        raise InvalidArgument("num_lines", "cannot be negative")
    row = rows.find(workspace, name)
    return open_target(row.target).logs(_place(workspace, name), num_lines, kind)


def models_in_use(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """Return the ids of all models that services use, each with the names of those services."""
    return rows.models_in_use(workspace)


def _service(workspace: Workspace, row: Row, definitions: Mapping[int, Definition]) -> Service:
    busy = is_busy(workspace, row.name)
    place = _place(workspace, row.name)
    observed = Observed()
    scoring_uri = None
    target = None
    with suppress(NotSupported):
        target = open_target(row.target)
        observed = target.observe(place)
        if observed.is_supervised and observed.port is not None:
            scoring_uri = target.scoring_uri(place, observed)
        elif row.port is not None and row.live_revision is not None:
            # The address stays its own while it is down.
            scoring_uri = target.scoring_uri(place, Observed(host=row.host, port=row.port))
    state, error = state_of(row, observed, is_busy=busy)
    # After an operation that was cut short the target may be further than the database knows.
    revision = observed.live if observed.live is not None else row.revision
    definition = None if revision is None else definitions.get(revision)
    config = definition.inference_config if definition else None
    served = {} if target is None else served_properties(target, place, revision, config)
    scoring_uri = public_address(scoring_uri, definition.deployment_config if definition else None)
    return Service(
        name=row.name,
        state=state,
        target=row.target,
        revision=revision,
        scoring_uri=scoring_uri,
        swagger_uri=scoring_uri and f"{scoring_uri.removesuffix('/score')}/swagger.json",
        port=observed.port or row.port,
        models=definition.models if definition else (),
        error=error,
        description=row.description,
        tags=row.tags,
        properties={**row.properties, **served},
        created_at=row.created_at,
        updated_at=row.updated_at,
        compute_type=_compute_type(row, definition),
        created_by=row.created_by,
        restarts=observed.restarts,
        inference_config=config,
        deployment_config=definition.deployment_config if definition else None,
        candidate=observed.candidate,
        resources=_resources(definition),
    )


def _resources(definition: Definition | None) -> ResourceConfiguration | None:
    config = definition.deployment_config if definition else None
    if definition is None or not isinstance(config, ContainerConfig | LocalConfig):
        return None
    return resources_of(config, definition.resources)


def _compute_type(row: Row, definition: Definition | None) -> str:
    """Return the kind of service that was asked for, which processes may stand in for."""
    config = definition.deployment_config if definition else None
    asked = config.asked_config.compute_type if isinstance(config, LocalConfig) else row.target
    return COMPUTE_TYPES.get(asked, asked)


def _place(workspace: Workspace, name: str) -> Place:
    return Place(workspace.path, workspace.name, name)


def _has(labels: Mapping[str, str], wanted: LabelFilter) -> bool:
    key, has_value, value = wanted.partition("=") if isinstance(wanted, str) else (wanted[0], "=", wanted[1])
    return key in labels and (not has_value or labels[key] == value)
