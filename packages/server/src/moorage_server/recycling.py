"""Replacing scorers that have grown too large, without failing a request.

Many scripts leak a little with every request. A scorer whose memory passes the limit is replaced as a
generation is: another one loads the script beside it, takes what comes, and the old one leaves when it has
answered what it was given.
"""

import asyncio
import logging
import os
from typing import TYPE_CHECKING

from moorage_runtime import frames
from moorage_server.scorer import Scorer

if TYPE_CHECKING:
    from moorage_server.scorers import ScorerPool

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
# A script that is larger than the limit as soon as it is loaded must not be loaded for ever.
PAUSE_S = 30.0
_DRAIN_POLL_S = 0.02
_STOP_WITHIN_S = 5.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Recycling:
    """Looks at the memory of all scorers of a pool once a second; one is replaced at a time."""

    def __init__(self, pool: "ScorerPool", limit_bytes: int) -> None:
        self._pool = pool
        self._limit_bytes = limit_bytes
        self._next_number = pool.settings.worker_count

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for scorer in list(self._pool.scorers):
                size_bytes = memory_bytes(scorer.process.pid) if scorer.is_ready and scorer.process else 0
                if size_bytes > self._limit_bytes and not await self._replace(scorer, size_bytes):
                    await asyncio.sleep(PAUSE_S)

    async def _replace(self, old: Scorer, size_bytes: int) -> bool:
        """Put another scorer in the place of ``old``; False if that does not help."""
        pool = self._pool
        logger.warning(
            "scorer %d uses %d MB, more than the %d MB allowed, and is replaced",
            old.number,
            size_bytes // 2**20,
            self._limit_bytes // 2**20,
        )
        new = Scorer(pool, self._next_number)
        self._next_number += 1
        pool.newcomers.append(new)
        try:
            await new.start()
            await new.settled
        finally:
            pool.newcomers.remove(new)
            if not new.is_ready:
                new.kill()
        if not new.is_ready:
            reason = new.failure.message if new.failure else "it ended at once"
            logger.error("scorer %d stays, the one in its place failed: %s", old.number, reason)
            return False
        if not old.is_ready:
            # It died meanwhile, and is being started again: one of the two is enough.
            pool.retire(new)
            await self._let_go(new)
            return True
        pool.scorers[pool.scorers.index(old)] = new
        pool.retire(old)
        pool.scorers_changed()
        await self._let_go(old)
        pool.scorers_changed()
        assert new.process is not None
        return memory_bytes(new.process.pid) <= self._limit_bytes

    async def _let_go(self, old: Scorer) -> None:
        while old.connection is not None and old.connection.in_flight:  # noqa: ASYNC110 - rare, and short
            await asyncio.sleep(_DRAIN_POLL_S)
        process = old.process
        if old.connection is not None:
            old.connection.transport.write(frames.pack(frames.STOP))
        if process is None:
            return
        try:
            await asyncio.wait_for(process.ended.wait(), _STOP_WITHIN_S)
        except asyncio.TimeoutError:
            old.kill()


def memory_bytes(pid: int) -> int:
    """Return how much memory a process has to itself and in use; 0 if that cannot be known here.

    What is shared with others (libraries, a model that was loaded before a fork) does not count.
    """
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123 - read every second
            _, resident, shared = (int(word) for word in file.read().split()[:3])
    except (OSError, ValueError):
        return 0
    return (resident - shared) * _PAGE_BYTES
