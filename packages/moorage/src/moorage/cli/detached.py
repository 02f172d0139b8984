"""Operations that go on after the command has returned: the same command, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from moorage.cli import arguments
from moorage.cli.session import Session
from moorage.folders import make_private_folder

if TYPE_CHECKING:
    from moorage.services import Event

ACCEPTED_VARIABLE = "MOORAGE_ACCEPTED_FD"
"""Names the pipe on which the process says that its operation has begun."""

BEGUN = frozenset({"prepared", "starting", "live", "restored", "stopped", "deleted"})


def run_again(session: Session, service: str) -> None:
    """Start this command once more without ``--no-wait``; return when its operation has begun.

    Its messages go to ``operations/<service>.log`` in the workspace's folder. When it fails before it has
    begun, its message is printed and this command ends with its exit code.
    """
    log = session.workspace.path / "operations" / f"{service}.log"
    make_private_folder(log.parent)
    ours, theirs = os.pipe()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        child = subprocess.Popen(  # noqa: S603 - our own command line
            _command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=descriptor,
            pass_fds=[theirs],
            env={**os.environ, ACCEPTED_VARIABLE: str(theirs)},
            start_new_session=True,
        )
    finally:
        os.close(theirs)
        os.close(descriptor)
    with os.fdopen(ours, "rb", buffering=0) as pipe:
        has_begun = bool(pipe.read(1))  # nothing, when the process ends without having begun
    if has_begun:
        # It is meant to outlive us; without this Python would complain that it does.
        child.returncode = 0
        session.say(f"{service}: the operation has begun; follow it with: moor service show -n {service}")
        return
    code = child.wait()
    if code != 0:
        sys.stderr.write(_text(log))
        raise typer.Exit(code if code > 0 else 1)


def telling(session: Session) -> "Callable[[Event], None]":
    """Return the function that shows the events of an operation as progress."""
    accepted = os.environ.pop(ACCEPTED_VARIABLE, None)
    pipe = None if accepted is None else int(accepted)

    def tell(event: "Event") -> None:
        nonlocal pipe
        if event.kind == "warning":
            session.warn(event.message)
        elif event.kind != "failed":  # the error itself follows
            session.say(event.message)
        if pipe is not None and event.kind in BEGUN:
            os.write(pipe, b"1")
            os.close(pipe)
            pipe = None

    return tell


def _command() -> list[str]:
    again = [argument for argument in arguments.current if argument != "--no-wait"]
    return [sys.executable, "-m", "moorage.cli", *again]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
