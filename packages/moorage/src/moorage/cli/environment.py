"""``moor environment``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from moorage.cli.app import new_section
from moorage.cli.command import command
from moorage.cli.environment_build import add_building
from moorage.cli.session import Session

app = new_section("Register environments and look them up.")
add_building(app)


def environment_row(document: Any) -> dict[str, Any]:
    conda = document["python"]["condaDependencies"]
    return {
        "Name": document["name"],
        "Version": document["version"],
        "Image": document["docker"]["baseImage"],
        "Packages": len(conda["dependencies"]) if conda else None,
        "Interpreter": document["python"]["interpreterPath"],
    }


@command(app, "register", example="moor environment register -d ./myenv", table=environment_row)
def register(
    session: Session,
    *,
    directory: Annotated[
        Path, typer.Option("--directory", "-d", help="Folder with azureml_environment.json.")
    ],
    output_metadata_file: Annotated[
        Path | None, typer.Option("--output-metadata-file", "-t", help="File that gets the answer too.")
    ] = None,
) -> Any:
    """Register the environment defined in a folder; a changed definition becomes a new version."""
    from moorage import environments
    from moorage.cli.deployment import environment_of_folder
    from moorage.cli.documents import write_document
    from moorage.cli.metadata import check_writable

    check_writable(output_metadata_file)
    registered = environments.register(session.workspace, environment_of_folder(directory))
    document = registered.without_secrets().to_document()
    if output_metadata_file is not None:
        write_document(output_metadata_file, document)
    return document


@command(app, "list", example="moor environment list -o table", table=environment_row)
def list_environments(
    session: Session,
    *,
    name: Annotated[str | None, typer.Option("--name", "-n", help="Only this name.")] = None,
    latest: Annotated[bool, typer.Option("--latest", help="Of each name only the newest version.")] = False,
) -> Any:
    """List environments, of each name the newest first."""
    from moorage import environments

    found = environments.list_environments(session.workspace, name=name, latest=latest)
    return [environment.to_document() for environment in found]


@command(
    app,
    "show",
    example="moor environment show -n myenv -v 2",
    table=environment_row,
    has_version_flag=True,
)
def show(
    session: Session,
    *,
    name: Annotated[str, typer.Option("--name", "-n", help="Name of the environment.")],
    version: Annotated[str | None, typer.Option("--version", "-v", help="Default: the newest.")] = None,
) -> Any:
    """Show one version of an environment."""
    from moorage import environments

    return environments.get(session.workspace, name, version).to_document()
