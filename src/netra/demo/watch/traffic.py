"""The little traffic of the watch: one user who logs in again and again with the right password.

It must never wait for one answer before it asks again: users don't wait for each other either.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from netra.demo.auth_service import Credentials
from netra.demo.control import FrontDoor

PAUSE_S: Final = 0.25
_MOST_AT_ONCE: Final = 40


class Traffic:
    """Logins, and how they were answered. Belongs to one event loop."""

    def __init__(self, front: FrontDoor, known: Credentials) -> None:
        self.answers: Counter[str] = Counter()
        """How often which status came, or `none`."""
        self._front = front
        self._body = json.dumps({"email": known.email, "password": known.password.reveal()}).encode()
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Log in until cancelled."""
        try:
            while True:
                if len(self._under_way) < _MOST_AT_ONCE:
                    login = asyncio.create_task(self._log_in())
                    self._under_way.add(login)
                    login.add_done_callback(self._under_way.discard)
                await asyncio.sleep(PAUSE_S)
        finally:
            for login in self._under_way:
                login.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _log_in(self) -> None:
        try:
            answer = await self._front.log_in(self._body)
        except (OSError, TimeoutError, EOFError):
            self.answers["none"] += 1
        else:
            self.answers[str(answer["status"])] += 1


@asynccontextmanager
async def flowing(traffic: Traffic) -> AsyncIterator[None]:
    """Traffic for as long as the block lasts."""
    logging_in = asyncio.create_task(traffic.run())
    try:
        yield
    finally:
        logging_in.cancel()
        await asyncio.gather(logging_in, return_exceptions=True)
