"""Constant load: people who log in one after the other, over new connections and kept ones, until it is enough.

It must never forget a login: each ends as its status, or as what became of its connection.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

from tests.ourselves.support import JSON
from tests.support import wire
from tests.support.gateways import EMAIL, LOGIN, PASSWORD
from tests.support.wire import KeptLine

_BODY: Final = wire.as_json({"email": EMAIL, "password": PASSWORD})
REFUSED: Final = "refused"
"""Nobody listened: nothing was sent."""
_PAUSE_S: Final = 0.005


class Load:
    """So many people at once, half of them over connections that they keep."""

    def __init__(self, url: str, count: int) -> None:
        self._url = url
        self._count = count
        self._enough = asyncio.Event()
        self.ended: Counter[object] = Counter()
        """How many logins ended as what: a status, or a word."""

    @contextlib.asynccontextmanager
    async def going_on(self) -> AsyncIterator["Load"]:
        """From here to the end of the block; what is under way then is awaited."""
        people = [asyncio.create_task(self._person(keeps=number % 2 == 0)) for number in range(self._count)]
        try:
            yield self
        finally:
            self._enough.set()
            await asyncio.gather(*people)

    async def some_more(self, count: int) -> None:
        """Wait until so many more have succeeded."""
        wanted = self.ended[200] + count
        async with asyncio.timeout(30):
            while self.ended[200] < wanted:
                await asyncio.sleep(0.01)

    async def _person(self, *, keeps: bool) -> None:
        line: KeptLine | None = None
        while not self._enough.is_set():
            try:
                line = line or await KeptLine.to(self._url)
            except ConnectionRefusedError:
                self.ended[REFUSED] += 1
                await asyncio.sleep(_PAUSE_S)
                continue
            line = await self._log_in(line, keeps=keeps)
            await asyncio.sleep(_PAUSE_S)
        if line is not None:
            line.close()

    async def _log_in(self, line: KeptLine, *, keeps: bool) -> KeptLine | None:
        """One login; the connection, if it is good for another one."""
        headers = [JSON, ("Connection", "keep-alive" if keeps else "close")]
        try:
            line.writer.write(wire.message("POST", LOGIN, headers, _BODY))
            answer = await line.answer()
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            self.ended[type(error).__name__] += 1
            line.close()
            return None
        self.ended[answer.status] += 1
        if keeps and answer.header("connection") != "close":
            return line
        line.close()
        return None
