"""The front of one service: ``python -m moorage_server.front --settings service.json``.

The supervisor starts it with ``--listen-fd`` and ``--ready-fd``; without them it listens by itself.
See ``docs/architecture.md``.
"""

import argparse
import asyncio
import contextlib
import importlib
import logging
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from moorage_server import cgroups, limits, logs, scorer_user
from moorage_server.app import App
from moorage_server.candidate import Candidates, Surroundings
from moorage_server.clock import Clock
from moorage_server.container.settings import FILE_NAME as CONTAINER_SETTINGS
from moorage_server.errors import InvalidSettings, ScriptFailed
from moorage_server.events import Events
from moorage_server.metrics import Metrics
from moorage_server.resources import ScorerLimits
from moorage_server.scorers import ScorerPool
from moorage_server.settings import ServiceSettings, read_settings
from moorage_server.smoke import smoke_run
from moorage_server.stopping import stop_when_told, unless_stopped
from moorage_server.trial import Trial
from moorage_server.variables import script_variables

if TYPE_CHECKING:
    from moorage_server.http_server import HttpServer
    from moorage_server.tls import Certificate

logger = logging.getLogger("moorage_server.front")  # it may run as __main__


class Front:
    """One service from start to end."""

    def __init__(
        self,
        settings: ServiceSettings,
        sockets: list[socket.socket],
        events: Events,
        *,
        watched: Path | None = None,
        http: str = "own",
        candidates_in: Path | None = None,
    ) -> None:
        """Prepare a front on bound sockets; changes below ``watched`` load the script again.

        In ``candidates_in`` instructions about a second revision may appear.
        """
        self.settings = settings
        self._sockets = sockets
        self._events = events
        self._watched = watched
        self._http = http
        self._stop = asyncio.Event()
        self._server: HttpServer | None = None
        ports = [s.getsockname()[1] for s in sockets if s.family != socket.AF_UNIX]
        user = scorer_user.take(settings)
        self._group = cgroups.make(settings.memory_limit_bytes, settings.cpu_cores_limit)
        self._limits = ScorerLimits.of(settings, user, self._group)
        self._variables = {**script_variables(settings, ports or [0]), **(user.variables if user else {})}
        self._certificate: Certificate | None = None
        if settings.tls_certificate is not None and settings.tls_key is not None:
            from moorage_server import tls

            self._certificate = tls.Certificate(Path(settings.tls_certificate), Path(settings.tls_key))
        self.app = App(settings, self._new_pool(), Clock(), Metrics())
        self._candidates: Candidates | None = None
        if candidates_in is not None:
            own = Surroundings(tuple(ports or [0]), self._group)
            self._candidates = Candidates(candidates_in, self.app, events, own)
            self.app.clock.every_second(self._candidates.look)

    async def run(self) -> None:
        """Serve until :meth:`stop`.

        Raises:
            ScriptFailed: the script could not be loaded, or failed with its own sample.
        """
        self.app.clock.start()
        watch = None
        try:
            if self._watched is not None:
                self.app.scoring.hold()
                watch = asyncio.ensure_future(self._load_and_watch(self._watched))
            elif not await unless_stopped(self._load(self.app.pool), self._stop):
                return
            await self._serve()
        finally:
            if watch is not None:
                watch.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watch
            self.app.clock.stop()
            if self._candidates is not None:
                await self._candidates.stop()
            await self.app.pool.stop()
            if self._group is not None:
                self._group.close()

    def stop(self) -> None:
        """Drain and end; a second time: end without waiting for clients."""
        if self._server is not None:
            if self._server.should_exit:
                self._server.force_exit = True
            self._server.should_exit = True
        self._stop.set()

    def _new_pool(self) -> ScorerPool:
        return ScorerPool(
            self.settings, variables=self._variables, on_scorers=self._events.scorers, limits=self._limits
        )

    async def _serve(self) -> None:
        from moorage_server.http_server import HttpServer  # late, see _load

        self._server = HttpServer(self.app, self._events, self._certificate, http=self._http)
        if not self._stop.is_set():
            await self._server.serve(self._sockets)

    async def _load(self, pool: ScorerPool) -> None:
        # What only serving needs is imported while the scorers load the script: numpy alone takes as long
        # as many scripts do.
        imports = asyncio.get_running_loop().run_in_executor(None, _import_what_serving_needs)
        description = await pool.start()
        await imports
        for notice in description.notices:
            logger.warning("%s", notice)
        if self.settings.smoke_run:
            await smoke_run(pool, description)
        self.app.describe(description)

    # development

    async def _load_and_watch(self, folder: Path) -> None:
        """Load the script, and again after every change below ``folder``, until cancelled."""
        from moorage_server.reload import changes_below  # only in development

        changes = changes_below(folder)
        following = asyncio.ensure_future(anext(changes))
        while True:
            loading = asyncio.ensure_future(self._load_or_say_why())
            # A change while the script loads starts the loading anew: nobody waits for code that is gone.
            await asyncio.wait({loading, following}, return_when=asyncio.FIRST_COMPLETED)
            changed = await following
            following = asyncio.ensure_future(anext(changes))
            logger.info("%s has changed: loading the script again", changed)
            self.app.scoring.hold()
            loading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await loading
            await self._retire(self.app.pool)
            self.app.pool = self._new_pool()

    async def _load_or_say_why(self) -> None:
        try:
            await self._load(self.app.pool)
        except ScriptFailed as failure:
            logger.error("%s failed: %s", failure.stage, failure.message)
            if failure.stage in ("smoke", "start") and failure.traceback:
                logger.error("%s", failure.traceback)
            self.app.scoring.break_off(failure)

    async def _retire(self, pool: ScorerPool) -> None:
        """Let a pool answer what it has begun, for a moment, and stop it."""
        for _ in range(50):
            if not pool.held:
                break
            await asyncio.sleep(0.02)
        await pool.stop()


