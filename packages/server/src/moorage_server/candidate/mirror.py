"""A mirror: the other revision gets copies of requests, and its answers are compared and thrown away.

Nothing that the shadow does reaches a client: a copy is made only after the request itself was handed on, and
only if the shadow has little enough to do; comparing is done by a thread.
"""

import asyncio
import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from moorage_server.app import App
from moorage_server.candidate.companion import Companion
from moorage_server.candidate.comparison import Answered, difference
from moorage_server.candidate.findings import Findings
from moorage_server.candidate.instruction import Instruction
from moorage_server.candidate.share import Share
from moorage_server.exchange import Exchange
from moorage_server.scorers import ScorerPool
from moorage_server.settings import ServiceSettings
from moorage_server.supervision.files import read_json, write_json

HELD_PER_SCORER = 32
MOST_HELD_BYTES = 64 * 1024 * 1024  # of requests that the shadow has not answered
MOST_COMPARED_BYTES = 256 * 1024  # of one answer
MOST_COMPARING = 100
# Scorers of a shadow give way to those that somebody waits for.
NICENESS = 10
_SCORED = (b"POST", b"GET")


class Mirror(Companion):
    """Leaves every request to the live revision and shows the shadow copies of a share."""

    def __init__(self, instruction: Instruction, pool: ScorerPool, live: App, report_file: Path) -> None:
        super().__init__(instruction, pool, live)
        self.app.access_log = False
        self._share = Share(instruction.share_percent)
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mirror")
        self._report_file = report_file
        self.findings = Findings.from_json(read_json(report_file) or {}, instruction.generation)
        self._written: dict[str, Any] = {}
        self._is_writing = False
        self._held_bytes = 0
        self._comparing = 0

    @classmethod
    def adapt(cls, settings: ServiceSettings) -> ServiceSettings:
        adapted = super().adapt(settings)
        most = HELD_PER_SCORER * settings.worker_count
        return dataclasses.replace(
            adapted,
            niceness=max(NICENESS, settings.niceness),
            spin_us=0,
            max_concurrent_requests=min(settings.max_concurrent_requests, most),
        )

    def score(self, exchange: Exchange, query: bytes, tail: bytes, cors: bytes) -> None:
        if exchange.method in _SCORED and exchange.is_complete and self._share.takes():
            shadow = _ShadowExchange(self, exchange)
            _listen(exchange, shadow)
            self.live.scoring.score(exchange, query, tail, cors)
            self._loop.call_soon(self._show, shadow, query)
        else:
            self.live.scoring.score(exchange, query, tail, cors)

    def _show(self, shadow: "_ShadowExchange", query: bytes) -> None:
        pool = self.app.pool
        is_full = pool.held >= pool.limit or self._held_bytes + shadow.size_bytes > MOST_HELD_BYTES
        if is_full or not pool.ready or pool.is_stopping:
            self.findings.dropped += 1
            return
        self.findings.sent += 1
        self._held_bytes += shadow.size_bytes
        self.app.scoring.score(shadow, query, b"", b"")

    def answered(self, shadow: "_ShadowExchange") -> None:
        """The shadow has answered, well or not."""
        self._held_bytes -= shadow.size_bytes
        self.compare(shadow)

    def compare(self, shadow: "_ShadowExchange") -> None:
        """Compare, once both answers are there."""
        live, other = shadow.live, shadow.shadow
        if live is None or other is None or shadow.is_compared:
            return
        shadow.is_compared = True
        if shadow.is_too_large or max(len(live.body), len(other.body)) > MOST_COMPARED_BYTES:
            self.findings.not_compared += 1
        elif live == other:
            self.findings.same += 1
        elif self._comparing >= MOST_COMPARING or self.app.pool.is_stopping:
            self.findings.not_compared += 1
        else:
            self._comparing += 1
            self._thread.submit(self._compare, shadow.request, live, other)

    def _compare(self, request: bytes, live: Answered, other: Answered) -> None:
        """Runs in the thread."""
        what = difference(live, other, self.instruction.tolerance)
        self._loop.call_soon_threadsafe(self._compared, request, live, other, what)

    def _compared(self, request: bytes, live: Answered, other: Answered, what: str | None) -> None:
        self._comparing -= 1
        if what is None:
            self.findings.same += 1
        else:
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            self.findings.found(request, live, other, what, now)

    def report(self) -> dict[str, Any]:
        """Write the findings down where they have changed, too; called about once per second."""
        found = self.findings.to_json()
        if found != self._written and not self._is_writing:
            self._written, self._is_writing = found, True
            self._loop.run_in_executor(self._thread, self._write, found)
        counts = {name: value for name, value in found.items() if isinstance(value, int)}
        return {**super().report(), "findings": counts}

    def _write(self, found: dict[str, Any]) -> None:
        try:
            write_json(self._report_file, found)
        except OSError:
            self._written = {}  # no space, perhaps: later
        finally:
            self._is_writing = False

    async def leave(self) -> None:
        self.must_hurry = True  # nobody waits for its answers
        await super().leave()
        self._thread.shutdown(wait=False, cancel_futures=True)
        with_last = self.findings.to_json()
        if with_last != self._written:
            self._write(with_last)


