"""``moor serve --reload``: changes take effect within a second, broken scripts say why."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection

import pytest

PROGRAM = """
import sys
from pathlib import Path
from moorage_server.serve import serve_script
sys.exit(serve_script(Path(sys.argv[1]), port=int(sys.argv[2]), reload=True))
"""
BASE = "def init(): pass\ndef run(data): return %r\n"


class Served:
    def __init__(self, folder, process, port):
        self.folder, self.process, self.port = folder, process, port

    def write(self, text, name="score.py"):
        (self.folder / name).write_text(text)

    def post(self, body=b"x"):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request("POST", "/score", body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def wait_for(self, expected, within_s):
        deadline = time.monotonic() + within_s
        while True:
            status, text = self.post()
            if expected in text:
                return status
            assert time.monotonic() < deadline, text
            time.sleep(0.05)

    @property
    def log(self):
        return (self.folder.parent / "log").read_text()


@pytest.fixture
def serve(tmp_path):
    """Serve a script with --reload; stop it in the end."""
    started = []

    def start(script, log_path=tmp_path / "log"):
        folder = tmp_path / "app"
        folder.mkdir()
        (folder / "score.py").write_text(script)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(folder / "score.py"), str(port)], stdout=log, stderr=log
            )
        started.append(process)
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                return Served(folder, process, port)
            assert time.monotonic() < deadline
            time.sleep(0.05)

    yield start
    for process in started:
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0


def test_a_change_of_the_script_or_of_a_module_beside_it(serve):
    served = serve(BASE % "one")
    assert served.post() == (200, '"one"')
    served.write(BASE % "two")
    begin = time.monotonic()
    assert served.wait_for("two", 30) == 200
    elapsed_s = time.monotonic() - begin
    served.write("VALUE = 3\n", "helper.py")
    served.write("import helper\ndef init(): pass\ndef run(data): return helper.VALUE\n")
    served.wait_for("3", 30)
    served.write("VALUE = 4\n", "helper.py")
    served.wait_for("4", 30)
    assert elapsed_s < 10, "a second on a quiet machine"


def test_a_broken_script_says_why_and_recovers(serve):
    served = serve(BASE % "one")
    served.post()
    served.write("def init(): pass\ndef run(data) return 1\n")
    assert served.wait_for("SyntaxError", 30) == 500
    assert "SyntaxError" in served.log
    served.write("def init():\n    raise ValueError('not today')\ndef run(data): pass\n")
    assert served.wait_for("ValueError: not today", 30) == 500
    served.write(BASE % "good again")
    assert served.wait_for("good again", 30) == 200


def test_a_script_that_is_broken_from_the_start(serve):
    served = serve("import nothing_like_it\n")
    status, text = served.post()
    assert status == 500
    assert "nothing_like_it" in text
    served.write(BASE % "fine")
    assert served.wait_for("fine", 30) == 200


def test_a_log_beside_the_script_is_no_change(serve, tmp_path):
    log = tmp_path / "app" / "serve.out"
    served = serve(BASE % "one", log)
    assert served.post() == (200, '"one"')
    served.write(BASE % "two")
    assert served.wait_for("two", 30) == 200
    assert "serve.out" not in log.read_text()


def test_what_a_script_writes_beside_itself_is_followed_only_for_a_while(serve):
    script = """
import os, pathlib, time
def init():
    (pathlib.Path(__file__).parent / "started.txt").write_text(str(time.time()))
    time.sleep(0.3)
def run(data): return %r
"""
    served = serve(script % "one")
    assert served.wait_for("one", 30) == 200
    assert "started.txt changes again and again" in served.log
    served.write("{}", "settings.json")
    served.write(script % "two")
    assert served.wait_for("two", 30) == 200


def test_exceptions_are_shown_to_the_client(serve):
    served = serve("def init(): pass\ndef run(data): return 1 / 0\n")
    status, text = served.post()
    assert status == 500
    assert "ZeroDivisionError" in text
