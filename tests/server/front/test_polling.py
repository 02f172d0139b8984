"""Polling for an answer: the same answers as without, whenever they come."""

import asyncio
import os
import socket
import struct
import sys
import threading
import time

import pytest
import uvloop

from moorage_runtime import frames
from moorage_server import cgroups, polling
from moorage_server.calls import Call
from moorage_server.polling import Polling
from moorage_server.protocol import ScorerConnection
from moorage_server.settings import ServiceSettings

TEXT = """
def init():
    pass

def run(data):
    return data
"""


class Recorded(Call):
    def __init__(self, number):
        self.request_id = number
        self.frame = frames.pack(frames.SCORE, b"x", 0, frames.TEXT, number)
        self.payload, self.is_lost = None, False

    def finish(self, type_, flags, kind, payload):
        self.payload = payload

    def lost(self, reason):
        self.is_lost = True


def answer(number, content=b"1"):
    return frames.pack(frames.RESULT, struct.pack("<d", 1.0) + content, 0, frames.RESULT_JSON, number)


def with_scorer(script, test):
    """Run ``await test(connection)`` against a thread that runs ``script(socket)``."""

    async def run():
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        nothing = lambda *_: None  # noqa: E731
        connection = ScorerConnection(nothing, nothing, nothing, lambda lost: lost.in_flight.clear())
        await asyncio.get_running_loop().create_unix_connection(lambda: connection, sock=ours)
        connection.mean_run_s = 10.0  # polls for long: no machine is so slow
        thread = threading.Thread(target=script, args=(theirs,))
        thread.start()
        try:
            await test(connection)
        finally:
            connection.transport.abort()
            await asyncio.sleep(0)
            thread.join(30)
            theirs.close()

    uvloop.run(run())


async def until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("content", [b"1", b"[" + b" " * 1_000_000 + b"]"])
def test_an_answer_is_there_when_the_request_was_sent(content):
    def script(sock):
        for number in (1, 2):
            sock.recv(100)
            message = answer(number, content)
            sock.sendall(message[:15])
            time.sleep(0.01)
            sock.sendall(message[15:])

    async def test(connection):
        for number in (1, 2):
            call = Recorded(number)
            connection.send_and_poll(call)
            assert call.payload[8:] == content
            connection.mean_run_s = 10.0

    with_scorer(script, test)


def test_an_answer_that_is_late_comes_as_ever():
    may_answer = threading.Event()

    def script(sock):
        sock.recv(100)
        may_answer.wait(30)
        sock.sendall(answer(1))

    async def test(connection):
        connection.mean_run_s = 0.001
        call = Recorded(1)
        connection.send_and_poll(call)
        assert call.payload is None
        may_answer.set()
        await until(lambda: call.payload is not None)

    with_scorer(script, test)


def test_a_scorer_that_ends_is_noticed_by_the_transport():
    def script(sock):
        sock.recv(100)
        sock.shutdown(socket.SHUT_RDWR)

    async def test(connection):
        call = Recorded(1)
        connection.send_and_poll(call)
        assert call.payload is None
        await until(lambda: connection.is_lost)

    with_scorer(script, test)


def test_what_is_not_of_the_protocol_ends_the_poll():
    def script(sock):
        sock.recv(100)
        sock.sendall(answer(77))

    async def test(connection):
        connection.send_and_poll(Recorded(1))
        assert connection.is_broken
        await until(lambda: connection.is_lost)

    with_scorer(script, test)


def test_a_scorer_that_has_work_is_not_polled():
    def script(sock):
        data = b""
        while len(data) < 26:
            data += sock.recv(100)
        sock.sendall(answer(1) + answer(2))

    async def test(connection):
        first, second = Recorded(1), Recorded(2)
        connection.send(first)
        connection.send_and_poll(second)
        assert second.payload is None
        await until(lambda: second.payload is not None)
        assert first.payload is not None

    with_scorer(script, test)


@pytest.mark.parametrize("settings", [{}, {"spin_us": 300}, {"spin_us": 0}])
def test_requests_with_polling(servers, settings):
    server = servers.start(TEXT, **settings)
    with server.connect() as connection:
        for number in range(3 * polling.LOOK_EVERY):
            body = b"x" * number
            connection.send(
                b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            )
            assert connection.answer().json() == body.decode()


class Kernel:
    """What the kernel says of the processes, and a clock that stands still between requests."""

    def __init__(self, monkeypatch):
        self.now, self.waited_s = 1000.0, 0.0
        monkeypatch.setattr(polling, "monotonic", lambda: self.now)
        monkeypatch.setattr(polling, "_wait_ns", lambda pid: int(self.waited_s * 1e9))
        monkeypatch.setattr(polling, "_has_processors", lambda: True)

    def requests(self, policy, count, share=0.0, gap_s=0.0001):
        """Return how many of ``count`` requests, one after the other, are polled for."""
        polled = 0
        for _ in range(count):
            self.now += 0.001
            self.waited_s += 0.001 * share
            polled += policy.is_due(gap_s, 0.0001)
        return polled


@pytest.fixture
def kernel(monkeypatch):
    return Kernel(monkeypatch)


def policy(spin_us=None, **settings):
    values = ServiceSettings(name="x", app_root="/", entry_script="score.py", spin_us=spin_us, **settings)
    return Polling.of(values, lambda: [])


