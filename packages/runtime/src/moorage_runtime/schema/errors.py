"""What can be wrong with a sample, and what can be wrong with the input of a request."""

import json
import re
from typing import Any

_PLAIN_MEMBER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_MAX_SHOWN = 60


class InputError(ValueError):
    """A request holds something that the schema does not allow; whoever sent it can mend it.

    ``path`` says where, as a JSON path that starts with the parameter's name: ``data[17][3]``.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason, path)
        self.reason = reason
        self.path = path

    def inside(self, prefix: str) -> "InputError":
        """Return this error, moved below ``prefix``: a parameter's name, or a step such as ``[3]``."""
        self.path = prefix + self.path
        return self

    def __str__(self) -> str:
        if not self.path:
            return self.reason
        return "%s: %s" % (self.path.lstrip("."), self.reason)


class MissingInput(InputError, IndexError):
    """A decorated parameter was not given at all; usually the fault of whoever calls the function."""


class SampleError(ValueError):
    """A sample, or the way it is declared, cannot describe an input or an output."""


class UnsupportedSample(SampleError, TypeError):
    """The type of a sample, or of something in it, has no form in JSON."""


def item(index: int) -> str:
    """Return the step of a JSON path into a list."""
    return "[%d]" % index


def member(name: Any) -> str:
    """Return the step of a JSON path into an object: ``.age`` or ``["first name"]``."""
    text = _printable(str(name))
    if len(text) > _MAX_SHOWN:
        text = text[:_MAX_SHOWN] + "..."
    if _PLAIN_MEMBER.match(text):
        return "." + text
    return "[%s]" % json.dumps(text, ensure_ascii=False)


def shown(value: Any) -> str:
    """Say in a few words what came: scalars as JSON (cut after 60 characters), the rest by kind."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list of %d items" % len(value) if len(value) != 1 else "a list of 1 item"
    try:
        text = _printable(json.dumps(value, ensure_ascii=False))
    except (TypeError, ValueError):
        return "a value of type %s" % type(value).__name__
    if len(text) > _MAX_SHOWN:
        return "%s... (%d characters)" % (text[:_MAX_SHOWN], len(text))
    return text


def _printable(text: str) -> str:
    """Return text without lone surrogates, which JSON may hold but no answer and no log can."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def expected(what: str, value: Any, path: str = "") -> InputError:
    """Return the error for ``value`` where ``what`` was wanted."""
    return InputError("expected %s, got %s" % (what, shown(value)), path)
