"""The HTTP server of a front: uvicorn with our protocol class, our signals and our way to drain."""

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Any, cast

import uvicorn

from moorage_server.allocator import keep_freed_memory
from moorage_server.app import App
from moorage_server.asgi import AsgiApplication
from moorage_server.events import Events
from moorage_server.http_protocol import HttpProtocol
from moorage_server.limits import BACKLOG
from moorage_server.tls import Certificate

STEPS_TO_BE_KNOWN = 10


class HttpServer(uvicorn.Server):
    """uvicorn with our signals, which must work before it is started."""

    def __init__(self, app: App, events: Events, certificate: Certificate | None, *, http: str) -> None:
        """Prepare to serve ``app``; ``http`` is ``own``, or ``asgi`` for the way of any other server."""
        config = uvicorn.Config(
            # HttpProtocol calls the application itself, without ASGI messages.
            cast(Any, app if http == "own" else AsgiApplication(app)),
            http=HttpProtocol if http == "own" else "httptools",
            loop="uvloop",
            interface="asgi3",
            lifespan="off",
            ws="none",
            proxy_headers=False,
            access_log=False,
            log_config=None,
            backlog=BACKLOG,
        )
        super().__init__(config)
        self._app = app
        self._certificate = certificate
        self._events = events

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._certificate is not None:
            self.config.ssl = self._certificate.context
            self._app.clock.every_second(self._certificate.refresh)
        await super().startup(sockets=sockets)
        self._app.connections = lambda: len(self.server_state.connections)
        self._app.clock.every_second(self._sweep)
        self._events.ready()
        keep_freed_memory()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        self._events.closed()
        # A connection that was accepted an instant ago becomes known a few steps of the loop later, however
        # long each of them takes on a busy machine. One that uvicorn does not know yet would be reset.
        for _ in range(STEPS_TO_BE_KNOWN):
            await asyncio.sleep(0)
        await super().shutdown(sockets)

    def _sweep(self) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, HttpProtocol):
                connection.sweep()
