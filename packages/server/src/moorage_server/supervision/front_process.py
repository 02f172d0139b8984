"""One front as a child process: started with the listening socket, heard over two pipes, ended for good."""

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import orphans
from .logfile import Lines

# Room for what a front prints while the supervisor is busy; the kernel's default is 64 KiB.
LOG_PIPE_BYTES = 1024 * 1024
MAX_EVENT_BYTES = 4 * 1024 * 1024
# Only the parent learns how a process ended.
UNKNOWN_EXIT = 256


class FrontProcess:
    """A running front; its owner reads ``log_fd`` and ``ready_fd`` and calls :meth:`close` in the end."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        settings: Path,
        listener: socket.socket,
        service_dir: Path,
        mark: str,
        leash: int,
        trial_requests: int = 0,
    ) -> None:
        """Start it.

        Raises:
            OSError: the program cannot be started.
        """
        self.log_fd, log_end = os.pipe2(os.O_CLOEXEC)
        self.ready_fd, ready_end = os.pipe2(os.O_CLOEXEC)
        self.lines = Lines()
        self._events = b""
        inherited = (listener.fileno(), ready_end, leash)
        sockets = ["--listen-fd", str(inherited[0]), "--ready-fd", str(ready_end), "--leash-fd", str(leash)]
        trial = ["--trial-requests", str(trial_requests)] if trial_requests else []
        try:
            with contextlib.suppress(OSError, AttributeError):
                fcntl.fcntl(self.log_fd, fcntl.F_SETPIPE_SZ, LOG_PIPE_BYTES)
            self._process = subprocess.Popen(  # noqa: S603 - an argument list, no shell
                [*command, "--settings", str(settings), *sockets, *trial],
                stdin=subprocess.DEVNULL,
                stdout=log_end,
                stderr=log_end,
                # Not the folder of the user's files: a json.py there would replace the library's.
                cwd=service_dir,
                env={**_environment(os.environ), orphans.MARK: mark},
                pass_fds=inherited,
                start_new_session=True,
            )
        except BaseException:
            os.close(self.log_fd)
            os.close(self.ready_fd)
            raise
        finally:
            os.close(log_end)
            os.close(ready_end)
        self.pid = self._process.pid
        os.set_blocking(self.log_fd, False)
        os.set_blocking(self.ready_fd, False)

    def events(self) -> tuple[list[dict[str, Any]], bool]:
        """Read what the front reported: ``(events, is_open)``; lines that are no JSON objects are skipped."""
        data, is_open = read_available(self.ready_fd)
        *lines, self._events = (self._events + data).split(b"\n")
        if len(self._events) > MAX_EVENT_BYTES:
            self._events = b""
        events = []
        for line in lines:
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    events.append(event)
        return events, is_open

    def terminate(self) -> None:
        """Ask the front (and nobody else of its group) to drain and exit."""
        if self._process.returncode is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End the front and everything it started that did not leave its group."""
        if self._process.returncode is None:
            orphans.kill_group(self.pid)

    def reap(self) -> int | None:
        """If the front has ended, end its group and return the exit code (negative: the signal)."""
        if self._process.returncode is None and _has_ended(self.pid):
            orphans.kill_group(self.pid)
            self._process.wait()
        return self._process.returncode

    def close(self) -> None:
        os.close(self.log_fd)
        os.close(self.ready_fd)


class AdoptedFront(FrontProcess):
    """A front that an earlier supervisor started; it is no child of this process. Linux only."""

    def __init__(self, pid: int, *, mark: str, log_fd: int, ready_fd: int) -> None:
        """Take it over, with its pipes.

        Raises:
            ProcessLookupError: it has ended.
        """
        self._handle = os.pidfd_open(pid)
        # The number may be another program's by now; the handle cannot change its mind.
        if not orphans.has_mark(pid, mark):
            os.close(self._handle)
            raise ProcessLookupError(f"process {pid} is no front of this service")
        self.pid, self.log_fd, self.ready_fd = pid, log_fd, ready_fd
        self.lines = Lines()
        self._events = b""
        self._has_ended = False
        os.set_blocking(log_fd, False)
        os.set_blocking(ready_fd, False)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        # What else is in its group carries the mark, by which its owner finds it.
        self._signal(signal.SIGKILL)

    def reap(self) -> int | None:
        if not self._has_ended:
            watch = select.poll()
            watch.register(self._handle, select.POLLIN)
            self._has_ended = bool(watch.poll(0))
        return UNKNOWN_EXIT if self._has_ended else None

    def close(self) -> None:
        super().close()
        os.close(self._handle)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)


def read_available(descriptor: int, limit: int = 256 * 1024) -> tuple[bytes, bool]:
    """Return ``(data, is_open)`` without waiting; at most about ``limit`` bytes, so that nobody starves."""
    blocks: list[bytes] = []
    size = 0
    while size < limit:
        try:
            block = os.read(descriptor, 64 * 1024)
        except BlockingIOError:
            return b"".join(blocks), True
        if not block:
            return b"".join(blocks), False
        blocks.append(block)
        size += len(block)
    return b"".join(blocks), True


def describe_exit(code: int) -> str:
    """Say how a process ended: ``"exited with 3"``, ``"was killed by SIGSEGV"``."""
    if code == UNKNOWN_EXIT:
        return "ended"
    if code >= 0:
        return f"exited with {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = " (out of memory, perhaps)" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"


def _has_ended(pid: int) -> bool:
    # WNOWAIT leaves the zombie in place, and with it the meaning of its number.
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    return {"PYTHONUNBUFFERED": "1", **{n: v for n, v in variables.items() if n != orphans.MARK}}
