"""HTTP itself: section 4.2 of the contract, and what must not bring a server down."""

import socket

import pytest

ECHO = """
def init(): pass
def run(data, request_headers):
    return {"data": data, "headers": request_headers}
"""


@pytest.fixture
def server(servers):
    return servers.shared(ECHO, max_body_bytes=1_000_000)


def test_a_connection_is_kept(server):
    with server.connect() as connection:
        for number in range(3):
            answer = connection.request("POST", "/score", str(number).encode())
            assert answer.json()["data"] == str(number)
            assert "connection" not in answer.headers


def test_pipelined_requests_are_answered_in_order(server):
    with server.connect() as connection:
        one = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n%d"
        connection.send(b"".join(one % digit for digit in range(10)) + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert [connection.answer().json()["data"] for _ in range(10)] == list("0123456789")
        assert connection.answer().text == "Healthy"


def test_nonsense_after_a_request_does_not_cost_its_answer(server):
    with server.connect() as connection:
        one = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n%d"
        connection.send(one % 1 + one % 2 + b"nonsense\r\n\r\n")
        assert connection.answer().json()["data"] == "1"
        answer = connection.answer()
        assert answer.json()["data"] == "2"
        assert answer.headers["connection"] == "close"
        assert connection.socket.recv(1) == b""


def test_many_pipelined_requests(server):
    with server.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
        assert {connection.answer().text for _ in range(2000)} == {"Healthy"}


def test_a_request_in_single_bytes(server):
    with server.connect() as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for (
            byte
        ) in b"POST /score?x HTTP/1.1\r\nHost: localhost\r\nX-Some: thing\r\nContent-Length: 3\r\n\r\nabc":
            connection.send(bytes([byte]))
        answer = connection.answer().json()
        assert answer["data"] == "abc"
        assert answer["headers"]["X-Some"] == "thing"


def test_expect_100_continue(server):
    with server.connect() as connection:
        connection.send(
            b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.read_line() == b"HTTP/1.1 100 Continue"
        assert connection.read_line() == b""
        connection.send(b"abc")
        assert connection.answer().json()["data"] == "abc"


def test_http_1_0_is_answered_and_closed(server):
    with server.connect() as connection:
        connection.send(b"POST /score HTTP/1.0\r\nContent-Length: 1\r\n\r\nx")
        answer = connection.answer()
        assert answer.json()["data"] == "x"
        assert answer.headers["connection"] == "close"
        assert connection.socket.recv(1) == b""


def test_connection_close_is_honoured(server):
    with server.connect() as connection:
        answer = connection.request("GET", "/", headers={"Connection": "close"})
        assert answer.headers["connection"] == "close"
        assert connection.socket.recv(1) == b""


def test_an_offer_to_upgrade_is_declined_without_losing_the_body(server):
    with server.connect() as connection:
        answer = connection.request(
            "POST",
            "/score",
            b"abc",
            {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABk"},
        )
        assert (answer.status, answer.json()["data"]) == (200, "abc")
        assert connection.request("POST", "/score", b"next").json()["data"] == "next"


def test_space_around_the_value_of_a_header_is_no_part_of_it(server):
    answer = server.post("", [("X-A", " \ta b\t "), ("x-request-id", "A \t"), ("X-E", " ")])
    assert answer.headers["x-request-id"] == "A"
    assert [answer.json()["headers"][name] for name in ("X-A", "X-Request-Id", "X-E")] == ["a b", "A", ""]


def test_content_encoding_is_ignored(server):
    assert server.post("abc", {"Content-Encoding": "gzip"}).json()["data"] == "abc"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /score HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /score HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nNo colon here\r\n\r\n",
        b"GET / HTTP/1.1\r\nA : b\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_malformed_requests_are_400_and_close(server, request_bytes):
    with server.connect() as connection:
        connection.send(request_bytes)
        answer = connection.answer()
        assert answer.status == 400
        assert answer.message
        assert answer.failed == "False"
        assert answer.headers["connection"] == "close"
        assert not answer.has_ids
        assert connection.socket.recv(1) == b""


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /?" + b"x" * 4095 + b" HTTP/1.1\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 8191 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 101, 431),
    ],
)
def test_limits_of_the_head(server, head, status):
    with server.connect() as connection:
        connection.send(head + b"\r\n")
        answer = connection.answer()
        assert answer.status == status
        assert answer.message
        assert not answer.has_ids


def test_an_endless_head_is_refused_before_its_end(server):
    with server.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\n")
        answer = None
        for number in range(4000):
            try:
                connection.send(b"X-%d: " % number + b"x" * 1000 + b"\r\n")
            except OSError:
                break
        answer = connection.answer()
        assert answer.status == 431


def test_up_to_the_limits_all_is_well(server):
    with server.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nX: " + b"x" * 8000 + b"\r\n" + b"Y: y\r\n" * 99 + b"\r\n")
        assert connection.answer().status == 200


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_over_the_limit_is_413(server, is_chunked):
    with server.connect() as connection:
        if is_chunked:
            connection.send(b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(11):
                connection.send(b"186a0\r\n" + b"x" * 100_000 + b"\r\n")
        else:
            connection.send(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1000001\r\n\r\n")
        answer = connection.answer()
        assert answer.status == 413
        assert "1000000" in answer.message
        assert answer.headers["connection"] == "close"


def test_a_refused_body_on_its_way_does_not_destroy_the_answer(server):
    with server.connect() as connection:
        connection.send(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n")
        connection.send(b"x" * 3_000_000)
        assert connection.answer().status == 413


def test_a_body_as_large_as_allowed(server):
    assert len(server.post(b"x" * 1_000_000).json()["data"]) == 1_000_000


def test_a_truncated_body_is_never_scored(servers):
    script = "COUNT = [0]\ndef init(): pass\ndef run(data):\n    COUNT[0] += 1\n    return COUNT[0]\n"
    server = servers.start(script)
    with server.connect() as connection:
        connection.send(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.socket.recv(10) == b""
    assert server.post("x").json() == 1


def test_no_host_header_is_needed(server):
    with server.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\n\r\n")
        assert connection.answer().status == 200


def test_the_date_is_there_once(server):
    answer = server.get("/")
    assert len(answer.all("date")) == 1
    assert answer.headers["date"].endswith("GMT")
