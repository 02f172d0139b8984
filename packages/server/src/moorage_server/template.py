"""Preloading: one process loads the script and runs ``init()``, and the scorers are forked from it.

The template gets a socket for every scorer (``ADOPT``, see ``docs/protocol.md``). Scorers die with it.
"""

import array
import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moorage_runtime import frames
from moorage_server.errors import ScriptFailed
from moorage_server.resources import ScorerLimits
from moorage_server.scorer_process import ScorerProcess, describe_exit

_STOP_WITHIN_S = 2.0


class ForkedProcess:
    """A scorer that is not our child; ``on_exit`` is called once, with None: its exit code is unknown."""

    def __init__(self, pid: int, on_exit: Callable[[int | None], None]) -> None:
        self.pid = pid
        self.ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._on_exit = on_exit
        self._pidfd = -1
        try:
            self._pidfd = os.pidfd_open(pid)
        except OSError:
            self._loop.call_soon(self._finish)
        else:
            self._loop.add_reader(self._pidfd, self._finish)

    @property
    def is_running(self) -> bool:
        return not self.ended.is_set()

    def kill(self) -> None:
        """End it at once."""
        if self._pidfd >= 0:
            # Through the descriptor: its number may belong to another process by now.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _finish(self) -> None:
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        self.ended.set()
        self._on_exit(None)


class Template:
    """Starts the process that is forked, and starts it again when it has died."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        configuration: Mapping[str, Any],
        limits: ScorerLimits,
        folder: str | None = None,
    ) -> None:
        self._command = command
        self._folder = folder
        self._limits = limits
        self._environment = environment
        self._configuration = configuration
        self._socket: socket.socket | None = None
        self._starting = asyncio.Lock()
        self._is_ready = False
        self.process: ScorerProcess | None = None

    @property
    def pids(self) -> list[int]:
        return [self.process.pid] if self.process is not None and self.process.is_running else []

    async def adopt(self, theirs: socket.socket) -> None:
        """Fork a scorer that serves the other end of ``theirs``; the caller closes its own copy.

        Raises:
            ScriptFailed: the script could not be loaded, or the process ended.
        """
        async with self._starting:
            if self._socket is None or not self.pids:
                await self._start()
            assert self._socket is not None
            rights = array.array("i", [theirs.fileno()])
            try:
                # A few bytes to a process that only waits for them: never more than the buffer takes.
                self._socket.sendmsg(
                    [frames.pack(frames.ADOPT)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)]
                )
            except OSError as error:
                raise ScriptFailed("start", f"the preloaded process is gone: {error}") from error

    async def stop(self) -> None:
        """Ask it to leave and wait; its scorers have been stopped before."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self.process is not None:
            if not self._is_ready:
                self.process.kill()
            try:
                await asyncio.wait_for(self.process.ended.wait(), _STOP_WITHIN_S)
            except asyncio.TimeoutError:
                self.process.kill()
                await self.process.ended.wait()

    async def _start(self) -> None:
        self._is_ready = False
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            self.process = ScorerProcess(
                self._command, self._environment, theirs, lambda code: None, self._limits, folder=self._folder
            )
        except OSError as error:
            ours.close()
            raise ScriptFailed(
                "start", f"the interpreter {self._command[0]} cannot be started: {error}"
            ) from error
        finally:
            theirs.close()
        self._socket = ours
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(ours, frames.pack(frames.CONFIGURE, json.dumps(self._configuration).encode()))
        reader = frames.FrameReader()
        while True:
            try:
                data = await loop.sock_recv(ours, 65536)
            except OSError:
                data = b""
            if not data:
                self.process.kill()
                await self.process.ended.wait()
                reason = describe_exit(self.process.exit_code)
                raise ScriptFailed("start", f"the scorer process {reason} while it loaded the script")
            reader.feed(data)
            for frame in reader.frames():
                if frame.type == frames.FAILED:
                    raise parse_failure(frame.payload)
                self._is_ready = True
                return


def parse_failure(payload: bytes) -> ScriptFailed:
    """Decode the payload of ``FAILED``."""
    try:
        content = json.loads(payload)
        return ScriptFailed(
            str(content["stage"]),
            str(content["message"]),
            str(content.get("traceback") or ""),
            int(content.get("exit_code", 3)),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return ScriptFailed("start", "the scorer could not load the script and did not say why")
