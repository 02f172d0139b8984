"""Updating and reloading: a new revision takes over when it answers, or the old one stays."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from moorage.deployments import DeploymentConfig, InferenceConfig
from moorage.errors import InvalidArgument
from moorage.models import Model
from moorage.services import rows
from moorage.services.candidates import (
    DEFAULT_CANARY_FOR_S,
    DEFAULT_TOLERANCE,
    bring_beside,
    part_of,
)
from moorage.services.converging import DEFAULT_TIMEOUT_S
from moorage.services.events import OnEvent
from moorage.services.labels import label_changes
from moorage.services.locks import operation
from moorage.services.placing import placed
from moorage.services.queries import get
from moorage.services.service import Service
from moorage.services.work import Work, live_definition
from moorage.targets import open_target
from moorage.workspace import Workspace
from moorage_server.supervision.candidate_records import DEFAULT_SLOWER

# Enough to see a revision that fails whatever it is asked; not one that some clients ask wrongly.
DEFAULT_TRIAL_REQUESTS = 100
DEFAULT_MAX_ERROR_SHARE = 0.5


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
    canary: int | None = None,
    canary_for_s: float | None = DEFAULT_CANARY_FOR_S,
    canary_slower: float = DEFAULT_SLOWER,
    mirror: int | None = None,
    mirror_tolerance: float = DEFAULT_TOLERANCE,
    trial_requests: int = DEFAULT_TRIAL_REQUESTS,
    max_error_share: float = DEFAULT_MAX_ERROR_SHARE,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_event: OnEvent | None = None,
) -> Service:
    """Change what is given and keep the rest; no request is lost.

    ``tags`` replaces all tags, then ``remove_tags``, then ``add_tags``; ``properties`` are added. Only these
    and the description: nothing is restarted. Nothing at all: a new revision of the same things.
    A new revision is on trial: if more than ``max_error_share`` of its first ``trial_requests`` fail (5xx),
    the one before comes back by itself; 0 requests: no trial.

    ``canary``: the new revision answers so many percent of the requests, and takes over after
    ``canary_for_s`` (None: when `promote` is called) unless it failed more often than the one beside it, or
    more than a tenth of its requests took ``canary_slower`` times as long (0: any time will do).
    ``mirror``: it gets copies of so many percent of the requests, and its answers are compared with those of
    the one that serves; numbers may differ by ``mirror_tolerance``. `rollback` ends either.

    Raises:
        ServiceNotFound: there is no service of that name.
        PropertyExists: properties are set once.
        Otherwise as `deploy`; the revision that ran before still does.
    """
    if trial_requests < 0 or not 0 <= max_error_share <= 1:
        raise InvalidArgument("trial_requests and max_error_share", "must be from 0 on, and from 0 to 1")
    part = part_of(canary, canary_for_s, mirror, mirror_tolerance, canary_slower)
    with operation(workspace, name):
        row = rows.find(workspace, name)
        changes = label_changes(
            row,
            tags=tags,
            add_tags=add_tags,
            remove_tags=remove_tags,
            properties=properties,
            description=description,
        )
        is_given = any(one is not None for one in (models, inference_config, deployment_config, part))
        if changes and not is_given:
            rows.change(workspace, name, **changes)
        else:
            work = Work.of(
                workspace, name, live_definition(workspace, row).deployment_config, on_event, timeout_s
            )
            work = replace(work, trial_requests=trial_requests, max_error_share=max_error_share)
            row = work.settle(row) or row
            definition = live_definition(workspace, row)
            config = deployment_config or definition.deployment_config
            given = inference_config or definition.inference_config
            if deployment_config is not None:
                wanted = definition.models if models is None else models
                config, notice = placed(deployment_config, given, workspace, wanted)
                work = replace(work, target=open_target(config.compute_type))
                if notice is not None:
                    work.teller.tell("warning", notice)
            files = inference_config or work.kept_files(row, definition) or given
            made = work.plan(row, definition.models if models is None else models, files, config)
            if part is None:
                work.bring_live(row, made, given, changes)
            else:
                bring_beside(work, row, made, given, changes=changes, part=part)
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
        work = Work.of(
            workspace, name, live_definition(workspace, row).deployment_config, on_event, timeout_s
        )
        row = work.settle(row) or row
        definition = live_definition(workspace, row)
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
