"""The command line as typed, turned into the one that the parser knows. Keeps old spellings working."""

import sys
from collections.abc import Sequence
from pathlib import Path

TWO_LETTER_FLAGS = frozenset(
    [
        "ae",
        "ai",
        "ar",
        "as",
        "at",
        "bi",
        "cc",
        "ccl",
        "cf",
        "cp",
        "ct",
        "cv",
        "cvt",
        "dc",
        "dn",
        "ds",
        "ed",
        "eg",
        "es",
        "ev",
        "ft",
        "gb",
        "gbl",
        "gc",
        "ic",
        "id",
        "idi",
        "il",
        "in",
        "ir",
        "kp",
        "ks",
        "lo",
        "ma",
        "md",
        "mi",
        "mr",
        "nr",
        "pi",
        "po",
        "ps",
        "rm",
        "rt",
        "sc",
        "sd",
        "se",
        "sk",
        "sp",
        "st",
        "tm",
        "tp",
        "ts",
        "vn",
    ]
)

current: list[str] = []
"""The normalised command line of this process."""


class ArgumentFileError(Exception):
    """The file of an ``@file`` argument cannot be read."""


def normalise(arguments: Sequence[str]) -> list[str]:
    """Drop a leading ``ml``, write ``-ic`` as ``--ic``, and put the content of ``@file`` in its place.

    Raises:
        ArgumentFileError: an ``@file`` cannot be read.
    """
    rest = list(arguments)
    if rest[:1] == ["ml"]:
        del rest[0]
    result: list[str] = []
    for position, argument in enumerate(rest):
        if argument == "--":
            return result + rest[position:]
        result.append(_load(_two_dashes(argument)))
    return result


def _two_dashes(argument: str) -> str:
    name, equals, value = argument.partition("=")
    if name.startswith("-") and name[1:] in TWO_LETTER_FLAGS:
        return f"-{name}{equals}{value}"
    return argument


def _load(argument: str) -> str:
    if argument.startswith("@") and len(argument) > 1:
        return _content(argument[1:])
    name, equals, value = argument.partition("=@")
    if equals and name.startswith("--") and value:
        return f"{name}={_content(value)}"
    return argument


def _content(path: str) -> str:
    """Return the text of a file ("-": standard input) without its last line end."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).expanduser().read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ArgumentFileError(
            f"the file of the argument @{path} cannot be read: {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise ArgumentFileError(f"the file of the argument @{path} is not UTF-8 text") from error
    return text.removesuffix("\n").removesuffix("\r")
