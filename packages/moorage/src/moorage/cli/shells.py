"""Completion scripts of the shells, for the shell that is named; and the old ``ml`` in front of commands."""

import os
import re
from collections.abc import MutableMapping, Sequence

SHELLS = ("bash", "zsh", "fish")
PROGRAM = "moor"
VARIABLE = "_MOOR_COMPLETE"
"""Set by the scripts when a shell asks for completions."""


class UnknownShell(Exception):
    """There is no completion for it; the message names those that there are."""


def asked_shell(arguments: Sequence[str]) -> tuple[str, str] | None:
    """Return option and shell of ``--show-completion SHELL`` or ``--install-completion SHELL``.

    Without a name Typer looks which shell it was started from, which fails in scripts and containers.

    Raises:
        UnknownShell: another name.
    """
    if len(arguments) == 1 and "=" in arguments[0]:
        arguments = arguments[0].split("=", 1)
    if len(arguments) != 2 or arguments[0] not in {"--show-completion", "--install-completion"}:
        return None
    if arguments[1] not in SHELLS:
        raise UnknownShell(f"completion is there for {', '.join(SHELLS)}, not for {arguments[1]!r}")
    return arguments[0], arguments[1]


def answer(option: str, shell: str) -> str:
    """Return the script of a shell; or install it in the files of this user, and say where.

    Raises:
        OSError: the files cannot be written.
    """
    from typer._completion_shared import get_completion_script, install  # the public way asks the shell

    if option == "--show-completion":
        return get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell)
    _, path = install(shell=shell, prog_name=PROGRAM, complete_var=VARIABLE)
    return f"{shell} completion is installed in {path}; it takes effect in a new shell"


def drop_old_prefix(environment: MutableMapping[str, str] = os.environ) -> None:
    """Complete ``moor ml model`` as ``moor model``, when a shell asks."""
    if VARIABLE not in environment:
        return
    words = environment.get("COMP_WORDS", "").split("\n")  # bash
    position = environment.get("COMP_CWORD", "")
    if words[1:2] == ["ml"] and position.isdigit() and int(position) > 1:
        environment["COMP_WORDS"] = "\n".join([words[0], *words[2:]])
        environment["COMP_CWORD"] = str(int(position) - 1)
    typed = environment.get("_TYPER_COMPLETE_ARGS", "")  # zsh, fish
    environment["_TYPER_COMPLETE_ARGS"] = re.sub(r"^(\S+\s+)ml\s+", r"\1", typed)
