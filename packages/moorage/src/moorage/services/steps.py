"""What to do next for a service: values in, one step out."""

from dataclasses import dataclass

from moorage.targets import Fault, Observed, Order


@dataclass(frozen=True, slots=True)
class Prepare:
    """Put the files of the wanted revision in place."""


@dataclass(frozen=True, slots=True)
class Start:
    """Tell the target to run the wanted revision."""


@dataclass(frozen=True, slots=True)
class Wait:
    """It is on its way; look again soon."""


@dataclass(frozen=True, slots=True)
class Done:
    """The wanted revision serves."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The wanted revision cannot serve."""

    fault: Fault


Step = Prepare | Start | Wait | Done | GiveUp


def next_step(wanted: Order, observed: Observed) -> Step:
    """Choose the one step that brings a service closer to serving ``wanted``."""
    revision = wanted.revision
    if revision not in observed.prepared:
        return Prepare()
    if observed.ordered != revision or not observed.is_ordered_to_run or not observed.is_supervised:
        return Start()
    if revision in observed.failed:
        return GiveUp(observed.failed[revision])
    # The one before may still be finishing its requests; nobody has to wait for that. But who is told that
    # the update is done must not be answered by the old revision when connecting again.
    is_alone = observed.accepting <= {revision}
    if revision in observed.ready and observed.live == revision and is_alone:
        return Done()
    return Wait()
