"""The pure part of the supervisor, explored: wherever it starts, it converges on the wanted generation."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from moorage_server.supervision.steps import (
    LONGEST_DELAY_S,
    Drain,
    Kill,
    Restart,
    Start,
    View,
    next_actions,
    restart_delay_s,
)


def _views():
    def build(number, state, was_ready, has_process):
        if state in ("failed", "stopped"):
            return View(number, state, has_process=False, was_ready=was_ready)
        if state == "ready":
            return View(number, state, has_process=True, was_ready=True)
        if state == "draining":
            return View(number, state, has_process=True, was_ready=was_ready, kill_at=5.0)
        if was_ready and not has_process:
            return View(number, state, has_process=False, was_ready=True, restart_at=0.0)
        return View(number, state, has_process=True, was_ready=was_ready)

    states = st.sampled_from(["starting", "ready", "draining", "failed", "stopped"])
    view = st.builds(build, st.integers(1, 4), states, st.booleans(), st.booleans())
    return st.lists(view, unique_by=lambda v: v.number, max_size=4)


def _apply(views, actions, fails):
    """What a world without bad luck makes of actions: starts succeed, drains end by the next step."""
    by_number = {v.number: v for v in views}
    for number, view in by_number.items():
        if view.state == "draining":
            by_number[number] = replace(view, state="stopped", has_process=False, kill_at=None)
        elif view.state == "starting" and view.has_process:
            by_number[number] = replace(view, state="failed" if number in fails else "ready", was_ready=True)
            if number in fails:
                by_number[number] = replace(by_number[number], has_process=False)
    for action in actions:
        match action:
            case Start(number):
                by_number[number] = View(number, "starting", has_process=True)
            case Restart(number):
                by_number[number] = replace(by_number[number], has_process=True, restart_at=None)
            case Drain(number):
                has_process = by_number[number].has_process
                state = "draining" if has_process else "stopped"
                by_number[number] = replace(by_number[number], state=state, restart_at=None, kill_at=5.0)
            case Kill(number):
                by_number[number] = replace(by_number[number], state="stopped", has_process=False)
    return list(by_number.values())


@given(_views(), st.integers(1, 4))
def test_it_ends_with_the_wanted_generation_alone(views, wanted):
    for _ in range(12):
        actions = next_actions(wanted, views, now=1.0)
        assert len({a.number for a in actions}) == len(actions), "one action per generation"
        views = _apply(views, actions, fails=())
    states = {v.number: v.state for v in views}
    assert states[wanted] in ("ready", "failed")
    others = [v for v in views if v.number != wanted and v.state in ("starting", "draining")]
    assert others == []
    if states[wanted] == "ready":
        assert not [v for v in views if v.number != wanted and v.has_process]


@given(_views(), st.integers(1, 4))
def test_what_serves_is_never_drained_for_something_that_does_not(views, wanted):
    for _ in range(12):
        actions = next_actions(wanted, views, now=1.0)
        ready = {v.number for v in views if v.state == "ready"}
        if wanted not in ready:
            assert not [a for a in actions if isinstance(a, (Drain, Kill)) and a.number in ready]
        views = _apply(views, actions, fails=(wanted,))


@given(_views())
def test_stopping_ends_everything_and_starts_nothing(views):
    for _ in range(4):
        actions = next_actions(None, views, now=1.0)
        assert not [a for a in actions if isinstance(a, (Start, Restart))]
        views = _apply(views, actions, fails=())
    assert not [v for v in views if v.has_process]


def test_a_draining_generation_is_killed_only_when_its_time_is_over():
    view = View(1, "draining", has_process=True, kill_at=5.0)
    assert next_actions(2, [view, View(2, "ready", has_process=True)], now=4.9) == []
    assert next_actions(2, [view, View(2, "ready", has_process=True)], now=5.0) == [Kill(1)]


@given(st.integers(1, 10_000))
def test_delays_grow_and_are_bounded(deaths):
    assert 0.1 <= restart_delay_s(deaths) <= restart_delay_s(deaths + 1) <= LONGEST_DELAY_S
