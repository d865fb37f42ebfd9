"""What tests of the feed of revocations share: a service with pages, and the feed before it with all that it touches.

It must never wait for real time: the clock moves when a test says so.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from netra.core.events import RevocationFeed
from netra.core.token.revoked import Revocations
from netra.core.verdict.reply import Broken, Reply
from netra.testing.fakes import START_WALL_S, Asked, FakeClock, Held, Recorded, Scripted, ScriptedExchange, reply
from netra.upkeep.revocations import Feed
from tests.link.support import WIRE, link_to, until

LATER: Final = int(START_WALL_S) + 900
REFUSED: Final = Broken("connection_refused")
GONE: Final = reply(404, {"title": "Not Found"})
UP: Final = "up"
DOWN: Final = "down"


def item(number: int) -> dict[str, Any]:
    """What stands for one revocation: every third of a single token."""
    return {("sid", "sid", "jti")[number % 3]: f"id-{number}", "exp": LATER}


def known(revoked: Revocations, number: int) -> bool:
    """Does the store know this one, by the kind of its id?"""
    name = f"id-{number}"
    return revoked.holds(name, None) if number % 3 == 2 else revoked.holds(None, name)


class Service:
    """A feed with pages; a cursor that it does not know gets everything again."""

    def __init__(self, page_count: int = 2) -> None:
        self.numbers: list[int] = []
        self.page_count = page_count
        self.era = 1
        self.fails_with: Scripted | None = None
        self.after: list[str | None] = []
        """The cursors that were asked for."""

    def __call__(self, asked: Asked) -> Reply | Broken:
        cursor = asked.call.said["cursor"]
        assert cursor is None or isinstance(cursor, str)
        self.after.append(cursor)
        if self.fails_with is not None:
            failure = self.fails_with
            assert not isinstance(failure, Held)
            return failure(asked) if callable(failure) else failure
        era, _, place = (cursor or "").partition(".")
        at = int(place) if era == str(self.era) else 0
        page = self.numbers[at : at + self.page_count]
        return reply(200, {"cursor": f"{self.era}.{at + len(page)}", "items": [item(number) for number in page]})

    def asked(self) -> list[str | None]:
        """The cursors that were asked for so far, and forget them."""
        asked, self.after = self.after, []
        return asked


class Upkeep:
    """A feed with everything that it touches."""

    def __init__(self, service: Scripted, interval_s: float = 2.0, **changes: Any) -> None:
        self.clock = FakeClock(held=True)
        self.exchange = ScriptedExchange(then=service)
        self.told = Recorded()
        self.revoked = Revocations()
        self.link = link_to(self.exchange, self.clock, **changes)
        self.feed = Feed(WIRE, self.link, self.revoked, self.told, interval_s=interval_s, budget_s=2.0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The loop, until the end of the block; its first round has ended."""
        loop = asyncio.create_task(self.feed.run())
        await self.resting()
        try:
            yield
        finally:
            loop.cancel()
            with pytest.raises(asyncio.CancelledError):
                await loop
            await until(lambda: self.clock.sleeping_count == 0)

    async def resting(self) -> None:
        """Until a round has ended and the loop waits for the next one."""
        await until(lambda: self.clock.sleeping_count == 1)

    async def pass_s(self, seconds: float, step_s: float = 0.25) -> None:
        """Let time pass, in steps, with every round that falls due."""
        for _ in range(round(seconds / step_s)):
            self.clock.advance(step_s)
            for _ in range(20):
                await asyncio.sleep(0)
            await self.resting()

    def up(self) -> bool:
        """Does the feed say that we hear of what is revoked?"""
        return self.feed.up

    def states(self) -> list[tuple[str, str | None]]:
        """What observers were told so far."""
        return [(each.state, each.code) for each in self.told.of(RevocationFeed)]


def buggy(asked: Asked) -> Reply:
    """An exchange with a bug."""
    raise ZeroDivisionError("a value that nobody may read")
