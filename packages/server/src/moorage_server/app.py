"""The application: which request gets which answer. No server and no process in it."""

import logging
import math
import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import unquote_to_bytes

from moorage_server import answers, docs_page
from moorage_server.auth import Guard
from moorage_server.clock import Clock
from moorage_server.cors import parse_origins
from moorage_server.description import ScriptDescription
from moorage_server.exchange import Exchange
from moorage_server.header_fields import AUTHORIZATION, CONTENT_LENGTH, MS_REQUEST_ID
from moorage_server.limits import STREAM_FROM_BYTES
from moorage_server.metrics import Gauges, Metrics
from moorage_server.open_files import make_room
from moorage_server.openapi import OpenApi, UnknownVersion
from moorage_server.rate_limit import RateLimit
from moorage_server.request_ids import IdTooLong, id_block
from moorage_server.scorers import ScorerPool
from moorage_server.scoring import Scoring
from moorage_server.settings import ServiceSettings

if TYPE_CHECKING:
    from moorage_server.telemetry import Telemetry

request_logger = logging.getLogger("azmlinfsrv")

_READ = (b"GET", b"HEAD", b"OPTIONS")
_SCORE = (b"GET", b"POST", b"HEAD", b"OPTIONS")
_ALLOW = b"allow: GET, HEAD, OPTIONS\r\n"
_METRICS_BLOCK = b"content-type: text/plain; version=0.0.4; charset=utf-8\r\n"
_WARN_EVERY_S = 60
_STRANGER_BLOCK = answers.ERROR_BLOCK + b"www-authenticate: Bearer\r\n"
_RETRY_BLOCK = answers.ERROR_BLOCK + b"retry-after: 1\r\n"

# Exchange, query string, header lines of the answer (ids, version), and its CORS lines.
Handler = Callable[[Exchange, bytes, bytes, bytes], None]


