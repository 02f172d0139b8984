"""Starting and stopping the supervisor of a service."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from moorage.deployments.process_environment import service_variables
from moorage.targets.contract import TargetFault
from moorage_server.supervision import files, orphans
from moorage_server.supervision.lock import keeper_pid, kill_keeper, signal_supervisor, supervisor_pid
from moorage_server.supervision.loop import LONGEST_STOP_S
from moorage_server.supervisor import ALREADY_RUNNING, ERRORS_FILE

_START_TIMEOUT_S = 60.0
_KILL_AFTER_S = 10.0
_SUCCESSOR_TIMEOUT_S = 10.0


def wake(folder: Path) -> None:
    """Let the supervisor look at ``desired.json``; start one if there is none.

    Raises:
        TargetFault: it cannot be started; with what it said.
    """
    _await_successor(folder)
    if signal_supervisor(folder, signal.SIGHUP):
        return
    command = [sys.executable, "-m", "moorage_server.supervisor", "--detach", str(folder)]
    try:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # Python looks for modules there first, so it must not be the user's current folder.
            cwd=folder,
            env=service_variables(os.environ),
        )
    except OSError as error:
        raise TargetFault(f"the supervisor cannot be started: {error}") from error
    try:
        _, errors = process.communicate(timeout=_START_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.communicate()
        raise TargetFault(f"the supervisor cannot be started: {error}") from error
    except BaseException:
        # Whoever was interrupted wants to stop it next, and can do that once it has begun.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_START_TIMEOUT_S)
        raise
    if process.returncode not in (0, ALREADY_RUNNING):
        said = errors.strip() or last_words(folder) or f"exit code {process.returncode}"
        raise TargetFault(f"the supervisor cannot be started: {said}")


def end(folder: Path) -> None:
    """Stop the supervisor, gently at first, and everything that is left of the service.

    Returns when nothing runs any more.
    """
    _await_successor(folder)
    for number, patience_s in (
        (signal.SIGTERM, LONGEST_STOP_S + _KILL_AFTER_S),
        (signal.SIGTERM, _KILL_AFTER_S),
        (signal.SIGKILL, _KILL_AFTER_S),
    ):
        if number == signal.SIGKILL:
            kill_keeper(folder)  # it would start another one
        if not signal_supervisor(folder, number) or _wait_for_end(folder, patience_s):
            break
    kill_keeper(folder)
    orphans.kill_marked(orphans.mark(folder))
    deadline = time.monotonic() + _KILL_AFTER_S
    while keeper_pid(folder) is not None and time.monotonic() < deadline:
        time.sleep(
            0.01
        )  # killed, but still seen; whoever looks next would take the service for one that starts


def is_kept(folder: Path) -> bool:
    """Tell whether somebody sees to it that the service runs: a supervisor, or a keeper that starts one."""
    return supervisor_pid(folder) is not None or keeper_pid(folder) is not None


def _await_successor(folder: Path) -> None:
    """If the supervisor was killed this instant, let its keeper start another, which has its sockets."""
    deadline = time.monotonic() + _SUCCESSOR_TIMEOUT_S
    while supervisor_pid(folder) is None and keeper_pid(folder) is not None:
        if time.monotonic() >= deadline:
            return
        time.sleep(0.01)


def last_words(folder: Path) -> str:
    """Return what a supervisor that died left in its error file, ''."""
    try:
        return (folder / files.LOG_FOLDER / ERRORS_FILE).read_text(errors="replace").strip()[-2000:]
    except OSError:
        return ""


def _wait_for_end(folder: Path, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while supervisor_pid(folder) is not None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return True
