"""No process outlives its service, whoever was killed and however.

Three nets, one behind the other (the last one on Linux only):

1. every front leads a process group; when it ends, the whole group is killed;
2. a front holds a leash, a pipe whose other end only the supervisor and its keeper have: when both are
   gone, it finishes its requests and ends; children that lost their parent come to the supervisor;
3. every process of a service carries a mark in its environment, so that what detached itself
   from its group is found, also by the next supervisor after a machine-wide mishap.
"""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

# Not one of the MOORAGE_ variables, which a front keeps from its scorers.
MARK = "SUPERVISED_BY_MOORAGE"
PR_SET_CHILD_SUBREAPER = 36

IS_LINUX = sys.platform == "linux"


def mark(service_dir: Path, generation: int | None = None, run: int | None = None) -> str:
    """Return the value of :data:`MARK` for one run of a generation, or the start of those of a service."""
    # The same for everybody, whatever links led there.
    head = f"{service_dir.resolve()}|"
    return head if generation is None else f"{head}{generation}.{run}|"


def adopt_orphans() -> None:
    """Make this process the new parent of descendants whose own parent dies."""
    if IS_LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_group(leader: int) -> None:
    """Kill the process group of ``leader``, which is not reaped yet, so that its number is still its own."""
    # Gone; or (on some systems) only a zombie is left in it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def kill_marked(value: str, *, spare: Sequence[str] = ()) -> list[int]:
    """Kill every process of this user whose mark starts with ``value``; return their numbers.

    ``spare`` are starts of marks to leave alone. Reads ``/proc``; finds nothing elsewhere.
    """
    killed = []
    for entry in Path("/proc").glob("[0-9]*") if IS_LINUX else ():
        pid = int(entry.name)
        is_spared = pid == os.getpid() or any(has_mark(pid, one) for one in spare)
        if not is_spared and _kill_if_marked(pid, value):
            killed.append(pid)
    return killed


def marked(value: str) -> list[int]:
    """Return the numbers of all processes of this user whose mark starts with ``value``."""
    if not IS_LINUX:
        return []
    pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if pid != os.getpid() and has_mark(pid, value)]


def _kill_if_marked(pid: int, value: str) -> bool:
    if not has_mark(pid, value):
        return False
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        # The number may belong to another program by now; the handle cannot change its mind.
        if not has_mark(pid, value):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def has_mark(pid: int, value: str) -> bool:
    """Tell whether the mark of a process starts with ``value``; False if it is gone or not ours."""
    wanted = f"{MARK}={value}".encode()
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return any(variable.startswith(wanted) for variable in environment.split(b"\0"))
