"""The audit log of a workspace: who changed what, when and from where. It is only ever added to."""

from moorage.events.log import Event, list_events
from moorage.storage.audit import acting_as

__all__ = ["Event", "acting_as", "list_events"]
