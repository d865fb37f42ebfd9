"""How many questions may be under way at once: the only queue on the path.

It must never let a caller wait longer than `wait_s`, nor lose a slot to a caller that was cancelled.
"""

import asyncio
from collections import deque
from math import ceil
from typing import Final

from netra.core.pace.limiter import Limiter
from netra.core.verdict.operations import Urgency

WAIT_S: Final = 0.1
SHARE_RATIO: Final = 0.8
"""Logins, and checks of tokens, take at most so many of the slots each: whichever hangs or comes in floods, of the
others some get through."""
LEAST_LOGINS_RATIO: Final = 0.25
"""What lateness leaves of these: an auth service that is slow, but not for the load, must still be asked."""


class Slots:
    """A bounded number of slots with a short queue: the most urgent first, and among these who came first.

    One event loop owns it; not safe for threads.
    """

    def __init__(self, limit_count: int, wait_s: float = WAIT_S) -> None:
        self.limit_count = limit_count
        """As of now: lower for a while after the auth service was overloaded; slots that are taken stay taken."""
        self.taken_count = 0
        share_count = ceil(SHARE_RATIO * limit_count)
        self._taken = [0 for _ in Urgency]
        self._shares = [share_count for _ in Urgency]
        """Of each urgency, how many are under way, and how many may be."""
        self._shares[Urgency.RENEWAL] = limit_count
        self._limit = Limiter(limit_count)
        self._logins_limit = Limiter(share_count, LEAST_LOGINS_RATIO)
        self._wait_s = wait_s
        self._queues: dict[Urgency, deque[asyncio.Future[None]]] = {urgency: deque() for urgency in Urgency}

    @property
    def logins_count(self) -> int:
        """How many slots logins have taken."""
        return self._taken[Urgency.LOGIN]

    @property
    def logins_limit_count(self) -> int:
        """How many of the slots logins may take; lower for a while after they were late."""
        return self._shares[Urgency.LOGIN]

    def overloaded(self, now_s: float) -> None:
        """The auth service shed the call that holds one of the slots: fewer at once, for a while."""
        self._limit.overloaded(self.taken_count, now_s)

    def took(self, urgency: Urgency, budget_ratio: float, now_s: float) -> None:
        """The call that holds one of the slots took this share of its budget: logins that are late are too many."""
        if urgency is Urgency.LOGIN:
            self._logins_limit.took(budget_ratio, self._taken[urgency], now_s)

    def regrow(self, now_s: float) -> None:
        """Take back what was given up, as time allows."""
        if self._limit.lowered or self._logins_limit.lowered:
            self.limit_count = self._limit.count(now_s)
            self._shares[Urgency.LOGIN] = self._logins_limit.count(now_s)
            self._hand_on()

    def take_free(self, urgency: Urgency = Urgency.CHECK) -> bool:
        """Take a slot if one is free; whoever takes one gives it back."""
        if self.taken_count >= self.limit_count or self._taken[urgency] >= self._shares[urgency]:
            return False
        self._taken[urgency] += 1
        self.taken_count += 1
        return True

    async def take(self, urgency: Urgency = Urgency.CHECK) -> bool:
        """Take a slot, or say that there was none in time; whoever takes one gives it back."""
        if self.take_free(urgency):
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
            self._withdraw(turn, urgency)
            return False
        except asyncio.CancelledError:
            self._withdraw(turn, urgency)
            raise
        return True

    def _withdraw(self, turn: "asyncio.Future[None]", urgency: Urgency) -> None:
        if turn.done() and not turn.cancelled():
            self.give_back(urgency)
        elif turn in self._queues[urgency]:
            self._queues[urgency].remove(turn)

    def give_back(self, urgency: Urgency = Urgency.CHECK) -> None:
        """Leave a slot to whoever is next in the queue, or free; `urgency` as when it was taken."""
        self._taken[urgency] -= 1
        self.taken_count -= 1
        if any(self._queues.values()):
            self._hand_on()

    def _hand_on(self) -> None:
        """Give what is free to those who wait, the most urgent first."""
        for urgency, queue in self._queues.items():
            while queue and (queue[0].done() or self.take_free(urgency)):
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
