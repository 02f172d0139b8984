"""What happens during an operation, told while it happens."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal

Kind = Literal[
    "building",
    "planned",
    "warning",
    "prepared",
    "starting",
    "live",
    "canary",
    "mirror",
    "failed",
    "restored",
    "stopped",
    "deleted",
]


@dataclass(frozen=True, slots=True)
class Event:
    """One step of an operation on a service; ``message`` is a sentence for people."""

    kind: Kind
    service: str
    message: str
    revision: int | None = None
    at: datetime | None = None  # aware UTC


OnEvent = Callable[[Event], None]


class Teller:
    """Tells events of one service to whoever wants to know."""

    def __init__(self, service: str, on_event: OnEvent | None) -> None:
        self._service = service
        self._on_event = on_event

    def tell(self, kind: Kind, message: str, revision: int | None = None) -> None:
        if self._on_event is not None:
            self._on_event(Event(kind, self._service, message, revision, datetime.now(timezone.utc)))
