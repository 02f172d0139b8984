"""``moor model deploy``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from moorage.cli.command import command
from moorage.cli.completion import complete_environments, complete_model_ids
from moorage.cli.deploy_flags import parameters
from moorage.cli.documents import plan_document, service_document, service_row
from moorage.cli.labels import parse_labels
from moorage.cli.output import Answer
from moorage.cli.session import Session

if TYPE_CHECKING:
    from moorage.deployments import Plan

Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME:VERSION",
        help="A model. Repeatable.",
        autocompletion=complete_model_ids,
    ),
]
ModelFiles = Annotated[
    list[Path] | None,
    typer.Option("--model-metadata-file", "-f", help="File of model register -t, instead of -m. Repeatable."),
]
InferenceFile = Annotated[
    Path | None,
    typer.Option("--inference-config-file", "--ic", help="Script and environment, JSON or YAML."),
]
DeployFile = Annotated[
    Path | None, typer.Option("--deploy-config-file", "--dc", help="Target and its settings, JSON or YAML.")
]
EnvironmentName = Annotated[
    str | None,
    typer.Option(
        "--environment-name",
        "-e",
        help="A registered environment.",
        autocompletion=complete_environments,
    ),
]
EnvironmentVersion = Annotated[
    str | None, typer.Option("--environment-version", "--ev", help="Its version; default: the newest.")
]
EnvironmentFolder = Annotated[
    Path | None,
    typer.Option("--environment-directory", "--ed", help="Folder with azureml_environment.json."),
]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Return when it has begun; service show tells the state.")
]


def add_deploy(app: typer.Typer) -> None:
    """Add the command to the section of models."""
    command(
        app,
        "deploy",
        example="moor model deploy -n myservice -m mymodel:1 --ic inferenceconfig.json "
        "--dc deploymentconfig.json",
        table=service_row,
        extra=parameters(),
    )(deploy)


def deploy(
    session: Session,
    *,
    name: Annotated[
        str | None, typer.Option("--name", "-n", help="Name of the service; default: after the model.")
    ] = None,
    model: Models = None,
    model_metadata_file: ModelFiles = None,
    inference_config_file: InferenceFile = None,
    deploy_config_file: DeployFile = None,
    environment_name: EnvironmentName = None,
    environment_version: EnvironmentVersion = None,
    environment_directory: EnvironmentFolder = None,
    compute_type: Annotated[
        str | None, typer.Option("--compute-type", "--cp", help="local, aci, container, aks or aksendpoint.")
    ] = None,
    profile_input: Annotated[
        Path | None, typer.Option("--profile-input", "--pi", help="File of model profile -t.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="Free text.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Repeatable.")] = None,
    property: Annotated[
        list[str] | None,
        typer.Option("--property", metavar="KEY=VALUE", help="Never changes afterwards. Repeatable."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what a service of that name runs.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan with all that is wrong, and change nothing.")
    ] = False,
    no_wait: NoWait = False,
    **flags: Any,
) -> Any:
    """Deploy models with an entry script as a service, and wait until it answers.

    A flag is stronger than the same setting in a configuration file.
    """
    from moorage import services
    from moorage.cli import detached
    from moorage.cli.deployment import (
        Wishes,
        chosen_models,
        deployment_config,
        inference_config,
        service_name_for,
    )

    wishes = Wishes(
        inference_config_file=inference_config_file,
        deploy_config_file=deploy_config_file,
        environment_name=environment_name,
        environment_version=environment_version,
        environment_directory=environment_directory,
        compute_type=compute_type,
        profile_input=profile_input,
        flags=flags,
    )
    tags, properties = parse_labels("--tag", tag), parse_labels("--property", property)
    models = chosen_models(model, model_metadata_file)
    chosen = name or service_name_for(models)
    script = inference_config(session, wishes)
    target = deployment_config(session, wishes)
    if dry_run:
        return _plan_answer(services.make_plan(session.workspace, chosen, models, script, target))
    if no_wait:
        detached.run_again(session, chosen)
        return service_document(services.get(session.workspace, chosen))
    service = services.deploy(
        session.workspace,
        chosen,
        models,
        script,
        target,
        overwrite=overwrite,
        tags=tags,
        properties=properties,
        description=description,
        on_event=detached.telling(session),
    )
    session.say(f'{service.compute_type} service creation operation finished, operation "Succeeded"')
    return service_document(service)


def _plan_answer(plan: "Plan") -> Answer:
    return Answer(plan_document(plan), text=str(plan), exit_code=0 if plan.is_possible else 1)
