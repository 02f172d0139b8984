"""``moor up``."""

from typing import Any

import typer

from moorage.cli.app import MARKUP
from moorage.cli.command import FAILED, command
from moorage.cli.output import Answer
from moorage.cli.session import Session

app = typer.Typer(add_completion=False, rich_markup_mode=MARKUP, pretty_exceptions_enable=False)


@command(app, "up", example="moor up")
def up(session: Session) -> Any:
    """Start all services of this machine that should run and do not. Exit code 1 if one fails.

    What was stopped with moor service stop stays so. Without -w: the services of all workspaces.
    """
    from moorage import services

    outcomes = services.up(
        workspace_name=session.workspace_name, on_outcome=lambda outcome: tell(session, outcome)
    )
    return answer(outcomes)


def tell(session: Session, outcome: Any) -> None:
    problem = f": {outcome.problem}" if outcome.problem else ""
    session.say(f"{outcome.workspace}/{outcome.service} {outcome.text}{problem}")


def answer(outcomes: Any) -> Answer:
    value = [
        {"workspace": o.workspace, "service": o.service, "outcome": o.text, "problem": o.problem}
        for o in outcomes
    ]
    return Answer(value, exit_code=FAILED if any(o.problem for o in outcomes) else 0)
