"""``moor service``."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from moorage.cli.app import new_section
from moorage.cli.command import command
from moorage.cli.completion import complete_services
from moorage.cli.deploy import (
    DeployFile,
    EnvironmentFolder,
    EnvironmentName,
    EnvironmentVersion,
    InferenceFile,
    ModelFiles,
    Models,
    NoWait,
    deploy,
)
from moorage.cli.deploy_flags import FLAGS, parameters
from moorage.cli.documents import service_document, service_row
from moorage.cli.keys import add_keys
from moorage.cli.labels import parse_labels
from moorage.cli.output import Answer
from moorage.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

app = new_section("Look after deployed services.")
add_keys(app)

Name = Annotated[
    str, typer.Option("--name", "-n", help="Name of the service.", autocompletion=complete_services)
]
UPDATE_FLAGS = [flag for flag in FLAGS if flag.name not in {"compute_target", "version_name"}]


@command(app, "list", example="moor service list --model-name mymodel", table=service_row)
def list_services(
    session: Session,
    *,
    compute_type: Annotated[
        str | None, typer.Option("--compute-type", "-c", help="Only local, aci or aks services.")
    ] = None,
    model_name: Annotated[str | None, typer.Option(help="Only services with a model of this name.")] = None,
    model_id: Annotated[str | None, typer.Option(help="Only services with this model.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY[=VALUE]", help="Repeatable.")] = None,
    property: Annotated[
        list[str] | None, typer.Option("--property", metavar="KEY[=VALUE]", help="Repeatable.")
    ] = None,
    image_digest: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> Any:
    """List services, with the state they are in now."""
    from moorage import services

    if image_digest is not None:
        return []  # no service here runs an image
    found = services.list_services(
        session.workspace,
        compute_type=compute_type,
        model_name=model_name,
        model_id=model_id,
        tags=tag or (),
        properties=property or (),
    )
    return [service_document(service) for service in found]


@command(app, "show", example="moor service show -n myservice --query scoringUri -o tsv", table=service_row)
def show(session: Session, *, name: Name) -> Any:
    """Show one service: state, address, models."""
    from moorage import services

    return service_document(services.get(session.workspace, name))


@command(app, "run", example="moor service run -n myservice -d @testdata.json")
def run(
    session: Session,
    *,
    name: Name,
    input_data: Annotated[
        str, typer.Option("--input-data", "-d", help="Body of the request; @file takes it from a file.")
    ] = "",
) -> Any:
    """Send one request to a service and print its answer."""
    from moorage import services

    response = services.run(session.workspace, name, input_data)
    if response.status >= 300:
        print(f"Error: service {name} answered {response.status}", file=sys.stderr)
        return Answer(None, text=response.text, exit_code=1, is_text=True)
    return Answer(None, text=response.text, is_text=True)


def _logs(
    session: Session,
    *,
    name: Name,
    num_lines: Annotated[
        int, typer.Option("--num_lines", "--num-lines", "-l", min=0, help="How many, from the end.")
    ] = 5000,
    init: Annotated[
        bool, typer.Option("--init", "-i", help="What was printed until the service was ready.")
    ] = False,
) -> Any:
    """Print what a service, and its entry script, have printed."""
    from moorage import services

    text = services.get_logs(session.workspace, name, num_lines, kind="init" if init else "service")
    return Answer(None, text=text, is_text=True)


command(
    app,
    "deploy",
    example="moor service deploy -n myservice --image localhost/mine:1 --scoring-port 8080",
    table=service_row,
    extra=parameters(),
)(deploy)


command(app, "logs", example="moor service logs -n myservice -l 100")(_logs)
command(app, "get-logs", example="moor service get-logs -n myservice", hidden=True)(_logs)


@command(
    app,
    "update",
    example="moor service update -n myservice -m mymodel:2",
    table=service_row,
    extra=parameters(UPDATE_FLAGS),
)
def update(
    session: Session,
    *,
    name: Name,
    model: Models = None,
    model_metadata_file: ModelFiles = None,
    inference_config_file: InferenceFile = None,
    deploy_config_file: DeployFile = None,
    environment_name: EnvironmentName = None,
    environment_version: EnvironmentVersion = None,
    environment_directory: EnvironmentFolder = None,
    description: Annotated[str | None, typer.Option("--description", "-d", help="Free text.")] = None,
    add_tag: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Repeatable.")] = None,
    remove_tag: Annotated[list[str] | None, typer.Option(metavar="KEY", help="Repeatable.")] = None,
    add_property: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A new key. Repeatable.")
    ] = None,
    canary: Annotated[
        int | None,
        typer.Option(min=1, max=99, help="Percent of the requests for the new revision, for a while first."),
    ] = None,
    canary_for: Annotated[
        str, typer.Option(help="How long until the canary takes over: 90s, 10m, 2h, or forever.")
    ] = "10m",
    canary_slower: Annotated[
        float,
        typer.Option(min=0, help="How many times as long its requests may take; 0: any time."),
    ] = 10.0,
    mirror: Annotated[
        int | None,
        typer.Option(
            min=1, max=100, help="Percent of the requests that the new revision gets copies of, no more."
        ),
    ] = None,
    mirror_tolerance: Annotated[
        float, typer.Option(min=0, help="How far numbers in answers may differ, as a share of them.")
    ] = 1e-6,
    trial_requests: Annotated[
        int,
        typer.Option(min=0, help="The old revision comes back if too many of so many first requests fail."),
    ] = 100,
    max_error_share: Annotated[
        float, typer.Option(min=0, max=1, help="How many of them may fail (5xx), as a share.")
    ] = 0.5,
    no_wait: NoWait = False,
    **flags: Any,
) -> Any:
    """Change a service: models, script, environment, settings, labels. What is not given stays.

    The new revision takes over when it is ready; no request is lost. If it fails, the old one stays. With
    --canary or --mirror it is tried first; see promote, rollback and mirror.
    """
    from moorage import services
    from moorage.cli import detached
    from moorage.cli.beside import parse_span
    from moorage.cli.deployment import Wishes, chosen_models, deployment_config, inference_config

    current = services.get(session.workspace, name)
    wishes = Wishes(
        inference_config_file=inference_config_file,
        deploy_config_file=deploy_config_file,
        environment_name=environment_name,
        environment_version=environment_version,
        environment_directory=environment_directory,
        flags=flags,
    )
    models = chosen_models(model, model_metadata_file)
    script = inference_config(session, wishes, current.inference_config)
    target = deployment_config(session, wishes, current.asked_config)
    if no_wait:
        detached.run_again(session, name)
        return service_document(services.get(session.workspace, name))
    service = services.update(
        session.workspace,
        name,
        models=models or None,
        inference_config=script,
        deployment_config=target,
        add_tags=parse_labels("--add-tag", add_tag),
        remove_tags=remove_tag or (),
        properties=_or_none(parse_labels("--add-property", add_property)),
        description=description,
        canary=canary,
        canary_for_s=parse_span("--canary-for", canary_for),
        canary_slower=canary_slower,
        mirror=mirror,
        mirror_tolerance=mirror_tolerance,
        trial_requests=trial_requests,
        max_error_share=max_error_share,
        on_event=detached.telling(session),
    )
    return service_document(service)


@command(app, "reload", example="moor service reload -n myservice", table=service_row)
def reload(session: Session, *, name: Name) -> Any:
    """Take the entry script and its folder anew, without losing a request."""
    from moorage import services
    from moorage.cli.detached import telling

    return service_document(services.reload(session.workspace, name, on_event=telling(session)))


@command(app, "start", example="moor service start -n myservice", table=service_row)
def start(session: Session, *, name: Name) -> Any:
    """Start a service again whose processes are gone, for example after the machine was switched off."""
    from moorage import services
    from moorage.cli.detached import telling

    return service_document(services.start(session.workspace, name, on_event=telling(session)))


@command(app, "delete", example="moor service delete -n myservice")
def delete(session: Session, *, name: Name) -> Any:
    """Stop a service and delete it. Models and environments stay."""
    from moorage import services
    from moorage.cli.detached import telling

    services.delete(session.workspace, name, on_event=telling(session))
    return {"name": name, "deleted": True}


def _or_none(labels: "Mapping[str, str]") -> "Mapping[str, str] | None":
    return labels or None


from moorage.cli import beside, rollout  # noqa: E402, F401 - more commands of this group
