"""Keep one service up: ``python -m moorage_server.supervisor [--detach] SERVICE_DIR``.

Holds the listening socket, starts a front for the generation that ``desired.json`` names, replaces
it without losing a request, restarts what dies, writes ``logs/service.log`` and ``status.json``.
Standard library only, so that an upgrade of any dependency cannot stop a supervisor from starting.
SIGHUP: read ``desired.json`` again. SIGTERM, SIGINT: drain and stop; once more: stop at once.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .supervision import confinement, files, keeping, orphans
from .supervision.lock import FileLock, kill_keeper
from .supervision.logfile import RotatingLog
from .supervision.loop import FRONT_COMMAND, Supervisor
from .supervision.signals import install_signals

ALREADY_RUNNING = 75
ERRORS_FILE = "supervisor.err"
# Who only asks whether a supervisor lives holds the lock for an instant; a predecessor may be about to end.
LOCK_WAIT_S = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m moorage_server.supervisor", description=__doc__)
    parser.add_argument("service_dir", type=Path, help="folder of the service, with desired.json")
    parser.add_argument("--detach", action="store_true", help="run in the background, as a daemon")
    options = parser.parse_args(arguments)
    service_dir = options.service_dir.absolute()
    if not service_dir.is_dir():
        print(f"{service_dir} is not a folder", file=sys.stderr)
        return 2
    return _detached(service_dir) if options.detach else supervise(service_dir)


def supervise(
    service_dir: Path,
    front_command: Sequence[str] = FRONT_COMMAND,
    on_decided: Callable[[int], None] = lambda code: None,
    again: Sequence[str] | None = None,
) -> int:
    """Run the supervisor of ``service_dir`` in this process until it is stopped; return an exit code.

    ``again`` is the command of a supervisor that takes this one's place. ``on_decided`` is called with 0 once
    this is the supervisor of the folder, or with the exit code if not.
    """
    (service_dir / files.LOG_FOLDER).mkdir(mode=0o700, exist_ok=True)
    log = RotatingLog(service_dir / files.LOG_FOLDER / files.LOG_FILE)
    inheritance = keeping.inherit(os.environ)
    for name in (keeping.LINK_VARIABLE, keeping.KEPT_VARIABLE):
        os.environ.pop(name, None)
    command = again or (*keeping.SUPERVISOR_COMMAND, str(service_dir))
    supervisor = Supervisor(
        service_dir, log, keeping.Keeping(service_dir, command, inheritance), front_command
    )
    # Before the lock, because whoever sees it held may send a signal.
    wakeup = install_signals(supervisor)
    lock = FileLock(service_dir / files.SUPERVISOR_LOCK)
    if not lock.acquire(wait_s=LOCK_WAIT_S):
        print(f"a supervisor of {service_dir} is already running", file=sys.stderr)
        on_decided(ALREADY_RUNNING)
        return ALREADY_RUNNING
    on_decided(0)
    try:
        orphans.adopt_orphans()
        confinement.renounce(str((files.read_json(service_dir / files.DESIRED) or {}).get("settings")))
        if inheritance.link is None:
            # A keeper of an earlier supervisor holds sockets and fronts that this one cannot get at.
            kill_keeper(service_dir)
        supervisor.run(wakeup, inheritance)
    finally:
        lock.release()
        log.close()
        wakeup.close()
    return 0


def _detached(service_dir: Path) -> int:
    """Supervise in a process of its own session; return to the caller once that holds the lock."""
    ours, theirs = os.pipe()
    if os.fork() > 0:
        os.close(theirs)
        answer = os.read(ours, 1)
        return answer[0] if answer else 1
    os.close(ours)
    os.setsid()
    os.chdir(service_dir)
    _redirect(service_dir)

    def tell(code: int) -> None:
        os.write(theirs, bytes([code]))
        os.close(theirs)

    return supervise(service_dir, on_decided=tell)


def _redirect(service_dir: Path) -> None:
    (service_dir / files.LOG_FOLDER).mkdir(mode=0o700, exist_ok=True)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    errors = open_errors(service_dir)
    os.dup2(errors, 2)
    os.close(nothing)
    os.close(errors)


def open_errors(service_dir: Path) -> int:
    """Return a descriptor for what the supervisor itself dies of; what a service prints is in its log."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    return os.open(service_dir / files.LOG_FOLDER / ERRORS_FILE, flags, 0o600)


if __name__ == "__main__":
    sys.exit(main())
