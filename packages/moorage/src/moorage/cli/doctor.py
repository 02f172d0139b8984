"""``moor doctor``."""

from collections.abc import Mapping
from typing import Any

import typer

from moorage.cli.app import MARKUP
from moorage.cli.command import FAILED, command
from moorage.cli.output import Answer, printable
from moorage.cli.session import Session, attached_workspace

app = typer.Typer(add_completion=False, rich_markup_mode=MARKUP, pretty_exceptions_enable=False)


def _lines(check: Mapping[str, Any]) -> list[str]:
    """Return what a person reads of one part: more of it where something is to be done."""
    first = f"{check['state']:8} {check['name']:21} {check['found']}"
    if check["state"] == "ok":
        return [first]
    return [first, *(f"{'':30} {text}" for text in (f"for {check['enables']}", check["help"]) if text)]


@command(app, "doctor", example="moor doctor -o table")
def doctor(session: Session) -> Any:
    """Check this installation: Python, uv, container engine, disk, ports, the workspace, optional packages.

    Says of each part what it is for, and of a missing one how it is had. Changes nothing. Exit code 1 if
    something that is needed does not work; a missing part that one can do without is no fault.
    """
    from moorage.diagnosis import diagnose

    name = session.workspace_name or attached_workspace(session.path)
    checks = list(diagnose(name))
    value = [
        {"name": c.name, "state": c.state, "found": c.found, "enables": c.enables, "help": c.help}
        for c in checks
    ]
    text = printable("\n".join(line for one in value for line in _lines(one)))
    return Answer(value, text=text, exit_code=FAILED if any(c.state == "fault" for c in checks) else 0)
