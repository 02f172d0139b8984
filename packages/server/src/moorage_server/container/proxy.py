"""Hands requests on to the server in the container, and its answers back."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast

from moorage_server import answers
from moorage_server.app import decode_path, parse_routes
from moorage_server.auth import Guard
from moorage_server.clock import Clock
from moorage_server.container.settings import ContainerSettings
from moorage_server.container.upstream import Broken, Connection, Pool, Reply, request_head
from moorage_server.exchange import Exchange, Headers
from moorage_server.header_fields import AUTHORIZATION, CONTENT_LENGTH
from moorage_server.metrics import Metrics
from moorage_server.open_files import make_room

logger = logging.getLogger(__name__)

# Answers up to this size are collected and written at once.
_COLLECTED_BYTES = 262_144
_WITHOUT_BODY = (204, 304)
_STRANGER_BLOCK = answers.ERROR_BLOCK + b"www-authenticate: Bearer\r\n"
_HAVE_A_BODY = (b"POST", b"PUT", b"PATCH")


class Proxy:
    """Takes the place of `moorage_server.app.App` where the work is done in a container."""

    def __init__(self, settings: ContainerSettings, clock: Clock, hop_key: str | None) -> None:
        self.settings = settings
        self.clock = clock
        self.metrics = Metrics()
        self.pool = Pool()
        self.max_body_bytes = settings.max_body_bytes
        self.max_connections = make_room(settings.max_connections)
        self.connections: Callable[[], int] = lambda: 0
        self._hop_key = None if hop_key is None else b"Bearer " + hop_key.encode()
        self._public = parse_routes(settings.public_routes)
        self._scoring_path = settings.scoring.path.encode()
        self._guard: Guard | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        if settings.auth is not None:
            self._guard = Guard(Path(settings.auth_file), cast(Literal["key", "token"], settings.auth))
            clock.every_second(self._guard.refresh)

    def streams(self, exchange: Exchange, received: int) -> bool:
        """Large bodies are handed on while they arrive."""
        return True

    def handle(self, exchange: Exchange) -> None:
        """Answer a request; its body may still be arriving."""
        authorization = exchange.fields[AUTHORIZATION]
        is_known = self._guard is None or self._guard.caller(authorization) is not None
        more = self._fields_for_container(exchange, is_known=is_known)
        # Our own server refuses strangers itself, in the words of all services; it lets some of them in.
        if not is_known and self._hop_key is None and self._path(exchange) not in self._public:
            self._answer_stranger(exchange)
            return
        task = asyncio.ensure_future(self._forward(exchange, more))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self, timeout_s: float) -> None:
        """Wait until all requests are answered."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)
        self.pool.close()

    # request

    def _path(self, exchange: Exchange) -> bytes:
        return decode_path(exchange.target.partition(b"?")[0])

    def _target(self, exchange: Exchange) -> bytes:
        path, mark, query = exchange.target.partition(b"?")
        if decode_path(path) == b"/score":
            return self._scoring_path + mark + query
        return exchange.target

    def _fields_for_container(self, exchange: Exchange, *, is_known: bool) -> Headers:
        client = exchange.client
        more = [(b"x-forwarded-proto", exchange.scheme.encode())]
        if client is not None:
            more.append((b"x-forwarded-for", str(client[0]).encode()))
        authorization = exchange.fields[AUTHORIZATION]
        if self._hop_key is not None and is_known:
            more.append((b"authorization", self._hop_key))
        elif authorization is not None and (self._guard is None or self._hop_key is not None):
            more.append((b"authorization", authorization))
        return more

    async def _forward(self, exchange: Exchange, more: Headers) -> None:
        try:
            connection, reply = await self._ask(exchange, more)
        except asyncio.TimeoutError:
            limit = self.settings.response_timeout_s
            self._fail(exchange, 504, f"the container did not begin to answer within {limit:g} s")
        except (Broken, OSError) as error:
            if exchange.is_gone:
                return
            logger.warning("a request got no answer from the container: %s", error)
            self._fail(exchange, 502, "The container of this service does not answer. Its log says why.")
        else:
            await self._answer(exchange, connection, reply)

    async def _ask(self, exchange: Exchange, more: Headers) -> tuple[Connection, Reply]:
        """Send the request and return when status and headers of the answer are there."""
        loop = asyncio.get_running_loop()
        is_streamed = not exchange.is_complete
        kept = [
            (name, value)
            for name, value in exchange.headers
            if name.lower() not in (b"authorization", b"x-forwarded-proto", b"x-forwarded-for")
        ]
        is_second = False
        while True:
            connection, is_used = await self.pool.take(is_new=is_streamed or is_second)
            reply = Reply(loop, is_head=exchange.method == b"HEAD")
            framing = self._framing(exchange, is_streamed=is_streamed)
            head = request_head(exchange.method, self._target(exchange), kept, [*more, *framing])
            exchange.on_disconnect = connection.close
            if is_streamed:
                connection.send(head, reply)
                self._stream_body(exchange, connection)
            else:
                connection.send(head + exchange.body, reply)
            try:
                await asyncio.wait_for(reply.head, self.settings.response_timeout_s or None)
            except Broken as error:
                # It was closed while it was idle: the request has reached nobody.
                if is_used and error.is_untouched and not exchange.is_gone:
                    is_second = True
                    continue
                raise
            except asyncio.TimeoutError:
                connection.close()
                raise
            return connection, reply

    def _framing(self, exchange: Exchange, *, is_streamed: bool) -> Headers:
        if not is_streamed:
            needs_length = exchange.body or exchange.method in _HAVE_A_BODY
            return [(b"content-length", b"%d" % len(exchange.body))] if needs_length else []
        length = exchange.fields[CONTENT_LENGTH]
        return [(b"transfer-encoding", b"chunked")] if length is None else [(b"content-length", length)]

    def _stream_body(self, exchange: Exchange, connection: Connection) -> None:
        is_chunked = exchange.fields[CONTENT_LENGTH] is None

        def on_piece(data: bytes, is_last: bool) -> bool:
            if connection.is_closed:
                return True  # thrown away; the answer says what is wrong
            if data:
                connection.transport.write(b"%x\r\n%b\r\n" % (len(data), data) if is_chunked else data)
            if is_last and is_chunked:
                connection.transport.write(b"0\r\n\r\n")
            if connection.is_write_paused:
                connection.on_writable = exchange.resume_body
                return False
            return True

        exchange.read_body(on_piece)

    # answer

    async def _answer(self, exchange: Exchange, connection: Connection, reply: Reply) -> None:
        self._count(exchange, reply.status)
        line = answers.status_line(reply.status, reply.reason.decode("latin-1") or None)
        length = reply.content_length
        if reply.is_head:
            exchange.start(line, reply.block, length if length is not None else 0)
            exchange.end()
        elif reply.status in _WITHOUT_BODY:
            exchange.answer_without_body(line, reply.block)
        elif reply.is_complete or (length is not None and length <= _COLLECTED_BYTES):
            fault = await self._ended(reply, reply.pieces.append)
            if fault is not None:
                self._fail(exchange, 502, "The container of this service broke its answer off.")
            else:
                exchange.answer(line, reply.block, b"".join(reply.pieces))
        else:
            await self._relay(exchange, connection, reply, line, length)
        exchange.on_disconnect = None
        if exchange.is_complete:
            self.pool.give_back(connection)
        else:
            connection.close()

    async def _relay(
        self, exchange: Exchange, connection: Connection, reply: Reply, line: bytes, length: int | None
    ) -> None:
        exchange.start(line, reply.block, length)

        def resume() -> None:
            if not connection.is_closed:
                connection.transport.resume_reading()

        def hand_on(data: bytes) -> None:
            if not exchange.write(data, resume) and not connection.is_closed:
                connection.transport.pause_reading()

        pieces, reply.pieces = reply.pieces, []
        for data in pieces:
            hand_on(data)
        fault = await self._ended(reply, hand_on)
        if fault is None:
            exchange.end()
        else:
            exchange.cut()

    async def _ended(self, reply: Reply, on_piece: Callable[[bytes], None]) -> Broken | None:
        """Hand pieces over as they arrive; return at the end, with what went wrong."""
        if reply.is_complete or reply.fault is not None:
            return reply.fault
        done: asyncio.Future[Broken | None] = asyncio.get_running_loop().create_future()
        reply.on_piece = on_piece
        reply.on_end = lambda fault: None if done.done() else done.set_result(fault)
        return await done

    def _answer_stranger(self, exchange: Exchange) -> None:
        self._count(exchange, 401)
        has_one = exchange.fields[AUTHORIZATION] is not None
        wanted = self.settings.auth
        text = f"The {wanted} is wrong or not valid any more." if has_one else f"A {wanted} is needed."
        body = answers.message(f"{text} Send it in the header: Authorization: Bearer <{wanted}>")
        exchange.answer(answers.STATUS_LINES[401], _STRANGER_BLOCK, body)

    def _fail(self, exchange: Exchange, status: int, text: str) -> None:
        self._count(exchange, status)
        exchange.on_disconnect = None
        exchange.answer(answers.STATUS_LINES[status], answers.ERROR_BLOCK, answers.message(text))

    def _count(self, exchange: Exchange, status: int) -> None:
        if self._path(exchange) not in self._public:
            self.metrics.answers[status] += 1