def _import_what_serving_needs() -> None:
    for name in ("moorage_server.http_server", "moorage_server.fastjson", "moorage_server.exposition"):
        importlib.import_module(name)


async def serve_front(
    settings: ServiceSettings,
    sockets: list[socket.socket],
    events: Events,
    *,
    watched: Path | None = None,
    http: str = "own",
    leash_fd: int | None = None,
    trial_requests: int = 0,
    candidates_in: Path | None = None,
) -> int:
    """Run one front until a signal ends it, or the other end of the leash is gone; return the exit code."""
    try:
        front = Front(settings, sockets, events, watched=watched, http=http, candidates_in=candidates_in)
    except InvalidSettings as error:
        logger.error("%s", error)
        events.failed(ScriptFailed("settings", str(error)))
        return 3
    stop_when_told(front.stop, leash_fd)
    if trial_requests:
        Trial(trial_requests, front.app.metrics, events).begin(front.app.clock)
    try:
        await front.run()
    except ScriptFailed as failure:
        # The scorer has logged what it knows; only it knows the script.
        if failure.stage in ("start", "smoke"):
            logger.error("%s\n%s", failure.message, failure.traceback)
        events.failed(failure)
        return failure.exit_code
    return 0


def run_front(
    settings: ServiceSettings,
    sockets: list[socket.socket],
    events: Events,
    *,
    watched: Path | None = None,
    http: str = "own",
    leash_fd: int | None = None,
    trial_requests: int = 0,
    candidates_in: Path | None = None,
) -> int:
    """Run one front on an event loop of its own; return the exit code."""
    import uvloop  # not on Windows

    return uvloop.run(
        serve_front(
            settings,
            sockets,
            events,
            watched=watched,
            http=http,
            leash_fd=leash_fd,
            trial_requests=trial_requests,
            candidates_in=candidates_in,
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m moorage_server.front", description="Serve one service.")
    parser.add_argument("--settings", type=Path, required=True, help="service.json")
    parser.add_argument("--listen-fd", type=int, help="number of an inherited listening socket")
    parser.add_argument("--ready-fd", type=int, help="where to report events, one JSON line each")
    parser.add_argument("--leash-fd", type=int, help="a pipe that ends when nobody supervises any more")
    parser.add_argument("--trial-requests", type=int, default=0, help="report how so many requests went")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on without --listen-fd")
    parser.add_argument("--port", type=int, default=5001, help="port to listen on without --listen-fd")
    parser.add_argument(
        "--http", choices=("own", "asgi"), default="own", help="asgi: as under any other server; slower"
    )
    options = parser.parse_args(arguments)
    if options.settings.name == CONTAINER_SETTINGS:
        from moorage_server.container.front import run

        return run(options)
    logs.set_up_logging()
    events = Events(options.ready_fd)
    if options.ready_fd is not None:
        os.set_inheritable(options.ready_fd, False)
    if options.leash_fd is not None:
        os.set_inheritable(options.leash_fd, False)
    try:
        settings = read_settings(options.settings)
    except InvalidSettings as error:
        logger.error("%s", error)
        events.failed(ScriptFailed("settings", str(error)))
        return 3
    candidates_in = None
    if options.listen_fd is not None:
        candidates_in = options.settings.absolute().parent
        # Old scripts name files relative to the application root. Not done before Python has found its own
        # modules: the user's files must not be taken for them.
        os.chdir(settings.app_root)
        listener = socket.socket(fileno=options.listen_fd)
        listener.set_inheritable(False)
    else:
        try:
            listener = socket.create_server((options.host, options.port), backlog=limits.BACKLOG)
        except OSError as error:
            text = f"cannot listen on {options.host}:{options.port}: {error}"
            logger.error("%s", text)
            events.failed(ScriptFailed("start", text, exit_code=1))
            return 1
    listener.setblocking(False)
    return run_front(
        settings,
        [listener],
        events,
        http=options.http,
        leash_fd=options.leash_fd,
        trial_requests=options.trial_requests,
        candidates_in=candidates_in,
    )


if __name__ == "__main__":
    sys.exit(main())
