"""The root of the commands. A group's file is imported when the group is used."""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from moorage.cli.unknown_commands import explain

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

SECTIONS = (
    "check",
    "computetarget",
    "dataset",
    "doctor",
    "down",
    "endpoint",
    "environment",
    "events",
    "experiment",
    "folder",
    "migrate",
    "model",
    "run",
    "schema",
    "serve",
    "service",
    "tls",
    "up",
    "workspace",
)

# Plain text where a program or a file reads it.
MARKUP: Any = "rich" if sys.stdout.isatty() and sys.stderr.isatty() else None


COMMANDS_OF_OTHERS = "moorage.commands"
"""Entry points of this group are commands too: name to Typer application."""


class LazyGroup(TyperGroup):
    """Finds ``moor model`` in `moorage.cli.model`, and so on; those of other distributions by entry point."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted({*SECTIONS, *_commands_of_others()})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in SECTIONS:
            command = get_command(import_module(f"moorage.cli.{cmd_name}").app)
        elif cmd_name in (others := _commands_of_others()):
            command = get_command(others[cmd_name].load())
        else:
            return None
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        is_typed = bool(args) and not args[0].startswith("-") and not ctx.resilient_parsing
        if is_typed and self.get_command(ctx, args[0]) is None:
            ctx.fail(explain(args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


def _commands_of_others() -> "Mapping[str, EntryPoint]":
    from importlib.metadata import entry_points

    # Reading all metadata takes 90 ms, so only for a name that is not ours, and for the list of all.
    return {point.name: point for point in entry_points(group=COMMANDS_OF_OTHERS)}


app = typer.Typer(
    cls=LazyGroup,
    rich_markup_mode=MARKUP,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(
    epilog="Example: moor model register -n mymodel -p model.pkl. "
    "Old command lines work too: moor ml model list is moor model list."
)
def moor(
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version and exit (on its own).")
    ] = False,
) -> None:
    """Keep models, deploy them, and look after their services.

    Answers are JSON, or a table on a terminal; -o chooses (json, jsonc, table, tsv, yaml, none), and --query
    takes a JMESPath expression. The workspace is -w, else MOORAGE_WORKSPACE, else that of the folder
    (moor folder attach), else the only one there is.
    """
    # `moorage.cli.main` answers --version before anything is imported; it is here for the help.
    if version:
        raise typer.BadParameter("stands on its own: moor --version", param_hint="'--version' / '-V'")


def new_section(help: str) -> typer.Typer:
    """Return the Typer application of a group of commands."""
    section = typer.Typer(
        help=help,
        add_completion=False,
        rich_markup_mode=MARKUP,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
    )
    section.callback()(lambda: None)  # makes it a group, also with a single command in it
    return section
