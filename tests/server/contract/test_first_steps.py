"""The shortest way through everything: start, health, score, drain."""

ECHO = """
def init(): pass
def run(data): return {"type": type(data).__name__, "data": data}
"""


def test_a_service_starts_answers_and_drains(servers):
    server = servers.start(ECHO)
    assert server.get("/").text == "Healthy"
    assert server.post('{"a": 1}').json() == {"type": "str", "data": '{"a": 1}'}
    assert server.get("/swagger.json").json()["swagger"] == "2.0"
    assert server.stop() == 0


def test_a_script_that_cannot_be_loaded_is_reported_and_ends_with_3(servers):
    server = servers.start("raise ValueError('broken on purpose')\n", expect="failed")
    assert server.process.wait(10) == 3
    assert "broken on purpose" in server.events.seen[-1]["error"]["traceback"]
