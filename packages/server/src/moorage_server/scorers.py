"""The scorers of a service: start, feed, time out, replace."""

import asyncio
import itertools
import logging
import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from moorage_runtime import frames
from moorage_server import answers
from moorage_server.calls import Call
from moorage_server.description import ScriptDescription
from moorage_server.errors import ScriptFailed
from moorage_server.model_files import ModelFileChanged, ModelFiles
from moorage_server.polling import Polling
from moorage_server.protocol import ScorerConnection
from moorage_server.resources import ScorerLimits
from moorage_server.scorer import Scorer
from moorage_server.scorer_process import runtime_command, scorer_environment
from moorage_server.scorer_settings import configuration, run_limit_s
from moorage_server.settings import ServiceSettings
from moorage_server.template import Template
from moorage_server.waiting import WaitingLine

logger = logging.getLogger(__name__)

_WATCH_EVERY_S = 0.1
_STOP_WITHIN_S = 5.0


class ScorerPool:
    """Gives each request to the scorer with the least to do and keeps it until it is answered.

    Bounded: at most ``max_concurrent_requests`` are held, running or waiting. A scorer that dies fails only
    the request that it was running; all others go to another one.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        variables: dict[str, str] | None = None,
        command: list[str] | None = None,
        on_scorers: Callable[[list[int]], None] = lambda pids: None,
        limits: ScorerLimits | None = None,
        folder: str | None = None,
    ) -> None:
        """Prepare a pool; ``variables`` are those that the contract promises to scripts.

        ``folder`` is the current folder of the scorers, None: that of this process.
        """
        self.settings = settings
        self.command = command or runtime_command(settings.python)
        additional = {**(variables or {}), **settings.environment}
        if settings.development:
            # A .pyc counts as current when size and second of the source agree: not for one who saves twice.
            additional.setdefault("PYTHONDONTWRITEBYTECODE", "1")
        self.environment = scorer_environment(os.environ, additional)
        self.polling = Polling.of(settings, lambda: self.pids)
        self.configuration = configuration(settings, self.polling.spin_us)
        self.on_scorers = on_scorers
        self.folder = folder
        self.limits = limits or ScorerLimits.of(settings)
        self.models: ModelFiles | None = None
        if settings.revision_file is not None:
            self.models = ModelFiles(Path(settings.revision_file), Path(settings.app_root))
        self.template: Template | None = None
        if settings.preload:
            self.template = Template(self.command, self.environment, self.configuration, self.limits, folder)
        self.waiting = WaitingLine(settings.max_queue_wait_ms / 1000, self._expired)
        self.held = 0  # calls that are not answered, not cancelled
        self.limit = settings.max_concurrent_requests
        self.restarts = 0
        self.is_started = False
        self.is_stopping = False
        self.scorers: list[Scorer] = []
        self.ready: list[ScorerConnection] = []
        self._numbers = itertools.count(1)
        self._watch: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.newcomers: list[Scorer] = []  # will take the place of others
        self._leaving: set[Scorer] = set()  # answer what they were given and go
        self._run_limit_s = run_limit_s(settings)
        limit_ms = min(settings.scoring_timeout_ms or 10**12, settings.worker_timeout_s * 1000 or 10**12)
        self._timeout_message = answers.timed_out(limit_ms)

    # life

    async def start(self) -> ScriptDescription:
        """Start all scorers and wait until each has loaded the script; return what they say about it.

        Raises:
            ScriptFailed: one of them could not; the others are stopped.
        """
        self.scorers = [Scorer(self, number) for number in range(self.settings.worker_count)]
        for scorer in self.scorers:
            await scorer.start()
        pending = {scorer.settled for scorer in self.scorers}
        while pending:
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for scorer in self.scorers:
                if scorer.settled.done() and not scorer.is_ready:
                    failure = scorer.failure or ScriptFailed(
                        "start", "a scorer ended as soon as it was ready"
                    )
                    await self.stop()
                    raise failure
        self.is_started = True
        if self.settings.max_scorer_memory_bytes:
            from moorage_server.recycling import Recycling

            recycling = Recycling(self, self.settings.max_scorer_memory_bytes).run()
            self._tasks.add(asyncio.get_running_loop().create_task(recycling))
        if self._run_limit_s:
            self._watch_runs()
        description = self.scorers[0].description
        assert description is not None
        return description

    async def stop(self) -> None:
        """Stop all scorers: asked first, killed if they do not leave."""
        self.is_stopping = True
        self.waiting.close()
        if self._watch is not None:
            self._watch.cancel()
        for task in self._tasks:
            task.cancel()
        everybody = [*self.scorers, *self.newcomers, *self._leaving]
        for scorer in everybody:
            if scorer.connection is not None and scorer.is_ready:
                scorer.connection.transport.write(frames.pack(frames.STOP))
            else:
                scorer.kill()
        ends = [scorer.process.ended.wait() for scorer in everybody if scorer.process is not None]
        all_ended = asyncio.ensure_future(asyncio.gather(*ends))
        try:
            await asyncio.wait_for(asyncio.shield(all_ended), _STOP_WITHIN_S)
        except asyncio.TimeoutError:
            for scorer in everybody:
                scorer.kill()
            await all_ended
        for scorer in everybody:
            if scorer.connection is not None:
                scorer.connection.transport.abort()
        if self.template is not None:
            await self.template.stop()

    async def check_models(self) -> None:
        """See that the model files are what was deployed; raises `ScriptFailed`."""
        if self.models is None:
            return
        try:
            await asyncio.get_running_loop().run_in_executor(None, self.models.check)
        except ModelFileChanged as error:
            raise ScriptFailed("model", str(error)) from error

    # requests

    def submit(self, call: Call) -> bool:
        """Take a call; False when the service holds as many as it may."""
        if self.held >= self.limit:
            return False
        self.held += 1
        if not self.waiting:
            connection = self._pick(call)
            if connection is not None:
                if self.held > 1:
                    if self.polling.streak:
                        self.polling.stop()
                    connection.send(call)
                elif self.polling.is_due(monotonic() - connection.head_since, connection.mean_run_s):
                    connection.send_and_poll(call)
                else:
                    connection.send(call)
                return True
        self.waiting.join(call)
        return True

    def next_id(self) -> int:
        return next(self._numbers) & 0xFFFFFFFF

    def cancel(self, call: Call) -> None:
        """The client went away: its place is free at once, an answer would be dropped."""
        if call.is_cancelled:
            return
        call.is_cancelled = True
        self.held -= 1
        connection = call.connection
        if connection is None:
            self.waiting.leave(call)
        elif connection.in_flight and connection.in_flight[0] is call:
            if connection.is_streaming:
                connection.resume_reading()
                connection.abort_answer(call)
            elif call.is_exclusive:
                connection.send_body(call, b"", frames.ABORTED)

    def replied(self, call: Call) -> None:
        """Called after each completed answer: there is room for the next request."""
        if not call.is_cancelled:
            self.held -= 1
        if self.waiting:
            self._feed()

    def _pick(self, call: Call) -> ScorerConnection | None:
        best: ScorerConnection | None = None
        best_load = 0
        for connection in self.ready:
            load = len(connection.in_flight)
            if load and (
                load >= connection.window
                or connection.is_exclusive
                or call.is_exclusive
                or call.is_single
                or connection.in_flight[0].is_single
            ):
                continue
            if best is None or load < best_load:
                best, best_load = connection, load
        return best

    def _set_windows(self) -> None:
        """Decide how many requests a scorer may have at once, counting the one that it runs."""
        batch = self.settings.max_batch_size
        if len(self.ready) > 1:
            windows = (4, 1, 1) if batch == 1 else (batch, batch, batch)
        else:
            windows = (16, 4, 2) if batch == 1 else (2 * batch, 2 * batch, 2 * batch)
        for connection in self.ready:
            connection.windows = windows
            if batch > 1:
                connection.window = windows[0]

    def _feed(self) -> None:
        waiting = self.waiting
        while waiting:
            connection = self._pick(waiting.first)
            if connection is None:
                return
            connection.send(waiting.take())

    def _expired(self, call: Call) -> None:
        self.held -= 1
        call.expire()

    # scorers

    @property
    def pids(self) -> list[int]:
        template = [] if self.template is None else self.template.pids
        everybody = (*self.scorers, *self.newcomers, *self._leaving)
        running = [s.process.pid for s in everybody if s.process is not None and s.process.is_running]
        return template + running

    @property
    def is_down(self) -> bool:
        """No scorer serves, and the last attempts to start one have failed."""
        return not self.ready and any(scorer.failure is not None for scorer in self.scorers)

    def scorers_changed(self) -> None:
        self.on_scorers(self.pids)

    def became_ready(self, scorer: Scorer, connection: ScorerConnection) -> None:
        self.ready.append(connection)
        self._set_windows()
        self._feed()

    def retire(self, scorer: Scorer) -> None:
        """Give a scorer nothing more to do; it is not replaced when it ends."""
        self._leaving.add(scorer)
        if scorer.connection in self.ready:
            self.ready.remove(scorer.connection)
            self._set_windows()

    def scorer_lost(self, scorer: Scorer, connection: ScorerConnection) -> None:
        """Fail what the dead scorer was running, keep the rest for its replacement."""
        if connection in self.ready:
            self.ready.remove(connection)
            self._set_windows()
        calls = [call for call in connection.in_flight if not call.is_cancelled]
        had_head = bool(connection.in_flight) and not connection.in_flight[0].is_cancelled
        connection.in_flight.clear()
        again = calls
        if had_head and self._must_fail(calls[0], connection):
            again = calls[1:]
            reason = self._timeout_message if scorer.timed_out else answers.SCORER_ENDED
            self.held -= 1
            calls[0].lost(reason)
        if self.settings.max_batch_size > 1:
            for call in again[: self.settings.max_batch_size]:
                self._make_single(call)
        for call in again:
            call.connection = None
        self.waiting.rejoin(again)
        if scorer in self._leaving:
            self._leaving.discard(scorer)
            self._feed()
            return
        if scorer in self.newcomers:
            return
        if self.is_stopping or not self.is_started:
            # A scorer that does not even start once is a failure of the script, not an accident.
            return
        self.restarts += 1
        task = asyncio.get_running_loop().create_task(scorer.restart())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._feed()

    def _must_fail(self, head: Call, connection: ScorerConnection) -> bool:
        """Whether the call that was running is lost, or may be tried again alone."""
        # Of a batch, one request is to blame: each is tried alone.
        was_batch = self.settings.max_batch_size > 1 and not head.is_single
        return not was_batch or connection.is_streaming or head.is_exclusive

    def _make_single(self, call: Call) -> None:
        length, type_, flags, kind, request_id = frames.HEADER.unpack_from(call.frame)
        call.frame = (
            frames.pack_head(length, type_, flags | frames.NO_BATCH, kind, request_id) + call.frame[12:]
        )
        call.is_single = True

    def _watch_runs(self) -> None:
        """Kill scorers whose run exceeds the limit although the script was interrupted in time."""
        latest = monotonic() - self._run_limit_s
        for scorer in (*self.scorers, *self._leaving):
            connection = scorer.connection
            if connection is None or not connection.in_flight or connection.is_streaming:
                continue
            if connection.head_since < latest and not scorer.timed_out:
                logger.error(
                    "scorer %d hangs in a request for more than %g s and is replaced",
                    scorer.number,
                    self._run_limit_s,
                )
                scorer.timed_out = True
                scorer.kill()
        self._watch = asyncio.get_running_loop().call_later(_WATCH_EVERY_S, self._watch_runs)
