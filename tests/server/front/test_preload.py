"""``preload``: ``init()`` runs once, the scorers are forks of that process."""

import os
import signal
import time

SCRIPT = """
import os, time
INITS = []
def init():
    INITS.append(os.getpid())
def run(data):
    time.sleep(0.2)
    if data == "exit":
        os._exit(1)
    return {"inits": INITS, "pid": os.getpid()}
"""


def ask(connection):
    connection.send(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1")


def test_scorers_share_one_init(servers):
    server = servers.start(SCRIPT, preload=True, worker_count=2)
    connections = [server.connect() for _ in range(4)]
    for connection in connections:
        ask(connection)
    results = [connection.answer().json() for connection in connections]
    for connection in connections:
        connection.socket.close()
    template = results[0]["inits"]
    assert {tuple(result["inits"]) for result in results} == {tuple(template)}
    pids = {result["pid"] for result in results}
    assert len(pids) == 2
    assert template[0] not in pids
    assert set(server.events.seen[-2]["pids"]) == {template[0], *pids}
    assert server.log.count("Calling init()") == 1

    assert server.post("exit").status == 500
    assert server.post("1").json()["inits"] == template
    assert server.log.count("Calling init()") == 1
    assert server.stop() == 0


def test_a_template_that_is_killed_is_started_again(servers):
    server = servers.start(SCRIPT, preload=True)
    first = server.post("1").json()
    os.kill(first["inits"][0], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while True:
        answer = server.post("1")
        if answer.status == 200 and answer.json()["inits"] != first["inits"]:
            break
        assert time.monotonic() < deadline
    assert answer.json()["pid"] != first["pid"]


def test_a_script_that_cannot_be_loaded(servers):
    server = servers.start(
        "def init():\n    raise ValueError('no')\ndef run(data): pass\n", preload=True, expect="failed"
    )
    assert server.process.wait(10) == 3
    error = server.events.seen[-1]["error"]
    assert error["stage"] == "init"
    assert "ValueError: no" in error["traceback"]


def test_stopping_while_the_script_loads(servers):
    server = servers.start("import time\ntime.sleep(60)\n", preload=True, expect=None)
    server.wait_for_log("Logging as configured")
    begin = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begin < 5
