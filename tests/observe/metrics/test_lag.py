"""A frozen event loop is seen, whenever in its own pause the freeze begins.

It must never say how fast this machine is: the freeze is made here, and is longer than the pauses.
"""

import asyncio
import time
from typing import Final

from netra.link.clock import SystemClock
from netra.observe.metrics.lag import Lag

FREEZE_S: Final = 0.3
PAUSE_S: Final = 0.05
"""How much of a freeze may be missed."""


async def test_a_freeze_of_the_event_loop_is_not_missed() -> None:
    lag = Lag(SystemClock())
    watching = asyncio.create_task(lag.run())
    await asyncio.sleep(0)  # it has begun to wait
    time.sleep(FREEZE_S)  # noqa: ASYNC251 - that is what is to be seen
    async with asyncio.timeout(10.0):
        while lag.worst_s < FREEZE_S - PAUSE_S - 0.01:
            await asyncio.sleep(0.01)
    watching.cancel()
