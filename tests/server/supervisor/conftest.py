"""A service folder with a supervisor on stand-in fronts."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from moorage_server.supervision import files, lock, orphans
from moorage_server.supervision.records import Desired, Status

STANDIN = Path(__file__).with_name("standin_front.py")
DRIVER = """
import sys
from pathlib import Path
from moorage_server.supervision import loop
from moorage_server.supervisor import supervise
loop.LONGEST_STOP_S = float(sys.argv[3])
sys.exit(supervise(Path(sys.argv[1]), [sys.executable, sys.argv[2]], again=sys.orig_argv))
"""


def wait_for(condition, *, timeout_s=30.0, what="the condition"):
    """Return the first true value of ``condition()``."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come true within {timeout_s} s")


class Service:
    """What a test does to one service folder."""

    wait_for = staticmethod(wait_for)

    def __init__(self, folder):
        self.folder = folder
        self.process = None

    def write(self, number, **behaviour):
        folder = self.folder / "revisions" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "service.json").write_text(json.dumps({"number": number, **behaviour}))

    def want(
        self,
        number,
        *,
        port=None,
        drain_timeout_s=5.0,
        signals=True,
        trial=None,
        candidate=None,
        **behaviour,
    ):
        self.write(number, **behaviour)
        settings = f"revisions/{number}/service.json"
        desired = Desired(
            number, settings, "127.0.0.1", port, drain_timeout_s, trial=trial, candidate=candidate
        )
        files.write_json(self.folder / files.DESIRED, desired.to_json())
        if signals:
            lock.signal_supervisor(self.folder, signal.SIGHUP)

    def start(self, *, longest_stop_s=60.0):
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(self.folder), str(STANDIN), str(longest_stop_s)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        wait_for(lambda: lock.supervisor_pid(self.folder) == self.process.pid, what="the lock")

    def status(self):
        value = files.read_json(self.folder / files.STATUS)
        return Status.from_json(value) if value else None

    def wait_until(self, condition, **options):
        """Wait for a status of the present supervisor that satisfies ``condition``; return it."""

        def check():
            status = self.status()
            is_present = status and status.pid == lock.supervisor_pid(self.folder)
            return status if is_present and condition(status) else None

        try:
            return wait_for(check, **options)
        except AssertionError as error:
            raise AssertionError(f"{error}; status {self.status()}; log:\n{self.log()}") from None

    def wait_live(self, number):
        return self.wait_until(lambda s: s.generation == number and s.state == "running")

    def ask(self, path="/", port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.status().port, timeout=10)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def log(self):
        path = self.folder / "logs" / "service.log"
        return path.read_text() if path.exists() else ""

    def kill_supervisor(self):
        """Kill the present supervisor, whoever started it, and wait until it is gone."""
        pid = lock.supervisor_pid(self.folder)
        lock.signal_supervisor(self.folder, signal.SIGKILL)
        if pid == self.process.pid:
            self.process.communicate(timeout=10)
        wait_for(lambda: lock.supervisor_pid(self.folder) != pid, what="the supervisor's end")

    def kill_supervisor_and_keeper(self):
        # Held, it cannot start another keeper in between.
        lock.signal_supervisor(self.folder, signal.SIGSTOP)
        wait_for(lambda: not lock.kill_keeper(self.folder), what="the keeper's end")
        self.kill_supervisor()

    def processes(self):
        return orphans.marked(orphans.mark(self.folder))

    def end(self):
        lock.kill_keeper(self.folder)
        lock.signal_supervisor(self.folder, signal.SIGTERM)
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(timeout=3)
            self.process.kill()
            self.process.communicate(timeout=10)
        with contextlib.suppress(AssertionError):
            wait_for(lambda: lock.supervisor_pid(self.folder) is None, timeout_s=3)
        lock.signal_supervisor(self.folder, signal.SIGKILL)
        lock.kill_keeper(self.folder)
        orphans.kill_marked(orphans.mark(self.folder))


@pytest.fixture
def service(tmp_path):
    service = Service(tmp_path)
    yield service
    service.end()


@pytest.fixture
def is_alive():
    def check(pid):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:1]

    return check
