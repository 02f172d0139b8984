"""``moor service`` revisions, rollback, stop and autostart."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from moorage.cli.command import command
from moorage.cli.documents import service_document, service_row, time_text
from moorage.cli.output import Answer
from moorage.cli.service import Name, app
from moorage.cli.session import Session


def _revision_row(document: Any) -> Mapping[str, Any]:
    return {
        "Revision": document["revision"],
        "State": document["state"],
        "Models": ", ".join(document["models"]),
        "Served": document["liveAt"] or "",
        "By": document["createdBy"],
        "Reason": (document["error"] or {}).get("message", "").partition("\n")[0],
    }


@command(app, "revisions", example="moor service revisions -n myservice -o table", table=_revision_row)
def revisions(session: Session, *, name: Name) -> Any:
    """List the kept revisions of a service, the newest first, and why one does not serve."""
    from moorage import services

    return [
        {
            "revision": one.number,
            "state": one.state,
            "models": list(one.models),
            "createdAt": time_text(one.created_at),
            "createdBy": one.created_by,
            "liveAt": time_text(one.live_at),
            "error": one.fault and {"code": one.fault.stage, "message": one.fault.message},
        }
        for one in services.revisions(session.workspace, name)
    ]


@command(app, "rollback", example="moor service rollback -n myservice --to 3", table=service_row)
def rollback(
    session: Session,
    *,
    name: Name,
    to: Annotated[int | None, typer.Option(min=1, help="Which revision. Default: the one before.")] = None,
) -> Any:
    """Let an earlier revision serve again, as it was deployed, without losing a request.

    While there is a canary or a mirror, this ends it instead.
    """
    from moorage import services
    from moorage.cli.detached import telling

    service = services.rollback(session.workspace, name, to=to, on_event=telling(session))
    return service_document(service)


@command(app, "stop", example="moor service stop -n myservice", table=service_row)
def stop(session: Session, *, name: Name) -> Any:
    """Finish the requests of a service and let it rest until: moor service start."""
    from moorage import services
    from moorage.cli.detached import telling

    return service_document(services.stop(session.workspace, name, on_event=telling(session)))


@command(app, "autostart", example="moor service autostart")
def autostart(
    session: Session,
    *,
    show: Annotated[bool, typer.Option("--show", help="Only print the unit.")] = False,
) -> Any:
    """Write a systemd user unit that brings all services back when the machine starts."""
    import sys
    from pathlib import Path

    from moorage.services import autostart
    from moorage.workspace import home_folder

    if show:
        text = autostart.unit_text(home_folder(), Path(sys.executable))
        return Answer(None, text=text, is_text=True)
    unit = autostart.write_unit()
    for problem in unit.problems or ():
        session.warn(problem)
    if unit.problems is None:
        session.warn("systemd is not installed here, so the unit could not be checked")
    enable = f"systemctl --user enable --now {unit.path.name}"
    session.say(f"Wrote {unit.path}\nSwitch it on with:\n  {enable}\n  loginctl enable-linger")
    return {"path": str(unit.path), "enable": enable, "unit": unit.text}
