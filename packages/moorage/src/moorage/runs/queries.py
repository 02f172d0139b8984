"""Runs found by what is known of them."""

from collections.abc import Iterator, Mapping
from itertools import islice

from moorage.errors import RunNotFound
from moorage.runs.records import Run
from moorage.runs.tracking import Tracking


def newest(
    tracking: Tracking,
    *,
    experiment_name: str | None = None,
    limit: int = 10,
    status: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    parent_id: str | None = None,
) -> list[Run]:
    """Return the newest runs, newest first, of one experiment or of all; at most ``limit``.

    A tag whose value is None asks only whether it is there. An experiment that does not exist has no runs.
    """

    def matches(run: Run) -> bool:
        return (
            (status is None or run.status.lower() == status.lower())
            and (parent_id is None or run.parent_id == parent_id)
            and all(key in run.tags and value in {None, run.tags[key]} for key, value in (tags or {}).items())
        )

    found: list[Run] = []
    for experiment in tracking.experiments():
        if experiment_name in {None, experiment.name}:
            matching: Iterator[Run] = filter(matches, tracking.runs(experiment))
            found += islice(matching, limit)
    return sorted(found, key=lambda run: run.started_at, reverse=True)[:limit]


def run_of(tracking: Tracking, run_id: str, experiment_name: str | None = None) -> Run:
    """Return a run, which with ``experiment_name`` must belong to that experiment.

    Raises:
        RunNotFound: there is none of that id, or it belongs to another experiment.
    """
    run = tracking.run(run_id)
    if experiment_name is not None and tracking.experiment_of(run).name != experiment_name:
        raise RunNotFound(run_id)
    return run
