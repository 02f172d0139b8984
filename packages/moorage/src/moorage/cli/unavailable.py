"""Commands of the old command line whose capability is not here: they explain themselves and fail.

They take all their documented flags, so that a script learns what to do instead, not that a flag is unknown.
"""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from moorage.cli.command import command
from moorage.cli.session import Session

WORDS = inspect.Parameter(
    "words",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[list[str] | None, typer.Argument(metavar="SCRIPT [ARGUMENTS]")],
)


@dataclass(frozen=True, slots=True)
class Unavailable:
    """``flags`` is written ``--name/-n! --no-wait*``: "!" for a required one, "*" for one without a value."""

    name: str
    was_for: str
    instead: str
    flags: str = ""
    writes_metadata: bool = False
    has_version_flag: bool = False
    takes_words: bool = False
    """Words without a flag follow, such as a script and its arguments."""


def add_unavailable(section: typer.Typer, prefix: str, commands: Iterable[Unavailable]) -> None:
    """Add the commands to a section; ``prefix`` is what one types before their names."""
    for one in commands:
        _add(section, prefix, one)


def _add(section: typer.Typer, prefix: str, one: Unavailable) -> None:
    options = [_option(text) for text in one.flags.split()]
    if one.takes_words:
        options.append(WORDS)
    required = [text.rstrip("!").split("/")[-1] for text in one.flags.split() if text.endswith("!")]
    title = f"{prefix} {one.name}"
    example = " ".join([f"moor {title}", *(f"{flag} VALUE" for flag in required)])

    def refuse(session: Session, **_values: Any) -> None:
        from moorage.errors import NotSupported

        raise NotSupported(f"moor {title} is not available: {one.instead}")

    refuse.__doc__ = f"{one.was_for} Not available here: {one.instead}"
    command(
        section,
        one.name,
        example=f"{example} (says what to do instead)",
        writes_metadata=one.writes_metadata,
        has_version_flag=one.has_version_flag,
        takes_unknown_flags=one.takes_words,
        extra={option.name: option for option in options},
    )(refuse)


def _option(text: str) -> inspect.Parameter:
    is_required, is_switch = text.endswith("!"), text.endswith("*")
    spellings = text.rstrip("!*").split("/")
    # The prefix keeps words of Python, such as async, out of the way.
    name = "flag_" + spellings[0].removeprefix("--").replace("-", "_")
    if is_switch:
        annotation: Any = Annotated[bool, typer.Option(*spellings, help="Accepted.")]
        default: Any = False
    else:
        # A list takes repeated flags too.
        annotation = Annotated[list[str] | None, typer.Option(*spellings, metavar="VALUE", help="Accepted.")]
        default = inspect.Parameter.empty if is_required else None
        if is_required:
            annotation = Annotated[list[str], typer.Option(*spellings, metavar="VALUE", help="Accepted.")]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
