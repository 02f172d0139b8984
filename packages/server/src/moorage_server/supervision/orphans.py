"""No process outlives its service, whoever was killed and however.

Three nets, one behind the other (the last two on Linux only):

1. every front leads a process group; when it ends, the whole group is killed;
2. the kernel kills a front when its supervisor dies, and gives children that lost their parent
   to the supervisor;
3. every process of a service carries a mark in its environment, so that what detached itself
   from its group is found, also by the next supervisor after a machine-wide mishap.
"""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

# Not one of the MOORAGE_ variables, which a front keeps from its scorers.
MARK = "SUPERVISED_BY_MOORAGE"
PR_SET_PDEATHSIG = 1
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


def death_pact() -> Callable[[], None] | None:
    """Return a function for a fresh child that lets the kernel kill it when this process dies.

    The library is loaded here, in the parent: between fork and exec a child only makes two calls.
    """
    if not IS_LINUX:
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def in_child() -> None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it died before the request was made
            os._exit(1)

    return in_child


def kill_group(leader: int) -> None:
    """Kill the process group of ``leader``, which is not reaped yet, so that its number is still its own."""
    # Gone; or (on some systems) only a zombie is left in it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def kill_marked(value: str, *, spare: frozenset[int] = frozenset()) -> list[int]:
    """Kill every process of this user whose mark starts with ``value``; return their numbers.

    ``spare`` are numbers to leave alone. Reads ``/proc``; finds nothing elsewhere.
    """
    killed = []
    for entry in Path("/proc").glob("[0-9]*") if IS_LINUX else ():
        pid = int(entry.name)
        if pid not in spare and pid != os.getpid() and _kill_if_marked(pid, value):
            killed.append(pid)
    return killed


def marked(value: str) -> list[int]:
    """Return the numbers of all processes of this user whose mark starts with ``value``."""
    if not IS_LINUX:
        return []
    pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if pid != os.getpid() and _has_mark(pid, value)]


def _kill_if_marked(pid: int, value: str) -> bool:
    if not _has_mark(pid, value):
        return False
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        # The number may belong to another program by now; the handle cannot change its mind.
        if not _has_mark(pid, value):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _has_mark(pid: int, value: str) -> bool:
    wanted = f"{MARK}={value}".encode()
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return any(variable.startswith(wanted) for variable in environment.split(b"\0"))
