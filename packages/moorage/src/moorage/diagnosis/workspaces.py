"""Whether the workspace that commands would use can be reached. Nothing is made."""

from moorage.diagnosis.check import Check
from moorage.errors import MoorageError, WorkspaceNotFound
from moorage.workspace import Workspace

ENABLES = "models, environments and services of one project"
NOBODYS = "0" * 64
"""A digest that no content has."""


def check_workspace(name: str | None) -> Check:
    """Open the workspace of that name, or the one that is used without a name."""
    try:
        with Workspace.open(name) as workspace:
            return _reached(workspace)
    except WorkspaceNotFound as error:
        if error.name is not None:
            return Check("workspace", "fault", f"{error.name} does not exist", ENABLES, str(error))
        if not error.known:
            return Check("workspace", "ok", "none yet; the first command makes one named default", ENABLES)
        found = f"several: {', '.join(error.known)}"
        return Check("workspace", "warning", found, ENABLES, "choose one with -w or MOORAGE_WORKSPACE")
    except MoorageError as error:
        return Check("workspace", "fault", str(error), ENABLES)


def _reached(workspace: Workspace) -> Check:
    part = "database"
    try:
        with workspace.database.read():
            part = "files"
        workspace.blobs.size(NOBODYS)
    except MoorageError as error:
        return Check("workspace", "fault", f"{workspace.name}: {part}: {error}", ENABLES)
    return Check("workspace", "ok", f"{workspace.name}, {workspace.path}", ENABLES)
