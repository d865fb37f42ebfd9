"""The only queue on the path: never more than its limit, first come first served, and nothing lost on the way.

It must never depend on how fast the machine is: the event loop here turns only when a test turns it.
"""

import asyncio
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from netra.core.pace.limiter import HOLD_S, LATE_COUNT, LATE_RATIO, REGROWTH_S
from netra.core.verdict.operations import Urgency
from netra.link.slots import Slots

WAIT_S = 1.0


class HandTurnedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time and turns belong to the test."""

    def __init__(self) -> None:
        super().__init__()
        self.clock_s = 100.0

    def time(self) -> float:
        return self.clock_s

    def turn(self, times: int = 1) -> None:
        """Run what is ready now; what becomes ready meanwhile waits for the next turn."""
        for _ in range(times):
            self.call_soon(self.stop)
            self.run_forever()


class Visitor:
    """Somebody who wants a slot, keeps it until told to leave, and remembers what became of it."""

    def __init__(self, number: int, slots: Slots, loop: HandTurnedLoop, entered: list[int]) -> None:
        self.number = number
        self.inside = False
        self.granted: bool | None = None
        self._slots = slots
        self._entered = entered
        self.leaving: asyncio.Future[None] = loop.create_future()
        self.task = loop.create_task(self._visit())

    async def _visit(self) -> None:
        self.granted = await self._slots.take()
        if self.granted:
            self._entered.append(self.number)
            self.inside = True
            try:
                await self.leaving
            finally:
                self.inside = False
                self._slots.give_back()

    def leave(self) -> None:
        """End the visit at its next turn."""
        if not self.leaving.done():
            self.leaving.set_result(None)


def close(loop: HandTurnedLoop, visitors: list[Visitor]) -> None:
    """Let everybody leave, or lose patience, and end the loop."""
    for _ in range(2 * len(visitors) + 4):
        for visitor in visitors:
            visitor.leave()
        loop.clock_s += WAIT_S
        loop.turn()
    assert all(visitor.task.done() for visitor in visitors)
    loop.close()


class Turnstile(RuleBasedStateMachine):
    """Visitors come, go, are cancelled and lose patience, in every order, also within one turn of the loop."""

    @initialize(limit=st.integers(1, 3))
    def open(self, limit: int) -> None:
        self.loop = HandTurnedLoop()
        self.slots = Slots(limit, WAIT_S)
        self.visitors: list[Visitor] = []
        self.entered: list[int] = []

    @rule()
    def arrive(self) -> None:
        self.visitors.append(Visitor(len(self.visitors), self.slots, self.loop, self.entered))

    @rule()
    def turn(self) -> None:
        self.loop.turn()

    @precondition(lambda self: self.visitors)
    @rule(data=st.data())
    def leave(self, data: Any) -> None:
        data.draw(st.sampled_from(self.visitors)).leave()

    @precondition(lambda self: self.visitors)
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        data.draw(st.sampled_from(self.visitors)).task.cancel()

    @rule(seconds=st.sampled_from([0.4, WAIT_S]))
    def wait(self, seconds: float) -> None:
        self.loop.clock_s += seconds

    @invariant()
    def never_more_than_the_limit(self) -> None:
        if hasattr(self, "slots"):
            inside = sum(visitor.inside for visitor in self.visitors)
            assert inside <= self.slots.taken_count <= self.slots.limit_count

    @rule()
    def come_to_rest(self) -> None:
        """First come, first served: whoever still waits has come after everybody who got in."""
        self.loop.turn(6)
        waiting = [each.number for each in self.visitors if not each.inside and not each.task.done()]
        assert not waiting or max(self.entered) < min(waiting)
        assert not waiting or self.slots.taken_count == self.slots.limit_count, "a free slot, and somebody waits"

    def teardown(self) -> None:
        if not hasattr(self, "slots"):
            return
        close(self.loop, self.visitors)
        assert self.slots.taken_count == 0, "a slot was lost"
        broken = [each.task.exception() for each in self.visitors if not each.task.cancelled()]
        assert not any(broken), broken


TestTurnstile = Turnstile.TestCase
TestTurnstile.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)


async def test_free_slots_are_taken_at_once() -> None:
    slots = Slots(2)
    assert (await slots.take(), await slots.take(), slots.taken_count) == (True, True, 2)
    slots.give_back()
    slots.give_back()
    assert slots.taken_count == 0


def test_a_free_slot_is_taken_without_a_wait_and_never_one_too_many() -> None:
    slots = Slots(2)
    assert [slots.take_free() for _ in range(4)] == [True, True, False, False]
    assert slots.taken_count == 2, "who got no slot has taken none"
    slots.give_back()
    assert slots.take_free()
    assert slots.taken_count == 2


async def test_nobody_takes_without_waiting_what_is_handed_to_who_waits() -> None:
    slots = Slots(1, wait_s=60.0)
    assert slots.take_free()
    waiting = asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    slots.give_back()
    assert not slots.take_free(), "the slot has an owner already, who has not woken yet"
    assert await waiting
    slots.give_back()
    assert slots.taken_count == 0


async def test_a_wait_for_a_slot_is_bounded() -> None:
    slots = Slots(1, wait_s=0.01)
    assert await slots.take()
    assert not await slots.take()
    assert slots.taken_count == 1, "who got no slot has taken none"
    slots.give_back()
    assert slots.taken_count == 0


async def test_the_queue_is_no_longer_than_the_limit() -> None:
    slots = Slots(2, wait_s=60.0)
    assert await slots.take()
    assert await slots.take()
    waiting = [asyncio.create_task(_visit(slots)) for _ in range(2)]
    await asyncio.sleep(0)
    assert not await slots.take(), "one too many"
    slots.give_back()
    slots.give_back()
    assert await asyncio.gather(*waiting) == [True, True]
    assert slots.taken_count == 0


async def _visit(slots: Slots) -> bool:
    taken = await slots.take()
    if taken:
        slots.give_back()
    return taken


async def test_a_wait_that_is_cancelled_takes_no_slot_and_holds_nobody_up() -> None:
    slots = Slots(2, wait_s=60.0)
    assert [slots.take_free() for _ in range(2)] == [True, True]
    impatient, patient = (asyncio.create_task(slots.take()) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert slots.taken_count == 2
    slots.give_back()
    assert await patient
    slots.give_back()
    slots.give_back()
    assert slots.taken_count == 0


def test_granted_and_cancelled_in_one_turn_the_slot_goes_to_the_next() -> None:
    loop = HandTurnedLoop()
    slots, entered = Slots(2, WAIT_S), list[int]()
    visitors = [Visitor(number, slots, loop, entered) for number in range(4)]
    first, _, third, fourth = visitors
    loop.turn()
    first.leave()
    loop.turn()
    assert entered == [0, 1], "the third has been granted a slot and does not know it yet"
    third.task.cancel()
    loop.turn(3)
    assert third.task.cancelled()
    assert fourth.inside
    assert (entered, slots.taken_count) == ([0, 1, 3], 2)
    close(loop, visitors)
    assert slots.taken_count == 0


@pytest.mark.parametrize("order", ["grant, then time", "time, then grant"])
def test_granted_and_out_of_time_in_one_turn_loses_no_slot(order: str) -> None:
    loop = HandTurnedLoop()
    slots, entered = Slots(1, WAIT_S), list[int]()
    holder, waiting = (Visitor(number, slots, loop, entered) for number in range(2))
    loop.turn(2)
    if order == "grant, then time":
        holder.leave()
        loop.clock_s += WAIT_S
        loop.turn(4)
    else:
        loop.clock_s += WAIT_S
        loop.turn()
        holder.leave()
        loop.turn(4)
    assert waiting.task.done()
    close(loop, [holder, waiting])
    assert slots.taken_count == 0


def logins(slots: Slots) -> int:
    """Let logins take what they can get without waiting; says how many that were."""
    count = 0
    while slots.take_free(Urgency.LOGIN):
        count += 1
    return count


@pytest.mark.parametrize(("limit", "most"), [(100, 80), (10, 8), (5, 4), (1, 1)])
def test_logins_leave_slots_to_the_checks_of_tokens(limit: int, most: int) -> None:
    slots = Slots(limit)
    assert logins(slots) == most
    assert slots.take_free(Urgency.CHECK) is (most < limit)


async def test_a_login_in_the_queue_is_passed_by_a_check_when_logins_have_all_that_is_theirs() -> None:
    slots = Slots(5, wait_s=60.0)
    assert logins(slots) == 4
    assert slots.take_free(Urgency.CHECK)
    login, check = (asyncio.create_task(slots.take(each)) for each in (Urgency.LOGIN, Urgency.CHECK))
    await asyncio.sleep(0)
    slots.give_back(Urgency.CHECK)
    assert await check
    assert not login.done(), "a slot that a check gave back is none for a fifth login"
    slots.give_back(Urgency.LOGIN)
    assert await login
    assert (slots.logins_count, slots.taken_count) == (4, 5)


def test_logins_that_come_late_one_after_another_are_too_many() -> None:
    slots = Slots(100)
    assert logins(slots) == 80
    for number in range(LATE_COUNT):
        assert slots.logins_limit_count == 80
        slots.took(Urgency.LOGIN, LATE_RATIO, 1000.0)
        slots.regrow(1000.0 + number / 1000)
    assert (slots.logins_limit_count, slots.limit_count) == (72, 100)
    slots.regrow(1000.0 + REGROWTH_S)
    assert slots.logins_limit_count == 80


def test_one_login_in_time_says_that_there_is_no_queue() -> None:
    slots = Slots(100)
    assert logins(slots) == 80
    for _ in range(10):
        for _ in range(LATE_COUNT - 1):
            slots.took(Urgency.LOGIN, 1.0, 1000.0)
        slots.took(Urgency.LOGIN, LATE_RATIO - 0.01, 1000.0)
    slots.regrow(1000.0)
    assert slots.logins_limit_count == 80


def test_late_checks_of_tokens_take_nothing_from_logins() -> None:
    slots = Slots(100)
    for _ in range(100):
        slots.took(Urgency.CHECK, 1.0, 1000.0)
    slots.regrow(1000.0)
    assert slots.logins_limit_count == 80


def test_an_auth_service_that_is_always_late_is_asked_by_a_quarter_at_once() -> None:
    slots, now_s = Slots(100), 1000.0
    for _ in range(2000):
        slots.took(Urgency.LOGIN, 1.0, now_s)
        now_s += HOLD_S / 2
        slots.regrow(now_s)
        assert slots.logins_limit_count >= 20


async def test_logins_that_waited_get_in_as_the_limit_grows_back() -> None:
    slots = Slots(100, wait_s=60.0)
    assert logins(slots) == 80
    for _ in range(LATE_COUNT):
        slots.took(Urgency.LOGIN, 1.0, 1000.0)
    slots.regrow(1000.0)
    for _ in range(8):
        slots.give_back(Urgency.LOGIN)
    waiting = asyncio.create_task(slots.take(Urgency.LOGIN))
    await asyncio.sleep(0)
    assert not waiting.done()
    slots.regrow(1000.0 + REGROWTH_S)
    assert await waiting
    assert slots.logins_count == 73


def test_checks_of_tokens_leave_slots_to_logins_and_refreshes() -> None:
    slots = Slots(10)
    assert [slots.take_free(Urgency.CHECK) for _ in range(10)] == [True] * 8 + [False] * 2
    assert slots.take_free(Urgency.LOGIN)
    assert slots.take_free(Urgency.RENEWAL)
    assert not slots.take_free(Urgency.RENEWAL)
    slots.give_back(Urgency.CHECK)
    assert slots.take_free(Urgency.CHECK)
