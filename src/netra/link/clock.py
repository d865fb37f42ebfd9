"""Time and chance, in one place, so that decisions are told them and tests can own them.

It must never be read by `core`: pure decisions receive what it says.
"""

import asyncio
import random
import time
from typing import Protocol


class Clock(Protocol):
    """What the path needs of time and chance."""

    def now_s(self) -> float:
        """Monotonic seconds."""
        ...

    def wall_s(self) -> float:
        """Epoch seconds."""
        ...

    def rand(self) -> float:
        """Uniform in [0, 1)."""
        ...

    async def sleep(self, wait_s: float) -> None:
        """Let `wait_s` seconds pass."""
        ...


class SystemClock:
    """The machine's clock, and its pseudo-random numbers (for jitter only, never for keys)."""

    now_s = staticmethod(time.monotonic)
    wall_s = staticmethod(time.time)
    rand = staticmethod(random.random)
    sleep = staticmethod(asyncio.sleep)
