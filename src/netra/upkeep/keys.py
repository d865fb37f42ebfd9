"""The key set by which tokens are checked: fetched ahead of need, and kept through every outage.

It must never lose a good set for a bad one, nor let strangers' tokens decide how often the issuer is asked.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from netra.core.events import Event, KeysChanged
from netra.core.token.jwt import Header
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import KEYS, Jwks
from netra.core.verdict.outcomes import NO_FACTS, Accepted, Outcome, Unknown, unknown
from netra.core.verdict.retry_after import clamp
from netra.core.verdict.wire import Wire
from netra.link.calls import Link
from netra.link.clock import Clock
from netra.upkeep.asking import ask_once, label
from netra.upkeep.crashes import crashed
from netra.upkeep.keyset import KeySet, read_keys

Fetch = Callable[[], Awaitable[Outcome[Jwks]]]
"""Asks the issuer for its published keys, e.g. `ask_for_keys`. Bounded in time by itself."""

MAX_AGE_S: Final = 600.0
REFRESH_RATIO: Final = 0.8
"""At this share of its age a set is fetched anew: one failure is no reason to grow old."""
JITTER_RATIO: Final = 0.1
"""By how much that may be earlier or later, so that many gateways don't come at once."""
LEAST_WAIT_S: Final = 1.0
MOST_WAIT_S: Final = 60.0
"""How long to wait after a fetch that failed: from the first of these, doubled each time, to the second."""
ON_DEMAND_S: Final = 10.0
"""Tokens of unknown keys cause one fetch in this time, and a set that is younger says which keys there are."""
REMINDER_S: Final = 60.0
REFUSED: Final = "keys_refused"
"""Told of a set that came, and cannot be used."""


async def ask_for_keys(wire: Wire, link: Link, budget_s: float) -> Outcome[Jwks]:
    """One question for the keys."""
    return await ask_once(wire.call(KEYS, {}, label("keys")), link, budget_s)


