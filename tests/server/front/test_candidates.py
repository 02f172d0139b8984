"""A second revision beside the one that serves: a share of the requests, or copies of them."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_server.candidate.companion import tally
from moorage_server.candidate.comparison import Answered, difference
from moorage_server.candidate.findings import KEPT_PAIRS, Findings
from moorage_server.candidate.instruction import Instruction, InvalidInstruction
from moorage_server.candidate.share import Share
from moorage_server.candidate.slowness import LEAST_MS, UNKNOWN_MS, Slowness, TimedMetrics
from moorage_server.metrics import Metrics

SCRIPT = """
import json, os, time
def init(): pass
def run(data):
    value = json.loads(data)
    {code}
    return {{"who": "{name}", "folder": os.getcwd()}}
"""
NUMBERS = """
import json
def init(): pass
def run(data):
    return {{"answer": json.loads(data) * {factor}}}
"""


@pytest.fixture
def other(tmp_path):
    """Write the files of another revision and return where its settings are."""

    def write(script, **settings):
        folder = tmp_path / "other"
        folder.mkdir(exist_ok=True)
        (folder / "score.py").write_text(script)
        path = folder / "service.json"
        path.write_text(json.dumps({"app_root": str(folder), "entry_script": "score.py", **settings}))
        return path

    return write


def instruct(server, settings, *, kind="canary", share=100, tolerance=0.0, expect="serving", slower=0):
    """Tell a front about a second revision and wait until it takes part (or does not)."""
    values = {
        "generation": 2,
        "settings": str(settings),
        "beside": 1,
        "kind": kind,
        "share_percent": share,
        "tolerance": tolerance,
        "slower": slower,
    }
    aside = server.log_path.with_name("aside")
    aside.write_text(json.dumps(values))
    aside.rename(server.log_path.with_name("candidate.json"))
    deadline = time.monotonic() + 30
    while True:
        event = server.events.next(deadline - time.monotonic())
        if event["event"] == "candidate" and event["state"] != "starting":
            assert event["state"] == expect, f"{event}\n{server.log}"
            return event


def withdraw(server):
    server.log_path.with_name("candidate.json").unlink()


def until(condition, within_s=30.0):
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{condition} did not come true"
        time.sleep(0.05)
    return value


def test_a_canary_gets_its_share_and_leaves_again(servers, other):
    server = servers.start(SCRIPT.format(name="live", code=""))
    settings = other(SCRIPT.format(name="new", code=""))
    assert "x-moorage-revision" not in server.post("1").headers
    instruct(server, settings, share=25)
    answers = [server.post("1") for _ in range(100)]
    by = [answer.json() for answer in answers]
    assert sum(one["who"] == "new" for one in by) == 25
    assert {one["folder"] for one in by if one["who"] == "new"} == {str(settings.parent)}
    assert {(a.headers["x-moorage-revision"], a.json()["who"]) for a in answers} == {
        ("1", "live"),
        ("2", "new"),
    }
    metrics = server.get("/metrics").text
    assert 'moorage_revision_requests_total{revision="2",role="canary",status="200"} 25.0' in metrics
    assert 'moorage_revision_requests_total{revision="1",role="live",status="200"} 76.0' in metrics

    def reported():
        event = server.events.next(30)
        return event if event.get("count") == 25 else None

    event = until(reported)
    assert (event["failed"], event["live_count"], event["live_failed"]) == (0, 75, 0)
    withdraw(server)
    until(lambda: "x-moorage-revision" not in server.post("1").headers)
    assert "moorage_revision" not in server.get("/metrics").text
    assert server.stop() == 0


@pytest.mark.slow
def test_a_canary_that_ends_takes_nothing_with_it(servers, other):
    server = servers.start(SCRIPT.format(name="live", code=""))
    instruct(server, other(SCRIPT.format(name="new", code="value == 7 and os._exit(3)")))
    assert server.post("1").json()["who"] == "new"
    assert server.post("7").status == 500
    # While another scorer loads the script, the live revision answers; then the canary again.
    assert server.post("1").status == 200
    until(lambda: server.post("1").json()["who"] == "new")
    assert server.stop() == 0


@pytest.mark.slow
def test_a_canary_that_hangs_is_let_go_and_its_clients_are_answered(servers, other):
    server = servers.start(SCRIPT.format(name="live", code=""), scoring_timeout_ms=0)
    assert server.post("1").json()["who"] == "live"
    hangs = other(SCRIPT.format(name="new", code="time.sleep(1e6)"), scoring_timeout_ms=0)
    instruct(server, hangs, slower=10)
    with ThreadPoolExecutor(24) as pool:
        held = [pool.submit(server.post, "1") for _ in range(24)]

        def ended():
            event = server.events.next(30)
            return event if event["state"] == "failed" else None

        event = until(ended)
        assert event["error"]["stage"] == "canary"
        assert event["error"]["message"].endswith(f"{event['hanging']} of them have not ended")
        assert (event["count"], event["slow"], event["slow_after_ms"]) == (0, 0, 1000)
        # From now on the other one answers; nobody waits for ever.
        assert server.post("1").json()["who"] == "live"
        assert {one.result(timeout=30).status for one in held} == {500}
    assert server.stop() == 0


def slowness(slower=10.0, timeout_ms=0):
    """Calls of a live and of another revision, without processes; the time stands still."""
    pool = SimpleNamespace(scorers=[], waiting=[], settings=SimpleNamespace(scoring_timeout_ms=timeout_ms))
    live, own = Metrics(), TimedMetrics()
    return Slowness(slower, live, own, pool, clock=lambda: 100.0), live, own, pool


def busy(since, count=1, *, is_streaming=False, cancelled=0):
    calls = [SimpleNamespace(is_cancelled=number < cancelled) for number in range(count)]
    connection = SimpleNamespace(in_flight=calls, head_since=since, is_streaming=is_streaming)
    return SimpleNamespace(connection=connection)


def test_a_call_is_slow_by_what_the_live_revision_takes():
    judge, live, own, _pool = slowness()
    live.count_run(500.0)
    judge.begin()
    assert own.slow_after_ms == 5000.0  # what it took before, until it has answered something
    live.count_run(2000.0)
    live.count_run(1000.0)
    assert judge.update() == 15_000.0
    for ms in (14_000.0, 15_001.0, 20_000.0):
        own.count_run(ms)
    assert (own.slow, own.run_count) == (2, 3)
    fast, live, _own, _pool = slowness()
    live.count_run(0.1)
    assert fast.update() == LEAST_MS
    assert slowness()[0].update() == UNKNOWN_MS
    assert slowness(timeout_ms=300)[0].update() == 300
    assert slowness(0)[0].update() == float("inf")


def test_what_has_not_ended_counts_with_what_waits_behind_it():
    judge, live, own, pool = slowness()
    live.count_run(1.0)
    judge.begin()
    own.disconnects = 2
    pool.waiting = [object()] * 5
    pool.scorers = [busy(99.5, 3), busy(98.0, 4, cancelled=1), SimpleNamespace(connection=None)]
    assert judge.hanging == 3 + 2
    pool.scorers[0] = busy(50.0, 2)
    assert judge.hanging == 2 + 3 + 5 + 2
    pool.scorers = [busy(50.0, 0), busy(50.0, 2, is_streaming=True), busy(99.5)]
    assert judge.hanging == 0
    never, _live, _own, pool = slowness(0)
    never.begin()
    pool.scorers = [busy(0.0, 9)]
    assert never.hanging == 0


@pytest.mark.slow
def test_a_script_that_cannot_be_loaded_takes_no_part(servers, other):
    server = servers.start(SCRIPT.format(name="live", code=""))
    event = instruct(server, other("def init(): 1 / 0\ndef run(data): pass\n"), expect="failed")
    assert event["error"]["stage"] == "init"
    assert "ZeroDivisionError" in event["error"]["message"]
    assert "x-moorage-revision" not in server.post("1").headers
    missing = other(SCRIPT).with_name("gone.json")
    assert instruct(server, missing, expect="failed")["error"]["stage"] == "settings"
    assert server.stop() == 0


def test_keys_and_limits_stay_those_of_the_live_revision(servers, other):
    """A canary with other rules must not be a way around them."""
    server = servers.start(SCRIPT.format(name="live", code=""), rate_limit_per_s=1000, rate_limit_burst=3)
    instruct(server, other(SCRIPT.format(name="new", code="")))
    statuses = [server.post("1").status for _ in range(12)]
    assert statuses[0] == 200
    assert set(statuses) <= {200, 429}


def test_a_mirror_changes_no_answer_and_finds_what_differs(servers, other):
    server = servers.start(NUMBERS.format(factor="2"))
    instruct(server, other(NUMBERS.format(factor="(2 + (data == '7'))")), kind="mirror", tolerance=1e-9)
    for number in (*range(5), 7):
        answer = server.post(json.dumps(number))
        assert answer.json() == {"answer": number * 2}
        assert "x-moorage-revision" not in answer.headers
    report = server.log_path.with_name("mirror.json")

    def found():
        value = json.loads(report.read_text()) if report.exists() else {}
        return value if value.get("same") == 5 and value.get("different") == 1 else None

    value = until(found)
    (pair,) = value["pairs"]
    assert pair["difference"] == "$.answer: 14 and 21"
    assert (pair["request"], pair["live"]["body"]) == ("7", '{"answer": 14}')
    assert value["reasons"] == {"$.answer": 1}
    assert 'moorage_mirrored_requests_total{outcome="different"} 1.0' in server.get("/metrics").text
    assert server.stop() == 0


@pytest.mark.slow
def test_a_shadow_that_hangs_or_fails_is_nobodys_problem(servers, other):
    server = servers.start(NUMBERS.format(factor="2"))
    code = "import time\ndef init(): pass\ndef run(data):\n    time.sleep(600)\n"
    instruct(server, other(code), kind="mirror")
    for number in range(80):
        assert server.post(json.dumps(number)).json() == {"answer": number * 2}
    event = until(lambda: e if (e := server.events.next(30)).get("findings", {}).get("dropped") else None)
    # 32 of them, which is what a shadow with one scorer may hold.
    assert event["findings"]["sent"] == 32
    assert event["findings"]["dropped"] == 48
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("percent", [1, 10, 99, 100])
def test_a_share_is_exact_in_each_hundred(percent):
    share = Share(percent)
    for _ in range(3):
        assert sum(share.takes() for _ in range(100)) == percent


def test_what_says_nothing_about_a_revision_is_not_counted():
    assert tally({200: 5, 401: 100, 429: 100, 503: 7, 400: 2, 500: 3}) == (10, 5)


@pytest.mark.parametrize(
    ("live", "shadow", "tolerance", "expected"),
    [
        ('{"a": 1, "b": [1, 2]}', '{"b":[1,2],"a":1.0}', 0.0, None),
        ("[1.0, 2.0]", "[1.0, 2.0000001]", 1e-6, None),
        ("[1.0, 2.0]", "[1.0, 2.1]", 1e-6, "$[1]: 2.0 and 2.1"),
        ("[1, 2]", "[1]", 0.0, "$: 2 and 1 elements"),
        ('{"a": 1}', '{"b": 1}', 0.0, "$: 'a' is in one of them only"),
        ("[NaN]", "[NaN]", 0.0, None),
        ("[1]", "[true]", 0.0, "$[0]: 1 and true"),
        ("[Infinity]", "[-Infinity]", 1.0, "$[0]: inf and -inf"),
        ("yes", "no", 0.0, "body: 3 and 2 bytes that differ"),
        ('{"a": {"b": ["x"]}}', '{"a": {"b": ["y"]}}', 0.0, '$.a.b[0]: "x" and "y"'),
        (f"[{'1' * 400}]", "[1.5]", 0.1, f"$[0]: {'1' * 400} and 1.5"),
        ("[" * 100_000, "]" * 100_000, 0.0, "body: 100000 and 100000 bytes that differ"),
    ],
)
def test_answers_are_compared_as_values(live, shadow, tolerance, expected):
    pair = Answered(200, live.encode()), Answered(200, shadow.encode())
    assert difference(*pair, tolerance) == expected
    assert difference(pair[0], Answered(500, live.encode()), tolerance) == "status: 200 and 500"


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(values, values, st.sampled_from([0.0, 1e-6, 0.1]))
def test_comparing_is_fair_and_total(a, b, tolerance):
    one, other = Answered(200, json.dumps(a).encode()), Answered(200, json.dumps(b, indent=1).encode())
    assert difference(one, Answered(200, json.dumps(a, indent=2).encode()), tolerance) is None
    assert (difference(one, other, tolerance) is None) == (difference(other, one, tolerance) is None)


def test_findings_are_bounded_and_survive_their_file():
    findings = Findings(3)
    for number in range(200):
        what = f"$.k{number}: 1 and 2"
        findings.found(b"x" * 10_000, Answered(200, b"\xff"), Answered(500, b"y" * 9999), what, "now")
    assert (findings.different, findings.failed, len(findings.pairs)) == (200, 200, KEPT_PAIRS)
    assert len(findings.reasons) == 50
    one = Findings(3)
    for row in range(9):
        one.found(b"", Answered(200, b""), Answered(200, b"1"), f"$[{row}].a[0]: 1 and 2", "now")
    assert (one.reasons, one.failed) == ({"$[].a[]": 9}, 0)
    assert len(json.dumps(findings.to_json())) < 100_000
    again = Findings.from_json(json.loads(json.dumps(findings.to_json())), 3)
    assert again == findings
    assert Findings.from_json(findings.to_json(), 4) == Findings(4)
    assert Findings.from_json({"generation": 3, "sent": "many"}, 3) == Findings(3)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "x"},
        {"share_percent": 0},
        {"share_percent": 101},
        {"slower": -1},
        {"more": 1},
        {"settings": None},
    ],
)
def test_an_instruction_that_makes_no_sense_is_refused(change, tmp_path):
    made = Instruction(2, tmp_path / "service.json", 1, "canary", 10)
    assert Instruction.from_json(made.to_json()) == made
    with pytest.raises(InvalidInstruction):
        Instruction.from_json({**made.to_json(), **change})


@pytest.mark.slow
def test_a_canary_that_is_worse_gets_no_more_requests(servers, other):
    server = servers.start(SCRIPT.format(name="live", code=""))
    instruct(server, other(SCRIPT.format(name="new", code="1 / 0")), share=50)
    statuses = [server.post("1").status for _ in range(200)]
    # At most those until it was judged after its 20th answer.
    assert 20 <= statuses.count(500) <= 25
    event = until(lambda: e if (e := server.events.next(30)).get("state") == "failed" else None)
    assert event["error"]["stage"] == "canary"
    assert event["failed"] >= 20
