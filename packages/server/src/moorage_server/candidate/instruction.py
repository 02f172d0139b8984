"""What the supervisor tells a front about a second revision: a file beside the front's own settings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

INSTRUCTION_FILE = "candidate.json"
# What a mirror has found; the front writes it, beside the instruction.
MIRROR_FILE = "mirror.json"

Kind = Literal["canary", "mirror"]
KINDS: tuple[Kind, ...] = ("canary", "mirror")


class InvalidInstruction(ValueError):
    """The file does not say which revision to run beside."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """Run ``generation`` with ``settings`` beside generation ``beside``.

    ``share_percent`` (1 to 100): of the requests, for a canary; of the copies, for a mirror. ``tolerance``:
    how far numbers may differ (relative, and absolute near zero) before a mirror calls them different.
    ``slower``: how many times as long as the other a canary may take; 0: any time.
    """

    generation: int
    settings: Path
    beside: int
    kind: Kind
    share_percent: int
    tolerance: float = 0.0
    slower: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "settings": str(self.settings)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Instruction":
        """Read the object in the file.

        Raises:
            InvalidInstruction: a field is missing, unknown, or makes no sense.
        """
        try:
            made = cls(**{**value, "settings": Path(cast(str, value["settings"]))})
        except (KeyError, TypeError) as error:
            raise InvalidInstruction(str(error)) from error
        if made.kind not in KINDS:
            raise InvalidInstruction(f"kind must be canary or mirror, it is {made.kind!r}")
        if isinstance(made.slower, bool) or not isinstance(made.slower, (int, float)) or made.slower < 0:
            raise InvalidInstruction("slower must be a number from 0 on")
        if not isinstance(made.share_percent, int) or not 1 <= made.share_percent <= 100:
            raise InvalidInstruction("share_percent must be a whole number from 1 to 100")
        return made
