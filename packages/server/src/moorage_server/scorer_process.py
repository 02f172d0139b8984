"""A scorer as an operating system process: how it is started and how it ends."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import moorage_runtime
from moorage_server import cgroups
from moorage_server.resources import ScorerLimits

# Ours, or about our interpreter: nothing that a user's interpreter may see.
_HIDDEN_PREFIXES = ("MOORAGE_",)
_HIDDEN_NAMES = frozenset({"PYTHONHOME", "__PYVENV_LAUNCHER__", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"})


def runtime_command(python: str) -> list[str]:
    """Return the command that starts a scorer in the user's interpreter."""
    return [python, "-u", str(Path(moorage_runtime.__file__).parent / "__main__.py")]


def scorer_environment(current: Mapping[str, str], additional: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a scorer: ``current`` without what is ours, overridden by ``additional``."""
    kept = {
        name: value
        for name, value in current.items()
        if not name.startswith(_HIDDEN_PREFIXES) and name not in _HIDDEN_NAMES
    }
    return {**kept, **additional}


class ScorerProcess:
    """A started process with its own session; ``on_exit`` is called once with the exit code.

    The code is negative for a signal, as in :mod:`subprocess`.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        descriptor: socket.socket,
        on_exit: Callable[[int], None],
        limits: ScorerLimits,
        *,
        folder: str | None = None,
    ) -> None:
        """Start it with ``descriptor`` inherited; the caller closes its own copy.

        ``folder`` is its current folder, None: that of this process.

        Raises:
            OSError: the interpreter cannot be started.
        """
        self._loop = asyncio.get_running_loop()
        self._on_exit = on_exit
        self._pidfd = -1
        self.ended = asyncio.Event()
        self._popen = subprocess.Popen(  # noqa: S603 - the interpreter is the user's choice
            limits.command(command),
            env={**limits.variables(dict(environment)), "MOORAGE_SCORER_FD": str(descriptor.fileno())},
            stdin=subprocess.DEVNULL,
            cwd=folder,
            pass_fds=[descriptor.fileno()],
            start_new_session=True,
        )
        self.pid = self._popen.pid
        self._group = limits.apply(self.pid)
        self._watch()

    @property
    def exit_code(self) -> int | None:
        return self._popen.returncode

    @property
    def is_running(self) -> bool:
        return self._popen.returncode is None

    def kill(self) -> None:
        """End it and everything it has started in its session, at once."""
        if self._popen.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def _watch(self) -> None:
        # The end of the socket is not enough: a child that the script forked may hold it open.
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self._pidfd = os.pidfd_open(self.pid)
                self._loop.add_reader(self._pidfd, self._ended)
                return
        self._loop.call_later(0.2, self._poll)

    def _poll(self) -> None:
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            self._loop.call_later(0.2, self._poll)
        else:
            self._ended()

    def _ended(self) -> None:
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        # Children of the script are in its session: none of them may outlive it. Before the process is
        # reaped, so that the number cannot belong to somebody else yet.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        code = self._popen.wait()
        if self._group is not None:
            cgroups.remove(self._group)
        self.ended.set()
        self._on_exit(code)


def describe_exit(code: int | None) -> str:
    """Say how a process ended: ``"ended with code 5"``, ``"was killed by SIGKILL"``; None: not known."""
    if code is None:
        return "ended"
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
