"""The front of a service in a container; options and events as those of `moorage_server.front`."""

import argparse
import asyncio
import contextlib
import logging
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from moorage_server import logs
from moorage_server.clock import Clock
from moorage_server.container.process import CANNOT_BEGIN, Container, EngineFault
from moorage_server.container.proxy import Proxy
from moorage_server.container.settings import ContainerSettings, Probe, read
from moorage_server.deadlines import within
from moorage_server.errors import InvalidSettings, ScriptFailed
from moorage_server.events import Events
from moorage_server.http_server import HttpServer
from moorage_server.stopping import stop_when_told, unless_stopped
from moorage_server.trial import Trial

if TYPE_CHECKING:
    from moorage_server.tls import Certificate

logger = logging.getLogger(__name__)

READY_POLL_S = 0.05
LIVENESS_EVERY_S = 10.0
PROBE_TIMEOUT_S = 5.0
FAILURES_UNTIL_RESTART = 3


class ContainerFront:
    """One container, and the socket whose requests it answers."""

    def __init__(self, settings: ContainerSettings, listener: socket.socket, events: Events) -> None:
        """Raises InvalidSettings: the certificate, or the file of who may call, cannot be used."""
        self.settings = settings
        self._listener = listener
        self._events = events
        self._stop = asyncio.Event()
        self._server: HttpServer | None = None
        self._addresses: dict[int, tuple[str, int]] = {}
        self._certificate: Certificate | None = None
        if settings.tls_certificate is not None and settings.tls_key is not None:
            from moorage_server import tls

            self._certificate = tls.Certificate(Path(settings.tls_certificate), Path(settings.tls_key))
        self.container = Container(settings)
        self.proxy = Proxy(settings, Clock(), self.container.hop_key)

    def stop(self) -> None:
        """Drain and end; a second time: end without waiting for clients."""
        if self._server is not None:
            if self._server.should_exit:
                self._server.force_exit = True
            self._server.should_exit = True
        self._stop.set()

    async def run(self) -> None:
        """Serve until stopped.

        Raises:
            ScriptFailed: the container did not become ready, or ended while it served.
        """
        self.proxy.clock.start()
        try:
            if await unless_stopped(self._become_ready(), self._stop) and not self._stop.is_set():
                await self._serve()
        finally:
            self.proxy.clock.stop()
            await self.container.stop()

    async def _serve(self) -> None:
        # It has the interface that an application needs towards its connections.
        self._server = HttpServer(cast(Any, self.proxy), self._events, self._certificate, http="own")
        serving = asyncio.ensure_future(self._server.serve([self._listener]))
        watching = asyncio.ensure_future(self._watch())
        await asyncio.wait({serving, watching}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done() and not serving.done():
            # New connections wait at the socket, which the supervisor holds, for the next container.
            self._server.should_exit = self._server.force_exit = True
            await serving
            raise watching.exception() or ScriptFailed("start", "the container ended")
        watching.cancel()
        await serving
        await self.proxy.settle(self.settings.stop_timeout_s)

    async def _become_ready(self) -> None:
        try:
            await self.container.start()
        except OSError as error:
            raise ScriptFailed("start", f"the container cannot be started: {error}") from error
        try:
            await within(self.settings.start_timeout_s, self._until_ready())
        except asyncio.TimeoutError:
            probe = self.settings.readiness
            raise ScriptFailed(
                "start",
                f"the container was not ready within {self.settings.start_timeout_s:g} s: "
                f"port {probe.port} does not answer to GET {probe.path}",
                self._last_words(),
            ) from None
        except EngineFault as error:
            await self.container.ended.wait()
            self._raise_report()
            when = " before it was ready" if self.container.exit_code not in CANNOT_BEGIN else ""
            raise ScriptFailed("start", f"{error}{when}", self._last_words()) from error
        self.proxy.pool.address = self._addresses[self.settings.scoring.port]
        if self.settings.cpu_cores is not None and self.settings.cpu_cores < 1.0:
            try:
                await self.container.limit_cpu(self.settings.cpu_cores)
            except EngineFault as error:
                logger.warning("the CPU limit of %g cores cannot be set: %s", self.settings.cpu_cores, error)

    async def _until_ready(self) -> None:
        for port in self.settings.ports:
            self._addresses[port] = await self.container.address_of(port)
        while True:
            self._raise_report()
            if self.container.ended.is_set():
                raise EngineFault(self.container.why_ended())
            if await self._answers(self.settings.readiness):
                return
            await asyncio.sleep(READY_POLL_S)

    def _raise_report(self) -> None:
        """Raise what our own server in the container says of the script."""
        for event in self.container.events():
            error = event.get("error")
            if event.get("event") == "failed" and isinstance(error, dict):
                stage, message = str(error.get("stage", "start")), str(error.get("message", ""))
                raise ScriptFailed(stage, message, str(error.get("traceback", "")))

    async def _watch(self) -> None:
        """Return never; raise when the container ended, or does not live any more."""
        failures = 0
        while True:
            with contextlib.suppress(asyncio.TimeoutError):
                await within(LIVENESS_EVERY_S, self.container.ended.wait())
                raise ScriptFailed("start", self.container.why_ended(), self._last_words(), exit_code=1)
            failures = 0 if await self._answers(self.settings.liveness) else failures + 1
            if failures >= FAILURES_UNTIL_RESTART:
                probe = self.settings.liveness
                text = f"port {probe.port} does not answer to GET {probe.path} any more"
                raise ScriptFailed("start", f"the container is ended: {text}", exit_code=1)

    async def _answers(self, probe: Probe) -> bool:
        """Ask a probe; every status below 400 is well."""
        try:
            line = await within(PROBE_TIMEOUT_S, _first_line(*self._addresses[probe.port], probe.path))
        except (OSError, asyncio.TimeoutError, ValueError):
            return False
        return line.startswith(b"HTTP/1.") and line[9:12].isdigit() and 200 <= int(line[9:12]) < 400

    def _last_words(self) -> str:
        """Return the end of what the container printed."""
        return "\n".join(self.container.lines)


async def _first_line(host: str, port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
        return await reader.readline()
    finally:
        writer.close()


async def serve(options: argparse.Namespace) -> int:
    """Run one service until a signal ends it, or nobody supervises it; return the exit code."""
    events = Events(options.ready_fd)
    try:
        settings = read(options.settings)
        listener = socket.socket(fileno=options.listen_fd)
        listener.setblocking(False)
        front = ContainerFront(settings, listener, events)
    except InvalidSettings as error:
        logger.error("%s", error)
        events.failed(ScriptFailed("settings", str(error)))
        return 3
    stop_when_told(front.stop, options.leash_fd)
    if options.trial_requests:
        Trial(options.trial_requests, front.proxy.metrics, events).begin(front.proxy.clock)
    try:
        await front.run()
    except ScriptFailed as failure:
        logger.error("%s", failure.message)
        events.failed(failure)
        return failure.exit_code
    return 0


def run(options: argparse.Namespace) -> int:
    """Run the front that ``options`` of `moorage_server.front` describe; return the exit code."""
    import uvloop

    logs.set_up_logging()
    for descriptor in (options.ready_fd, options.leash_fd, options.listen_fd):
        if descriptor is not None:
            os.set_inheritable(descriptor, False)
    return uvloop.run(serve(options))
