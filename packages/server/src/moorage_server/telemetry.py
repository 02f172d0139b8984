"""Sends request telemetry from a thread of its own, so that no request ever waits for it.

Items queue up to a bound and are dropped beyond it; they leave every five seconds or by the hundred.
"""

import atexit
import json
import logging
import threading
import time
import urllib.error
import urllib.request
from collections import deque

from moorage_server.insights import Destination, Origin, Record, request_item

logger = logging.getLogger(__name__)

_LONGEST_QUEUE = 2000
_BATCH = 100
_PAUSE_S = 5.0
_TIMEOUT_S = 10.0
_ATTEMPTS = 3
_WARN_EVERY_S = 60.0
_LAST_CHANCE_S = 3.0  # for what is left when the server ends
_WORTH_ANOTHER_TRY = frozenset({408, 429, 439, 500, 502, 503, 504})


class Telemetry:
    """Takes records on the event loop; its thread starts with the first one."""

    def __init__(self, destination: Destination, origin: Origin, *, pause_s: float = _PAUSE_S) -> None:
        self.dropped = 0
        self._destination = destination
        self._origin = origin
        self._pause_s = pause_s
        self._queue: deque[Record] = deque()
        self._is_due = threading.Event()
        self._is_ending = False
        self._thread: threading.Thread | None = None
        self._warned_at = -_WARN_EVERY_S

    def add(self, method: str, path: str, status: int, ms: float, ids: bytes) -> None:
        """Queue a request that was just answered, or drop it when too many wait. Never blocks."""
        queue = self._queue
        if len(queue) >= _LONGEST_QUEUE:
            self.dropped += 1
            return
        queue.append(Record(time.time(), method, path, status, ms, ids))
        if len(queue) == _BATCH:
            self._is_due.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
            self._thread.start()
            atexit.register(self.close)

    def close(self) -> None:
        """Send what is queued, for a moment at most."""
        self._is_ending = True
        self._is_due.set()
        if self._thread is not None:
            self._thread.join(_LAST_CHANCE_S)

    def _run(self) -> None:
        while not self._is_ending:
            self._is_due.wait(self._pause_s)
            self._is_due.clear()
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(_BATCH, len(self._queue)))]
                try:
                    self._deliver(batch)
                except Exception:
                    # Telemetry is never a reason for anything else to stop.
                    logger.exception("telemetry could not be sent")

    def _deliver(self, batch: list[Record]) -> None:
        key = self._destination.key
        body = json.dumps([request_item(record, self._origin, key) for record in batch]).encode()
        reason = ""
        for attempt in range(_ATTEMPTS):
            if attempt and not self._is_ending:
                time.sleep(min(self._pause_s, 2.0**attempt))
            try:
                self._post(body)
                return
            except urllib.error.HTTPError as error:
                reason = f"status {error.code}"
                error.close()
                if error.code not in _WORTH_ANOTHER_TRY:
                    break
            except OSError as error:
                reason = str(getattr(error, "reason", error))
        self.dropped += len(batch)
        self._warn(reason)

    def _post(self, body: bytes) -> None:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked with the settings
            self._destination.url, body, {"Content-Type": "application/json", "Accept": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            answer.read()

    def _warn(self, reason: str) -> None:
        now = time.monotonic()
        if now - self._warned_at >= _WARN_EVERY_S:
            self._warned_at = now
            logger.warning(
                "telemetry is not accepted by %s (%s); %d requests were left out so far",
                self._destination.url,
                reason,
                self.dropped,
            )
