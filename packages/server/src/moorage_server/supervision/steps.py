"""What a supervisor does next: values in, actions out; no clock, no process, no file."""

from collections.abc import Sequence
from dataclasses import dataclass

from .records import GenerationState

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 10.0
# Ready for this long, a generation has recovered: its next death is a first death again.
RECOVERED_AFTER_S = 30.0
FEWEST_REQUESTS = 20


@dataclass(frozen=True, slots=True)
class View:
    """What matters about one generation. Deadlines are on the caller's clock, in seconds."""

    number: int
    state: GenerationState
    has_process: bool
    was_ready: bool = False
    restart_at: float | None = None
    kill_at: float | None = None


@dataclass(frozen=True, slots=True)
class Start:
    number: int


@dataclass(frozen=True, slots=True)
class Restart:
    number: int


@dataclass(frozen=True, slots=True)
class Drain:
    number: int


@dataclass(frozen=True, slots=True)
class Kill:
    number: int


Action = Start | Restart | Drain | Kill


def next_actions(wanted: int | None, views: Sequence[View], now: float) -> list[Action]:
    """Choose what brings the running generations closer to running ``wanted`` alone.

    ``wanted`` None means that everything should stop. At most one action per generation.
    """
    actions: list[Action] = []
    by_number = {view.number: view for view in views}
    if wanted is not None and _must_start(by_number.get(wanted)):
        actions.append(Start(wanted))
    for view in views:
        action = _next_action(view, wanted, by_number, now)
        if action is not None:
            actions.append(action)
    return actions


def _must_start(view: View | None) -> bool:
    # A generation that is wanted again while it drains has closed its door for good:
    # it is started afresh once its process is gone.
    return view is None or (view.state in ("draining", "stopped") and not view.has_process)


def _next_action(view: View, wanted: int | None, by_number: dict[int, View], now: float) -> Action | None:
    if view.state == "draining":
        is_overdue = view.kill_at is not None and now >= view.kill_at
        return Kill(view.number) if is_overdue and view.has_process else None
    if view.state not in ("starting", "ready"):
        return None
    if view.number != wanted and _is_dispensable(view, wanted, by_number):
        return Drain(view.number)
    is_due = view.restart_at is not None and now >= view.restart_at
    return Restart(view.number) if is_due and not view.has_process else None


def _is_dispensable(view: View, wanted: int | None, by_number: dict[int, View]) -> bool:
    """Tell whether nobody misses this generation, which is not the wanted one."""
    if wanted is None:
        return True
    target = by_number.get(wanted)
    # Only a wanted generation that answers replaces one that does: loading a model can take
    # minutes, and a script that cannot be loaded must not take the service down.
    if target is not None and target.state == "ready":
        return True
    # Started for an update that was taken back or overtaken, and of no use to anybody yet.
    return not view.was_ready


def is_lost(requests: int, max_error_share: float, count: int, failed: int) -> bool:
    """Tell whether a trial over so many ``requests`` is lost after ``count``, of which ``failed``.

    A handful of failures may be one client's fault, so the first few decide nothing.
    """
    return count >= min(requests, FEWEST_REQUESTS) and failed > max_error_share * count


def restart_delay_s(deaths: int) -> float:
    """Return the wait before the restart after the ``deaths``-th death in a row: 0.1, 0.2, ... 10 s."""
    return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(deaths - 1, 10))