class App:
    """Answers exchanges; ``describe`` says which script is behind it."""

    def __init__(self, settings: ServiceSettings, pool: ScorerPool, clock: Clock, metrics: Metrics) -> None:
        self.settings = settings
        self.pool = pool
        self.clock = clock
        self.metrics = metrics
        self.max_body_bytes = settings.max_body_bytes
        self.max_connections = make_room(settings.max_connections)
        self._telemetry = None if settings.app_insights is None else telemetry_of(settings)
        # Whether anybody wants to know of requests: the log, or telemetry.
        self.access_log = settings.access_log or self._telemetry is not None
        self.connections: Callable[[], int] = lambda: 0
        self.scoring = Scoring(self)
        self._cors = parse_origins(settings.cors_origins)
        version = settings.server_version
        self._version = b"x-ms-server-version: %b\r\n" % version.encode() if version else b""
        self._openapi = OpenApi({})
        self._warned_at = -_WARN_EVERY_S
        self._routes: dict[bytes, tuple[tuple[bytes, ...], Handler]] = {
            b"/": (_READ, self._health),
            b"/score": (_SCORE, self.scoring.score),
            b"/swagger.json": (_READ, self._swagger),
            b"/metrics": (_READ, self._metrics),
            b"/docs": (_READ, self._docs),
            **dict.fromkeys(docs_page.ASSETS, (_READ, self._asset)),
        }
        self._guard: Guard | None = None
        self._rate_limit: RateLimit | None = None
        # While there is a second revision: whole bodies for both, and metrics of each.
        self.buffers_bodies = False
        self.more_metrics: Callable[[], bytes] | None = None
        self._public = parse_routes(settings.public_routes)
        if settings.auth is not None:
            self._guard = Guard(Path(settings.auth_file), cast(Literal["key", "token"], settings.auth))
            clock.every_second(self._guard.refresh)
            self._protect(self._guard)
        if settings.rate_limit_per_s:
            self._rate_limit = RateLimit(settings.rate_limit_per_s, settings.rate_limit_burst)
        self.score_with(None)

    def score_with(self, handler: Handler | None) -> None:
        """Let ``handler`` score from the next request on; None: the script, with nothing in between.

        Who may call, and how often, is checked before as ever.
        """
        handler = handler or self.scoring.score
        if self._guard is not None and b"/score" not in self._public:
            handler = self._guarded(self._guard, handler)
        if self._rate_limit is not None:
            handler = self._limited(self._rate_limit, handler)
        self._routes[b"/score"] = (_SCORE, handler)

    def describe(self, description: ScriptDescription) -> None:
        """Serve this script from now on."""
        self.scoring.describe(description)
        self._openapi = OpenApi(description.openapi)

    def handle(self, exchange: Exchange) -> None:
        """Answer a request whose body is complete, or one for which :meth:`streams` was true."""
        path, _, query = exchange.target.partition(b"?")
        route = self._routes.get(path) or self._routes.get(decode_path(path))
        if route is None and self.scoring.serves(decode_path(path)):
            route = self._routes[b"/score"]  # guarded like it
        if route is None:
            self._refuse(exchange, 404, "There is nothing at this address.")
            return
        methods, handler = route
        if exchange.method not in methods:
            self._refuse(exchange, 405, "The method is not allowed at this address.")
            return
        fields = exchange.fields
        cors = b"" if self._cors is None else self._cors.block(fields, exchange.method == b"OPTIONS")
        try:
            tail = id_block(fields) + self._version
        except IdTooLong as error:
            block = b"%b%b%b%b" % (answers.ERROR_BLOCK, error.block, self._version, cors)
            exchange.answer(answers.STATUS_LINES[431], block, answers.message(str(error)))
            return
        if self.access_log:
            exchange.began_at = perf_counter()
            exchange.ids = tail
        if fields[MS_REQUEST_ID] is not None:
            self._warn_of_old_header()
        handler(exchange, query, tail, cors)

    def streams(self, exchange: Exchange, received: int) -> bool:
        """Whether the body of this request should be handed on now, ``received`` bytes of it."""
        if self._guard is not None and self._guard.caller(exchange.fields[AUTHORIZATION]) is None:
            return True  # refused without waiting for the rest
        if not self.scoring.takes_streams or self.buffers_bodies:
            return False
        if max(received, int(exchange.fields[CONTENT_LENGTH] or 0)) <= STREAM_FROM_BYTES:
            return False
        return self._is_score(exchange) and exchange.method == b"POST"

    def answer_overloaded(self, exchange: Exchange, lines: bytes) -> None:
        """Say that no scorer is free, and when to come again."""
        self.metrics.answers[503] += 1
        body = answers.message("The service is busy: no scorer was free in time. Try again later.")
        if self.access_log:
            self.log_request(exchange, 503, len(body))
        exchange.answer(answers.STATUS_LINES[503], _RETRY_BLOCK + lines, body)

    def log_request(self, exchange: Exchange, status: int, length: int | None) -> None:
        """Write the request line of the contract: method, path and query, status, time, length.

        Only called with ``access_log``. ``length`` is None for a stream; the time is that until it began.
        """
        ms = (perf_counter() - exchange.began_at) * 1000
        target, mark, query = exchange.target.partition(b"?")
        method, path = exchange.method.decode("latin-1"), decode_path(target).decode("utf-8", "replace")
        if self._telemetry is not None:
            self._telemetry.add(method, path, status, ms, exchange.ids)
        if not self.settings.access_log:
            return
        request_logger.info(
            "%s %s%s%s %d %.3fms %s",
            method,
            path,
            mark.decode(),
            query.decode("latin-1"),
            status,
            ms,
            "N/A" if length is None else length,
        )

    def _warn_of_old_header(self) -> None:
        # Once a minute: a client that uses it does so in every request.
        if self.clock.tick - self._warned_at >= _WARN_EVERY_S:
            self._warned_at = self.clock.tick
            request_logger.warning("the request header x-ms-request-id is deprecated: send x-request-id")

    # who may call

    def _protect(self, guard: Guard) -> None:
        for path, (methods, handler) in self._routes.items():
            if path not in self._public and path not in docs_page.ASSETS and path != b"/score":
                self._routes[path] = (methods, self._guarded(guard, handler))

    def _guarded(self, guard: Guard, handler: Handler) -> Handler:
        def check(exchange: Exchange, query: bytes, tail: bytes, cors: bytes) -> None:
            # Browsers ask with OPTIONS, without a key. Only raw scripts get to see such requests.
            is_question = exchange.method == b"OPTIONS" and not self.scoring.takes_streams
            if is_question or guard.caller(exchange.fields[AUTHORIZATION]) is not None:
                handler(exchange, query, tail, cors)
            else:
                self._answer_stranger(exchange, tail + cors)

        return check

    def _limited(self, limit: RateLimit, handler: Handler) -> Handler:
        """Let callers score so often and no more; who they are is checked behind it, if it matters."""

        def check(exchange: Exchange, query: bytes, tail: bytes, cors: bytes) -> None:
            header = exchange.fields[AUTHORIZATION]
            caller = None if self._guard is None else self._guard.caller(header)
            # A stranger is counted by address, too: guessing is limited as well.
            wait_s = limit.wait_s(caller or f"@{exchange.client[0] if exchange.client else ''}")
            if wait_s == 0 or exchange.method == b"OPTIONS":
                handler(exchange, query, tail, cors)
            else:
                self._answer_hasty(exchange, math.ceil(wait_s), tail + cors)

        return check

    def _answer_hasty(self, exchange: Exchange, wait_s: int, lines: bytes) -> None:
        self.metrics.answers[429] += 1
        body = answers.message(f"Too many requests. Send the next one in {wait_s} s.")
        if self.access_log:
            self.log_request(exchange, 429, len(body))
        block = answers.ERROR_BLOCK + b"retry-after: %d\r\n" % wait_s
        exchange.answer(answers.STATUS_LINES[429], block + lines, body)

    def _answer_stranger(self, exchange: Exchange, lines: bytes) -> None:
        self.metrics.answers[401] += 1
        has_one = exchange.fields[AUTHORIZATION] is not None
        wanted = "key" if self.settings.auth == "key" else "token"
        text = f"The {wanted} is wrong or not valid any more." if has_one else f"A {wanted} is needed."
        body = answers.message(f"{text} Send it in the header: Authorization: Bearer <{wanted}>")
        if self.access_log:
            self.log_request(exchange, 401, len(body))
        exchange.answer(answers.STATUS_LINES[401], _STRANGER_BLOCK + lines, body)

    # addresses

    def _health(self, exchange: Exchange, query: bytes, tail: bytes, cors: bytes) -> None:
        if exchange.method == b"OPTIONS":
            exchange.answer(answers.OK, answers.TEXT_BLOCK + _ALLOW + tail + cors, b"")
        elif self.pool.is_down:
            text = "No scorer can be started; the service's log says why."
            block = answers.ERROR_BLOCK + tail + cors
            exchange.answer(answers.STATUS_LINES[503], block, answers.message(text))
        else:
            exchange.answer(answers.OK, answers.TEXT_BLOCK + tail + cors, b"Healthy")

    def _swagger(self, exchange: Exchange, query: bytes, tail: bytes, cors: bytes) -> None:
        status, block, body = 200, answers.ERROR_BLOCK, b""
        if exchange.method == b"OPTIONS":
            block = answers.TEXT_BLOCK + _ALLOW
        else:
            try:
                body = self._openapi.document(query)
            except UnknownVersion as error:
                status, body = 404, answers.message(str(error))
        if self.access_log:
            self.log_request(exchange, status, len(body))
        exchange.answer(answers.STATUS_LINES[status], block + tail + cors, body)

    def _metrics(self, exchange: Exchange, query: bytes, tail: bytes, cors: bytes) -> None:
        pool = self.pool
        from moorage_server.exposition import prometheus_text  # late, see Front._load

        gauges = Gauges(
            held=pool.held,
            waiting=len(pool.waiting),
            scorers_ready=len(pool.ready),
            scorers=len(pool.scorers),
            restarts=pool.restarts,
            connections=self.connections(),
        )
        text = prometheus_text(self.metrics, gauges)
        if self.more_metrics is not None:
            text += self.more_metrics()
        exchange.answer(answers.OK, _METRICS_BLOCK, text)

    def _docs(self, exchange: Exchange, query: bytes, tail: bytes, cors: bytes) -> None:
        exchange.answer(answers.OK, docs_page.PAGE_BLOCK, docs_page.page(self._openapi.newest()))

    def _asset(self, exchange: Exchange, query: bytes, tail: bytes, cors: bytes) -> None:
        name, block = docs_page.ASSETS[decode_path(exchange.target.partition(b"?")[0])]
        exchange.answer(answers.OK, block, docs_page.asset(name))

    def _refuse(self, exchange: Exchange, status: int, text: str) -> None:
        exchange.answer(answers.STATUS_LINES[status], answers.ERROR_BLOCK, answers.message(text))

    def _is_score(self, exchange: Exchange) -> bool:
        path = exchange.target.partition(b"?")[0]
        return path == b"/score" or decode_path(path) == b"/score"


def telemetry_of(settings: ServiceSettings) -> "Telemetry":
    """Return what sends the requests of a service to where its settings say."""
    from moorage_server.insights import Origin, parse_connection_string
    from moorage_server.telemetry import Telemetry  # late: for those who use it

    variables = {**os.environ, **settings.environment}
    origin = Origin(
        service=settings.name,
        workspace=variables.get("WORKSPACE_NAME", ""),
        container=variables.get("HOSTNAME") or "Unknown",
    )
    return Telemetry(parse_connection_string(settings.app_insights or ""), origin)


def parse_routes(text: str) -> frozenset[bytes]:
    """Return the paths of a comma separated list."""
    return frozenset(path.strip().encode() for path in text.split(",") if path.strip())


def decode_path(path: bytes) -> bytes:
    """Return the path that a request target means: percent escapes decoded, several slashes taken as one.

    An absolute target (``http://host/score``), as sent to proxies, counts by its path.
    """
    if not path.startswith(b"/"):
        _, separator, rest = path.partition(b"://")
        if not separator:
            return path
        path = b"/" + rest.partition(b"/")[2]
    path = unquote_to_bytes(path)
    while b"//" in path:
        path = path.replace(b"//", b"/")
    return path
