"""``status.json``: what a supervisor says of itself, written when it changes."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from . import files
from .candidate_records import CandidateStatus
from .generation import Generation
from .logfile import RotatingLog, timestamp
from .records import Status, SupervisorState


class StatusFile:
    """The file, and what was last written to it."""

    def __init__(self, service_dir: Path, log: RotatingLog) -> None:
        self._path, self._log = service_dir / files.STATUS, log
        self._written: Status | None = None

    def write(self, status: Status) -> None:
        """Replace the file if it says something else; a disk that takes nothing is only complained of."""
        if status == self._written:
            return
        # Which generation served must be known after a power failure, and what a canary came to; the rest is
        # found out again.
        is_durable = self._written is None or _decided(self._written) != _decided(status)
        content = replace(status, updated_at=timestamp()).to_json()
        try:
            files.write_json(self._path, content, is_durable=is_durable)
        except OSError as error:
            self._log.say(f"{files.STATUS} cannot be written: {error.strerror}")
        else:
            self._written = status


def describe(
    generations: Mapping[int, Generation],
    wanted: int | None,
    candidate: CandidateStatus | None,
    *,
    is_stopping: bool,
    is_over: bool,
) -> Status:
    """Return what a supervisor of these generations says, without a time."""
    live = live_of(generations)
    shown = live or (None if wanted is None else generations.get(wanted))
    host, port = shown.address if shown else ("", None)
    return Status(
        pid=os.getpid(),
        state="stopped" if is_over else "stopping" if is_stopping else _state(generations, live),
        host=host,
        port=port,
        generation=live.number if live else None,
        generations=tuple(g.status() for _, g in sorted(generations.items())),
        updated_at="",
        candidate=candidate,
    )


def live_of(generations: Mapping[int, Generation]) -> Generation | None:
    """Return the generation that serves, or that did and is being started again."""
    in_use = [g for g in generations.values() if g.was_ready and g.state in ("starting", "ready")]
    ready = [g for g in in_use if g.state == "ready"]
    return max(ready or in_use, key=lambda g: g.number, default=None)


def _state(generations: Mapping[int, Generation], live: Generation | None) -> SupervisorState:
    if live is not None:
        return "running" if live.state == "ready" else "starting"
    states = {g.state for g in generations.values()}
    return "failed" if "failed" in states and "starting" not in states else "starting"


def _decided(status: Status) -> tuple[object, ...]:
    candidate = status.candidate
    return (status.generation, candidate and (candidate.generation, candidate.state, candidate.ends_at))