class _ShadowExchange(Exchange):
    """A copy of a request, and where the answers to both end up."""

    def __init__(self, mirror: Mirror, original: Exchange) -> None:
        self.mirror = mirror
        self.method, self.target = original.method, original.target
        self.headers, self.fields = original.headers, original.fields
        self.http_version = original.http_version
        self.body = self.request = original.body
        self.size_bytes = len(original.body)
        self._client, self._scheme = original.client, original.scheme
        self.live: Answered | None = None
        self.shadow: Answered | None = None
        self.is_too_large = False  # or streamed: an answer of which not all was kept
        self.is_compared = False
        self._status = 0
        self._pieces: list[bytes] = []
        self._length = 0

    @property
    def client(self) -> tuple[str, int] | None:
        return self._client

    @property
    def scheme(self) -> str:
        return self._scheme

    def live_answered(self, status_line: bytes, body: bytes) -> None:
        self.live = Answered(_status(status_line), body)
        self.mirror.compare(self)

    def answer(self, status_line: bytes, block: bytes, body: bytes) -> None:
        self.shadow = Answered(_status(status_line), body)
        self.mirror.answered(self)

    def answer_without_body(self, status_line: bytes, block: bytes) -> None:
        self.answer(status_line, block, b"")

    def start(self, status_line: bytes, block: bytes, content_length: int | None) -> None:
        self._status = _status(status_line)

    def write(self, data: bytes, on_writable: Callable[[], None]) -> bool:
        self._length += len(data)
        if self._length <= MOST_COMPARED_BYTES:
            self._pieces.append(data)
        else:
            self.is_too_large = True
        return True

    def end(self) -> None:
        self.shadow = Answered(self._status, b"".join(self._pieces))
        self.mirror.answered(self)

    def cut(self) -> None:
        self.shadow = Answered(500, json.dumps({"message": "the answer broke off"}).encode())
        self.mirror.answered(self)

    def pause_body(self) -> None:
        pass  # all of it is here

    def resume_body(self) -> None:
        pass

    def read_body(self, on_piece: Callable[[bytes, bool], bool]) -> None:
        on_piece(self.request, True)


def _listen(exchange: Exchange, shadow: _ShadowExchange) -> None:
    """Let the shadow know what the client is answered, after it was answered."""
    answer, without_body, start = exchange.answer, exchange.answer_without_body, exchange.start

    def heard(status_line: bytes, block: bytes, body: bytes) -> None:
        answer(status_line, block, body)
        shadow.live_answered(status_line, body)

    def heard_without_body(status_line: bytes, block: bytes) -> None:
        without_body(status_line, block)
        shadow.live_answered(status_line, b"")

    def started(status_line: bytes, block: bytes, content_length: int | None) -> None:
        start(status_line, block, content_length)
        shadow.is_too_large = True
        shadow.live_answered(status_line, b"")

    # Of this one exchange: those that are not mirrored do not pay for it.
    exchange.answer = heard  # type: ignore[method-assign]
    exchange.answer_without_body = heard_without_body  # type: ignore[method-assign]
    exchange.start = started  # type: ignore[method-assign]


def _status(status_line: bytes) -> int:
    return int(status_line.split(b" ", 2)[1])
