"""``moor down``."""

from typing import Any

import typer

from moorage.cli.app import MARKUP
from moorage.cli.command import command
from moorage.cli.session import Session
from moorage.cli.up import answer, tell

app = typer.Typer(add_completion=False, rich_markup_mode=MARKUP, pretty_exceptions_enable=False)


@command(app, "down", example="moor down")
def down(session: Session) -> Any:
    """Finish the requests of all services of this machine and end their processes; moor up brings them back.

    Without -w: the services of all workspaces.
    """
    from moorage import services

    outcomes = services.down(
        workspace_name=session.workspace_name, on_outcome=lambda outcome: tell(session, outcome)
    )
    return answer(outcomes)
