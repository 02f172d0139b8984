"""Waiting for a limited time, and being cancelled while one waits."""

import asyncio

import pytest

from moorage_server.deadlines import within


def test_the_result_and_the_error_are_those_of_what_is_waited_for():
    async def fail():
        raise KeyError("x")

    async def main():
        assert await within(10, asyncio.sleep(0, "done")) == "done"
        with pytest.raises(KeyError):
            await within(10, fail())

    asyncio.run(main())


def test_what_takes_too_long_is_cancelled():
    async def main():
        seen = []

        async def long():
            try:
                await asyncio.sleep(60)
            finally:
                seen.append("cancelled")

        with pytest.raises(asyncio.TimeoutError):
            await within(0.01, long())
        assert seen == ["cancelled"]

    asyncio.run(main())


def test_a_cancellation_together_with_the_result_is_not_lost():
    async def main():
        future = asyncio.get_running_loop().create_future()
        waiting = asyncio.create_task(within(10, future))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        future.set_result("at the same time")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())


def test_a_loop_around_it_ends_when_it_is_cancelled():
    async def poll():
        while True:
            await within(10, asyncio.sleep(0))

    async def main():
        for turns in range(30):
            task = asyncio.create_task(poll())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=10)
            assert done
            assert task.cancelled()

    asyncio.run(main())
