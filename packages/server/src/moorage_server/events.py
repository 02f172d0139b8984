"""What a front reports to whoever started it; see ``docs/architecture.md``."""

import json
import os

from moorage_server.errors import ScriptFailed


class Events:
    """Tells whoever started this front what becomes of it: one JSON line per event."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = descriptor

    def scorers(self, pids: list[int]) -> None:
        self._send({"event": "scorers", "pids": pids})

    def ready(self) -> None:
        self._send({"event": "ready"})

    def closed(self) -> None:
        """New connections are for the next generation from here on."""
        self._send({"event": "closed"})

    def requests(self, count: int, failed: int) -> None:
        """So many scoring requests were answered since the start, so many of them by a failure."""
        self._send({"event": "requests", "count": count, "failed": failed})

    def candidate(self, generation: int, state: str, **facts: object) -> None:
        """How the second revision is: starting, serving (with its counts) or failed (with the error)."""
        self._send({"event": "candidate", "generation": generation, "state": state, **facts})

    def failed(self, failure: ScriptFailed) -> None:
        self._send({"event": "failed", "error": failure.as_json()})

    def _send(self, event: dict[str, object]) -> None:
        if self._descriptor is None:
            return
        try:
            os.write(self._descriptor, json.dumps(event).encode() + b"\n")
        except OSError:
            # Nobody listens any more; the end of the supervisor is noticed elsewhere.
            self._descriptor = None