class KeyRing:
    """The keys of one issuer, as they were last seen. Made and run inside one event loop."""

    def __init__(
        self, fetch: Fetch, clock: Clock, tell: Callable[[Event], None], *, max_age_s: float = MAX_AGE_S
    ) -> None:
        """`max_age_s`: how old a set may become while the issuer can be asked."""
        self.current: KeySet | None = None
        """The last good set; None until there was one."""
        self.fetched_at_s: float | None = None
        """When the fetch began that brought it (monotonic)."""
        self.last_code: str | None = None
        """Why the latest fetch brought nothing; None when it did, or before it has ended."""
        self.first_ended = asyncio.Event()
        """Set once the first fetch has ended, well or not."""
        self._fetch = fetch
        self._clock = clock
        self._tell = tell
        self._max_age_s = max_age_s
        self._under_way: asyncio.Task[None] | None = None
        self._failures_count = 0
        self._next_at_s = clock.now_s()
        self._demanded_at_s: float | None = None
        self._told_at_s: float | None = None
        self._ended = False

    def age_s(self, now_s: float) -> float | None:
        """How old the set is; None while there is none."""
        return None if self.fetched_at_s is None else now_s - self.fetched_at_s

    async def run(self) -> None:
        """Keep the set fresh until cancelled; a fetch that is under way then is cancelled, too."""
        try:
            while True:
                await asyncio.wait({self._under_way or self._begin()})
                while (wait_s := self._next_at_s - self._clock.now_s()) > 0:
                    await self._clock.sleep(wait_s)
        finally:
            self._ended = True
            if self._under_way is not None:
                self._under_way.cancel()

    async def for_token(self, header: Header, began_at_s: float, wait_until_s: float) -> KeySet | Unknown:
        """The set that may judge a token: one that has its key, or one that is new enough to say that there is none.

        `began_at_s`: when the token came; `wait_until_s`: how long its bearer can wait (both monotonic). A token that
        names no key is judged by the current set; `newer` has what may have come since.
        """
        current = self.current
        if current is not None and current.knows(header):
            return current
        return await self.newer(began_at_s, wait_until_s, header)

    async def newer(self, began_at_s: float, wait_until_s: float, header: Header | None = None) -> KeySet | Unknown:
        """A set that was fetched since a token came, or so lately that it makes no difference, or that has its key.

        All who ask share one fetch, which goes on when one of them leaves. Unknown where there is no such set in time.
        """
        while True:
            current = self.current
            if current is not None and (self._is_newer(began_at_s) or (header is not None and current.knows(header))):
                return current
            fetch = self._under_way or self._begin_on_demand()
            if fetch is None:
                return self._unavailable()
            left_s = wait_until_s - self._clock.now_s()
            done, _ = await asyncio.wait({fetch}, timeout=max(0.0, left_s))
            if not done:
                return self._unavailable()

    def _is_newer(self, began_at_s: float) -> bool:
        at_s = self.fetched_at_s
        return at_s is not None and (at_s >= began_at_s or self._clock.now_s() - at_s < ON_DEMAND_S)

    def _begin_on_demand(self) -> "asyncio.Task[None] | None":
        """A fetch because of a token, unless there was one lately: whoever invents keys causes no more."""
        now_s = self._clock.now_s()
        lately = self._demanded_at_s is not None and now_s - self._demanded_at_s < ON_DEMAND_S
        if lately or self._ended:
            return None
        self._demanded_at_s = now_s
        return self._begin()

    def _begin(self) -> "asyncio.Task[None]":
        self._under_way = asyncio.get_running_loop().create_task(self._once(self._clock.now_s()))
        return self._under_way

    async def _once(self, began_at_s: float) -> None:
        try:
            self._settle(await self._fetch(), began_at_s)
        except Exception as crash:  # noqa: BLE001 - a bug of ours must not end the loop, nor reach those who wait
            self._tell(crashed(label("keys").request_id, crash, self._clock.now_s() - began_at_s))
            self._failed("internal_error", "", None)
        finally:
            self._under_way = None
            self.first_ended.set()

    def _settle(self, outcome: Outcome[Jwks], began_at_s: float) -> None:
        if not isinstance(outcome, Accepted):
            facts = outcome.facts if isinstance(outcome, Unknown) else NO_FACTS
            self._failed(outcome.cause.code, facts.get("reason", ""), outcome.retry_after_s)
            return
        keys = read_keys(outcome.value)
        if isinstance(keys, str):
            self._failed(REFUSED, keys, None)
            return
        before, well = self.current, self.last_code is None
        self.current, self.fetched_at_s, self.last_code = keys, began_at_s, None
        self._failures_count, self._told_at_s = 0, None
        spread = 1 - JITTER_RATIO + 2 * JITTER_RATIO * self._clock.rand()
        self._next_at_s = began_at_s + REFRESH_RATIO * self._max_age_s * spread
        if before is None or not well or before.version != keys.version:
            self._tell(KeysChanged(keys.key_ids))

    def _failed(self, code: str, reason: str, wait_s: int | None) -> None:
        """The last good set stays, however old it is."""
        now_s = self._clock.now_s()
        doubled_s = LEAST_WAIT_S * 2.0 ** min(self._failures_count, 32)
        jittered_s = min(MOST_WAIT_S, doubled_s) * (1 + self._clock.rand()) / 2
        self._failures_count += 1
        self._next_at_s = max(self._next_at_s, now_s + min(MOST_WAIT_S, max(LEAST_WAIT_S, jittered_s, wait_s or 0)))
        changed, self.last_code = self.last_code is None, code
        if changed or self._told_at_s is None or now_s - self._told_at_s >= REMINDER_S:
            self._told_at_s = now_s
            key_ids = () if self.current is None else self.current.key_ids
            self._tell(KeysChanged(key_ids, code, reason))

    def _unavailable(self) -> Unknown:
        """Nobody knows what this token is worth, and when there may be somebody who does."""
        now_s, again_at_s = self._clock.now_s(), self._next_at_s
        if self._under_way is not None:
            again_at_s = now_s
        elif self._demanded_at_s is not None:
            again_at_s = min(again_at_s, self._demanded_at_s + ON_DEMAND_S)
        wait_s = clamp(again_at_s - now_s)
        facts = {"retry_after_s": str(wait_s)}
        if self.last_code is not None:
            facts["last_code"] = self.last_code
        return unknown(TABLE["keys_unavailable"], facts)._replace(retry_after_s=wait_s)
