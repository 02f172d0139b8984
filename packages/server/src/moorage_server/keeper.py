"""Watch one supervisor: ``python -m moorage_server.keeper LINK_FD SERVICE_DIR COMMAND...`` (started by it).

Holds copies of the supervisor's sockets and pipes, and starts another supervisor with them when it dies
without having said goodbye. Does nothing else, so that there is little that could end it; the supervisor
starts it again if something does. Standard library only.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .supervision import files, keeping, orphans
from .supervision.lock import FileLock, supervisor_pid
from .supervision.steps import restart_delay_s
from .supervisor import ALREADY_RUNNING, open_errors

# A predecessor that was killed gives its lock back at once.
LOCK_WAIT_S = 5.0
HANDOVER_S = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Keep until the supervisor says goodbye; return an exit code."""
    link_fd, folder, *command = sys.argv[1:] if arguments is None else arguments
    service_dir = Path(folder)
    link = socket.socket(fileno=int(link_fd))
    link.set_inheritable(False)
    # Ends with the supervisor only: what stops a terminal's processes or a careless signal is not meant here.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    # Children, and fronts that lost their supervisor, are collected by the kernel.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    orphans.adopt_orphans()
    lock = FileLock(service_dir / files.KEEPER_LOCK)
    if not lock.acquire(wait_s=LOCK_WAIT_S):
        return ALREADY_RUNNING
    _keep(service_dir, link, command)
    return 0


def _keep(service_dir: Path, link: socket.socket, command: Sequence[str]) -> None:
    kept: dict[str, int] = {}
    deaths = 0
    while True:
        begun = time.monotonic()
        is_over = _listen(link, kept)
        link.close()
        if is_over or not is_wanted(service_dir):
            return
        deaths = 1 if time.monotonic() - begun >= keeping.RECOVERED_AFTER_S else deaths + 1
        if deaths > 1:
            time.sleep(restart_delay_s(deaths - 1))
        if _is_taken(service_dir) or not is_wanted(service_dir):
            return
        link = _start_supervisor(service_dir, command, kept)


def _is_taken(service_dir: Path) -> bool:
    """Tell whether somebody else has started a supervisor meanwhile, which has sockets of its own.

    The end of the link may be seen before the lock of the dead one is free.
    """
    deadline = time.monotonic() + HANDOVER_S
    while supervisor_pid(service_dir) is not None:
        if time.monotonic() >= deadline:
            return True
        time.sleep(0.005)
    return False


def is_wanted(service_dir: Path) -> bool:
    """Tell whether the service should run: it has a wish, and that is not to be stopped."""
    desired = files.read_json(service_dir / files.DESIRED)
    return desired is not None and desired.get("running", True) is True


def _listen(link: socket.socket, kept: dict[str, int]) -> bool:
    """Do what the supervisor says until it is gone; True if it said goodbye."""
    while True:
        try:
            message, descriptors, _, _ = socket.recv_fds(link, keeping.MAX_MESSAGE_BYTES, 1)
        except ConnectionResetError:
            return False
        name = message[1:].decode(errors="replace")
        if not message:
            return False
        if message == keeping.BYE:
            return True
        earlier = kept.pop(name, None)
        if earlier is not None:
            os.close(earlier)
        for descriptor in descriptors:
            kept[name] = descriptor


def _start_supervisor(service_dir: Path, command: Sequence[str], kept: dict[str, int]) -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    variables = {keeping.LINK_VARIABLE: str(theirs.fileno()), keeping.KEPT_VARIABLE: json.dumps(kept)}
    with contextlib.suppress(OSError), theirs:
        errors = open_errors(service_dir)
        try:
            subprocess.Popen(  # noqa: S603 - what the supervisor was started with
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=service_dir,
                env={**os.environ, **variables},
                pass_fds=[theirs.fileno(), *kept.values()],
                start_new_session=True,
            )
        finally:
            os.close(errors)
    return ours


if __name__ == "__main__":
    sys.exit(main())
