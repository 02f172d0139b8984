"""Connections that are silent, slow or stuck: closed in time, by a clock that the test turns."""

import pytest

from moorage_server.clock import Clock
from moorage_server.exchange import Exchange
from moorage_server.http_protocol import HttpProtocol
from moorage_server.limits import DRAIN_QUIET_S, HEAD_S, KEEP_ALIVE_S, RECEIVE_S
from moorage_server.metrics import Metrics


class Transport:
    def __init__(self):
        self.written, self.end = b"", None

    def write(self, data):
        self.written += bytes(data)

    def close(self):
        self.end = self.end or "closed"

    def abort(self):
        self.end = self.end or "aborted"

    def is_closing(self):
        return self.end is not None

    def get_extra_info(self, name):
        return None

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def can_write_eof(self):
        return False


class State:
    def __init__(self):
        self.connections, self.total_requests = set(), 0


class App:
    """Keeps exchanges unanswered."""

    max_body_bytes = 1000
    max_connections = 1

    def __init__(self):
        self.clock, self.metrics = Clock(), Metrics()
        self.exchanges: list[Exchange] = []

    def handle(self, exchange):
        self.exchanges.append(exchange)

    def streams(self, exchange, received):
        return False


class Config:
    def __init__(self, app):
        self.app = app


class Loop:
    def call_soon(self, function):
        function()

    def call_later(self, seconds, function):
        pass


@pytest.fixture
def app():
    return App()


@pytest.fixture
def connection(app):
    protocol = HttpProtocol(Config(app), State(), {}, Loop())
    protocol.connection_made(Transport())
    return protocol


def wait(connection, app, seconds):
    """Let the clock tick; return the second after which the connection was ended, if it was."""
    for second in range(1, seconds + 1):
        app.clock.tick += 1
        connection.sweep()
        if connection.transport.end is not None:
            return second
    return None


REQUEST = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"


def test_an_idle_connection_is_closed(app, connection):
    connection.data_received(REQUEST + b"abc")
    app.exchanges[0].answer(b"HTTP/1.1 200 OK\r\n", b"", b"x")
    assert wait(connection, app, 1000) == KEEP_ALIVE_S + 1
    assert connection.transport.end == "closed"


def test_a_connection_that_never_says_anything_is_closed(app, connection):
    assert wait(connection, app, 1000) == KEEP_ALIVE_S + 1


@pytest.mark.parametrize("beginning", [REQUEST, REQUEST + b"ab"])
def test_a_request_that_makes_no_progress_is_given_up(app, connection, beginning):
    connection.data_received(beginning)
    assert wait(connection, app, 1000) == RECEIVE_S + 1
    assert connection.transport.end == "aborted"


def test_a_head_that_trickles_in_is_given_up(app, connection):
    second = 0
    while connection.transport.end is None:
        connection.data_received(b"GET /" if second == 0 else b"a")
        wait(connection, app, 1)
        second += 1
        assert second < 1000
    assert connection.transport.end == "aborted"
    assert second == HEAD_S + 2


def test_heads_that_are_incomplete_now_and_then_are_no_slow_head(app, connection):
    connection.data_received(REQUEST)
    for number in range(3 * HEAD_S):
        connection.data_received(b"abc" + REQUEST[:20])
        app.exchanges[number].answer(b"HTTP/1.1 200 OK\r\n", b"", b"x")
        assert wait(connection, app, 1) is None
        connection.data_received(REQUEST[20:])


def test_more_connections_than_permitted_are_refused(app, connection):
    state = connection.server_state
    second = HttpProtocol(Config(app), state, {}, Loop())
    second.connection_made(Transport())
    assert second.transport.written.startswith(b"HTTP/1.1 503 ")
    second.data_received(REQUEST + b"abc")
    assert app.exchanges == []
    second.connection_lost(None)
    third = HttpProtocol(Config(app), state, {}, Loop())
    connection.connection_lost(None)
    third.connection_made(Transport())
    third.data_received(REQUEST + b"abc")
    assert len(app.exchanges) == 1


def test_a_request_that_is_refused_does_not_take_the_answer_of_the_one_before(app, connection):
    connection.data_received(REQUEST + b"abc")
    chunk = b"%x\r\n" % 300_000 + b"x" * 300_000 + b"\r\n"
    connection.data_received(b"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
    assert connection.transport.written == b""
    app.exchanges[0].answer(b"HTTP/1.1 200 OK\r\n", b"", b"x")
    assert connection.transport.written.count(b"HTTP/1.1 ") == 1
    assert connection.transport.written.startswith(b"HTTP/1.1 200 ")


def test_a_slow_body_may_go_on_as_long_as_it_makes_progress(app, connection):
    connection.data_received(REQUEST)
    for byte in b"abc":
        connection.data_received(bytes([byte]))
        assert wait(connection, app, RECEIVE_S - 1) is None
    assert app.exchanges[0].body == b"abc"


def test_a_long_run_does_not_end_the_connection(app, connection):
    connection.data_received(REQUEST + b"abc")
    assert wait(connection, app, 10 * KEEP_ALIVE_S) is None


def test_a_client_that_does_not_read_its_answer_is_given_up(app, connection):
    connection.data_received(REQUEST + b"abc")
    app.exchanges[0].start(b"HTTP/1.1 200 OK\r\n", b"", None)
    connection.pause_writing()
    assert not app.exchanges[0].write(b"x", lambda: None)
    assert wait(connection, app, 1000) == RECEIVE_S + 1
    assert connection.transport.end == "aborted"


def test_draining_gives_idle_connections_a_moment(app, connection):
    wait(connection, app, 30)
    connection.shutdown()
    assert wait(connection, app, 1000) == DRAIN_QUIET_S + 1


def test_a_client_that_goes_away_is_told_to_the_application(app, connection):
    gone = []
    connection.data_received(REQUEST + b"abc")
    app.exchanges[0].on_disconnect = lambda: gone.append(True)
    connection.connection_lost(None)
    assert gone == [True]
    app.exchanges[0].answer(b"HTTP/1.1 200 OK\r\n", b"", b"too late")


def test_an_answer_after_the_connection_is_lost_is_dropped(app, connection):
    connection.data_received(REQUEST + b"abc")
    connection.connection_lost(None)
    assert app.exchanges[0].is_gone
