"""Results that come piece by piece, and ``async def run``."""

import time

import pytest

from moorage_runtime import frames

STREAMS = """
    import os, sys, time
    from azureml.contrib.services.aml_response import AMLResponse

    events = []

    def init():
        pass

    def pieces(what):
        try:
            if what == "fails at once":
                raise ValueError("at once")
            yield "one"
            if what == "slow":
                time.sleep(0.3)
            if what == "fails":
                raise ValueError("later")
            if what == "wrong":
                yield 5
            yield ""
            yield b"two"
            count = 0
            while what == "endless":
                count += 1
                yield b"x" * 10000
        finally:
            events.append("closed " + what)

    def run(data):
        if data == "events":
            return events
        if data == "memory":
            with open("/proc/self/statm") as f:
                return int(f.read().split()[1]) * 4096
        return AMLResponse(pieces(data), 200, {"A": "b"})
"""


def collect(client):
    """Return ``(head, pieces, last flags, seconds until each piece)`` of a streamed answer."""
    start = time.monotonic()
    reply = client.reply()
    head, _ = reply.response
    assert reply.flags & frames.STREAMED
    pieces, times = [], []
    while True:
        frame = client.receive()
        assert frame.type == frames.CHUNK
        if frame.payload:
            pieces.append(frame.payload)
            times.append(time.monotonic() - start)
        if frame.flags:
            return head, pieces, frame.flags, times


@pytest.fixture(scope="module")
def streams(module_scorer, web_python):
    return module_scorer(STREAMS, python=web_python)


def test_pieces_arrive_one_by_one(streams) -> None:
    streams.post(frames.TEXT, b"slow")
    head, pieces, flags, times = collect(streams)
    assert head["status"] == 200
    assert ["A", "b"] in head["headers"]
    assert (pieces, flags) == ([b"one", b"two"], frames.LAST)
    assert times[1] - times[0] > 0.2
    assert streams.text("events").json[-1] == "closed slow"


def test_failure_before_the_first_piece_is_an_ordinary_error(streams) -> None:
    assert streams.text("fails at once").error == frames.SCRIPT_ERROR
    assert streams.text("events").json[-1] == "closed fails at once"


@pytest.mark.parametrize("what", ["fails", "wrong"])
def test_failure_after_the_first_piece_breaks_the_answer_off(streams, what) -> None:
    streams.post(frames.TEXT, what.encode())
    _, pieces, flags, _ = collect(streams)
    assert (pieces, flags) == ([b"one"], frames.ABORTED)
    assert streams.text("events").json[-1] == "closed " + what


def test_client_that_goes_away_closes_the_generator(streams) -> None:
    before = streams.text("memory").json
    number = streams.post(frames.TEXT, b"endless")
    assert streams.reply().flags & frames.STREAMED
    size = 0
    while size < 20_000_000:
        size += len(streams.receive().payload)
    streams.send(frames.BODY, b"", frames.ABORTED, request_id=number)
    while not (frame := streams.receive()).flags:
        pass
    assert frame.flags == frames.ABORTED
    assert streams.text("events").json[-1] == "closed endless"
    assert streams.text("memory").json - before < 5_000_000


def test_requests_behind_a_stream_are_answered_after_it(streams) -> None:
    streams.post(frames.TEXT, b"slow")
    streams.post(frames.TEXT, b"events")
    _, pieces, _, _ = collect(streams)
    assert pieces == [b"one", b"two"]
    assert streams.reply().json[-1] == "closed slow"


def test_generator_functions_stream_by_themselves(scorer, edge_python) -> None:
    client = scorer("def init(): pass\ndef run(data):\n  yield data\n  yield b'2'\n", python=edge_python)
    client.post(frames.TEXT, b"1")
    head, pieces, flags, _ = collect(client)
    assert (head["status"], pieces, flags) == (200, [b"1", b"2"], frames.LAST)
    assert ["Content-Type", "text/html; charset=utf-8"] in head["headers"]


def test_end_of_the_connection_ends_an_endless_stream(scorer) -> None:
    source = """
        def init(): pass
        def run(data):
            try:
                while True:
                    yield b"x" * 1000
            finally:
                open("closed", "w").close()
    """
    client = scorer(source)
    client.post(frames.TEXT, b"")
    assert client.reply().flags & frames.STREAMED
    client.socket.close()
    assert client.process.wait(10) == 0
    assert (scorer.folder / "app1" / "closed").exists()


ASYNC = """
    import asyncio, time
    loops = []

    async def init():
        await asyncio.sleep(0)
        loops.append(asyncio.get_event_loop())

    async def run(data):
        loops.append(asyncio.get_event_loop())
        if data == "loops":
            return len(set(map(id, loops)))
        if data == "fail":
            await asyncio.sleep(0)
            raise ValueError("no")
        if data == "catch":
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                return "caught"
        if data == "sleep":
            await asyncio.sleep(10)
        if data == "busy":
            while True:
                pass
        return await asyncio.gather(asyncio.sleep(0, data), asyncio.sleep(0, 2))
"""


def test_coroutines_run_in_one_loop(scorer, python) -> None:
    client = scorer(ASYNC, python=python)
    assert client.text("x").json == ["x", 2]
    assert client.text("fail").error == frames.SCRIPT_ERROR
    assert client.text("loops").json == 1


@pytest.mark.parametrize("what", ["sleep", "busy"])
def test_coroutines_time_out(scorer, edge_python, what) -> None:
    client = scorer(ASYNC, python=edge_python, scoring_timeout_ms=200)
    for _ in range(2):
        reply = client.text(what)
        assert reply.error == frames.TIMED_OUT
        assert "200" in reply.json["message"]
    assert client.text("catch").json == "caught"
    assert client.text("x").json == ["x", 2]


def test_asynchronous_generators_stream(scorer, edge_python) -> None:
    source = """
        import asyncio
        closed = []
        def init(): pass
        async def run(data):
            try:
                yield "one"
                await asyncio.sleep(0.01)
                yield "two"
                while data == "endless":
                    await asyncio.sleep(0.001)
                    yield "more"
            finally:
                closed.append(data)
                open("closed " + data, "w").close()
    """
    client = scorer(source, python=edge_python)
    client.post(frames.TEXT, b"x")
    assert collect(client)[1:3] == ([b"one", b"two"], frames.LAST)
    number = client.post(frames.TEXT, b"endless")
    assert client.reply().flags & frames.STREAMED
    client.send(frames.BODY, b"", frames.ABORTED, request_id=number)
    while not client.receive().flags:
        pass
    client.post(frames.TEXT, b"x")
    assert collect(client)[1] == [b"one", b"two"]
    assert (scorer.folder / "app1" / "closed endless").exists()