UNTIL_SURE = polling.SEQUENTIAL + polling.LOOK_EVERY  # requests before it is known that nobody is disturbed


def test_one_client_that_sends_one_request_after_the_other_is_polled_for(kernel):
    automatic = policy()
    assert kernel.requests(automatic, UNTIL_SURE) == 0
    assert kernel.requests(automatic, 1000) == 1000
    assert automatic.flag == frames.POLL
    automatic.stop()
    assert automatic.flag == 0
    assert kernel.requests(automatic, 100) == 100 - polling.SEQUENTIAL


def test_neither_clients_that_pause_nor_long_runs_are_polled_for(kernel):
    automatic = policy()
    assert kernel.requests(automatic, 1000, gap_s=0.01) == 0
    assert not any(automatic.is_due(0.0001, 0.01) for _ in range(1000))
    assert automatic.flag == 0


def test_a_client_that_takes_its_time_is_not_polled_for_again_and_again(kernel):
    automatic = policy()
    # Perhaps it is only woken up late: that is tried, and given up.
    assert kernel.requests(automatic, 10_000, gap_s=0.0008) <= 5 * polling.LOOK_EVERY
    assert automatic.flag == 0
    assert automatic._pause_s > 2 * polling.FIRST_PAUSE_S


def test_a_client_that_is_woken_up_late_is_polled_for(kernel):
    automatic = policy()
    kernel.requests(automatic, UNTIL_SURE, gap_s=0.0008)
    assert kernel.requests(automatic, 1000) == 1000


def test_one_pause_of_the_client_ends_no_long_row(kernel):
    automatic = policy()
    kernel.requests(automatic, 1000)
    assert kernel.requests(automatic, 1, gap_s=0.01) == 0
    assert kernel.requests(automatic, 10) == 10


def test_where_others_want_the_processors_nothing_polls(kernel):
    automatic = policy()
    assert kernel.requests(automatic, 10_000, share=0.3) == 0
    # And they are left alone for longer and longer.
    assert automatic._pause_s > 2 * polling.FIRST_PAUSE_S
    assert kernel.requests(automatic, 70_000) > 20_000


def test_who_comes_while_it_polls_is_noticed(kernel):
    automatic = policy()
    kernel.requests(automatic, UNTIL_SURE, share=0.05)
    assert kernel.requests(automatic, 1000, share=0.25) == 1000
    assert kernel.requests(automatic, 900, share=0.7) <= 2 * polling.LOOK_EVERY
    assert automatic.flag == 0
    kernel.requests(automatic, 2000, share=0.05)
    assert automatic.flag == frames.POLL


def test_old_waits_are_not_counted(kernel):
    automatic = policy()
    kernel.requests(automatic, 1000)
    kernel.now, kernel.waited_s = kernel.now + 3600, kernel.waited_s + 1800
    assert kernel.requests(automatic, 1000) == 1000


def test_scorers_that_cannot_be_watched_are_not_polled(kernel, monkeypatch):
    own = polling._wait_ns
    monkeypatch.setattr(polling, "_wait_ns", lambda pid: own(pid) if pid == os.getpid() else None)
    settings = ServiceSettings(name="x", app_root="/", entry_script="score.py")
    assert kernel.requests(Polling.of(settings, lambda: [1]), 5000) == 0
    assert kernel.requests(Polling.of(settings, lambda: []), 5000) == 5000 - UNTIL_SURE


def test_a_service_that_says_so_polls_whoever_else_there_is(kernel):
    assert kernel.requests(policy(spin_us=300), 1000, share=1.0) == 1000 - polling.SEQUENTIAL
    assert kernel.requests(policy(spin_us=5000), 1000, gap_s=0.004) == 1000 - polling.SEQUENTIAL
    assert kernel.requests(policy(spin_us=0), 1000) == 0


def test_nothing_polls_without_processors_to_spare(kernel, monkeypatch):
    assert kernel.requests(policy(cpu_cores_limit=1.0), 1000) == 0
    monkeypatch.setattr(polling, "_has_processors", lambda: False)
    assert kernel.requests(policy(), 1000) == 0
    assert kernel.requests(policy(spin_us=300), 1000) > 900
    monkeypatch.setattr(polling, "_has_processors", lambda: True)
    monkeypatch.setattr(polling, "_wait_ns", lambda pid: None)
    assert kernel.requests(policy(), 1000) == 0


@pytest.mark.parametrize(
    ("files", "has_quota"),
    [
        ({"a/b/cpu.max": "max 100000"}, False),
        ({"a/b/cpu.max": "max 100000", "a/cpu.max": "50000 100000"}, True),
        ({"a/b/cpu.max": "150000 100000"}, True),
        ({"cpu.max": "50000 100000"}, True),
        ({"cpu/cpu.cfs_quota_us": "50000"}, True),
        ({"cpu/cpu.cfs_quota_us": "-1"}, False),
        ({}, False),
    ],
)
def test_a_quota_is_found(tmp_path, files, has_quota):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert cgroups.has_cpu_quota(root=tmp_path, own="/a/b") is has_quota


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_the_kernel_says_how_long_a_process_waited():
    waited_ns = polling._wait_ns(os.getpid())
    assert waited_ns is not None
    assert waited_ns >= 0
    assert polling._wait_ns(2**30) is None
