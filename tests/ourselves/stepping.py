"""Cancelling a coroutine at one of the places where it waits, and counting these places.

It must never look into what it steps through: it sees only what a task of the event loop sees.
"""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Stepped(Generic[T]):
    """Awaits a coroutine, and cancels the task that awaits it at the coroutine's n-th wait.

    `late`: not before that wait has had its end, so that its result is there and yet nobody takes it.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T], at: int, *, late: bool = False) -> None:
        self._coroutine = coroutine
        self._at = at
        self._late = late
        self.waits_count = 0
        """How often it has waited so far."""

    def __await__(self) -> Generator[Any, Any, T]:
        step, given = self._coroutine.send, None
        while True:
            try:
                waits_for = step(given)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return] # what a coroutine returns comes as an exception
            self.waits_count += 1
            if self.waits_count == self._at:
                self._cancel(waits_for)
            try:
                given = yield waits_for
                step = self._coroutine.send
            except BaseException as error:  # noqa: BLE001 - whatever is thrown in is for the coroutine
                given, step = error, self._coroutine.throw

    def _cancel(self, waits_for: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._late and isinstance(waits_for, asyncio.Future):
            # Called before the task is woken, which has not asked to be yet.
            waits_for.add_done_callback(lambda _: task.cancel())
        else:
            task.cancel()
