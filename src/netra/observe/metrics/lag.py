"""How late the event loop is: whoever keeps it busy keeps every login waiting.

It must never be late itself for long: it looks twenty times a second and does nothing else.
"""

import asyncio
from collections import deque
from typing import Final

from netra.link.clock import Clock

_EVERY_S: Final = 0.05
"""A freeze is seen less what was left of the wait in which it began: by so much it may be told too short."""
_KEPT_COUNT: Final = 200
"""Ten seconds of them: a scrape every ten seconds misses none."""


class Lag:
    """A background loop of one gateway."""

    def __init__(self, clock: Clock) -> None:
        self.first_ended = asyncio.Event()
        """Set from the beginning: nobody has to wait for a first look."""
        self.first_ended.set()
        self._clock = clock
        self._late_s: deque[float] = deque(maxlen=_KEPT_COUNT)

    @property
    def worst_s(self) -> float:
        """By how much the loop was late at worst, in the last ten seconds."""
        return max(self._late_s, default=0.0)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            due_s = self._clock.now_s() + _EVERY_S
            await self._clock.sleep(_EVERY_S)
            self._late_s.append(max(0.0, self._clock.now_s() - due_s))
