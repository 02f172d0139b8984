"""Request telemetry: what reaches an ingestion endpoint, and what it costs when that endpoint is ill."""

import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from moorage_server.errors import InvalidSettings
from moorage_server.insights import Destination, Origin, duration_text, parse_connection_string
from moorage_server.telemetry import Telemetry

KEY = "00000000-1111-2222-3333-444444444444"
SCRIPT = """
def init(): pass
def run(data):
    return 1 / int(data)
"""


class Ingestion:
    """An endpoint that keeps what it gets; ``statuses`` are its next answers, then 200."""

    def __init__(self):
        self.items, self.paths, self.statuses = [], [], []
        self.may_answer = threading.Event()
        self.may_answer.set()
        ingestion = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                ingestion.may_answer.wait(60)
                status = ingestion.statuses.pop(0) if ingestion.statuses else 200
                if status == 200:
                    ingestion.items += json.loads(body)
                ingestion.paths.append(self.path)
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.connection_string = f"InstrumentationKey={KEY};IngestionEndpoint={self.address}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, count, within_s=40):
        deadline = time.monotonic() + within_s
        while len(self.items) < count:
            assert time.monotonic() < deadline, self.items
            time.sleep(0.02)
        return self.items


@pytest.fixture
def ingestion():
    endpoint = Ingestion()
    yield endpoint
    endpoint.may_answer.set()
    endpoint.server.shutdown()
    endpoint.server.server_close()


def test_answered_requests_arrive_without_their_contents(servers, ingestion):
    server = servers.start(
        SCRIPT,
        name="my-service",
        app_insights=ingestion.connection_string,
        environment={"WORKSPACE_NAME": "research"},
    )
    server.post("2", {"x-ms-client-request-id": "caller-1"}, target="/score?secret=1")
    server.post("0")
    server.get("/swagger.json")
    server.get("/")
    server.get("/nope")
    assert server.stop() == 0  # what is queued leaves before the end
    first, second, third = ingestion.wait_for(3)
    assert set(ingestion.paths) == {"/v2.1/track"}
    assert first["iKey"] == KEY
    data = first["data"]["baseData"]
    assert (data["name"], data["responseCode"], data["success"]) == ("/score", "200", True)
    assert data["properties"]["Client Request Id"] == "caller-1"
    assert data["properties"]["Request Id"] == data["id"] != ""
    assert data["properties"]["Workspace Name"] == "research"
    assert first["tags"]["ai.cloud.role"] == "my-service"
    assert "secret" not in json.dumps(first)
    data = second["data"]["baseData"]
    assert (data["responseCode"], data["success"]) == ("500", False)
    assert third["data"]["baseData"]["name"] == "/swagger.json"
    assert "POST /score" not in server.log  # telemetry alone writes no request lines


def test_an_endpoint_that_hangs_delays_nobody(servers, ingestion):
    ingestion.may_answer.clear()
    server = servers.start(SCRIPT, app_insights=ingestion.connection_string)
    with server.connect() as connection:
        for _ in range(250):
            assert connection.request("POST", "/score", b"2").json() == 0.5
    ingestion.may_answer.set()
    server.stop()


def origin():
    return Origin("service", "workspace", "container")


def add(telemetry, count):
    for _ in range(count):
        telemetry.add("POST", "/score", 200, 1.5, b"x-request-id: a\r\n")


def test_a_failure_is_tried_again_and_a_refusal_is_not(ingestion, caplog, monkeypatch):
    # What ran in this process before may have sent the log elsewhere, or put it out.
    logger = logging.getLogger("moorage_server.telemetry")
    monkeypatch.setattr(logger, "disabled", False)
    monkeypatch.setattr(logger, "handlers", [caplog.handler])
    caplog.set_level(logging.INFO, logger.name)
    destination = parse_connection_string(ingestion.connection_string)
    telemetry = Telemetry(destination, origin(), pause_s=0.05)
    ingestion.statuses += [503, 429]
    add(telemetry, 3)
    assert len(ingestion.wait_for(3)) == 3
    assert len(ingestion.paths) == 3
    ingestion.statuses += [400]
    add(telemetry, 2)
    deadline = time.monotonic() + 30
    while telemetry.dropped < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert len(ingestion.paths) == 4
    assert "status 400" in caplog.text
    telemetry.close()


def test_the_queue_has_an_end(ingestion):
    ingestion.may_answer.clear()
    telemetry = Telemetry(parse_connection_string(ingestion.connection_string), origin(), pause_s=0.05)
    add(telemetry, 5000)
    assert 2500 <= telemetry.dropped <= 3000
    ingestion.may_answer.set()
    ingestion.wait_for(5000 - telemetry.dropped)
    telemetry.close()


def test_nobody_listens():
    telemetry = Telemetry(Destination(KEY, "http://127.0.0.1:9/v2.1/track"), origin(), pause_s=0.01)
    add(telemetry, 1)
    deadline = time.monotonic() + 30
    while telemetry.dropped < 1:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    telemetry.close()


def test_connection_strings():
    assert parse_connection_string(f"InstrumentationKey={KEY}").url.startswith("https://")
    found = parse_connection_string(
        f" ingestionendpoint=https://a.example/x/ ;INSTRUMENTATIONKEY={KEY};LiveEndpoint=b"
    )
    assert found == Destination(KEY, "https://a.example/x/v2.1/track")
    for text in ("", KEY, "InstrumentationKey=x", f"InstrumentationKey={KEY};IngestionEndpoint=file:///etc"):
        with pytest.raises(InvalidSettings):
            parse_connection_string(text)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0.2, "00:00:00.000"),
        (1.6, "00:00:00.002"),
        (3_723_004, "01:02:03.004"),
        (90_061_001, "1.01:01:01.001"),
    ],
)
def test_durations(ms, text):
    assert duration_text(ms) == text
