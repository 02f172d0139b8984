"""What was found out about one part."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "missing", "warning", "fault"]
"""``missing``: one can do without it; ``warning``: it will get in the way; ``fault``: nothing works so."""


@dataclass(frozen=True, slots=True)
class Check:
    """``enables`` is what the part is for; ``help`` what to do, empty where nothing needs to be done."""

    name: str
    state: State
    found: str
    enables: str
    help: str = ""
