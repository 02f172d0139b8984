"""A scorer as a real process of any interpreter, and the front's half of the protocol to speak to it."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import hypothesis
import pytest

from moorage_runtime import frames

# How long one example takes says nothing on a machine that does other things too.
hypothesis.settings.register_profile("runtime", deadline=None)
hypothesis.settings.load_profile("runtime")

BOOTSTRAP = Path(frames.__file__).parent / "__main__.py"
DEADLINE_S = 30


def installed_pythons() -> list[Path]:
    """Every CPython 3 that pyenv has, oldest first; without pyenv, the one that runs the tests."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(root.glob("3.*/bin/python"), key=lambda path: [int(x) for x in path.parts[-3].split(".")])
    return found or [Path(sys.executable)]


PYTHONS = installed_pythons()


def version_of(path: Path) -> str:
    return "python" + path.parts[-3] if "versions" in path.parts else "python"


class Reply:
    """An answer of the scorer, taken apart."""

    def __init__(self, frame: frames.Frame) -> None:
        self.frame = frame
        self.type, self.kind, self.flags = frame.type, frame.kind, frame.flags
        self.request_id = frame.request_id
        payload = frame.payload
        if frame.type == frames.RESULT:
            (self.elapsed_ms,) = struct.unpack_from("<d", payload)
            self.content = payload[8:]
        else:
            self.content = payload

    @property
    def text(self) -> str:
        assert (self.type, self.kind) == (frames.RESULT, frames.RESULT_JSON), self
        return self.content.decode("ascii")

    @property
    def json(self):
        if self.type == frames.ERROR:
            return json.loads(self.content)
        return json.loads(self.text)

    @property
    def array(self):
        """``(type code, shape, list of numbers)``."""
        assert (self.type, self.kind) == (frames.RESULT, frames.RESULT_ARRAY), self
        code, shape, data = frames.unpack_array(self.content)
        return code, shape, memoryview(data).cast({"f8": "d", "i8": "q", "i4": "i"}[code]).tolist()

    @property
    def response(self):
        """``(head, body)`` of an HTTP response."""
        assert (self.type, self.kind) == (frames.RESULT, frames.RESULT_RESPONSE), self
        section, body = frames.split_section(self.content)
        return json.loads(section), bytes(body)

    @property
    def error(self) -> int:
        assert self.type == frames.ERROR, self
        return self.kind

    def __repr__(self) -> str:
        return f"Reply(type={self.type}, kind={self.kind}, content={self.content[:500]!r})"


