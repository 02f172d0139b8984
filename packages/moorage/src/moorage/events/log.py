"""Reading the audit log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from moorage.errors import InvalidArgument
from moorage.storage.tables import events
from moorage.workspace import Workspace

DEFAULT_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Event:
    """One change.

    ``subject`` is a kind and a name, such as ``"model m:1"`` or ``"service svc"``; ``origin`` the machine,
    the program and its process id. ``at`` is aware UTC.
    """

    id: int
    at: datetime
    kind: str
    subject: str
    actor: str
    origin: str
    details: Mapping[str, Any]


def list_events(
    workspace: Workspace,
    *,
    subject: str | None = None,
    kind: str | None = None,
    actor: str | None = None,
    since: datetime | None = None,
    before_id: int | None = None,
    limit: int | None = DEFAULT_LIMIT,
) -> list[Event]:
    """Return changes, the newest first.

    ``subject`` is a whole one (``"service svc"``) or its kind (``"service"``); ``kind`` a whole one
    (``"service.updated"``) or its beginning (``"service"``). ``before_id`` continues a list.

    Raises:
        InvalidArgument: ``limit`` is negative, or ``since`` has no time zone.
    """
    if limit is not None and limit < 0:
        raise InvalidArgument("limit", "cannot be negative")
    if since is not None and since.tzinfo is None:
        raise InvalidArgument("since", "needs a time zone")
    columns = events.c
    wanted = select(events).order_by(columns.id.desc())
    if subject is not None:
        is_kind = " " not in subject
        wanted = wanted.where(
            columns.subject.startswith(f"{subject} ", autoescape=True)
            if is_kind
            else columns.subject == subject
        )
    if kind is not None:
        is_whole = columns.kind == kind
        wanted = wanted.where(is_whole | columns.kind.startswith(f"{kind}.", autoescape=True))
    if actor is not None:
        wanted = wanted.where(columns.actor == actor)
    if since is not None:
        wanted = wanted.where(columns.at >= since)
    if before_id is not None:
        wanted = wanted.where(columns.id < before_id)
    if limit is not None:
        wanted = wanted.limit(limit)
    with workspace.database.read() as connection:
        return [
            Event(row.id, row.at, row.kind, row.subject, row.actor, row.origin, row.details)
            for row in connection.execute(wanted)
        ]
