"""A scorer as a template that is forked for every socket it is handed."""

import array
import contextlib
import json
import os
import signal
import socket
import time

import pytest

from moorage_runtime import frames

SCRIPT = """
    import os
    inits = []
    def init(): inits.append(os.getpid())
    def run(data):
        if data == "exit": os._exit(9)
        return [inits, os.getpid(), data]
"""


@pytest.fixture
def adopt():
    """Hand a new socket to a template: gives a client for the scorer behind it."""
    with contextlib.ExitStack() as stack:

        def adopt(client):
            ours, theirs = socket.socketpair()
            stack.enter_context(ours)
            with theirs:
                message = frames.pack(frames.ADOPT)
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))]
                client.socket.sendmsg([message], rights)
            other = type(client)(client.process, ours, client._log)
            frame = other.receive()
            assert frame.type == frames.READY
            other.ready = json.loads(frame.payload)
            return other

        yield adopt


def gone(pid):
    """Whether a process ends within some seconds (a zombie has ended)."""
    for _ in range(500):
        try:
            with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


def test_children_share_what_was_loaded_once(scorer, adopt, python) -> None:
    template = scorer(SCRIPT, python=python)
    children = [adopt(template) for _ in range(3)]
    pids = [child.ready["pid"] for child in children]
    assert len({template.ready["pid"], *pids}) == 4
    for child, pid in zip(children, pids, strict=True):
        assert child.text("x").json == [[template.ready["pid"]], pid, "x"]
        assert child.ready["mode"] == "text"
    children[0].post(frames.TEXT, b"exit")
    with pytest.raises((EOFError, ConnectionResetError)):
        children[0].receive()
    assert gone(pids[0])
    assert children[1].text("y").json[2] == "y"
    assert adopt(template).text("z").json[2] == "z"
    children[2].socket.close()
    assert gone(pids[2])


def test_children_end_with_the_template(scorer, adopt, edge_python) -> None:
    template = scorer(SCRIPT, python=edge_python)
    child = adopt(template)
    os.kill(template.ready["pid"], signal.SIGKILL)
    template.process.wait(10)
    assert gone(child.ready["pid"])


def test_stop_ends_the_template(scorer, adopt) -> None:
    template = scorer(SCRIPT)
    child = adopt(template)
    child.send(frames.STOP)
    assert gone(child.ready["pid"])
    assert template.stop() == 0


def test_scorer_that_had_requests_adopts_nothing(scorer) -> None:
    client = scorer(SCRIPT)
    assert client.text("x").json[2] == "x"
    client.send(frames.ADOPT)
    assert client.process.wait(10) == 1
    assert "protocol" in client.log


def test_coroutines_in_children(scorer, adopt, edge_python) -> None:
    source = """
        import asyncio
        async def init(): await asyncio.sleep(0)
        async def run(data): return await asyncio.sleep(0.01, data)
    """
    template = scorer(source, python=edge_python)
    children = [adopt(template) for _ in range(2)]
    for child in children:
        child.post(frames.TEXT, b"x")
    assert [child.reply().json for child in children] == ["x", "x"]
