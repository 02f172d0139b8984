"""What clients do to a service: each function is one visit, and knows what has to come back."""

import json
import random
import socket
from collections.abc import Callable
from http.client import HTTPConnection

from soak.services import Service

TIMEOUT_S = 60
JSON = {"Content-Type": "application/json"}
SMALL = json.dumps({"data": [[1.5] * 10]})
LARGE = json.dumps({"data": [[0.12345678901234567] * 10] * 1000})
PIECE = b"x" * 1_000_000
PARSER_READS = 65536  # bytes at a time, of the multipart parsers


class WrongAnswer(Exception):
    """The service answered something else than it should."""


def ask(
    service: Service, method: str, target: str, body: bytes | str | None, want: int, **more: str
) -> bytes:
    """Send one request on a connection of its own and return the body of the answer.

    Raises:
        WrongAnswer: the status is not ``want``.
    """
    connection = HTTPConnection("127.0.0.1", service.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, target, body, {**JSON, **more})
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status != want:
        raise WrongAnswer(
            f"{service.name}: {method} {target} gave {answer.status}, not {want}: {content[:200]!r}"
        )
    return content


def small_rows(service: Service) -> None:
    connection = HTTPConnection("127.0.0.1", service.port, timeout=TIMEOUT_S)
    try:
        for _ in range(50):
            connection.request("POST", "/score", SMALL, JSON)
            answer = connection.getresponse()
            if (answer.status, answer.read()) != (200, b"[15.0]"):
                raise WrongAnswer(f"{service.name}: a small request gave {answer.status}")
    finally:
        connection.close()


def large_rows(service: Service) -> None:
    if len(json.loads(ask(service, "POST", "/score", LARGE, 200))) != 1000:
        raise WrongAnswer(f"{service.name}: rows are missing")


def mistakes(service: Service) -> None:
    ask(service, "POST", "/score", '{"data": [[1, 2]]}', 400)
    ask(service, "POST", "/score", '{"data"', 400)
    ask(service, "POST", "/score", SMALL, 415, **{"Content-Type": "text/plain"})
    ask(service, "POST", "/score", json.dumps({"data": [[-1.0] * 10]}), 500)
    ask(service, "GET", "/nowhere", None, 404)
    ask(service, "GET", "/", None, 431, **{"x-request-id": "x" * 101})
    ask(service, "GET", "/swagger.json", None, 200)
    ask(service, "GET", "/metrics", None, 200)


def leaving(service: Service) -> None:
    """Go away in the middle of the head, of the body, and before the answer."""
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    head %= len(LARGE)
    for data in (head[: random.randrange(1, len(head))], head + LARGE[:1000].encode(), head + LARGE.encode()):
        with socket.create_connection(("127.0.0.1", service.port), timeout=TIMEOUT_S) as client:
            client.sendall(data)


def uploads(service: Service) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    size = random.randrange(100_000, 5_000_000)
    if random.random() < 0.5:  # a read of the parser ends somewhere in the last delimiter
        size += PARSER_READS - (size + len(body)) % PARSER_READS - random.randrange(10)
    body += b"x" * size + b"\r\n--b--\r\n"
    answer = ask(service, "POST", "/score", body, 200, **{"Content-Type": "multipart/form-data; boundary=b"})
    if json.loads(answer) != {"size": size}:
        raise WrongAnswer(f"{service.name}: of {size} bytes there came {answer!r}")


def streams(service: Service) -> None:
    send_stream(service, 20)
    receive_stream(service, 20)


def leaving_streams(service: Service) -> None:
    """Go away while a body is sent, and while an answer is received."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=TIMEOUT_S) as client:
        client.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n\r\n" + PIECE)
    with socket.create_connection(("127.0.0.1", service.port), timeout=TIMEOUT_S) as client:
        client.sendall(b"GET /score?pieces=90 HTTP/1.1\r\nHost: x\r\n\r\n")
        client.recv(100_000)


def send_stream(service: Service, megabytes: int) -> None:
    """Send a body that is never in memory as a whole."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=TIMEOUT_S)
    try:
        connection.putrequest("POST", "/score")
        connection.putheader("Content-Length", str(megabytes * len(PIECE)))
        connection.endheaders()
        for _ in range(megabytes):
            connection.send(PIECE)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if json.loads(content) != {"size": megabytes * len(PIECE)}:
        raise WrongAnswer(f"{service.name}: of {megabytes} MB there came {content!r}")


def receive_stream(service: Service, megabytes: int) -> None:
    """Receive an answer that is never in memory as a whole."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=TIMEOUT_S)
    buffer, total = bytearray(1 << 18), 0
    try:
        connection.request("GET", f"/score?pieces={megabytes}")
        answer = connection.getresponse()
        while count := answer.readinto(buffer):
            total += count
    finally:
        connection.close()
    if total != megabytes * len(PIECE):
        raise WrongAnswer(f"{service.name}: {total} bytes of {megabytes} MB were received")


def tables(service: Service) -> None:
    """Send rows that go by column, rows that go as text, and rows that are refused."""
    count = random.choice((1, 10, 1000))
    rows = [{"region": f"caf\u00e9 {i}", "amount": i / 4, "items": i} for i in range(count)]
    wanted = [i * i / 4 for i in range(count)]
    mixed = [*rows[:-1], dict(reversed(rows[-1].items()))]
    for sent in (rows, mixed, [{**row, "items": float(row["items"])} for row in rows]):
        if json.loads(ask(service, "POST", "/score", json.dumps({"data": sent}), 200)) != wanted:
            raise WrongAnswer(f"{service.name}: another product for {count} rows")
    # Ever new orders and names, which must not be kept.
    names = random.sample(list(rows[0]), 3)
    ask(service, "POST", "/score", json.dumps({"data": [{name: rows[0][name] for name in names}]}), 200)
    unknown = f"x{random.random()}"
    ask(service, "POST", "/score", json.dumps({"data": [{**rows[0], unknown: 1}]}), 400)
    ask(service, "POST", "/score", json.dumps({"data": [{**rows[0], "items": "many"}]}), 400)


Visit = Callable[[Service], None]
OF_ARRAYS: tuple[Visit, ...] = (small_rows, small_rows, small_rows, large_rows, mistakes, leaving)
OF_TABLES: tuple[Visit, ...] = (tables,)
OF_RAW: tuple[Visit, ...] = (uploads, streams, leaving_streams)