class ScorerClient:
    """The front's end of one scorer."""

    def __init__(self, process: subprocess.Popen, sock: socket.socket, log: Path) -> None:
        self.process, self.socket, self._log = process, sock, log
        self._reader = frames.FrameReader()
        self._frames: list[frames.Frame] = []
        self._last_id = 0
        self.ready: dict = {}
        self.failed: dict = {}

    def send(
        self, type_: int, payload: bytes = b"", flags: int = 0, kind: int = 0, request_id: int = 0
    ) -> None:
        self.socket.sendall(frames.pack(type_, payload, flags, kind, request_id))

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def receive(self, timeout_s: float = DEADLINE_S) -> frames.Frame:
        """Return the next message; EOFError when the scorer is gone, TimeoutError when it is silent."""
        self.socket.settimeout(timeout_s)
        while not self._frames:
            data = self.socket.recv(1 << 16)
            if not data:
                raise EOFError(f"the scorer is gone; its output:\n{self.log}")
            self._reader.feed(data)
            self._frames.extend(self._reader.frames())
        return self._frames.pop(0)

    def reply(self) -> Reply:
        return Reply(self.receive())

    def post(self, kind: int, payload: bytes, headers=None, flags: int = 0) -> int:
        """Send a request without waiting for the answer."""
        if headers is not None:
            payload = frames.join_section(json.dumps(headers).encode(), payload)
            flags |= frames.HAS_HEADERS
        number = self.next_id()
        self.send(frames.SCORE, payload, flags, kind, number)
        return number

    def score(self, kind: int, payload: bytes, headers=None, flags: int = 0) -> Reply:
        number = self.post(kind, payload, headers, flags)
        reply = self.reply()
        assert reply.request_id == number
        return reply

    def text(self, body="", headers=None) -> Reply:
        return self.score(frames.TEXT, body.encode() if isinstance(body, str) else body, headers)

    def json(self, value, headers=None) -> Reply:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.score(frames.JSON, body, headers)

    def array(self, rows, flags: int = 0) -> Reply:
        return self.score(frames.ARRAY, pack_rows(rows), flags=flags)

    def exchange(self, payloads, *, kind: int = frames.ARRAY, flags: int = 0) -> list[Reply]:
        """Send all in one go, so that they queue; return the replies in order."""
        messages = b"".join(
            frames.pack(frames.SCORE, payload, flags, kind, number)
            for number, payload in enumerate(payloads, 1)
        )
        thread = threading.Thread(target=self.socket.sendall, args=(messages,), daemon=True)
        thread.start()
        replies = [self.reply() for _ in payloads]
        thread.join()
        assert [reply.request_id for reply in replies] == list(range(1, len(payloads) + 1))
        return replies

    def raw(self, method="GET", target="/score", headers=(), body: bytes = b"", **more) -> Reply:
        return self.score(frames.RAW, raw_payload(method, target, headers, body, **more))

    @staticmethod
    def raw_head(*arguments, **more) -> dict:
        return raw_head(*arguments, **more)

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def stop(self) -> int:
        """Ask the scorer to finish, and return its exit code."""
        self.send(frames.STOP)
        return self.process.wait(DEADLINE_S)


def pack_rows(rows) -> bytes:
    """Pack a list of equally long rows of floats."""
    flat = [x for row in rows for x in row]
    return frames.pack_array("f8", (len(rows), len(rows[0])), struct.pack(f"<{len(flat)}d", *flat))


def raw_head(method="GET", target="/score", headers=(), **more) -> dict:
    path, _, query = target.partition("?")
    head = {
        "method": method,
        "path": path,
        "raw_path": path,
        "query_string": query,
        "headers": [["Host", "localhost:5001"], *[list(pair) for pair in headers]],
        "client": ["127.0.0.1", 40000],
        "scheme": "http",
        "http_version": "1.1",
    }
    head.update(more)
    return head


def raw_payload(method="GET", target="/score", headers=(), body: bytes = b"", **more) -> bytes:
    if body and not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in headers):
        headers = [*headers, ("Content-Length", str(len(body)))]
    return frames.join_section(json.dumps(raw_head(method, target, headers, **more)).encode(), body)


