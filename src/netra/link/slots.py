"""How many questions may be under way at once: the only queue on the path.

It must never let a caller wait longer than `wait_s`, nor lose a slot to a caller that was cancelled.
"""

import asyncio
from collections import deque
from typing import Final

from netra.core.pace.limiter import Limiter
from netra.core.verdict.operations import Urgency

WAIT_S: Final = 0.1


class Slots:
    """A bounded number of slots with a short queue: the most urgent first, and among these who came first.

    One event loop owns it; not safe for threads.
    """

    def __init__(self, limit_count: int, wait_s: float = WAIT_S) -> None:
        self.limit_count = limit_count
        """As of now: lower for a while after the auth service was overloaded; slots that are taken stay taken."""
        self.taken_count = 0
        self._limit = Limiter(limit_count)
        self._wait_s = wait_s
        self._queues: dict[Urgency, deque[asyncio.Future[None]]] = {urgency: deque() for urgency in Urgency}

    def overloaded(self, now_s: float) -> None:
        """The auth service shed the call that holds one of the slots: fewer at once, for a while."""
        self._limit.overloaded(self.taken_count, now_s)

    def regrow(self, now_s: float) -> None:
        """Take back what was given up, as time allows."""
        if self._limit.lowered:
            self.limit_count = self._limit.count(now_s)
            while self.taken_count < self.limit_count and self._hand_on():
                self.taken_count += 1

    def take_free(self) -> bool:
        """Take a slot if one is free; whoever takes one gives it back."""
        if self.taken_count >= self.limit_count:
            return False
        self.taken_count += 1
        return True

    async def take(self, urgency: Urgency = Urgency.CHECK) -> bool:
        """Take a slot, or say that there was none in time; whoever takes one gives it back."""
        if self.take_free():
            return True
        queue = self._queues[urgency]
        if len(queue) >= self.limit_count:
            return False
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout(self._wait_s):
                await turn
        except TimeoutError:
            self._withdraw(turn, queue)
            return False
        except asyncio.CancelledError:
            self._withdraw(turn, queue)
            raise
        return True

    def _withdraw(self, turn: "asyncio.Future[None]", queue: "deque[asyncio.Future[None]]") -> None:
        if turn.done() and not turn.cancelled():
            self.give_back()
        elif turn in queue:
            queue.remove(turn)

    def give_back(self) -> None:
        """Hand a slot to whoever is next in the queue, or leave it free."""
        if self.taken_count > self.limit_count or not self._hand_on():
            self.taken_count -= 1

    def _hand_on(self) -> bool:
        """Give a slot to the most urgent who waits; False when nobody does."""
        for queue in self._queues.values():
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return True
        return False
