"""``moor workspace``."""

from typing import Annotated, Any

import typer

from moorage.cli.app import new_section
from moorage.cli.command import command
from moorage.cli.documents import workspace_document, workspace_row
from moorage.cli.session import Session
from moorage.cli.unavailable import Unavailable, add_unavailable
from moorage.workspace import Workspace

app = new_section("Create and look up workspaces: each has its own models, environments and services.")


@command(app, "create", example="moor workspace create -w myworkspace", table=workspace_row)
def create(
    session: Session,
    *,
    name: Annotated[
        str | None, typer.Option("--name", "-n", help="Another way to give the name.", hidden=True)
    ] = None,
    location: Annotated[
        str, typer.Option("--location", "-l", help="A label that old code asks for.")
    ] = "local",
    resource_group: Annotated[str, typer.Option("--resource-group", "-g", help="Likewise.")] = "local",
    subscription_id: Annotated[str, typer.Option("--subscription-id", help="Likewise.")] = "local",
    database_url: Annotated[
        str | None,
        typer.Option(
            help="PostgreSQL database for a team, postgresql://user:password@host/database. "
            "Default: a file in the workspace's folder."
        ),
    ] = None,
    blobs_url: Annotated[
        str | None,
        typer.Option(
            help="Object store for the files, such as s3://bucket/folder. Default: the workspace's folder."
        ),
    ] = None,
    exist_ok: Annotated[bool, typer.Option("--exist-ok", help="It is fine if it exists already.")] = False,
    friendly_name: Annotated[str | None, typer.Option("--friendly-name", "-f", hidden=True)] = None,
    sku: Annotated[str | None, typer.Option(hidden=True)] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", hidden=True)] = False,
) -> Any:
    """Create a workspace, below MOORAGE_HOME (default ~/.moorage)."""
    chosen = session.workspace_name or name
    if chosen is None:
        raise typer.BadParameter("say how it shall be called", param_hint="'--workspace-name' / '-w'")
    workspace = Workspace.create(
        chosen,
        exist_ok=exist_ok,
        subscription_id=subscription_id,
        resource_group=resource_group,
        location=location,
        database_url=database_url,
        blobs_url=blobs_url,
    )
    with workspace:
        return workspace_document(workspace)


@command(app, "list", example="moor workspace list -o table", table=workspace_row)
def list_workspaces(session: Session) -> Any:
    """List the workspaces on this machine."""
    return [workspace_document(workspace) for workspace in Workspace.list_all()]


@command(
    app,
    "show",
    example="moor workspace show -w myworkspace --query path -o tsv",
    table=workspace_row,
    writes_metadata=True,
)
def show(session: Session) -> Any:
    """Show the workspace that commands use now, or the one named with -w."""
    return workspace_document(session.workspace)


@command(app, "rotate-signing-key", example="moor workspace rotate-signing-key", table=dict)
def rotate_signing_key(
    session: Session,
    *,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Refuse the tokens that were given out, from now on.")
    ] = False,
) -> Any:
    """Sign the tokens of services with a new key. Tokens that were given out stay valid until they expire."""
    from moorage import services

    return {"signingKeyId": services.rotate_signing_key(session.workspace, revoke=revoke)}


NO_CLOUD = "a workspace is a folder on this machine; no cloud storage, registry or vault belongs to it."
add_unavailable(
    app,
    "workspace",
    [
        Unavailable(
            "share",
            "Gave a user a role on the workspace.",
            "who may read the folder, or the database and the object store of a team, may use the workspace.",
            "--role! --user!",
            writes_metadata=True,
        ),
        Unavailable(
            "update",
            "Changed the description and the resources of the workspace.",
            NO_CLOUD,
            "--allow-public-access --description/-d --friendly-name/-f --image-build-compute "
            "--primary-user-assigned-identity --tags --v1-legacy-mode/-v",
            writes_metadata=True,
            has_version_flag=True,
        ),
        Unavailable(
            "update-dependencies",
            "Chose another image registry.",
            NO_CLOUD,
            "--acr --force*",
            writes_metadata=True,
        ),
        Unavailable("list-keys", "Printed the keys of cloud resources.", NO_CLOUD, writes_metadata=True),
        Unavailable("sync-keys", "Read rotated cloud keys again.", NO_CLOUD, writes_metadata=True),
        Unavailable(
            "diagnose",
            "Checked network and identity of the cloud.",
            f"{NO_CLOUD} moor workspace show says where it is.",
            writes_metadata=True,
        ),
        Unavailable(
            "delete",
            "Deleted the workspace.",
            "nothing removes a registry by accident; delete its services, then remove the folder that "
            "moor workspace show --query path prints.",
            "--all-resources* --no-wait*",
            writes_metadata=True,
        ),
    ],
)

from moorage.cli import upkeep  # noqa: E402, F401 - more commands of this group
