"""``moor folder``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from moorage.cli.app import new_section
from moorage.cli.command import command
from moorage.cli.documents import write_document
from moorage.cli.session import Session
from moorage.errors import StorageUnavailable
from moorage.workspace import Workspace

app = new_section("Tie a folder to a workspace.")


@command(app, "attach", example="moor folder attach -w myworkspace", writes_metadata=True)
def attach(
    session: Session,
    *,
    experiment_name: Annotated[
        str | None, typer.Option("--experiment-name", "-e", help="Default: the folder's name.")
    ] = None,
    path: Annotated[Path, typer.Option("--path", help="The folder.")] = Path(),
) -> Any:
    """Use a workspace for all commands in this folder and below, without -w.

    Writes .azureml/config.json, the file that Workspace.from_config() reads too.
    """
    if session.workspace_name is None:
        raise typer.BadParameter("name the workspace", param_hint="'--workspace-name' / '-w'")
    workspace = Workspace.open(session.workspace_name)
    folder = path.expanduser().absolute()
    config = {
        "subscription_id": workspace.subscription_id,
        "resource_group": workspace.resource_group,
        "workspace_name": workspace.name,
    }
    try:
        (folder / ".azureml").mkdir(exist_ok=True)
        write_document(folder / ".azureml" / "config.json", config)
    except OSError as error:
        raise StorageUnavailable(f"cannot write into {folder}: {error.strerror}") from error
    return {
        "Experiment name": experiment_name or folder.name,
        "Project path": str(folder),
        "Resource group": workspace.resource_group,
        "Subscription id": workspace.subscription_id,
        "Workspace name": workspace.name,
    }
