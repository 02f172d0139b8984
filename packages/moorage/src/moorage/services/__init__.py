"""Deployed services and all one can do to them."""

from moorage.services.deploying import deploy, make_plan, reload, start, update
from moorage.services.events import Event
from moorage.services.queries import get, get_logs, list_services, models_in_use
from moorage.services.removal import delete
from moorage.services.scoring import Response, run
from moorage.services.service import Service
from moorage.targets.contract import Fault

__all__ = [
    "Event",
    "Fault",
    "Response",
    "Service",
    "delete",
    "deploy",
    "get",
    "get_logs",
    "list_services",
    "make_plan",
    "models_in_use",
    "reload",
    "run",
    "start",
    "update",
]
