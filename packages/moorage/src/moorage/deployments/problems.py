"""What is wrong with a deployment, said before anything is done."""

from dataclasses import dataclass, field
from typing import Literal

from moorage.errors import MoorageError

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What stops a deployment ("error"), may surprise later ("warning"), or is good to know ("note").

    ``where`` names the file, line or setting, ``help`` what to do. ``cause`` is the error that the same fact
    raises elsewhere, such as ModelNotFound.
    """

    severity: Severity
    where: str
    message: str
    help: str = ""
    cause: MoorageError | None = field(default=None, compare=False)

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        advice = f" ({self.help})" if self.help else ""
        return f"{where}{self.message}{advice}"


def error(where: str, message: str, help: str = "", *, cause: MoorageError | None = None) -> Problem:
    return Problem("error", where, message, help, cause)


def warning(where: str, message: str, help: str = "") -> Problem:
    return Problem("warning", where, message, help)


def from_error(where: str, cause: MoorageError) -> Problem:
    """Return the problem that an error of ours states."""
    return Problem("error", where, str(cause), "", cause)
