"""What all commands share: the flags of every command, the printing of answers, errors and exit codes.

A command is a function that takes a `Session` first, then its own options, and returns its answer.
"""

import inspect
import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from moorage.cli.completion import complete_workspaces
from moorage.cli.documents import write_document
from moorage.cli.metadata import check_writable
from moorage.cli.output import FORMATS, Answer, Table, UnusableQuery, print_answer, printable
from moorage.cli.session import Session
from moorage.errors import (
    ComputeTargetNotFound,
    DatasetNotFound,
    EnvironmentNotFound,
    InvalidArgument,
    InvalidName,
    ModelNotFound,
    MoorageError,
    RunNotFound,
    ServiceNotFound,
    WorkspaceNotFound,
)

logger = logging.getLogger(__name__)

Command = Callable[..., Any]

NOT_FOUND = (
    ComputeTargetNotFound,
    DatasetNotFound,
    EnvironmentNotFound,
    ModelNotFound,
    RunNotFound,
    ServiceNotFound,
    WorkspaceNotFound,
)
WRONG_USAGE = (InvalidName, InvalidArgument)
FAILED, USAGE, MISSING, INTERRUPTED = 1, 2, 3, 130


def _option(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _every_command(has_version_flag: bool) -> list[inspect.Parameter]:
    """Return the flags of every command. ``-v`` is verbosity, except where it is a version."""
    verbose = ("--verbose",) if has_version_flag else ("--verbose", "-v")
    panel = "Options of every command"
    hidden = "Accepted for old scripts; has no meaning here."
    return [
        _option(
            "output",
            Annotated[
                str | None,
                typer.Option(
                    "--output",
                    "-o",
                    metavar="|".join(FORMATS),
                    help="Form of the answer. Default: MOORAGE_OUTPUT, else table on a terminal, else json.",
                    rich_help_panel=panel,
                ),
            ],
            None,
        ),
        _option(
            "query",
            Annotated[
                str | None,
                typer.Option(
                    "--query", metavar="JMESPATH", help="Part of the answer to print.", rich_help_panel=panel
                ),
            ],
            None,
        ),
        _option(
            "only_show_errors",
            Annotated[
                bool,
                typer.Option("--only-show-errors", help="No progress, no warnings.", rich_help_panel=panel),
            ],
            False,
        ),
        _option(
            "verbose",
            Annotated[bool, typer.Option(*verbose, help="Log what is done.", rich_help_panel=panel)],
            False,
        ),
        _option(
            "debug",
            Annotated[
                bool,
                typer.Option("--debug", help="Log everything; show tracebacks.", rich_help_panel=panel),
            ],
            False,
        ),
        _option(
            "subscription",
            Annotated[str | None, typer.Option("--subscription", help=hidden, hidden=True)],
            None,
        ),
    ]


METADATA_FILE = _option(
    "output_metadata_file",
    Annotated[
        Path | None, typer.Option("--output-metadata-file", "-t", help="File that gets the answer too.")
    ],
    None,
)


def _workspace_choice() -> list[inspect.Parameter]:
    panel = "Choice of the workspace"
    return [
        _option(
            "workspace_name",
            Annotated[
                str | None,
                typer.Option(
                    "--workspace-name",
                    "-w",
                    help="Name of the workspace.",
                    rich_help_panel=panel,
                    autocompletion=complete_workspaces,
                ),
            ],
            None,
        ),
        _option(
            "resource_group",
            Annotated[
                str | None,
                typer.Option(
                    "--resource-group", "-g", help="A label; does not choose.", rich_help_panel=panel
                ),
            ],
            None,
        ),
        _option(
            "subscription_id",
            Annotated[
                str | None,
                typer.Option("--subscription-id", help="A label; does not choose.", rich_help_panel=panel),
            ],
            None,
        ),
        _option(
            "path",
            Annotated[
                Path,
                typer.Option(
                    "--path",
                    help="Project folder; the workspace it is attached to is used when -w is not given.",
                    rich_help_panel=panel,
                ),
            ],
            Path(),
        ),
    ]


def command(
    section: typer.Typer,
    name: str,
    *,
    example: str,
    table: Table | None = None,
    has_version_flag: bool = False,
    writes_metadata: bool = False,
    extra: Mapping[str, inspect.Parameter] | None = None,
    hidden: bool = False,
    takes_unknown_flags: bool = False,
) -> Callable[[Command], Command]:
    """Make a function the command ``name`` of a section. Its docstring is the help, ``example`` ends it.

    Every command takes the flags of `_every_command` and `_workspace_choice`; a function that needs one of
    them names it as its own. ``table`` maps one object of the answer to the columns of a table. ``extra`` are
    more options, which reach the function as keyword arguments. With ``writes_metadata`` the command takes
    ``-t FILE``, a file that receives the answer too; with ``takes_unknown_flags`` flags of another program,
    such as a script that is named, are words.
    """

    def decorate(function: Command) -> Command:
        own = list(inspect.signature(function).parameters.values())[1:]
        own = [parameter for parameter in own if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
        own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        taken = {parameter.name for parameter in own}
        metadata = [METADATA_FILE] if writes_metadata else []
        shared = [*metadata, *_workspace_choice(), *_every_command(has_version_flag)]
        parameters = [*own, *(extra or {}).values(), *(one for one in shared if one.name not in taken)]

        def run(**values: Any) -> None:
            passed = {key: values[key] for key in (*taken, *(extra or ()))}
            _run(function, passed, values, table, values["output_metadata_file"] if metadata else None)

        run.__name__, run.__doc__ = function.__name__, function.__doc__
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        settings = {"ignore_unknown_options": True} if takes_unknown_flags else None
        section.command(name, epilog=f"Example: {example}", hidden=hidden, context_settings=settings)(run)
        return function

    return decorate


def _run(
    function: Command,
    passed: dict[str, Any],
    values: dict[str, Any],
    table: Table | None,
    metadata_file: Path | None,
) -> None:
    """Run one command: answer on standard output, everything else on standard error, then the exit code."""
    _set_up_logging(values["debug"], values["verbose"])
    session = Session(values.get("workspace_name"), values.get("path", Path()), values["only_show_errors"])
    try:
        form = _checked_format(values["output"])
        check_writable(metadata_file)
        answer = function(session, **passed)
        if metadata_file is not None:
            write_document(metadata_file, answer.value if isinstance(answer, Answer) else answer)
        print_answer(answer, form, values["query"], table)
        if isinstance(answer, Answer) and answer.exit_code:
            raise typer.Exit(answer.exit_code)
    except KeyboardInterrupt:
        _fail(
            KeyboardInterrupt("Interrupted; what was not finished is undone."), INTERRUPTED, values["debug"]
        )
    except UnusableQuery as error:
        _fail(error, USAGE, values["debug"])
    except MoorageError as error:
        _fail(error, _exit_code(error, function), values["debug"])
    except (typer.Exit, typer.BadParameter, BrokenPipeError):
        raise  # handled further up
    except Exception as error:
        logger.debug("unexpected", exc_info=True)
        text = (
            f"{type(error).__name__}: {error}\nThis is a fault of Moorage. --debug shows where it happened."
        )
        _fail(MoorageError(text), FAILED, values["debug"])
    finally:
        session.close()


def _exit_code(error: MoorageError, function: Command) -> int:
    if isinstance(error, WRONG_USAGE):
        return USAGE
    is_show = function.__name__.startswith("show")
    return MISSING if is_show and isinstance(error, NOT_FOUND) else FAILED


def _fail(error: BaseException, code: int, debug: bool) -> NoReturn:
    if debug:
        traceback.print_exception(error)
    head = "" if code == INTERRUPTED else "Error: "
    print(printable(f"{head}{error}"), file=sys.stderr)
    raise typer.Exit(code)


def _checked_format(name: str | None) -> str:
    wanted = name or os.environ.get("MOORAGE_OUTPUT")
    if not wanted:
        return "table" if sys.stdout.isatty() else "json"
    if wanted.lower() not in FORMATS:
        hint = "'--output' / '-o'" if name else "MOORAGE_OUTPUT"
        raise typer.BadParameter(f"{wanted!r} is none of {', '.join(FORMATS)}", param_hint=hint)
    return wanted.lower()


def _set_up_logging(debug: bool, verbose: bool) -> None:
    level = logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
