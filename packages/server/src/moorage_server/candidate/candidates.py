"""What a front does about a second revision: look for instructions, bring it up, report, let it go."""

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moorage_server.app import App
from moorage_server.candidate.instruction import (
    INSTRUCTION_FILE,
    MIRROR_FILE,
    Instruction,
    InvalidInstruction,
)
from moorage_server.candidate.surroundings import Surroundings
from moorage_server.errors import InvalidSettings, ScriptFailed
from moorage_server.events import Events
from moorage_server.settings import read_settings
from moorage_server.supervision.candidate_records import Counts
from moorage_server.supervision.files import read_json
from moorage_server.supervision.judging import verdict

if TYPE_CHECKING:
    from moorage_server.candidate.companion import Companion

logger = logging.getLogger(__name__)


class Candidates:
    """At most one second revision at a time. Without one, requests take the way they always take."""

    def __init__(self, folder: Path, app: App, events: Events, surroundings: Surroundings) -> None:
        """Watch ``folder``, that of the front's settings; `look` is to be called about once per second."""
        self._path = folder / INSTRUCTION_FILE
        self._report_path = folder / MIRROR_FILE
        self._app = app
        self._events = events
        self._surroundings = surroundings
        self._mark: tuple[int, ...] | None = None
        self._wanted: Instruction | None = None
        self._current: Companion | None = None
        self._starting: asyncio.Task[None] | None = None
        self._leaving: dict[asyncio.Task[None], Companion | None] = {}
        self._reported: dict[str, Any] = {}

    def look(self) -> None:
        """Do what the instruction says now, and report how it goes."""
        if not self._app.pool.is_started:
            return
        mark = _mark_of(self._path)
        if mark != self._mark:
            self._mark = mark
            wanted = self._read()
            if wanted != self._wanted:
                self._wanted = wanted
                self._turn()
        self._report()

    async def stop(self) -> None:
        """End everything at once: the front has answered all it will answer."""
        self._wanted = None
        self._turn()
        for companion in self._leaving.values():
            if companion is not None:
                companion.must_hurry = True
        await asyncio.gather(*self._leaving)

    def _read(self) -> Instruction | None:
        content = read_json(self._path)
        if content is None:
            return None
        try:
            return Instruction.from_json(content)
        except InvalidInstruction as error:
            logger.error("%s is not used: %s", self._path, error)
            return None

    def _turn(self) -> None:
        """Let the present one go, if there is one, and bring up what is wanted."""
        self._leave_alone()
        self._let_go(self._current, self._starting)
        self._current = self._starting = None
        self._reported = {}
        if self._wanted is None:
            return
        self._events.candidate(self._wanted.generation, "starting")
        self._starting = asyncio.ensure_future(self._bring_up(self._wanted))

    async def _make(self, instruction: Instruction) -> "Companion":
        # Late: few services ever have two revisions at once.
        from moorage_server.candidate.canary import Canary
        from moorage_server.candidate.mirror import Mirror

        kind = Mirror if instruction.kind == "mirror" else Canary
        settings = kind.adapt(read_settings(instruction.settings))
        pool = await self._surroundings.pool(settings, lambda pids: None)
        if instruction.kind == "mirror":
            return Mirror(instruction, pool, self._app, self._report_path)
        return Canary(instruction, pool, self._app, self._report)

    async def _bring_up(self, instruction: Instruction) -> None:
        companion: Companion | None = None
        try:
            companion = self._current = await self._make(instruction)
            await companion.start()
        except (ScriptFailed, InvalidSettings) as error:
            self._current = None
            failure = error if isinstance(error, ScriptFailed) else ScriptFailed("settings", str(error))
            self._fail(instruction, failure)
            if companion is not None:
                companion.must_hurry = True
                await companion.leave()
            return
        # A copy needs the whole body, and so does a script that does not read it piece by piece.
        self._app.buffers_bodies = instruction.kind == "mirror" or not companion.app.scoring.takes_streams
        self._app.more_metrics = lambda: revision_metrics(companion)
        self._app.score_with(companion.score)
        logger.info("revision %d takes part as %s", instruction.generation, instruction.kind)
        self._reported = companion.report()
        self._events.candidate(instruction.generation, "serving", **self._reported)

    def _leave_alone(self) -> None:
        """Let the application score as if there had never been another revision."""
        self._app.score_with(None)
        self._app.buffers_bodies = False
        self._app.more_metrics = None

    def _fail(self, instruction: Instruction, failure: ScriptFailed) -> None:
        logger.error("revision %d cannot take part: %s", instruction.generation, failure.message)
        self._events.candidate(instruction.generation, "failed", error=failure.as_json())

    def _let_go(self, companion: "Companion | None", starting: "asyncio.Task[None] | None") -> None:
        if starting is not None:
            starting.cancel()

        async def leave() -> None:
            if starting is not None:
                with contextlib.suppress(asyncio.CancelledError):
                    await starting
            if companion is not None:
                await companion.leave()

        task = asyncio.ensure_future(leave())
        self._leaving[task] = companion
        task.add_done_callback(self._leaving.pop)

    def _report(self) -> None:
        companion = self._current
        if companion is None or self._starting is None or not self._starting.done():
            return
        if companion.instruction.kind == "canary" and companion.app.pool.is_down:
            text = "its scorers end, and no new one can be started"
            self._leave_alone()
            self._let_go(companion, None)
            self._current = None
            self._fail(companion.instruction, ScriptFailed("start", text))
            return
        report = companion.report()
        counts = Counts.from_json(report)
        failure = verdict(counts) if companion.instruction.kind == "canary" else None
        if failure is not None:
            # Not when the supervisor says so: that takes a second, and clients would pay for it.
            self._leave_alone()
            if counts.hanging:
                # What hangs is given as long again; then its clients get an error instead of nothing.
                asyncio.get_running_loop().call_later(counts.slow_after_ms / 1000, companion.hurry)
            self._let_go(companion, None)
            self._current = None
            logger.error("revision %d is worse: %s", companion.instruction.generation, failure.message)
            error = {"stage": failure.stage, "message": failure.message}
            self._events.candidate(companion.instruction.generation, "failed", error=error, **report)
            return
        if report != self._reported:
            self._reported = report
            self._events.candidate(companion.instruction.generation, "serving", **report)


def revision_metrics(companion: "Companion") -> bytes:
    """Return the text for Prometheus about both revisions, told apart by a label."""
    from moorage_server.candidate.exposition import revisions_text  # late: few ask for it

    return revisions_text(companion)


def _mark_of(path: Path) -> tuple[int, ...] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return (facts.st_ino, facts.st_mtime_ns, facts.st_size)
