"""``moor environment``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from moorage.cli.app import new_section
from moorage.cli.command import command
from moorage.cli.completion import complete_environments
from moorage.cli.environment_build import add_building
from moorage.cli.environment_create import add_create
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


add_create(app, environment_row)

Directory = Annotated[Path, typer.Option("--directory", "-d", help="Folder of the definition.")]
Name = Annotated[
    str,
    typer.Option("--name", "-n", help="Name of the environment.", autocompletion=complete_environments),
]
Version = Annotated[str | None, typer.Option("--version", "-v", help="Default: the newest.")]


@command(app, "scaffold", example="moor environment scaffold -n myenv -d ./myenv", writes_metadata=True)
def scaffold(
    session: Session,
    *,
    name: Annotated[str, typer.Option("--name", "-n", help="Name of the environment.")],
    directory: Annotated[Path, typer.Option("--directory", "-d", help="Folder to make and fill.")],
) -> Any:
    """Write a definition to begin with into a new folder: azureml_environment.json and a conda file."""
    from moorage.environments.folder import scaffold

    return _written(name, None, directory, scaffold(name, directory))


@command(
    app,
    "register",
    example="moor environment register -d ./myenv",
    table=environment_row,
    writes_metadata=True,
)
def register(session: Session, *, directory: Directory) -> Any:
    """Register the environment defined in a folder; a changed definition becomes a new version."""
    from moorage import environments
    from moorage.environments.folder import read_folder

    registered = environments.register(session.workspace, read_folder(directory))
    return registered.without_secrets().to_document()


@command(
    app,
    "list",
    example="moor environment list -o table",
    table=environment_row,
    writes_metadata=True,
)
def list_environments(
    session: Session,
    *,
    name: Annotated[
        str | None,
        typer.Option("--name", "-n", help="Only this name.", autocompletion=complete_environments),
    ] = None,
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
    writes_metadata=True,
)
def show(session: Session, *, name: Name, version: Version = None) -> Any:
    """Show one version of an environment."""
    from moorage import environments

    return environments.get(session.workspace, name, version).to_document()


@command(
    app,
    "download",
    example="moor environment download -n myenv -d ./myenv",
    has_version_flag=True,
    writes_metadata=True,
)
def download(
    session: Session,
    *,
    name: Name,
    directory: Annotated[Path, typer.Option("--directory", "-d", help="Folder for the definition.")],
    version: Version = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the definition that is there.")
    ] = False,
) -> Any:
    """Write a registered definition into a folder, as scaffold does."""
    from moorage import environments
    from moorage.environments.folder import write_folder

    found = environments.get(session.workspace, name, version)
    return _written(found.name, found.version, directory, write_folder(found, directory, overwrite=overwrite))


def _written(name: str, version: str | None, folder: Path, files: list[Path]) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "directory": str(folder.absolute()),
        "files": [file.name for file in files],
    }
