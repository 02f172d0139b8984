"""The scoring timeout."""

import time

import pytest

from moorage_runtime import frames

SLOW = """
    import signal, time

    def init():
        pass

    def run(data):
        if data == "sleep":
            time.sleep(5)
        if data == "busy":
            end = time.time() + 5
            while time.time() < end:
                pass
        if data == "catch":
            try:
                time.sleep(5)
            except Exception:
                return "c"
        if data == "own alarm":
            before = signal.signal(signal.SIGALRM, lambda *a: None)
            signal.alarm(1)
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        if data == "handler lost":
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, 0)
        if data.startswith("for "):
            time.sleep(float(data[4:]))
        return data
"""


@pytest.mark.parametrize("what", ["sleep", "busy"])
def test_slow_scripts_are_interrupted(scorer, python, what) -> None:
    client = scorer(SLOW, python=python, scoring_timeout_ms=300)
    for _ in range(2):
        start = time.monotonic()
        reply = client.text(what)
        assert reply.error == frames.TIMED_OUT
        assert "300" in reply.json["message"]
        assert 0.25 < time.monotonic() - start < 3
        assert client.text("x").json == "x"


def test_script_may_catch_it(scorer, python) -> None:
    client = scorer(SLOW, python=python, scoring_timeout_ms=300)
    reply = client.text("catch")
    assert reply.json == "c"
    assert 250 < reply.elapsed_ms < 3000


def test_each_request_has_its_full_time(scorer, edge_python) -> None:
    """The timer is not set for every request: one that rings early must not hurt those that follow."""
    client = scorer(SLOW, python=edge_python, scoring_timeout_ms=400)
    for _ in range(12):
        assert client.text("for 0.15").json == "for 0.15"
    time.sleep(0.6)
    assert client.text("for 0.3").json == "for 0.3"
    assert client.text("sleep").error == frames.TIMED_OUT


@pytest.mark.parametrize("what", ["own alarm", "handler lost"])
def test_script_that_uses_the_alarm_itself_loses_it_for_one_period_at_most(scorer, edge_python, what) -> None:
    client = scorer(SLOW, python=edge_python, scoring_timeout_ms=300)
    assert client.text(what).json == what
    time.sleep(0.35)
    assert client.text("sleep").error == frames.TIMED_OUT


def test_zero_means_none(scorer) -> None:
    client = scorer(SLOW, scoring_timeout_ms=0)
    assert client.text("for 0.3").json == "for 0.3"
