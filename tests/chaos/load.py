"""Requests at a steady rate, every one of them counted."""

import http.client
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

THREADS = 8
# Longer than anything that is promised: what takes longer counts as failed.
TIMEOUT_S = 30.0


@dataclass
class Counts:
    """``failed``: answered with another status than 200; ``reset``: not answered."""

    sent: int = 0
    answered: int = 0
    failed: int = 0
    reset: int = 0
    longest_gap_s: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)


class Load:
    """Posts ``body`` to ``url`` so many times a second. Half of the clients keep their connection."""

    def __init__(
        self,
        url: str,
        *,
        rate: float,
        body: bytes = b"1",
        headers: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """Prepare; of an ``https`` address the certificate is not checked."""
        self._address = urlsplit(url)
        self._interval_s = THREADS / rate
        self._body = body
        self._headers = headers
        self._context = None
        if self._address.scheme == "https":
            self._context = ssl.create_default_context()
            self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._last_answer = 0.0
        self.counts = Counts()
        self._threads = [threading.Thread(target=self._work, args=(n,)) for n in range(THREADS)]

    def __enter__(self) -> "Load":
        self._last_answer = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        keeps = number % 2 == 0
        connection = self._connect()
        due = time.monotonic() + self._interval_s * number / THREADS
        while not self._done.wait(max(0.0, due - time.monotonic())):
            # A client that was kept waiting does not catch up: the rate is that of patient people.
            due = max(due + self._interval_s, time.monotonic())
            if not self._ask(connection, keeps):
                connection.close()
                connection = self._connect()
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, keeps: bool) -> bool:
        """Send one request; False if the connection is of no further use."""
        with self._lock:
            self.counts.sent += 1
        try:
            connection.request("POST", self._address.path, self._body, dict(self._headers()))
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._count("reset", f"{type(error).__name__}: {error}")
            return False
        if answer.status == 200:
            self._count("answered", None)
        else:
            self._count("failed", f"status {answer.status}")
        return keeps and not answer.will_close

    def _count(self, what: str, reason: str | None) -> None:
        with self._lock:
            setattr(self.counts, what, getattr(self.counts, what) + 1)
            if reason is not None:
                self.counts.reasons[reason] = self.counts.reasons.get(reason, 0) + 1
                return
            now = time.monotonic()
            self.counts.longest_gap_s = max(self.counts.longest_gap_s, now - self._last_answer)
            self._last_answer = now

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._context is None:
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=self._context)
