"""How many questions may be under way at once: the only queue on the path.

It must never let a caller wait longer than `wait_s`, nor lose a slot to a caller that was cancelled.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Final, Self

WAIT_S: Final = 0.1


class Slots:
    """A bounded number of slots with a short, fair queue. One event loop owns it; not safe for threads."""

    def __init__(self, limit_count: int, wait_s: float = WAIT_S) -> None:
        self.limit_count = limit_count
        self.taken_count = 0
        self._wait_s = wait_s
        self._queue: deque[asyncio.Future[None]] = deque()

    def admit(self) -> "Slot":
        """A slot, to be taken with `async with`; its `granted` says whether there was one in time."""
        return Slot(self)

    async def take(self) -> bool:
        """Take a slot, or say that there was none in time; whoever takes one gives it back."""
        if self.taken_count < self.limit_count:
            self.taken_count += 1
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


class Slot:
    """One slot, lent for the time of an exchange."""

    __slots__ = ("_slots", "granted")

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self.granted = False

    async def __aenter__(self) -> Self:
        self.granted = await self._slots.take()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.granted:
            self._slots.give_back()
