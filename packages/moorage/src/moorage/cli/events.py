"""``moor events``."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

import typer

from moorage.cli.app import MARKUP
from moorage.cli.command import command
from moorage.cli.documents import time_text
from moorage.cli.session import Session
from moorage.errors import InvalidArgument

app = typer.Typer(add_completion=False, rich_markup_mode=MARKUP, pretty_exceptions_enable=False)

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _row(document: Any) -> Mapping[str, Any]:
    return {
        "When": document["at"],
        "What": document["kind"],
        "Of": document["subject"],
        "Who": document["actor"],
        "From": document["origin"],
    }


@command(app, "events", example="moor events --subject 'service myservice' --since 7d", table=_row)
def events(
    session: Session,
    *,
    subject: Annotated[
        str | None, typer.Option(help="Only of one thing ('model m:1') or of a kind of things ('model').")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="Only one kind of change: 'service.updated', or 'service'.")
    ] = None,
    actor: Annotated[str | None, typer.Option("--by", help="Only changes made by this user.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only since a time (2026-07-01T12:00) or for as long as 30m, 12h, 7d.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 100,
) -> Any:
    """List what was changed in a workspace, by whom, when and from where; the newest first."""
    from moorage import events as log

    found = log.list_events(
        session.workspace,
        subject=subject,
        kind=kind,
        actor=actor,
        since=None if since is None else parse_since(since, datetime.now(timezone.utc)),
        limit=limit,
    )
    return [
        {
            "id": event.id,
            "at": time_text(event.at),
            "kind": event.kind,
            "subject": event.subject,
            "actor": event.actor,
            "origin": event.origin,
            "details": dict(event.details),
        }
        for event in found
    ]


def parse_since(text: str, now: datetime) -> datetime:
    """Return the time meant by ``"7d"``, ``"30m"`` or an ISO time (of this machine's zone if it names none).

    Raises:
        InvalidArgument: it is written in another way.
    """
    span = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    if span is not None:
        return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        return datetime.fromisoformat(text).astimezone(timezone.utc)
    except ValueError as error:
        raise InvalidArgument(
            "--since", f"{text!r} is neither a time nor a span such as 30m, 12h, 7d"
        ) from error
