"""How many questions may be under way at once: the only queue on the path.

It must never let a caller wait longer than `wait_s`, nor lose a slot to a caller that was cancelled.
"""

import asyncio
from collections import deque
from typing import Final

WAIT_S: Final = 0.1


class Slots:
    """A bounded number of slots with a short, fair queue. One event loop owns it; not safe for threads."""

    def __init__(self, limit_count: int, wait_s: float = WAIT_S) -> None:
        self.limit_count = limit_count
        self.taken_count = 0
        self._wait_s = wait_s
        self._queue: deque[asyncio.Future[None]] = deque()

    def take_free(self) -> bool:
        """Take a slot if one is free; whoever takes one gives it back."""
        if self.taken_count >= self.limit_count:
            return False
        self.taken_count += 1
        return True

    async def take(self) -> bool:
        """Take a slot, or say that there was none in time; whoever takes one gives it back."""
        if self.take_free():
            return True
        if len(self._queue) >= self.limit_count:
            return False
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(self._wait_s):
                await turn
        except TimeoutError:
            self._withdraw(turn)
            return False
        except asyncio.CancelledError:
            self._withdraw(turn)
            raise
        return True

    def _withdraw(self, turn: "asyncio.Future[None]") -> None:
        if turn.done() and not turn.cancelled():
            self.give_back()
        elif turn in self._queue:
            self._queue.remove(turn)

    def give_back(self) -> None:
        """Hand a slot to whoever waits longest, or leave it free."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.taken_count -= 1
