"""``moor experiment``."""

from typing import Any

from moorage.cli.app import new_section
from moorage.cli.command import command
from moorage.cli.session import Session

app = new_section("Look up experiments, which MLflow keeps.")


@command(app, "list", example="moor experiment list -o table", writes_metadata=True)
def list_experiments(session: Session) -> Any:
    """List the experiments of the workspace by name."""
    from moorage import runs

    tracking = runs.open_tracking(session.workspace)
    return [
        {"id": one.id, "name": one.name, "tags": dict(one.tags), "workspaceName": session.workspace.name}
        for one in tracking.experiments()
    ]
