"""The smoke run: the script's own sample is scored once before the service is called ready."""

import asyncio
import json

from moorage_runtime import frames
from moorage_server.calls import Call
from moorage_server.description import ScriptDescription
from moorage_server.errors import ScriptFailed
from moorage_server.scorers import ScorerPool


class _SmokeCall(Call):
    """Keeps the answer for whoever waits for it."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[ScriptFailed | None] = asyncio.get_running_loop().create_future()

    def finish(self, type_: int, flags: int, kind: int, payload: bytes) -> None:
        if type_ == frames.RESULT:
            # Whatever run() returned is an answer, also a text that says what went wrong.
            if not flags & frames.STREAMED:
                self._settle(None)
            return
        try:
            content = json.loads(payload)
            text, trace = str(content["message"]), str(content.get("traceback") or "")
        except (ValueError, KeyError, TypeError, AttributeError):
            text, trace = "the scorer answered the sample with an error that is not understood", ""
        self._settle(ScriptFailed("smoke", f"the sample of the script could not be scored: {text}", trace))

    def chunk(self, flags: int, payload: bytes) -> None:
        if flags & frames.ABORTED:
            self._settle(ScriptFailed("smoke", "the answer to the sample broke off"))
        elif flags & frames.LAST:
            self._settle(None)

    def lost(self, reason: str) -> None:
        self._settle(ScriptFailed("smoke", f"the sample of the script could not be scored: {reason}"))

    def expire(self) -> None:
        self._settle(ScriptFailed("smoke", "the sample of the script was not scored in time"))

    def _settle(self, failure: ScriptFailed | None) -> None:
        if not self.answer.done():
            self.answer.set_result(failure)


async def smoke_run(pool: ScorerPool, description: ScriptDescription) -> None:
    """Score the sample, if there is one.

    Raises:
        ScriptFailed: ``run`` raised, timed out, or ended its process.
    """
    if description.sample is None or description.mode == "raw":
        return
    payload = description.sample.encode()
    kind = frames.JSON if description.mode in ("keyword", "model") else frames.TEXT
    flags = 0
    if description.wants_headers:
        flags |= frames.HAS_HEADERS
        payload = frames.join_section(b"[]", payload)
    call = _SmokeCall()
    call.request_id = pool.next_id()
    call.frame = frames.pack(frames.SCORE, payload, flags, kind, call.request_id)
    if not pool.submit(call):
        raise ScriptFailed("smoke", "the service may not hold a single request")
    failure = await call.answer
    if failure is not None:
        raise failure
