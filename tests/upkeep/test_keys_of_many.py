"""Tokens, rotations and outages in every order: one fetch at a time, seldom, and no refusal by what is out of date.

It must never depend on how fast the machine is: the event loop here turns only when a test turns it.
"""

import asyncio
from itertools import pairwise
from typing import Any, Final, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from netra.core.token.jwt import Header
from netra.core.verdict.outcomes import Unknown
from netra.testing.fakes import Recorded
from netra.upkeep.keys import MOST_WAIT_S, ON_DEMAND_S, KeyRing
from netra.upkeep.keyset import KeySet
from tests.link.test_slots import HandTurnedLoop
from tests.upkeep.issuers import Issuer, failed, naming, published

TURNS: Final = 12
"""So often the loop turns until nothing is left to do at an instant."""
LONGEST_STEP_S: Final = 10.0


class Clockwork(HandTurnedLoop):
    """An event loop whose time and turns belong to the test; it is the clock of the ring as well."""

    def __init__(self) -> None:
        super().__init__()
        self.chance = 0.5

    now_s = wall_s = HandTurnedLoop.time

    def rand(self) -> float:
        return self.chance

    async def sleep(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)


class Decided(NamedTuple):
    """What was made of a token, and how things stood just then."""

    result: KeySet | Unknown
    at_s: float
    fetched_at_s: float | None
    published: bool
    """Had its key been there for long enough, and was it still?"""


class Asked(NamedTuple):
    """A token that came."""

    header: Header
    came_at_s: float
    until_s: float
    task: "asyncio.Task[Decided]"


class Tokens(RuleBasedStateMachine):
    """Keys come and go at an issuer that fails and falls silent, while tokens of good and invented keys arrive."""

    @initialize(runs=st.booleans(), chance=st.sampled_from([0.0, 0.5, 0.999]))
    def open(self, runs: bool, chance: float) -> None:
        self.loop = Clockwork()
        self.loop.chance = chance
        self.issuer = Issuer(self.loop.now_s, published("k0"))
        self.told = Recorded()
        self.ring = KeyRing(self.issuer.fetch, self.loop, self.told)
        self.running = self.loop.create_task(self.ring.run()) if runs else None
        self.published_at_s = [self.loop.clock_s]
        self.asked: list[Asked] = []
        self.had: KeySet | None = None

    @rule()
    def rotate(self) -> None:
        self.published_at_s.append(self.loop.clock_s)
        self.issuer.says = published(f"k{self.generation}", f"k{self.generation - 1}")

    @property
    def generation(self) -> int:
        return len(self.published_at_s) - 1

    @rule(how=st.sampled_from(["connection_refused", "invalid_response", "empty", "crash"]))
    def fail(self, how: str) -> None:
        if how == "crash":
            self.issuer.says = RuntimeError()
        else:
            self.issuer.says = published() if how == "empty" else failed(how)

    @rule()
    def fall_silent(self) -> None:
        if self.issuer.under_way_count == 0:
            self.issuer.fall_silent()

    @rule()
    def speak(self) -> None:
        self.issuer.speak()

    @rule(back=st.sampled_from([0, 1, 100, None]), patience_s=st.sampled_from([0.0, 2.0, 30.0]))
    def arrive(self, back: int | None, patience_s: float) -> None:
        key_id = "invented" if back == 100 else None if back is None else f"k{max(0, self.generation - back)}"
        now_s, header = self.loop.now_s(), naming(key_id)
        asking = self.loop.create_task(self.decide(header, now_s, now_s + patience_s))
        self.asked.append(Asked(header, now_s, now_s + patience_s, asking))

    async def decide(self, header: Header, came_at_s: float, until_s: float) -> Decided:
        result = await self.ring.for_token(header, came_at_s, until_s)
        at_s = self.loop.clock_s
        long_there = [
            f"k{number}"
            for number, since_s in enumerate(self.published_at_s)
            if number >= self.generation - 1 and at_s - since_s >= ON_DEMAND_S
        ]
        return Decided(result, at_s, self.ring.fetched_at_s, header.kid in long_there)

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def leave(self, data: Any) -> None:
        data.draw(st.sampled_from(self.asked)).task.cancel()

    @rule(seconds=st.sampled_from([0.5, 2.0, 9.5, 61.0, 500.0]))
    def wait(self, seconds: float) -> None:
        """Time comes in small steps, as it does: nothing that is due at one of them is left for a later one."""
        ends_at_s = self.loop.clock_s + seconds
        self.loop.turn(TURNS)
        while self.loop.clock_s < ends_at_s:
            self.loop.clock_s = min(ends_at_s, self.loop.clock_s + min(LONGEST_STEP_S, max(0.5, seconds / 50)))
            self.loop.turn(TURNS)
            self.look()

    @rule()
    def turn(self) -> None:
        self.loop.turn()
        self.look()

    def look(self) -> None:
        """What has been decided by now was decided well."""
        for each in self.asked:
            if not each.task.done():
                assert self.loop.clock_s - each.until_s < LONGEST_STEP_S, "somebody waits for longer than he can"
            elif not each.task.cancelled():
                self.judge(each, each.task.result())
        self.asked = [each for each in self.asked if not each.task.done()]

    def judge(self, asked: Asked, decided: Decided) -> None:
        result = decided.result
        if isinstance(result, Unknown):
            assert result.cause.code == "keys_unavailable"
            assert 1 <= (result.retry_after_s or 0) <= MOST_WAIT_S
            return
        if result.knows(asked.header):
            return
        assert not decided.published, "a good token would be refused"
        assert decided.fetched_at_s in self.issuer.asked_at_s
        since_s = decided.at_s - decided.fetched_at_s
        assert decided.fetched_at_s >= asked.came_at_s or since_s < ON_DEMAND_S, "refused by what is out of date"

    @invariant()
    def one_fetch_in_ten_seconds_is_all_that_tokens_cause(self) -> None:
        if hasattr(self, "ring") and self.running is None:
            at_s = self.issuer.asked_at_s
            assert all(later - earlier >= ON_DEMAND_S for earlier, later in pairwise(at_s))

    @invariant()
    def a_good_set_is_never_lost(self) -> None:
        if hasattr(self, "ring"):
            assert self.had is None or self.ring.current is not None
            assert self.ring.current is None or self.ring.current.key_ids
            self.had = self.ring.current

    def teardown(self) -> None:
        """In the end everybody gets an answer, also while the issuer says nothing."""
        if not hasattr(self, "ring"):
            return
        try:
            self.issuer.speak()
            self.wait(31.0)
            assert self.asked == []
            if self.running is not None:
                assert not self.running.done()
                self.running.cancel()
            self.loop.turn(TURNS)
            assert self.issuer.under_way_count == 0
        finally:
            self.loop.close()


TestTokens = Tokens.TestCase
TestTokens.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
