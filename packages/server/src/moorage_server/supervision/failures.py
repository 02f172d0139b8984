"""Why something does not run, and what is wrong with a wish."""

from collections.abc import Mapping
from dataclasses import dataclass


class InvalidDesired(ValueError):
    """``desired.json`` does not say what to run."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a generation does not run: the stage it failed in, a sentence, the user's own traceback or ''."""

    stage: str
    message: str
    traceback: str = ""

    @classmethod
    def from_json(cls, value: object) -> "Failure | None":
        if not isinstance(value, Mapping):
            return None
        return cls(
            stage=str(value.get("stage") or "start"),
            message=str(value.get("message") or "it gave no reason"),
            traceback=str(value.get("traceback") or ""),
        )


def check_path(settings: object) -> None:
    """Refuse what leads out of the service folder; raises `InvalidDesired`."""
    if not isinstance(settings, str) or settings.startswith("/") or ".." in settings.split("/"):
        raise InvalidDesired("settings must be a path inside the service folder")


def is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
