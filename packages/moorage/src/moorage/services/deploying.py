"""Deploying: plan, revision, smoke run, live; or back to what was before."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from moorage.deployments import DeploymentConfig, InferenceConfig, LocalConfig
from moorage.deployments.planning import check_service_name, plan
from moorage.deployments.plans import Plan
from moorage.deployments.problems import warning
from moorage.errors import InvalidName, NotSupported, ServiceExists, ServiceNotFound
from moorage.models import Model
from moorage.services import rows
from moorage.services.converging import DEFAULT_TIMEOUT_S
from moorage.services.events import OnEvent
from moorage.services.labels import changes_of
from moorage.services.locks import operation
from moorage.services.placing import placed
from moorage.services.queries import get
from moorage.services.service import Service
from moorage.services.work import Work
from moorage.targets import Place, open_target
from moorage.workspace import Workspace


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

    A deployment that was cut short is finished by the same call. Labels and description of the configuration
    are those of the service, unless others are given.

    Raises:
        PlanRejected, InvalidName, ModelNotFound, ...: it cannot work; nothing was changed.
        ContainerEngineNotFound, RegistryFault, ImageBuildFailed: a container is wanted and cannot be had.
        ServiceExists: there is a service of that name and ``overwrite`` is False.
        OperationInProgress: another operation on it runs.
        EntryScriptError: the script failed; a service that ran before still does.
        DeploymentFailed, DeploymentTimeout, PortInUse: the target could not bring it up; as before.
    """
    changes = changes_of(
        {**getattr(deployment_config, "tags", {}), **(tags or {})},
        {**getattr(deployment_config, "properties", {}), **(properties or {})},
        description or getattr(deployment_config, "description", None),
    )
    check_service_name(name)
    config, notice = placed(deployment_config or LocalConfig(), inference_config, workspace, models)
    with operation(workspace, name):
        row = rows.find_or_none(workspace, name)
        if row is not None and row.live_revision is not None and not overwrite:
            raise ServiceExists(name)
        work = Work.of(workspace, name, config, on_event, timeout_s)
        if notice is not None:
            work.teller.tell("warning", notice)
        row = work.settle(row)
        if row is None:
            # A folder without a row is what a deletion left that was cut short.
            work.target.destroy(work.place)
        made = work.plan(row, models, inference_config, config)
        work.bring_live(row, made, made.given(inference_config), changes)
    return get(workspace, name)


def make_plan(
    workspace: Workspace,
    name: str,
    models: Sequence[Model | str],
    inference_config: InferenceConfig | None = None,
    deployment_config: DeploymentConfig | None = None,
) -> Plan:
    """Return what `deploy` would do, and what is wrong with it; a service of that name may keep its port."""
    config, notice = placed(deployment_config or LocalConfig(), inference_config, workspace, models)
    own_port = None
    with suppress(ServiceNotFound, NotSupported, InvalidName):
        rows.find(workspace, check_service_name(name))
        place = Place(workspace.path, workspace.name, name)
        own_port = open_target(config.compute_type).observe(place).port
    made = plan(workspace, name, models, inference_config, config, own_port=own_port)
    if notice is None:
        return made
    return replace(made, problems=(*made.problems, warning("computeType", notice)))
