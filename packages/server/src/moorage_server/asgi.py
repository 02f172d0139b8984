"""The application behind the ASGI interface, for any server: slower than `http_protocol`, same answers."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from moorage_server import answers
from moorage_server.app import App
from moorage_server.exchange import Exchange
from moorage_server.header_fields import CONTENT_LENGTH, BadHead, scan
from moorage_server.limits import LARGE_BODY_BYTES

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_MAX_QUEUED = 16  # pieces of a streamed answer that wait for a slow client


class BadBody(Exception):
    """A body is too large, or not as long as its header says; ``status`` is what the client gets."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class AsgiApplication:
    """Wraps an application; the caller starts and stops what is behind it."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._answer(AsgiExchange(scope, receive, send))

    async def _answer(self, exchange: "AsgiExchange") -> None:
        app = self.app
        try:
            fields = exchange.fields = scan(exchange.headers)
        except BadHead as error:
            _refuse(exchange, error.status, str(error))
        else:
            try:
                exchange.expect(fields[CONTENT_LENGTH], app.max_body_bytes)
                await exchange.take_body(app)
            except BadBody as error:
                _refuse(exchange, error.status, str(error))
            else:
                app.handle(exchange)
        await exchange.run()


def _refuse(exchange: "AsgiExchange", status: int, text: str) -> None:
    exchange.answer(answers.STATUS_LINES[status], answers.ERROR_BLOCK, answers.message(text))


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return


class AsgiExchange(Exchange):
    """A request that came as ASGI messages. The application answers at once; ``run`` sends what it said."""

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._scope = scope
        self._outgoing: deque[Message | None] = deque()  # None: break off
        self._wake = asyncio.Event()
        self._body_wanted = asyncio.Event()
        self._is_gone = False
        self._is_done = False
        self._is_started = False
        self._max_body_bytes = 0
        self._expected: int | None = None  # length of the body by its header
        self._received = 0
        self._pieces: list[bytes] = []
        self._on_piece: Callable[[bytes, bool], bool] | None = None
        self._on_writable: Callable[[], None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.method = scope["method"].encode("latin-1")
        path = scope.get("raw_path") or quote(scope["path"]).encode("ascii")
        query = scope.get("query_string") or b""
        self.target = path + b"?" + query if query else path
        self.headers = list(scope["headers"])
        self.http_version = scope.get("http_version", "1.1")

    @property
    def client(self) -> tuple[str, int] | None:
        client = self._scope.get("client")
        return None if client is None else (client[0], client[1])

    @property
    def is_gone(self) -> bool:
        return self._is_gone

    @property
    def scheme(self) -> str:
        return str(self._scope.get("scheme", "http"))

    def expect(self, content_length: bytes | None, max_body_bytes: int) -> None:
        """Note how long the body is to be. Servers differ in what they check of it.

        Raises:
            BadBody: the header is not a number, or one above the limit.
        """
        self._max_body_bytes = max_body_bytes
        if content_length is not None:
            if not content_length.isdigit():
                raise BadBody(400, "the header Content-Length is not a number")
            self._expected = int(content_length)
            if self._expected > max_body_bytes:
                raise BadBody(413, answers.too_large(max_body_bytes))

    async def take_body(self, app: App) -> None:
        """Read the body, or its beginning if the application wants to stream it.

        Raises:
            BadBody: it is too large, or not as long as announced.
        """
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._is_gone = True
                return
            piece, is_last = self._count(message)
            self._pieces.append(piece)
            if is_last:
                self.body = b"".join(self._pieces)
                return
            if self._received > LARGE_BODY_BYTES and app.streams(self, self._received):
                self.is_complete = False
                return

    def _count(self, message: Message) -> tuple[bytes, bool]:
        """Return a piece of the body, and whether it is the last.

        Raises:
            BadBody: with it, the body is too large, or not as long as announced.
        """
        piece, is_last = message.get("body", b""), not message.get("more_body", False)
        self._received += len(piece)
        if self._received > self._max_body_bytes:
            raise BadBody(413, answers.too_large(self._max_body_bytes))
        expected = self._expected
        if expected is not None and (self._received > expected or (is_last and self._received < expected)):
            kind = "longer" if self._received > expected else "shorter"
            raise BadBody(400, f"the body is {kind} than the {expected} bytes of its Content-Length")
        return piece, is_last

    async def run(self) -> None:
        """Send what the application answers, until its answer is complete or the client has gone."""
        loop = asyncio.get_running_loop()
        self._tasks.append(loop.create_task(self._listen()))
        try:
            while not (self._is_done and not self._outgoing) and not self._is_gone:
                if not self._outgoing:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                message = self._outgoing.popleft()
                if message is None:
                    raise ConnectionAbortedError("the script broke its answer off")
                await self._send(message)
                if self._on_writable is not None and len(self._outgoing) < _MAX_QUEUED // 2:
                    resume, self._on_writable = self._on_writable, None
                    resume()
        finally:
            for task in self._tasks:
                task.cancel()

    async def _listen(self) -> None:
        """Hand on the rest of a streamed body; then wait for the client to go."""
        while not self.is_complete:
            await self._body_wanted.wait()
            message = await self._receive()
            if message["type"] == "http.disconnect":
                break
            try:
                piece, is_last = self._count(message)
            except BadBody as error:
                self._break_off(error)
                return
            self.is_complete = is_last
            assert self._on_piece is not None
            if not self._is_done and not self._on_piece(piece, is_last):
                self._body_wanted.clear()
        else:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        self._is_gone = True
        if self.on_disconnect is not None and not self._is_done:
            self.on_disconnect()
        self._wake.set()

    def _break_off(self, error: BadBody) -> None:
        """Refuse a request that a script is reading: for the script it is as if the client had gone."""
        if self._is_done:
            return
        if self.on_disconnect is not None:
            disconnect, self.on_disconnect = self.on_disconnect, None
            disconnect()
        if self._is_started:
            self.cut()
        else:
            _refuse(self, error.status, str(error))

    # Exchange

    def answer(self, status_line: bytes, block: bytes, body: bytes) -> None:
        self._start(status_line, b"%bcontent-length: %d\r\n" % (block, len(body)))
        self._put({"type": "http.response.body", "body": b"" if self.method == b"HEAD" else body})
        self._is_done = True

    def answer_without_body(self, status_line: bytes, block: bytes) -> None:
        self._start(status_line, block)
        self._put({"type": "http.response.body", "body": b""})
        self._is_done = True

    def start(self, status_line: bytes, block: bytes, content_length: int | None) -> None:
        length = b"" if content_length is None else b"content-length: %d\r\n" % content_length
        self._start(status_line, block + length)

    def write(self, data: bytes, on_writable: Callable[[], None]) -> bool:
        self._put({"type": "http.response.body", "body": data, "more_body": True})
        if len(self._outgoing) < _MAX_QUEUED:
            return True
        self._on_writable = on_writable
        return False

    def end(self) -> None:
        self._put({"type": "http.response.body", "body": b""})
        self._is_done = True

    def cut(self) -> None:
        self._put(None)
        self._is_done = True

    def pause_body(self) -> None:
        self._body_wanted.clear()

    def read_body(self, on_piece: Callable[[bytes, bool], bool]) -> None:
        self._on_piece = on_piece
        wants_more = True
        for piece in self._pieces:
            wants_more = on_piece(piece, False)
        self._pieces = []
        if wants_more:
            self._body_wanted.set()

    def resume_body(self) -> None:
        if self._on_piece is not None:
            self._body_wanted.set()

    def _start(self, status_line: bytes, block: bytes) -> None:
        self._is_started = True
        headers = [tuple(line.split(b": ", 1)) for line in block.split(b"\r\n") if line]
        lowered = [(name.lower(), value) for name, value in headers]
        self._put({"type": "http.response.start", "status": int(status_line[9:12]), "headers": lowered})

    def _put(self, message: Message | None) -> None:
        self._outgoing.append(message)
        self._wake.set()
