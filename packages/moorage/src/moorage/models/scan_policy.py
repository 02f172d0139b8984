"""What a scan of model files may find, and what follows from it."""

import os
from dataclasses import dataclass
from typing import Literal

from moorage.errors import DangerousModel, InvalidArgument

VARIABLE = "MOORAGE_MODEL_SCAN"

Policy = Literal["warn", "refuse"]
Danger = Literal["dangerous", "unknown", "unreadable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a file (``path``; members of archives behind a ``!``) that would run, or may.

    ``dangerous``: does more than making data. ``unknown``: a name of a library that nobody knows here.
    ``unreadable``: it says that it is a pickle or an archive and cannot be followed to its end.
    """

    path: str
    danger: Danger
    what: str


def policy_of_environment() -> Policy | None:
    """Return the policy for registrations that name none; None: no scan.

    Raises:
        InvalidArgument: the variable has another value.
    """
    value = os.environ.get(VARIABLE) or None
    if value in (None, "warn", "refuse"):
        return value  # type: ignore[return-value]
    raise InvalidArgument(VARIABLE, f"must be warn or refuse, it is {value!r}")


def enforce(name: str, findings: list[Finding], policy: Policy) -> list[Finding]:
    """Refuse what is dangerous, or cannot be looked into, if the policy says so; return what to warn of.

    Raises:
        DangerousModel: with all that was found.
    """
    grave = [one for one in findings if one.danger != "unknown"]
    if policy == "refuse" and grave:
        raise DangerousModel(name, [f"{one.path}: {one.what}" for one in grave])
    return findings
