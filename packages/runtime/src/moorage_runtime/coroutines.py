"""``async def run``: an event loop of its own, kept between the requests."""

import functools
import inspect
import os
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Iterator, Optional

if TYPE_CHECKING:  # loaded only for scripts that need it: it takes as long as the rest of the runtime
    import asyncio

_PATIENCE_S = 1.0  # for a cancelled call to clean up


def plain(function: Any) -> Any:
    """Return what is inside wrappers and partials, or the ``__call__`` of an object."""
    while isinstance(function, functools.partial):
        function = function.func
    try:
        function = inspect.unwrap(function)
    except ValueError:  # wrappers in a circle
        pass
    if not (inspect.isroutine(function) or inspect.isclass(function)):
        function = getattr(type(function), "__call__", function)  # noqa: B004 - the method is wanted
    return function


class EventLoop:
    """Runs one coroutine at a time to its end; background tasks go on while one runs."""

    def __init__(self) -> None:
        self._loop: Optional["asyncio.AbstractEventLoop"] = None
        self._owner = 0

    def _get(self) -> "asyncio.AbstractEventLoop":
        import asyncio  # noqa: PLC0415

        # A child of a preloaded process must not share the selector of its parent.
        if self._loop is None or self._loop.is_closed() or self._owner != os.getpid():
            self._owner = os.getpid()
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop

    def run(self, coroutine: Any) -> Any:
        """Return the result of ``coroutine``.

        A TimeoutError that interrupts the loop itself (it was waiting) cancels the coroutine, which may
        catch that and return a result all the same.
        """
        loop = self._get()
        task = loop.create_task(coroutine)
        try:
            return loop.run_until_complete(task)
        except TimeoutError:
            if task.done():
                raise
            self._cancel(loop, task)
            if task.done() and not task.cancelled() and task.exception() is None:
                return task.result()
            raise
        except BaseException:
            if not task.done():
                self._cancel(loop, task)
            raise

    def _cancel(self, loop: "asyncio.AbstractEventLoop", task: Any) -> None:
        import asyncio  # noqa: PLC0415

        task.cancel()
        try:
            loop.run_until_complete(asyncio.wait([task], timeout=_PATIENCE_S))
        except RuntimeError:
            pass
        if not task.done():
            # It cannot be stopped; whatever belongs to this loop is left behind with it.
            self._loop = None

    def iterate(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        """Yield the items of an asynchronous generator; it is closed with this iterator."""
        try:
            while True:
                try:
                    item = self.run(_next(items))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                self.run(_await(close))


async def _next(items: AsyncIterator[Any]) -> Any:
    return await items.__anext__()


async def _await(function: Callable[[], Any]) -> Any:
    return await function()
