"""A real debugger attaches to a script: debugpy's adapter, spoken to as an editor does."""

import contextlib
import itertools
import json
import socket
import subprocess
import sys
import threading

import pytest

SCRIPT = """
def init():
    pass

def run(data):
    secret = len(data) * 7
    return secret
"""
STOP_LINE = 7


class Editor:
    """The Debug Adapter Protocol over a socket: requests out, answers and events in."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._file = self.socket.makefile("rb")
        self._numbers = itertools.count(1)
        self._waiting = []

    def send(self, command, **arguments):
        number = next(self._numbers)
        content = {"seq": number, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(content).encode()
        self.socket.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        return number

    def ask(self, command, **arguments):
        number = self.send(command, **arguments)
        answer = self.wait_for(lambda m: m["type"] == "response" and m["request_seq"] == number)
        assert answer["success"], answer
        return answer.get("body", {})

    def wait_for_event(self, name):
        return self.wait_for(lambda m: m["type"] == "event" and m["event"] == name).get("body", {})

    def wait_for(self, is_wanted):
        for message in self._waiting:
            if is_wanted(message):
                self._waiting.remove(message)
                return message
        while True:
            message = self._read()
            if is_wanted(message):
                return message
            self._waiting.append(message)

    def _read(self):
        length = 0
        while line := self._file.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the debugger closed the connection"
        return json.loads(self._file.read(length))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def editor():
    """An editor whose debugger does not listen for scripts yet."""
    pytest.importorskip("debugpy")
    port = free_port()
    adapter = subprocess.Popen(
        [sys.executable, "-m", "debugpy.adapter", "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            with contextlib.suppress(ConnectionRefusedError):
                connected = Editor(port)
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                adapter.wait(0.1)
        yield connected
        connected.socket.close()
    finally:
        adapter.terminate()
        adapter.wait(20)


def test_a_breakpoint_in_run_stops_the_request(servers, editor):
    port = free_port()
    assert editor.ask("initialize", adapterID="test", pathFormat="path")["supportsConfigurationDoneRequest"]
    editor.send("attach", listen={"host": "127.0.0.1", "port": port}, justMyCode=False)
    server = servers.start(SCRIPT, debug_port=port, expect=None)
    editor.wait_for_event("initialized")
    path = str(server.log_path.parent / "score.py")
    found = editor.ask("setBreakpoints", source={"path": path}, breakpoints=[{"line": STOP_LINE}])
    assert len(found["breakpoints"]) == 1
    editor.ask("configurationDone")
    assert server.events.wait_for("ready")["event"] == "ready"
    assert "not for production" in server.log

    answers = []
    client = threading.Thread(target=lambda: answers.append(server.post("abc")))
    client.start()
    stopped = editor.wait_for_event("stopped")
    assert stopped["reason"] == "breakpoint"
    (frame, *_) = editor.ask("stackTrace", threadId=stopped["threadId"])["stackFrames"]
    assert (frame["name"], frame["line"]) == ("run", STOP_LINE)
    assert editor.ask("evaluate", expression="secret", frameId=frame["id"])["result"] == "21"
    assert not answers
    editor.ask("continue", threadId=stopped["threadId"])
    client.join(30)
    assert [answer.json() for answer in answers] == [21]


def test_without_a_debugger_the_service_does_not_start(servers):
    pytest.importorskip("debugpy")
    server = servers.start(SCRIPT, debug_port=free_port(), expect="failed")
    assert "no debugger listens" in server.log
    assert server.process.wait(30) == 3
