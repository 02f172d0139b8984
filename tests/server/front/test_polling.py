"""Polling for an answer: the same answers as without, whenever they come."""

import asyncio
import socket
import struct
import threading
import time

import pytest
import uvloop

from moorage_runtime import frames
from moorage_server import polling
from moorage_server.calls import Call
from moorage_server.protocol import ScorerConnection

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


@pytest.fixture(autouse=True)
def steady(monkeypatch):
    # A busy machine interrupts a loop for longer than that, and then it gives up: not what is tested here.
    monkeypatch.setattr("moorage_server.protocol.DESCHEDULED_S", 30.0)


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
            assert connection.send_and_poll(call)
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
        assert not connection.send_and_poll(call)
        assert call.payload is None
        may_answer.set()
        await until(lambda: call.payload is not None)

    with_scorer(script, test)


def test_a_scorer_that_ends_is_noticed_by_the_transport():
    def script(sock):
        sock.recv(100)
        sock.shutdown(socket.SHUT_RDWR)

    async def test(connection):
        assert not connection.send_and_poll(Recorded(1))
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
        assert connection.send_and_poll(second)
        assert second.payload is None
        await until(lambda: second.payload is not None)
        assert first.payload is not None

    with_scorer(script, test)


def test_requests_with_polling(servers):
    server = servers.start(TEXT, spin_us=300)
    with server.connect() as connection:
        for number in range(3 * polling.SEQUENTIAL):
            body = b"x" * number
            connection.send(
                b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            )
            assert connection.answer().json() == body.decode()


def test_polls_that_are_of_no_use_are_given_up(monkeypatch):
    from moorage_server.scorers import ScorerPool
    from moorage_server.settings import ServiceSettings

    class Connection:
        in_flight, is_exclusive, window, mean_run_s = (), False, 1, 0.0001
        polled = sent = 0

        def send(self, call):
            self.sent += 1

        def send_and_poll(self, call):
            self.polled += 1
            return False

    def polled(spin_us, held=0):
        settings = ServiceSettings(name="x", app_root="/", entry_script="score.py", spin_us=spin_us)

        async def run():
            pool = ScorerPool(settings)
            connection = Connection()
            pool.ready = [connection]
            pool.held = held
            for _ in range(500):
                call = Call()
                assert pool.submit(call)
                pool.replied(call)
            return connection

        return asyncio.run(run())

    assert polled(0).polled == 0
    assert polled(300, held=1).polled == 0
    assert polled(300).polled == polling.MAX_MISSES // polling.MISS
