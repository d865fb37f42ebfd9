"""One question under way for everybody who asks it at that moment: only misses of the cache and renewals come here.

It must never let one caller's leaving end the question for the others, nor remember an answer once it is there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class Abandoned(Exception):
    """The flight was called off before it had an answer, or there are no more flights: the program is stopping."""


class Flights(Generic[K, T]):
    """Questions under way by key. One event loop owns it.

    Two callers share an answer exactly when their keys are equal, so a key holds all that the answer depends on. There
    are as many flights at once as there are different questions under way; what bounds those, slots and deadlines,
    bounds the flights.
    """

    __slots__ = ("_closed", "_under_way")

    def __init__(self) -> None:
        self._closed = False
        self._under_way: dict[K, asyncio.Task[T]] = {}

    @property
    def under_way_count(self) -> int:
        """How many questions are under way."""
        return len(self._under_way)

    async def join(self, key: K, make: Callable[[], Awaitable[T]]) -> T:
        """The answer to the question that is under way for `key`; if there is none, `make` asks it.

        Whoever joins gets what the first one's `make` came to, within the first one's deadline, its exception included.
        A caller that is cancelled stops waiting, and that is all: the question goes on to its end, even if nobody waits
        for it any more, so what is to be remembered of the answer is remembered by `make`. An exception that nobody
        waits for is dropped. Raises Abandoned.
        """
        flight = self._under_way.get(key)
        if flight is None or flight.done():
            if self._closed:
                raise Abandoned
            flight = asyncio.create_task(_fly(make))
            self._under_way[key] = flight
            flight.add_done_callback(lambda ended: self._land(key, ended))
        # Not asyncio.shield: it tells the event loop of an exception whose caller has left, in some versions of Python.
        landed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        flight.add_done_callback(partial(_wake, landed))
        await landed
        if flight.cancelled():
            raise Abandoned
        return flight.result()

    def _land(self, key: K, flight: "asyncio.Task[T]") -> None:
        if self._under_way.get(key) is flight:
            del self._under_way[key]
        if not flight.cancelled():
            flight.exception()  # Seen, although perhaps nobody is left to whom it could be told.

    async def close(self) -> None:
        """Call off what is under way, wait until it has ended, and let nothing new begin."""
        self._closed = True
        under_way = list(self._under_way.values())
        for flight in under_way:
            flight.cancel()
        if under_way:
            await asyncio.wait(under_way)


def _wake(landed: "asyncio.Future[None]", flight: "asyncio.Task[T]") -> None:
    if not landed.done():
        landed.set_result(None)


async def _fly(make: Callable[[], Awaitable[T]]) -> T:
    return await make()
