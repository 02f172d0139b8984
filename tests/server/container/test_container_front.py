"""The front of a container hands requests on and ends its container; engine.py stands in for an engine."""

import contextlib
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from moorage_server.auth import Admission, digest_of, replace_guard_file
from moorage_server.container.settings import ContainerSettings, Probe, as_json, read
from moorage_server.errors import InvalidSettings

HERE = Path(__file__).parent


class Running:
    """A front and what it said; closed at the end of the test."""

    def __init__(self, folder, settings, listener):
        self.folder, self.port = folder, listener.getsockname()[1]
        path = folder / "revisions" / "1" / "container.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(as_json(settings)))
        self.events_fd, events = os.pipe()
        self.log = folder / "log"
        command = [sys.executable, "-m", "moorage_server.front", "--settings", str(path)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--listen-fd", str(listener.fileno()), "--ready-fd", str(events)],
                pass_fds=(listener.fileno(), events),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        os.close(events)
        self._events = b""

    def event(self, name):
        """Wait for an event and return it."""
        while True:
            for line in self._events.splitlines():
                if json.loads(line)["event"] == name:
                    return json.loads(line)
            is_there, _, _ = select.select([self.events_fd], [], [], 60)
            assert is_there, f"no event {name}:\n{self.log.read_text()}"
            data = os.read(self.events_fd, 65536)
            assert data, self.log.read_text()
            self._events += data

    def ask(self, method="POST", path="/score", body=b"1", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, {n.replace("_", "-"): v for n, v in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers

    def containers(self):
        return [path for path in self.folder.glob("*.pid") if _is_alive(int(path.read_text()))]

    def wait(self):
        return self.process.wait(timeout=30)


@pytest.fixture
def front(tmp_path):
    """Start the front of a service whose container is this folder's image.py."""
    program = tmp_path / "engine"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I {HERE / "engine.py"} "$@"\n')
    program.chmod(0o755)
    started = []
    with contextlib.ExitStack() as stack:

        def start(image=HERE / "image.py", **changes):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            settings = ContainerSettings(
                engine=str(program),
                image=str(image),
                name="svc",
                label="a=b",
                run_folder="../../run",
                engine_variables={"FAKE_ENGINE_STATE": str(tmp_path)},
                **changes,
            )
            started.append(Running(tmp_path, settings, listener))
            return started[-1]

        yield start
        for one in started:
            if one.process.poll() is None:
                one.process.kill()
                one.process.wait()
            os.close(one.events_fd)
            _until(lambda one=one: not one.containers())


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _until(condition, timeout_s=30.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_requests_and_answers_pass_as_they_are(front):
    running = front(scoring=Probe("/predict"), cpu_cores=0.5)
    running.event("ready")
    status, body, _ = running.ask(path="/score?a=1", Authorization="mine", X_Forwarded_For="6.6.6.6")
    seen = json.loads(body)
    assert (status, seen["path"], seen["size"]) == (200, "/predict?a=1", 1)
    assert seen["head"]["authorization"] == "mine"
    assert seen["head"]["x-forwarded-for"] == "127.0.0.1"
    assert json.loads(running.ask(path="/else/where")[1])["path"] == "/else/where"
    large = b"z" * 3_000_000
    assert json.loads(running.ask(body=large)[1])["size"] == len(large)
    assert json.loads(running.ask(body=iter([large, large]))[1])["size"] == 2 * len(large)
    status, body, _ = running.ask(body=b"chunks")
    assert (status, len(body)) == (201, 300_001)
    status, body, headers = running.ask(body=b"until-closed")
    assert (status, body, headers.get_all("x-a")) == (200, b"all of it", ["1", "2"])
    assert running.ask(body=b"nothing")[:2] == (204, b"")
    status, body, headers = running.ask("HEAD", "/", body=None)
    assert (status, body, headers["content-length"]) == (200, b"", "2")
    assert running.ask(body=b"silence")[0] == 502
    assert running.ask()[0] == 200
    calls = (running.folder / "calls").read_text()
    assert "--cpus 1 " in calls  # until it is ready
    assert "--pull never " in calls
    assert "update --cpus 0.5" in calls
    assert "the image begins" in running.log.read_text()


def test_told_to_stop_it_finishes_and_removes_the_container(front):
    running = front()
    running.event("ready")
    assert len(running.containers()) == 1
    running.process.send_signal(signal.SIGTERM)
    running.event("closed")
    assert running.wait() == 0
    assert running.containers() == []


def test_killed_it_leaves_no_container(front):
    running = front()
    running.event("ready")
    os.killpg(running.process.pid, signal.SIGKILL)
    running.wait()
    _until(lambda: not running.containers())


def test_a_container_that_ends_ends_its_front(front):
    running = front()
    running.event("ready")
    with contextlib.suppress(OSError, http.client.HTTPException):
        running.ask(body=b"exit")
    assert "ended with exit code 9" in running.event("failed")["error"]["message"]
    assert running.wait() == 1


def test_a_container_that_never_begins_is_told_with_its_words(front, tmp_path):
    image = tmp_path / "broken.py"
    image.write_text("import sys\nprint('looks around')\nsys.exit('no weights')\n")
    running = front(image)
    error = running.event("failed")["error"]
    assert error["message"] == "the container ended with exit code 1 before it was ready"
    assert "no weights" in error["traceback"]
    assert running.wait() == 3


def test_one_that_does_not_become_ready_is_given_up(front):
    running = front(readiness=Probe("/nowhere", 5001), start_timeout_s=0.5)
    error = running.event("failed")["error"]
    assert "was not ready within 0.5 s" in error["message"]
    assert running.wait() == 3
    assert running.containers() == []


def test_keys_are_checked_in_front(front, tmp_path):
    replace_guard_file(tmp_path / "auth.json", Admission(key_digests=(digest_of("open"),)))
    running = front(auth="key", auth_file="../../auth.json", public_routes="/up")
    running.event("ready")
    status, body, _ = running.ask(Authorization="Bearer open")
    assert status == 200
    assert "authorization" not in json.loads(body)["head"]
    assert running.ask(Authorization="Bearer guess")[0] == 401
    assert running.ask()[0] == 401
    assert running.ask("GET", "/up", body=None)[0] == 200
    assert running.ask("GET", "/", body=None)[0] == 401


def test_settings_survive_their_file(tmp_path):
    settings = ContainerSettings(
        engine="/bin/podman",
        image="a",
        name="n",
        label="l=1",
        options=("--read-only",),
        mounts={"app": "/var/app"},
        scoring=Probe("/x", 8080),
        auth="key",
        auth_file="../auth.json",
    )
    path = tmp_path / "r" / "container.json"
    path.parent.mkdir()
    path.write_text(json.dumps(as_json(settings)))
    found = read(path)
    assert found.mounts == {str(tmp_path / "r" / "app"): "/var/app"}
    assert Path(found.auth_file).resolve() == tmp_path / "auth.json"
    assert found.ports == (8080, 5001)
    for text in ("{", "[]", '{"engine": "a"}', '{"unknown": 1}'):
        path.write_text(text)
        with pytest.raises(InvalidSettings, match=r"container\.json"):
            read(path)


def test_an_image_that_was_removed_is_named(front):
    running = front(image="localhost/mine:1")
    error = running.event("failed")["error"]
    assert error["message"].startswith("the image localhost/mine:1 is not on this machine any more; moor ")
    assert "image not known" in error["traceback"]
    assert running.wait() != 0


def test_an_engine_without_a_gpu_is_told(front):
    running = front(image="localhost/mine:1", options=("--device", "nvidia.com/gpu=0"))
    error = running.event("failed")["error"]
    assert error["message"].startswith(
        "the engine has no GPU for a container; see NVIDIA's container toolkit"
    )