class Launcher:
    """Starts scorers in a folder of its own; whatever it started is gone when the test is over."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.folder, self._stack, self._count = folder, stack, 0

    def __call__(
        self, source, *, python=None, environment=None, name="score.py", expect_ready=True, **settings
    ):
        self._count += 1
        app_root = self.folder / f"app{self._count}"
        app_root.mkdir(exist_ok=True)
        if source is not None:
            (app_root / name).write_text(textwrap.dedent(source), encoding="utf-8")
        return self.launch(
            app_root, python=python, environment=environment, expect_ready=expect_ready,
            **{"entry_script": name if source is not None else None, **settings},
        )  # fmt: skip

    def launch(self, app_root: Path, *, python=None, environment=None, expect_ready=True, **settings):
        """Start a scorer on a folder that is there already."""
        log = self.folder / f"{app_root.name}.log"
        ours, theirs = socket.socketpair()
        variables = {
            k: v for k, v in os.environ.items() if not k.startswith(("AZUREML_", "PYTHON", "MOORAGE_"))
        }
        variables.update(MOORAGE_SCORER_FD=str(theirs.fileno()), **(environment or {}))
        with theirs, log.open("wb") as output:
            process = subprocess.Popen(
                [str(python or sys.executable), "-u", str(BOOTSTRAP)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=variables, pass_fds=[theirs.fileno()], cwd=app_root,
            )  # fmt: skip
        client = ScorerClient(process, ours, log)
        self._stack.callback(self._end, client)
        configuration = {"protocol": 1, "app_root": str(app_root), "scoring_timeout_ms": 20000, **settings}
        client.send(frames.CONFIGURE, json.dumps(configuration).encode())
        answer = client.receive()
        if answer.type == frames.READY:
            client.ready = json.loads(answer.payload)
        else:
            assert answer.type == frames.FAILED
            client.failed = json.loads(answer.payload)
        if expect_ready is not None:
            assert bool(client.ready) is expect_ready, client.failed or client.ready
        return client

    @staticmethod
    def _end(client: ScorerClient) -> None:
        client.socket.close()
        try:
            client.process.wait(5)
        except subprocess.TimeoutExpired:
            client.process.kill()
            client.process.wait()


@pytest.fixture
def scorer(tmp_path):
    """Start a scorer: ``scorer(source, python=..., **settings)``."""
    with contextlib.ExitStack() as stack:
        yield Launcher(tmp_path, stack)


@pytest.fixture(scope="module")
def module_scorer(tmp_path_factory):
    """Like ``scorer``, for processes that the tests of a module share."""
    with contextlib.ExitStack() as stack:
        yield Launcher(tmp_path_factory.mktemp("scorers"), stack)


@pytest.fixture(
    scope="module",
    params=["venv", "scorer-3.6", "schema-py36", "schema-py38", "schema-py310", "schema-py313"],
)
def numpy_python(request):
    """Interpreters with numpy, from 1.13 to 2.x."""
    if request.param == "venv":
        return Path(sys.executable)
    python = Path(__file__).parents[2] / ".cache" / request.param / "bin" / "python"
    if not python.exists():
        pytest.skip(f"there is no environment .cache/{request.param}")
    return python


@pytest.fixture(scope="session", params=PYTHONS, ids=version_of)
def python(request) -> Path:
    """Every interpreter on the machine, one after the other."""
    return request.param


@pytest.fixture(scope="session", params=sorted({PYTHONS[0], PYTHONS[-1]}), ids=version_of)
def edge_python(request) -> Path:
    """The oldest and the newest interpreter on the machine."""
    return request.param


def environment_python(name: str) -> Path:
    """The interpreter of an environment under ``.cache/``; ``make_environments.py`` makes them."""
    return Path(__file__).parents[2] / ".cache" / name / "bin" / "python"


def provides(python: Path, *modules: str) -> bool:
    """Whether an interpreter is there and can import the modules."""
    if not python.exists():
        return False
    command = [str(python), "-W", "ignore", "-c", "import " + ", ".join(modules)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


def web_environments() -> dict[str, tuple[Path, tuple[str, ...]]]:
    """Interpreters by what they offer for HTTP, and the modules that must be there for that."""
    pyenv = {path.parts[-3]: path for path in PYTHONS if "versions" in path.parts}
    return {
        "werkzeug": (Path(sys.executable), ("werkzeug",)),
        "flask": (next((p for v, p in pyenv.items() if v.startswith("3.11")), Path("/none")), ("flask",)),
        "flask-1-python-3.6": (environment_python("scorer-3.6"), ("flask",)),
        "none": (PYTHONS[-1], ()),
        "none-oldest": (PYTHONS[0], ()),
    }


@pytest.fixture(scope="session", params=list(web_environments()))
def web_python(request) -> Path:
    """An interpreter for each kind of web library: Werkzeug, new and old Flask, none at all."""
    python, modules = web_environments()[request.param]
    if not provides(python, *(modules or ("sys",))):
        pytest.skip(f"no interpreter with {', '.join(modules)} on this machine")
    return python
