"""``moor schema``."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from moorage.cli.app import MARKUP
from moorage.cli.command import command
from moorage.cli.documents import write_document
from moorage.cli.output import Answer, render
from moorage.cli.session import Session
from moorage.errors import StorageUnavailable

app = typer.Typer(add_completion=False, rich_markup_mode=MARKUP, pretty_exceptions_enable=False)


class Which(str, Enum):
    """The two configuration files."""

    inferenceconfig = "inferenceconfig"
    deploymentconfig = "deploymentconfig"


@command(app, "schema", example="moor schema --write-to .vscode > settings.json")
def schema(
    session: Session,
    *,
    which: Annotated[
        Which | None, typer.Argument(help="Which file. Default: both.", show_default=False)
    ] = None,
    write_to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write both there, and print the settings for VS Code."),
    ] = None,
) -> Any:
    """Print the JSON Schemas of inferenceconfig.json and deploymentconfig.json for editors.

    With them an editor completes keys, explains them and underlines what is wrong. For VS Code, type moor
    schema --write-to .vscode in the project, and put what it prints into .vscode/settings.json; YAML files
    need the extension YAML of Red Hat. Other editors take the files of that folder.
    """
    from moorage.deployments.file_schemas import deployment_schema, inference_schema

    schemas = {"inferenceconfig": inference_schema(), "deploymentconfig": deployment_schema()}
    if write_to is not None:
        value: Any = _written(schemas, write_to.expanduser())
    else:
        value = schemas if which is None else schemas[which.value]
    return Answer(value, text=render(value, "json"))


def _written(schemas: dict[str, dict[str, Any]], folder: Path) -> dict[str, Any]:
    """Write a file for each schema; return the settings of VS Code that tie files of such names to them."""
    names = {name: f"{name}.schema.json" for name in schemas}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, one in schemas.items():
            write_document(folder / names[name], one)
    except OSError as error:
        raise StorageUnavailable(f"cannot write into {folder}: {error.strerror}") from error
    inside = folder.as_posix() if folder.is_absolute() else f"./{folder.as_posix().removeprefix('./')}"
    addresses = {name: f"{inside}/{file}" for name, file in names.items()}
    return {
        "json.schemas": [
            {"fileMatch": [f"{name}*.json"], "url": address} for name, address in addresses.items()
        ],
        "yaml.schemas": {address: [f"{name}*.yml", f"{name}*.yaml"] for name, address in addresses.items()},
    }
