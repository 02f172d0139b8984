"""``moor environment create``: an environment from packages, an image, a Dockerfile or an interpreter."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from moorage.cli.command import command
from moorage.cli.session import Session

if TYPE_CHECKING:
    from moorage.environments import DockerSpecification


def add_create(section: typer.Typer, table: Any) -> None:
    """Add the command to ``moor environment``."""
    command(
        section,
        "create",
        example="moor environment create -n myenv -f conda.yml",
        table=table,
        writes_metadata=True,
    )(create)


def create(
    session: Session,
    *,
    name: Annotated[str, typer.Option("--name", "-n", help="Name of the environment.")],
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            help="Its packages: a conda file (.yml), requirements (.txt), pyproject.toml, uv.lock, "
            "pylock.toml, or a folder with a definition.",
        ),
    ] = None,
    image: Annotated[
        str | None, typer.Option("--image", help="Image that containers and packages start from.")
    ] = None,
    dockerfile: Annotated[
        Path | None, typer.Option("--dockerfile", help="Dockerfile that they start from.")
    ] = None,
    interpreter: Annotated[
        str | None,
        typer.Option("--interpreter", help="Python that has all packages; nothing is installed."),
    ] = None,
    variable: Annotated[
        list[str] | None,
        typer.Option("--variable", metavar="NAME=VALUE", help="For the script. Repeatable."),
    ] = None,
) -> Any:
    """Register an environment from a file of packages, an image, a Dockerfile or an interpreter.

    An environment of that name which is there already gets a new version if anything differs.
    """
    from dataclasses import replace

    from moorage import environments
    from moorage.cli.labels import parse_labels
    from moorage.environments.files import read_environment
    from moorage.errors import InvalidArgument

    if file is None and image is None and dockerfile is None and interpreter is None:
        text = "say what it is made of: --file, --image, --dockerfile or --interpreter"
        raise InvalidArgument("environment", text)
    if interpreter is not None and file is not None:
        text = "an interpreter has its packages already; give --file or --interpreter, not both"
        raise InvalidArgument("--interpreter", text)
    made = environments.Environment(name) if file is None else read_environment(file, name)
    docker = _docker(image, dockerfile)
    made = replace(
        made,
        docker=docker or made.docker,
        interpreter=made.interpreter if interpreter is None else Path(interpreter),
        # What is in an image or beside an interpreter is all there is, unless packages are named.
        user_managed=made.user_managed or file is None,
        variables={**made.variables, **parse_labels("--variable", variable)},
    )
    return environments.register(session.workspace, made).without_secrets().to_document()


def _docker(image: str | None, dockerfile: Path | None) -> "DockerSpecification | None":
    from moorage.environments import DockerSpecification
    from moorage.errors import InvalidArgument

    if image is not None and dockerfile is not None:
        raise InvalidArgument("--image", "give --image or --dockerfile, not both")
    if image is not None:
        return DockerSpecification(base_image=image)
    if dockerfile is None:
        return None
    try:
        return DockerSpecification(base_dockerfile=dockerfile.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument("--dockerfile", f"{dockerfile} cannot be read: {error}") from error
