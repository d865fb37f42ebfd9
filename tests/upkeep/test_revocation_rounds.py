"""The loop of the revocation feed: how often it asks, when it is up or down, and that nothing ends it but its owner.

It must never wait for real time where a clock can be moved.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from netra.core.events import Crashed
from netra.core.pace.breaker import Breaker
from netra.core.verdict.reply import Broken, Reply
from netra.link.calls import never_open
from netra.testing.fakes import Asked, Held
from netra.upkeep.revocations import DOWN_AFTER_S
from tests.link.support import until
from tests.upkeep.feeds import DOWN, GONE, REFUSED, UP, Service, Upkeep, buggy, known

# --- up and down -----------------------------------------------------------------------------------------------------


async def test_the_feed_is_up_after_its_first_good_round_and_says_so_once() -> None:
    upkeep = Upkeep(Service())
    assert not upkeep.up()
    async with upkeep.running():
        assert upkeep.up()
        await upkeep.pass_s(60.0)
        assert upkeep.up()
    assert upkeep.states() == [(UP, None)]


async def test_a_feed_that_never_was_good_is_down_from_the_first_failure_on() -> None:
    upkeep = Upkeep(GONE)
    async with upkeep.running():
        assert not upkeep.up()
        assert upkeep.states() == [(DOWN, "endpoint_not_found")]


async def test_a_single_failure_is_not_noticed() -> None:
    service = Service()
    upkeep = Upkeep(service)
    async with upkeep.running():
        service.fails_with = REFUSED
        await upkeep.pass_s(2.0)
        service.fails_with = None
        await upkeep.pass_s(2.0)
        assert upkeep.up()
    assert upkeep.states() == [(UP, None)]


async def test_the_feed_is_down_when_no_round_was_good_for_five_seconds_and_up_with_the_next_good_one() -> None:
    service = Service()
    upkeep = Upkeep(service)
    async with upkeep.running():
        service.fails_with = REFUSED
        await upkeep.pass_s(DOWN_AFTER_S)
        assert upkeep.up()
        await upkeep.pass_s(0.25)
        assert not upkeep.up()
        await upkeep.pass_s(1.0)
        assert upkeep.states() == [(UP, None), (DOWN, "connection_refused")]
        service.fails_with = None
        upkeep.feed.soon()
        await upkeep.pass_s(0.5)
        assert upkeep.up()
        assert upkeep.states()[2:] == [(UP, None)]


async def test_a_feed_that_is_asked_seldom_is_up_between_its_rounds() -> None:
    service = Service()
    upkeep = Upkeep(service, interval_s=10.0)
    async with upkeep.running():
        for _ in range(30):
            await upkeep.pass_s(1.0, step_s=0.5)
            assert upkeep.up()
        service.fails_with = REFUSED
        await upkeep.pass_s(40.0, step_s=0.5)
        assert upkeep.states() == [(UP, None), (DOWN, "connection_refused")]


async def test_while_it_is_down_observers_are_reminded_about_once_a_minute() -> None:
    service = Service()
    service.fails_with = REFUSED
    upkeep = Upkeep(service)
    async with upkeep.running():
        await upkeep.pass_s(600.0, step_s=1.0)
    assert 7 <= len(upkeep.states()) <= 11
    assert set(upkeep.states()) == {(DOWN, "connection_refused")}


async def test_a_failing_feed_touches_no_circuit_of_logins_or_tokens() -> None:
    clock_breakers = {**never_open(), "login": Breaker(5.0), "token": Breaker(5.0)}
    upkeep = Upkeep(Broken("response_timeout"), circuits=clock_breakers)
    async with upkeep.running():
        await upkeep.pass_s(300.0, step_s=1.0)
        assert len(upkeep.exchange.asked) >= 8
        assert {breaker.state for breaker in clock_breakers.values()} == {"closed"}


# --- the loop --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("chance", "wait_s"), [(0.0, 1.6), (0.5, 2.0), (0.999999, 2.4)])
async def test_rounds_come_at_their_interval_give_or_take_a_fifth(chance: float, wait_s: float) -> None:
    upkeep = Upkeep(Service())
    upkeep.clock.chance = chance
    async with upkeep.running():
        for passed_s, asked_count in ((0.25, 1), (wait_s - 0.26, 1), (0.02, 2)):
            await upkeep.pass_s(passed_s, step_s=passed_s)
            assert len(upkeep.exchange.asked) == asked_count


@pytest.mark.parametrize(("interval_s", "answer"), [(120.0, GONE), (0.1, GONE), (120.0, None), (0.1, None)])
async def test_an_interval_of_any_length_is_kept(interval_s: float, answer: Reply | None) -> None:
    service = Service()
    service.fails_with = answer
    upkeep = Upkeep(service, interval_s=interval_s)
    async with upkeep.running():
        for _ in range(2):
            for passed_s in (min(interval_s, 0.25), max(interval_s - 0.25, 0.01)):
                await upkeep.pass_s(passed_s, step_s=passed_s / 8)
        assert len(upkeep.exchange.asked) == 3


async def test_rounds_that_fail_come_less_and_less_often() -> None:
    upkeep = Upkeep(REFUSED)
    at_s: list[float] = []
    async with upkeep.running():
        for _ in range(800):
            if len(upkeep.exchange.asked) > len(at_s):
                at_s.append(upkeep.clock.now_s())
            await upkeep.pass_s(0.25)
    waits = [later - earlier for earlier, later in pairwise(at_s)]
    assert waits[:8] == pytest.approx([2, 2, 4, 8, 16, 30, 30, 30], abs=0.3)


async def test_whoever_wants_a_round_soon_has_it_at_once() -> None:
    service = Service()
    upkeep = Upkeep(service)
    async with upkeep.running():
        await upkeep.pass_s(0.5)
        service.numbers.append(0)
        upkeep.feed.soon()
        await until(lambda: known(upkeep.revoked, 0))
        await upkeep.resting()
        asked_count = len(upkeep.exchange.asked)
        await upkeep.pass_s(1.75)
        assert len(upkeep.exchange.asked) == asked_count, "the one after it comes in its time"


async def test_whoever_wants_a_round_while_one_is_under_way_has_another_one() -> None:
    service = Service()

    def answer(asked: Asked) -> Reply | Broken:
        if len(upkeep.exchange.asked) == 1:
            upkeep.feed.soon()
        return service(asked)

    upkeep = Upkeep(answer)
    async with upkeep.running():
        assert len(upkeep.exchange.asked) == 1
        await upkeep.pass_s(0.25)
        assert len(upkeep.exchange.asked) == 2


async def test_a_thousand_wishes_are_four_rounds_a_second_at_most() -> None:
    upkeep = Upkeep(Service())
    async with upkeep.running():
        for _ in range(100):
            upkeep.feed.soon()
            await upkeep.pass_s(0.05, step_s=0.05)
        assert 10 <= len(upkeep.exchange.asked) <= 21


async def test_a_bug_in_a_round_is_told_without_values_and_ends_nothing() -> None:
    service = Service()
    service.fails_with = buggy
    upkeep = Upkeep(service)
    async with upkeep.running():
        (crash,) = upkeep.told.of(Crashed)
        assert (crash.error_type, crash.places[-1].endswith(" buggy")) == ("ZeroDivisionError", True)
        assert "nobody may read" not in repr(crash)
        assert upkeep.states() == [(DOWN, "internal_error")]
        service.fails_with = None
        await upkeep.pass_s(2.0)
        assert upkeep.up()


async def test_a_loop_that_is_cancelled_leaves_nothing_behind() -> None:
    held = Held()
    upkeep = Upkeep(held)
    before = asyncio.all_tasks()
    loop = asyncio.create_task(upkeep.feed.run())
    await held.begun.wait()
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop
    assert (asyncio.all_tasks(), upkeep.link.slots.taken_count) == (before, 0)
    async with upkeep_that_rests() as resting:
        assert resting.clock.sleeping_count == 1
    await until(lambda: asyncio.all_tasks() == before)


@asynccontextmanager
async def upkeep_that_rests() -> AsyncIterator[Upkeep]:
    """A feed between two rounds."""
    upkeep = Upkeep(Service())
    async with upkeep.running():
        yield upkeep
