"""The line in front of the scorers."""

import asyncio
import time

from moorage_server.calls import Call
from moorage_server.waiting import WaitingLine


def test_first_come_first_served_and_those_that_were_with_a_scorer_before_all():
    async def scenario():
        line = WaitingLine(0, lambda call: None)
        first, second, again, again_too = Call(), Call(), Call(), Call()
        line.join(first)
        line.join(second)
        line.rejoin([again, again_too])
        line.leave(second)
        line.leave(second)
        assert len(line) == 3
        assert line.first is again
        return [line.take() for _ in range(3)] == [again, again_too, first]

    assert asyncio.run(scenario())


def test_each_waits_only_so_long():
    async def scenario():
        expired = []
        line = WaitingLine(0.2, lambda call: expired.append((call, time.monotonic() - begin)))
        begin = time.monotonic()
        first, second, young = Call(), Call(), Call()
        line.join(first)
        await asyncio.sleep(0.1)
        line.join(second)
        line.rejoin([young])
        await asyncio.sleep(0.15)
        assert [call for call, _ in expired] == [first]
        assert list(map(id, [line.take()])) == [id(young)]
        await asyncio.sleep(0.2)
        assert [call for call, _ in expired] == [first, second]
        assert not line
        line.join(Call())
        line.close()
        await asyncio.sleep(0.25)
        return len(expired), len(line)

    assert asyncio.run(scenario()) == (2, 1)
