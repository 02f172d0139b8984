"""``moor workspace`` migrate, backup, restore, check and gc."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from moorage.cli.command import FAILED, command
from moorage.cli.documents import size_text, workspace_document, workspace_row
from moorage.cli.output import Answer
from moorage.cli.session import Session
from moorage.cli.workspace import app


@command(app, "migrate", example="moor workspace migrate --database-url postgresql://ada@db/moorage")
def migrate(
    session: Session,
    *,
    database_url: Annotated[
        str | None, typer.Option(help="An empty database, or 'local': back to the workspace's folder.")
    ] = None,
    blobs_url: Annotated[
        str | None, typer.Option(help="A store such as s3://bucket/folder, or 'local': back to the folder.")
    ] = None,
) -> Any:
    """Move a workspace to another database or store, and back. Every digest is checked on the way.

    Services go on meanwhile. What was at the old place stays there.
    """
    from dataclasses import asdict

    from moorage import upkeep

    moved = upkeep.migrate(session.workspace, database_url=database_url, blobs_url=blobs_url, say=session.say)
    return asdict(moved)


@command(app, "backup", example="moor workspace backup --to moorage.tar")
def backup(
    session: Session, *, to: Annotated[Path, typer.Option("--to", help="The file to write; a new one.")]
) -> Any:
    """Write models, environments, services and their secrets into one file. Keep it safe."""
    from moorage import upkeep

    size_bytes = upkeep.backup(session.workspace, to.absolute(), say=session.say)
    session.say(f"{to}: {size_text(size_bytes)}; it holds keys, so keep it as safe as the workspace")
    return {"path": str(to.absolute()), "sizeBytes": size_bytes}


@command(app, "restore", example="moor workspace restore --from moorage.tar -w again", table=workspace_row)
def restore(
    session: Session,
    *,
    source: Annotated[Path, typer.Option("--from", help="A file that backup has written.")],
    database_url: Annotated[str | None, typer.Option(help="An empty database for the rows.")] = None,
    blobs_url: Annotated[str | None, typer.Option(help="A store for the files.")] = None,
) -> Any:
    """Make a new workspace (-w NAME) of a backup. Its services start with: moor up."""
    from moorage import upkeep

    if session.workspace_name is None:
        raise typer.BadParameter("say how it shall be called", param_hint="'--workspace-name' / '-w'")
    with upkeep.restore(
        source.absolute(),
        session.workspace_name,
        database_url=database_url,
        blobs_url=blobs_url,
        say=session.say,
    ) as workspace:
        return workspace_document(workspace)


def _finding_row(finding: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "": finding["severity"],
        "Where": finding["where"],
        "What": finding["message"],
        "What helps": finding["help"],
    }


@command(app, "check", example="moor workspace check", table=_finding_row)
def check(
    session: Session,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Sizes only; contents are not read.")] = False,
) -> Any:
    """Check the database, every stored file and the services' files. Exit code 1 if something is wrong."""
    from dataclasses import asdict

    from moorage import upkeep

    findings = upkeep.check(session.workspace, reads_contents=not quick, say=session.say)
    text = None if findings else "nothing is wrong"
    is_wrong = any(finding.severity == "error" for finding in findings)
    return Answer([asdict(f) for f in findings], text=text, exit_code=FAILED if is_wrong else 0)


@command(app, "gc", example="moor workspace gc")
def gc(
    session: Session,
    *,
    grace_hours: Annotated[
        float, typer.Option(min=0, help="Leave alone what is younger: somebody may be registering it.")
    ] = 24.0,
    packages: Annotated[
        bool,
        typer.Option("--packages", help="Remove the files of packages too, those that are not younger."),
    ] = False,
) -> Any:
    """Remove stored files that nothing uses any more. Safe at any time, also while others register."""
    from moorage import packaging, upkeep

    freed_bytes = upkeep.remove_unused_blobs(session.workspace, grace_s=grace_hours * 3600)
    if packages:
        freed_bytes += packaging.remove_older(session.workspace, grace_hours * 3600)
    session.say(f"{size_text(freed_bytes)} freed")
    return {"freedBytes": freed_bytes}
