"""From the first event to the last answer: start, smoke run, draining."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

SLOW = """
import time
def init(): pass
def run(data):
    time.sleep(float(data or 0))
    return data
"""
DECORATED = """
import numpy as np
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

def init(): pass

@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
def run(data):
    {body}
"""


def post_request(body):
    return b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


# The smoke run


def test_a_script_that_fails_with_its_own_sample_is_not_ready(servers):
    server = servers.start(DECORATED.format(body="raise KeyError('column age')"), expect="failed")
    assert server.process.wait(10) == 3
    error = server.events.seen[-1]["error"]
    assert error["stage"] == "smoke"
    assert "KeyError: 'column age'" in error["traceback"]
    assert "score.py" in error["traceback"]
    assert "moorage" not in error["traceback"]
    assert "KeyError: 'column age'" in server.log


def test_a_script_that_ends_its_process_with_its_own_sample(servers):
    server = servers.start(DECORATED.format(body="import os; os._exit(1)"), expect="failed")
    assert server.process.wait(10) == 3
    assert server.events.seen[-1]["error"]["stage"] == "smoke"


def test_an_error_that_is_returned_as_text_is_an_answer(servers):
    server = servers.start(DECORATED.format(body="return str(ValueError('no model'))"))
    assert server.post_json({"data": [[1, 2]]}).json() == "no model"


def test_the_smoke_run_sees_the_sample_and_can_be_switched_off(servers):
    script = "SEEN = []\n" + DECORATED.format(body="SEEN.append(data.tolist()); return SEEN")
    assert servers.start(script).post_json({"data": [[3, 4]]}).json() == [[[1, 2]], [[3, 4]]]
    assert servers.start(script, smoke_run=False).post_json({"data": [[3, 4]]}).json() == [[[3, 4]]]


def test_clients_do_not_see_tracebacks(servers):
    server = servers.start("def init(): pass\ndef run(data): raise ValueError('inside')\n")
    assert "inside" not in server.post("x").text
    server = servers.start("def init(): pass\ndef run(data): raise ValueError('inside')\n", development=True)
    assert "ValueError: inside" in server.post("x").json()["traceback"]


# Starting


def test_clients_wait_while_the_script_loads(servers):
    script = "import time\ndef init():\n    time.sleep(1)\ndef run(data): return data\n"
    server = servers.start(script, expect=None)
    with server.connect() as connection:
        assert connection.request("GET", "/").text == "Healthy"


@pytest.mark.parametrize(
    ("script", "stage", "words"),
    [
        (
            "import nothing_of_that_name\ndef init(): pass\ndef run(data): pass\n",
            "import",
            "nothing_of_that_name",
        ),
        ("def init(): pass\n", "check", "run"),
        ("def init():\n    raise OSError('no weights')\ndef run(data): pass\n", "init", "no weights"),
    ],
)
def test_what_is_wrong_with_a_script_is_reported(servers, script, stage, words):
    server = servers.start(script, expect="failed")
    assert server.process.wait(10) == 3
    error = server.events.seen[-1]["error"]
    assert error["stage"] == stage
    assert words in error["message"] + error["traceback"]


def test_an_interpreter_that_is_not_there(servers):
    server = servers.start(SLOW, expect="failed", python="/nowhere/python")
    assert server.process.wait(10) == 3
    assert "/nowhere/python" in server.events.seen[-1]["error"]["message"]


def test_settings_that_cannot_be_used(servers):
    server = servers.start(SLOW, expect="failed", worker_count=0)
    assert server.process.wait(10) == 3
    assert server.events.seen[-1]["error"]["stage"] == "settings"
    assert "worker_count" in server.events.seen[-1]["error"]["message"]


def test_stopping_while_the_script_loads(servers):
    server = servers.start("import time\ntime.sleep(60)\n", expect=None)
    server.wait_for_log("Logging as configured")
    begin = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begin < 5


def test_standalone(tmp_path):
    (tmp_path / "score.py").write_text(SLOW)
    (tmp_path / "service.json").write_text('{"entry_script": "score.py"}')
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "moorage_server.front",
        "--settings",
        "service.json",
        "--port",
        str(port),
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 15
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                    client.sendall(post_request(b"0"))
                    assert client.recv(65536).endswith(b'"0"')
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        second = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=20, check=False)
        assert second.returncode == 1
        assert f"cannot listen on 127.0.0.1:{port}" in second.stdout.decode()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


# Draining


def test_draining_answers_what_is_in_flight_and_what_still_arrives(servers):
    server = servers.start(SLOW)
    with server.connect() as busy, server.connect() as idle:
        assert idle.request("POST", "/score", b"0").status == 200
        busy.send(post_request(b"1"))
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        late = idle.request("POST", "/score", b"0")
        assert late.status == 200
        assert late.headers["connection"] == "close"
        answer = busy.answer()
        assert (answer.status, answer.json()) == (200, "1")
        assert answer.headers["connection"] == "close"
    assert server.process.wait(10) == 0


def test_an_idle_connection_is_closed_only_after_a_quiet_period(servers):
    server = servers.start(SLOW)
    with server.connect() as idle:
        assert idle.request("POST", "/score", b"0").status == 200
        server.process.send_signal(signal.SIGTERM)
        begin = time.monotonic()
        time.sleep(3)
        assert idle.request("POST", "/score", b"0").status == 200
    assert server.process.wait(20) == 0
    assert time.monotonic() - begin < 25


def test_a_connection_that_stays_silent_does_not_keep_a_draining_front(servers):
    server = servers.start(SLOW)
    with server.connect() as silent:
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert silent.socket.recv(1) == b""
        assert 4 < time.monotonic() - begin < 20
    assert server.process.wait(10) == 0


def test_a_second_signal_does_not_wait(servers):
    server = servers.start(SLOW)
    with server.connect() as busy:
        busy.send(post_request(b"30"))
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(8) == 0


def test_no_request_is_lost_when_one_front_follows_another(servers, tmp_path):
    """What an update does: a second front on the same socket, then the first one drains."""
    (tmp_path / "score.py").write_text(SLOW)
    (tmp_path / "service.json").write_text('{"entry_script": "score.py"}')
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    port = listener.getsockname()[1]
    statuses, stop = [], threading.Event()

    def front():
        reader, writer = os.pipe()
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "moorage_server.front", "--settings", "service.json"),
                *("--listen-fd", str(listener.fileno()), "--ready-fd", str(writer)),
            ],
            cwd=tmp_path,
            pass_fds=[listener.fileno(), writer],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(writer)
        with os.fdopen(reader) as events:
            while json.loads(events.readline())["event"] != "ready":
                pass
        return process

    def client():
        connection = None
        while not stop.is_set():
            try:
                if connection is None:
                    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
                connection.sendall(post_request(b"0"))
                answer = connection.recv(65536)
                statuses.append(answer[9:12])
                if b"connection: close" in answer:
                    connection.close()
                    connection = None
            except OSError as error:
                statuses.append(repr(error))
                connection = None
        if connection is not None:
            connection.close()

    first = front()
    clients = [threading.Thread(target=client) for _ in range(4)]
    for thread in clients:
        thread.start()
    try:
        second = front()
        first.send_signal(signal.SIGTERM)
        assert first.wait(15) == 0
        time.sleep(0.3)
    finally:
        stop.set()
        for thread in clients:
            thread.join(15)
        listener.close()
    second.send_signal(signal.SIGTERM)
    assert second.wait(15) == 0
    assert len(statuses) > 100
    assert set(statuses) == {b"200"}
