"""A real front with real scorers in child processes, and a small HTTP client that hides nothing."""

import contextlib
import hashlib
import itertools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

START_S = 30
# The interpreter of the scorers, for those who want to see the contract with another (make interpreters).
SCORER_PYTHON = os.environ.get("MOORAGE_PYTHON", sys.executable)


@dataclass
class Answer:
    """An HTTP answer; ``lines`` has every header line, names lowered."""

    status: int
    reason: str
    lines: list[tuple[str, str]]
    body: bytes
    version: str = "HTTP/1.1"
    interim: list[int] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    is_cut: bool = False

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.lines)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.lines if key == name.lower()]

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        content = self.json()
        assert set(content) == {"message"}
        assert self.headers["content-type"] == "application/json"
        return str(content["message"])

    @property
    def failed(self) -> str | None:
        return self.headers.get("x-ms-run-function-failed")

    @property
    def has_ids(self) -> bool:
        return "x-request-id" in self.headers and "x-ms-request-id" in self.headers


class Connection:
    """One client connection: bytes out, answers in."""

    def __init__(self, port: int, timeout_s: float = 20) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._buffer = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
    ) -> Answer:
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers or ())
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in pairs]
        if body is not None and not any(name.lower() == "transfer-encoding" for name, _ in pairs):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""))
        return self.answer(is_head=method == "HEAD")

    def answer(self, *, is_head: bool = False) -> Answer:
        interim = []
        while True:
            status_line = self._line()
            version, status, *reason = status_line.decode("latin-1").split(" ", 2)
            lines = []
            while line := self._line():
                name, _, value = line.decode("latin-1").partition(":")
                lines.append((name.lower(), value.strip()))
            if status != "100":
                break
            interim.append(100)
        answer = Answer(int(status), reason[0] if reason else "", lines, b"", version, interim)
        if is_head or answer.status in (204, 304):
            return answer
        self._body(answer)
        return answer

    def _body(self, answer: Answer) -> None:
        if answer.headers.get("transfer-encoding") == "chunked":
            try:
                while size := int(self._line(), 16):
                    answer.chunks.append(self._exactly(size))
                    assert self._line() == b""
                assert self._line() == b""
            except ConnectionError:
                answer.is_cut = True
            answer.body = b"".join(answer.chunks)
        elif "content-length" in answer.headers:
            answer.body = self._exactly(int(answer.headers["content-length"]))
        else:
            with contextlib.suppress(ConnectionError):
                while True:
                    self._fill()
            answer.body, self._buffer = self._buffer, b""

    def read_line(self) -> bytes:
        return self._line()

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._fill()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _fill(self) -> None:
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._buffer += data


class Server:
    """A running front; ``request`` uses a connection of its own each time."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path, events: "EventPipe") -> None:
        self.process = process
        self.port = port
        self.log_path = log
        self.events = events

    def connect(self, timeout_s: float = 20) -> Connection:
        return Connection(self.port, timeout_s)

    def request(
        self,
        method: str,
        target: str = "/score",
        body: bytes | None = None,
        headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
        timeout_s: float = 20,
    ) -> Answer:
        with self.connect(timeout_s) as connection:
            return connection.request(method, target, body, headers)

    def get(self, target: str = "/score", headers: Any = None) -> Answer:
        return self.request("GET", target, None, headers)

    def post(self, body: bytes | str = b"", headers: Any = None, target: str = "/score") -> Answer:
        return self.request("POST", target, body.encode() if isinstance(body, str) else body, headers)

    def post_json(self, value: Any, headers: Mapping[str, str] | None = None) -> Answer:
        body = value if isinstance(value, str | bytes) else json.dumps(value)
        return self.post(body, {"Content-Type": "application/json", **(headers or {})})

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def wait_for_log(self, text: str, within_s: float = 10) -> str:
        deadline = time.monotonic() + within_s
        while text not in self.log:
            assert time.monotonic() < deadline, f"{text!r} is not in the log:\n{self.log}"
            time.sleep(0.02)
        return self.log

    def stop(self, within_s: float = 15) -> int:
        """Drain and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
            raise


class EventPipe:
    """What a front reports on its ready descriptor."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.seen: list[dict[str, Any]] = []
        self._rest = b""

    def wait_for(self, name: str, within_s: float = START_S) -> dict[str, Any]:
        """Return the next event of that name; ``failed`` also ends the wait."""
        deadline = time.monotonic() + within_s
        while True:
            event = self.next(deadline - time.monotonic())
            if event["event"] in (name, "failed"):
                return event

    def next(self, within_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + within_s
        while b"\n" not in self._rest:
            readable, _, _ = select.select([self.reader], [], [], max(0.0, deadline - time.monotonic()))
            assert readable, f"no event in time; so far: {self.seen}"
            data = os.read(self.reader, 65536)
            assert data, f"the front ended; events: {self.seen}"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        event: dict[str, Any] = json.loads(line)
        self.seen.append(event)
        return event

    def close(self) -> None:
        for descriptor in (self.reader, self.writer):
            with contextlib.suppress(OSError):
                os.close(descriptor)


StartServer = Callable[..., Server]


def start_front(
    folder: Path,
    settings: dict[str, Any],
    environment: Mapping[str, str] | None = None,
    http: str = "own",
) -> Server:
    """Start a front on a socket of ours; the caller waits for its events."""
    settings_path = folder / "service.json"
    settings_path.write_text(json.dumps(settings))
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    events = EventPipe()
    log = folder / "service.log"
    with listener, log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "moorage_server.front", "--settings", str(settings_path)),
                *("--listen-fd", str(listener.fileno()), "--ready-fd", str(events.writer)),
                *("--http", http),
            ],
            pass_fds=[listener.fileno(), events.writer],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=folder,
        )
        port = listener.getsockname()[1]
    os.close(events.writer)
    return Server(process, port, log, events)


class Servers:
    """Starts fronts; those with the same script and settings are shared within a module."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shared: dict[str, Server] = {}
        self._all: list[Server] = []
        self._numbers = itertools.count()

    def start(
        self,
        script: str | None,
        *,
        files: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        expect: str | None = "ready",
        http: str = "own",
        **settings: Any,
    ) -> Server:
        """Start a front of its own; wait until it is ready (or gives up: ``failed``, or not at all: None)."""
        folder = self._folder / f"app{next(self._numbers)}"
        folder.mkdir()
        for name, text in {**({} if script is None else {"score.py": script}), **(files or {})}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        values = {
            "app_root": str(folder),
            "entry_script": None if script is None else "score.py",
            "python": SCORER_PYTHON,
            **settings,
        }
        server = start_front(folder, values, environment, http)
        self._all.append(server)
        if expect is not None:
            event = server.events.wait_for(expect)
            assert event["event"] == expect, f"{event}\n{server.log}"
        return server

    def shared(self, script: str, **settings: Any) -> Server:
        """Return a running front for this script, started at the first call."""
        key = hashlib.sha256(json.dumps([script, settings], sort_keys=True).encode()).hexdigest()
        server = self._shared.get(key)
        if server is None or server.process.poll() is not None:
            server = self._shared[key] = self.start(script, **settings)
        return server

    def stop(self) -> None:
        for server in self._all:
            if server.process.poll() is None:
                server.process.send_signal(signal.SIGTERM)
        for server in self._all:
            try:
                server.process.wait(10)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait(5)
            server.events.close()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Fronts that live as long as the module's tests."""
    running = Servers(tmp_path_factory.mktemp("servers"))
    yield running
    running.stop()
