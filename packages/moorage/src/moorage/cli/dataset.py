"""``moor dataset``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from moorage.cli.app import new_section
from moorage.cli.command import command
from moorage.cli.documents import time_text, write_document
from moorage.cli.session import Session

if TYPE_CHECKING:
    from moorage.datasets import Dataset

app = new_section("Register data sets and look them up.")

MetadataFile = Annotated[
    Path | None,
    typer.Option("--output-metadata-file", "-t", help="File that gets the answer, too."),
]
Name = Annotated[str | None, typer.Option("--name", "-n", help="Name of the data set.")]


def dataset_document(dataset: "Dataset") -> dict[str, Any]:
    """Return what register, list and show print."""
    return {
        "id": dataset.id,
        "name": dataset.name,
        "version": dataset.version,
        "datasetType": "File" if dataset.table is None else "Tabular",
        "description": dataset.description,
        "tags": dict(dataset.tags),
        "createdTime": None if dataset.created_at is None else time_text(dataset.created_at),
        "createdBy": dataset.created_by,
        "files": [file.path for file in dataset.files],
    }


def dataset_row(document: Any) -> dict[str, Any]:
    """Return the columns of a table."""
    return {
        "Name": document["name"],
        "Version": document["version"],
        "Type": document["datasetType"],
        "Files": len(document["files"]),
        "Id": document["id"],
    }


@command(app, "register", example="moor dataset register -f dataset.json", table=dataset_row)
def register(
    session: Session,
    *,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="The specification, JSON or YAML.")
    ] = None,
    show_template: Annotated[
        bool, typer.Option("--show-template", help="Print a specification to fill in, and do nothing else.")
    ] = False,
    skip_validation: Annotated[
        bool, typer.Option("--skip-validation", help="Do not check that the data can be read.")
    ] = False,
    output_metadata_file: MetadataFile = None,
) -> Any:
    """Register the files that a specification names. Its id is what moor model profile --idi takes."""
    from moorage.datasets.specification import TEMPLATE, register_specification

    if show_template:
        return TEMPLATE
    if file is None:
        raise typer.BadParameter(
            "name the specification; --show-template prints one", param_hint="'--file' / '-f'"
        )
    made = register_specification(session.workspace, file, check_data=not skip_validation)
    return _told(dataset_document(made), output_metadata_file)


@command(app, "list", example="moor dataset list", table=dataset_row)
def list_(session: Session, *, output_metadata_file: MetadataFile = None) -> Any:
    """List the newest version of each name."""
    from moorage import datasets

    found = [dataset_document(one) for one in datasets.list_datasets(session.workspace)]
    return _told(found, output_metadata_file)


@command(
    app,
    "show",
    example="moor dataset show -n mydata",
    table=dataset_row,
    has_version_flag=True,
)
def show(
    session: Session,
    *,
    name: Name = None,
    id: Annotated[str | None, typer.Option("--id", "-i", help="Its id, instead of a name.")] = None,
    version: Annotated[int | None, typer.Option("--version", "-v", help="Default: the newest.")] = None,
    output_metadata_file: MetadataFile = None,
) -> Any:
    """Show a data set."""
    from moorage import datasets

    if (name is None) == (id is None):
        raise typer.BadParameter(
            "say which data set, by name or by id", param_hint="'--name' / '-n' or '--id' / '-i'"
        )
    if id is not None:
        found = datasets.get_by_id(session.workspace, id)
    else:
        found = datasets.get(session.workspace, str(name), version)
    return _told(dataset_document(found), output_metadata_file)


@command(app, "unregister", example="moor dataset unregister -n mydata")
def unregister(
    session: Session,
    *,
    name: Annotated[str, typer.Option("--name", "-n", help="All its versions go.")],
    output_metadata_file: MetadataFile = None,
) -> Any:
    """Remove all versions of a name; refused while a model refers to one."""
    from moorage import datasets

    removed = datasets.unregister(session.workspace, name)
    return _told({"name": name, "removedVersions": removed}, output_metadata_file)


def _told(answer: Any, file: Path | None) -> Any:
    """Write the answer to the file, if one is named, and return it."""
    if file is not None:
        write_document(file, answer)
    return answer
