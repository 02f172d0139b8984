"""One place in the pool: a scorer process, its connection, and their replacement."""

import asyncio
import json
import logging
import socket
from time import monotonic
from typing import TYPE_CHECKING

from moorage_runtime import frames
from moorage_server.description import ScriptDescription, parse_description
from moorage_server.errors import ScriptFailed
from moorage_server.protocol import ScorerConnection
from moorage_server.scorer_process import ScorerProcess, describe_exit
from moorage_server.template import ForkedProcess, parse_failure

if TYPE_CHECKING:
    from moorage_server.scorers import ScorerPool

logger = logging.getLogger(__name__)

_BUFFER_BYTES = 1 << 20
_FIRST_PAUSE_S = 0.1  # doubled with every start that fails
_LONGEST_PAUSE_S = 30.0  # when the script cannot even be loaded
_LONGEST_PAUSE_READY_S = 2.0  # when it can, but dies before it has answered anything
_STABLE_AFTER_S = 10.0  # a scorer that was ready for so long is replaced without delay


class Scorer:
    """Starts a process as often as that is needed, and tells the pool what becomes of it."""

    def __init__(self, pool: "ScorerPool", number: int) -> None:
        self.pool = pool
        self.number = number
        self.process: ScorerProcess | ForkedProcess | None = None
        self.connection: ScorerConnection | None = None
        self.description: ScriptDescription | None = None
        self.failure: ScriptFailed | None = None  # why the last start went wrong
        self.is_ready = False
        self.ready_since = 0.0
        self.failed_starts = 0
        self.longest_pause_s = _LONGEST_PAUSE_S
        self.timed_out = False  # killed by the watchdog
        self.settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self) -> None:
        """Start the process and send it the settings; returns before the script is loaded."""
        self.timed_out = False
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        for end in (ours, theirs):
            # As much of it as the system lets one have: a large body then takes fewer turns.
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        template = self.pool.template
        try:
            await self.pool.check_models()
            if template is not None:
                await template.adopt(theirs)
            else:
                self.process = ScorerProcess(
                    self.pool.command,
                    self.pool.environment,
                    theirs,
                    self._exited,
                    self.pool.limits,
                    folder=self.pool.folder,
                )
        except OSError as error:
            ours.close()
            interpreter = self.pool.command[0]
            self._settle(ScriptFailed("start", f"the interpreter {interpreter} cannot be started: {error}"))
            return
        except ScriptFailed as failure:
            ours.close()
            self._settle(failure)
            return
        finally:
            theirs.close()
        connection = ScorerConnection(
            self._ready, self._failed, self.pool.replied, self._lost, on_made=self._made
        )
        await loop.create_unix_connection(lambda: connection, sock=ours)
        if template is None:
            configuration = json.dumps(self.pool.configuration).encode()
            connection.transport.write(frames.pack(frames.CONFIGURE, configuration))
        self.pool.scorers_changed()

    async def restart(self) -> None:
        """Start again, with growing pauses between attempts that fail."""
        while True:
            if self.failed_starts:
                doubled_s = _FIRST_PAUSE_S * 2 ** min(self.failed_starts - 1, 16)
                await asyncio.sleep(min(doubled_s, self.longest_pause_s))
            if self.process is not None:
                # The old process may still be on its way out; its memory is needed.
                await self.process.ended.wait()
            logger.warning("starting scorer %d again", self.number)
            self.settled = asyncio.get_running_loop().create_future()
            await self.start()
            if self.connection is not None:
                return  # from here on, the end of the connection is what leads back
            if self.failure is not None:
                logger.error("scorer %d cannot be started: %s", self.number, self.failure.message)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def _made(self, connection: ScorerConnection) -> None:
        # Not after the await in `start`: a forked scorer can be ready before that goes on.
        self.connection = connection

    def _ready(self, payload: bytes) -> None:
        try:
            self.description = parse_description(payload)
        except ValueError as error:
            self._settle(
                ScriptFailed("start", f"the scorer describes itself in a way that is not understood: {error}")
            )
            self.kill()
            return
        if self.pool.template is not None:
            self.process = ForkedProcess(self.description.pid, self._exited)
            self.pool.scorers_changed()
        self.is_ready = True
        self.failure = None
        self.ready_since = monotonic()
        self._settle(None)
        assert self.connection is not None
        self.pool.became_ready(self, self.connection)

    def _failed(self, payload: bytes) -> None:
        self._settle(parse_failure(payload))

    def _settle(self, failure: ScriptFailed | None) -> None:
        """The start is decided one way or the other."""
        if failure is not None:
            self.failed_starts += 1
            self.longest_pause_s = _LONGEST_PAUSE_S
        self.failure = failure
        if not self.settled.done():
            self.settled.set_result(None)

    def _exited(self, code: int | None) -> None:
        process, connection = self.process, self.connection
        if process is not None and not self.pool.is_stopping:
            logger.error("scorer %d (pid %d) %s", self.number, process.pid, describe_exit(code))
        if not self.settled.done():
            self._settle(
                ScriptFailed("start", f"the scorer process {describe_exit(code)} while it loaded the script")
            )
        if connection is None:
            return
        # What it has written before it ended is still read. A forked child may hold the socket open.
        asyncio.get_running_loop().call_later(0.1, connection.transport.abort)

    def _lost(self, connection: ScorerConnection) -> None:
        if self.connection is not connection:
            return
        was_ready = self.is_ready
        self.is_ready = False
        self.connection = None
        self.kill()
        if was_ready:
            # One that has answered something works; a request was too much for it.
            works = connection.mean_run_s > 0 or monotonic() - self.ready_since >= _STABLE_AFTER_S
            self.failed_starts = 0 if works else self.failed_starts + 1
            self.longest_pause_s = _LONGEST_PAUSE_READY_S
        self.pool.scorer_lost(self, connection)
