"""Waiting for something for a limited time."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")


async def within(seconds: float, awaitable: Awaitable[Result]) -> Result:
    """Return what ``awaitable`` returns; cancel it when time is up.

    ``asyncio.wait_for`` before Python 3.12 loses a cancellation that comes together with the result: a loop
    around it then goes on for ever.

    Raises:
        asyncio.TimeoutError: it took longer.
    """
    task = asyncio.ensure_future(awaitable)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.cancel()
        await asyncio.wait({task})
        if task.cancelled():
            raise asyncio.TimeoutError
    return task.result()
