"""What was revoked elsewhere, fetched from the auth service's feed: all of it at the start, then what is new.

It must never delay or fail a request, nor forget what it was told because the feed is down.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from netra.core.events import Event, RevocationFeed
from netra.core.token.revoked import RevocationStore
from netra.core.verdict.operations import REVOCATIONS, RevocationPage
from netra.core.verdict.outcomes import Accepted, Outcome, code_of
from netra.core.verdict.wire import Wire
from netra.link.calls import Link
from netra.upkeep.asking import ask_once, label
from netra.upkeep.crashes import crashed

INTERVAL_S: Final = 2.0
"""Between two rounds; with its jitter and a slow answer, a logout elsewhere takes effect within `DOWN_AFTER_S`."""
DOWN_AFTER_S: Final = 5.0
"""Without a good round for so long, or for two and a half intervals, we no longer hear of what was revoked."""
_MISSED_ROUNDS: Final = 2.5
"""Where rounds are made less often than usual, so many have to be missed."""
LONGEST_WAIT_S: Final = 30.0
"""Between two rounds while they fail, unless their interval is longer."""
SHORTEST_WAIT_S: Final = 0.25
"""Between two rounds however often somebody wants one at once."""
MAX_PAGES_COUNT: Final = 100
"""In one round; what is left then comes in the next ones."""
_PATIENT_COUNT: Final = 2
"""Failures in a row before the rounds come less often: what passes at once should not be noticed."""
_JITTER_RATIO: Final = 0.2
_REMINDER_S: Final = 60.0
_CURSOR_REFUSED: Final = frozenset({"request_not_understood", "endpoint_not_found"})
"""What an auth service may say that no longer knows our cursor: then all is asked for again."""


class _Round(NamedTuple):
    """How a round ended."""

    whole: bool
    """Was everything fetched that there is?"""
    code: str | None
    """Why it failed; None when it did not."""


class Feed:
    """Tells one store what was revoked. Made and run inside one event loop."""

    def __init__(
        self,
        wire: Wire,
        link: Link,
        revoked: RevocationStore,
        tell: Callable[[Event], None],
        *,
        budget_s: float,
        interval_s: float = INTERVAL_S,
    ) -> None:
        """`budget_s` is for each page. The wire has to offer the feed."""
        self._wire = wire
        self._link = link
        self._revoked = revoked
        self._tell = tell
        self._interval_s = interval_s
        self._down_after_s = max(DOWN_AFTER_S, _MISSED_ROUNDS * interval_s)
        self._budget_s = budget_s
        self._cursor: str | None = None
        self._failures_count = 0
        self._good_at_s: float | None = None
        self._told: RevocationFeed | None = None
        self._told_at_s = 0.0
        self._wanted = asyncio.Event()
        self.first_ended = asyncio.Event()
        """Set once the first round has ended, well or not."""

    @property
    def up(self) -> bool:
        """Do we hear of what is revoked? Not before the first good round, nor when none was good for a while."""
        good_at_s = self._good_at_s
        return good_at_s is not None and self._link.clock.now_s() - good_at_s <= self._down_after_s

    def soon(self) -> None:
        """Have the next round at once: something was revoked, and the feed may know more of it than we do."""
        self._wanted.set()

    async def run(self) -> None:
        """Go round until cancelled. A bug in a round is told, and the next round comes all the same."""
        clock = self._link.clock
        while True:
            self._wanted.clear()
            began_s = clock.now_s()
            try:
                ended = await self.once()
            except Exception as crash:  # noqa: BLE001 - a loop that ends unnoticed leaves logged-out sessions alive
                self._tell(crashed(label("revocations").request_id, crash, clock.now_s() - began_s))
                ended = _Round(whole=False, code="internal_error")
            self._note(ended)
            self.first_ended.set()
            await self._wait()

    async def once(self) -> _Round:
        """Fetch what is new, page by page, until nothing is or there were enough."""
        for _ in range(MAX_PAGES_COUNT):
            outcome = await self._page()
            if not isinstance(outcome, Accepted):
                code = code_of(outcome)
                if code in _CURSOR_REFUSED:
                    self._cursor = None
                return _Round(whole=False, code=code)
            page, before = outcome.value, self._cursor
            for each in page.items:
                self._revoked.add(each, self._link.clock.wall_s())
            self._cursor = page.cursor
            if not page.items or page.cursor == before:
                return _Round(whole=True, code=None)
        return _Round(whole=False, code=None)

    async def _page(self) -> Outcome[RevocationPage]:
        call = self._wire.call(REVOCATIONS, {"cursor": self._cursor}, label("revocations"))
        return await ask_once(call, self._link, self._budget_s)

    def _note(self, ended: _Round) -> None:
        """Remember how a round ended; observers are told when that changes, and now and then while we hear nothing."""
        now_s = self._link.clock.now_s()
        self._failures_count = self._failures_count + 1 if ended.code else 0
        if ended.whole:
            self._good_at_s = now_s
        now = RevocationFeed("up" if self.up else "down", ended.code)
        changed = self._told is None or now.state != self._told.state
        if changed or (now.state == "down" and now_s - self._told_at_s >= _REMINDER_S):
            self._told, self._told_at_s = now, now_s
            self._tell(now)

    async def _wait(self) -> None:
        """Until the next round: longer and longer after failures, shorter when somebody wants it."""
        clock = self._link.clock
        doublings_count = min(max(0, self._failures_count - _PATIENT_COUNT), 10)
        usual_s = min(self._interval_s * 2**doublings_count, max(LONGEST_WAIT_S, self._interval_s))
        jittered_s = usual_s * (1 - _JITTER_RATIO + 2 * _JITTER_RATIO * clock.rand())
        await clock.sleep(min(SHORTEST_WAIT_S, jittered_s))
        waits = [
            asyncio.ensure_future(clock.sleep(max(0.0, jittered_s - SHORTEST_WAIT_S))),
            asyncio.ensure_future(self._wanted.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
