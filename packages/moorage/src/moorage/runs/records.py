"""The records of experiments and runs, and how MLflow's words become ours."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from moorage.errors import InvalidName

NAME_RULE = "1 to 255 letters, digits, '-' and '_' (a-z, A-Z, 0-9), the first one a letter or digit"
STATUSES = {
    "RUNNING": "Running",
    "SCHEDULED": "NotStarted",
    "FINISHED": "Completed",
    "FAILED": "Failed",
    "KILLED": "Canceled",
}
"""MLflow's states and what old code calls them."""
FINAL = ("Completed", "Failed", "Canceled")


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named list of runs."""

    id: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """One run. Properties are set once; tags and description may change. Times are aware, UTC."""

    id: str
    experiment_id: str
    name: str
    status: str
    """One of the values of `STATUSES`."""
    started_at: datetime
    ended_at: datetime | None = None
    description: str | None = None
    parent_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None


def check_experiment_name(name: object) -> str:
    """Return the name; raises `InvalidName` if it breaks `NAME_RULE`."""
    if not isinstance(name, str) or re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}", name) is None:
        raise InvalidName("experiment", name, NAME_RULE)
    return name
