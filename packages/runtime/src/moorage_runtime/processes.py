"""How a scorer lives and dies as a process: with its parent, on SIGTERM, and without waiting for anybody."""

import atexit
import os
import signal
import sys
from types import FrameType
from typing import Callable, NoReturn, Optional

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


class Terminated(SystemExit):
    """SIGTERM arrived; raised in the main thread wherever it is."""


class _State:
    is_terminating = False


def die_with_parent() -> bool:
    """Ask the kernel to kill this process when its parent dies; False where that cannot be had.

    The end of the socket does the same, but is noticed only between two calls of the script.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        import ctypes  # noqa: PLC0415

        libc = ctypes.CDLL(None, use_errno=True)
        return bool(libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def _terminate(number: int, frame: Optional[FrameType]) -> None:
    _State.is_terminating = True
    raise Terminated(0)


def set_up_signals() -> None:
    """Leave SIGINT to the front, end on SIGTERM, print Python stacks on a native crash."""
    import faulthandler  # noqa: PLC0415

    try:
        faulthandler.enable()
    except (AttributeError, OSError, ValueError):  # stderr is closed or not a file
        pass
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _terminate)


def in_forked_children(function: Callable[[], None]) -> None:
    """Have ``function`` called in every process that the script forks (from Python 3.7 on)."""
    register = getattr(os, "register_at_fork", None)
    if register is not None:
        register(after_in_child=function)


def is_terminating() -> bool:
    """Return True once SIGTERM has arrived, even if the script swallowed the exception."""
    return _State.is_terminating


def end(code: int) -> NoReturn:
    """Run exit handlers, flush and leave, without waiting for threads that the script started.

    A script's endless non-daemon thread would otherwise keep the process for ever.
    """
    # No second Terminated while the exit handlers run: they would be cut short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001, S110 - reported by atexit itself; the process ends in any case
        pass
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass
    os._exit(code)
