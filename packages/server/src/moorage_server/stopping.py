"""When a front ends: by a signal, or because nobody supervises it any more."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)


def stop_when_told(stop: Callable[[], None], leash_fd: int | None) -> None:
    """Call ``stop`` on SIGTERM and SIGINT, and when the other end of the leash (a pipe) is gone.

    To be called on the running event loop.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)

    def on_leash(descriptor: int) -> None:
        loop.remove_reader(descriptor)
        logger.warning("nobody supervises this service any more: it finishes its requests and ends")
        stop()

    if leash_fd is not None:
        loop.add_reader(leash_fd, on_leash, leash_fd)


async def unless_stopped(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> bool:
    """Do ``work`` and return True, or cancel it and return False when ``stop`` is set meanwhile."""
    starting = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        return False
    stopping.cancel()
    starting.result()
    return True
