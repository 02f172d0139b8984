"""Writing the audit log: one row per change, in the transaction that makes the change."""

import getpass
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from moorage.storage.tables import events

_acting: ContextVar[tuple[str, str] | None] = ContextVar("moorage_acting", default=None)


@contextmanager
def acting_as(actor: str, origin: str) -> Iterator[None]:
    """Within, changes are made for somebody else: the caller of an interface, at an address."""
    token = _acting.set((actor, origin))
    try:
        yield
    finally:
        _acting.reset(token)


def record(connection: Connection, kind: str, subject: str, **details: Any) -> None:
    """Note a change, such as ``"model.registered"`` of ``"model m:1"``; ``details`` become JSON.

    Never a secret, nor what a user sends to a service.
    """
    actor, origin = _acting.get() or (user(), _origin())
    connection.execute(
        events.insert().values(
            at=datetime.now(timezone.utc),
            kind=kind,
            subject=subject[:600],
            actor=actor[:255],
            origin=origin[:255],
            details=_plain(details),
        )
    )


def user() -> str:
    """Return the name of the user of this process, '' for a user id without a name, as containers have."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _origin() -> str:
    """Return which program of which machine this is: ``"host:moor[1234]"``."""
    program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
    return f"{socket.gethostname()}:{program}[{os.getpid()}]"


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in details.items() if value is not None}
