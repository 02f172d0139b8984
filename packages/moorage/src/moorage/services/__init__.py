"""Deployed services and all one can do to them."""

from moorage.services.access import get_keys, get_token, regen_key, rotate_signing_key
from moorage.services.candidates import mirror_findings, promote
from moorage.services.deploying import deploy, make_plan
from moorage.services.events import Event
from moorage.services.placing import placed
from moorage.services.queries import get, get_logs, list_services, models_in_use
from moorage.services.removal import delete
from moorage.services.revisions import Revision, revisions, rollback
from moorage.services.scoring import Response, run
from moorage.services.service import Service
from moorage.services.signing import AccessToken
from moorage.services.starting import Outcome, down, start, stop, up
from moorage.services.updating import reload, update
from moorage.targets.contract import CandidateSeen, Fault

__all__ = [
    "AccessToken",
    "CandidateSeen",
    "Event",
    "Fault",
    "Outcome",
    "Response",
    "Revision",
    "Service",
    "delete",
    "deploy",
    "down",
    "get",
    "get_keys",
    "get_logs",
    "get_token",
    "list_services",
    "make_plan",
    "mirror_findings",
    "models_in_use",
    "placed",
    "promote",
    "regen_key",
    "reload",
    "revisions",
    "rollback",
    "rotate_signing_key",
    "run",
    "start",
    "stop",
    "up",
    "update",
]
