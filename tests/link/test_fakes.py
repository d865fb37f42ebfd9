"""The fakes keep their word: time moves only when told, a script is followed to its end and no further.

It must never be a fake that makes a test pass.
"""

import asyncio

import pytest

from netra.core.events import Crashed, Stage
from netra.core.verdict.operations import CONFIG, LOGIN
from netra.core.verdict.reply import Broken
from netra.testing.fakes import START_S, START_WALL_S, FakeClock, Recorded, ScriptedExchange, reply
from tests.link.support import call_of, until

REFUSED = Broken("connection_refused")


def test_time_stands_still_until_it_is_moved_and_the_calendar_has_hands_of_its_own() -> None:
    clock = FakeClock()
    assert (clock.now_s(), clock.wall_s(), clock.rand()) == (START_S, START_WALL_S, 0.5)
    clock.advance(2.5)
    clock.turn_calendar(-3600.0)
    assert (clock.now_s(), clock.wall_s()) == (START_S + 2.5, START_WALL_S + 2.5 - 3600.0)


async def test_who_sleeps_moves_the_time_unless_it_is_held() -> None:
    clock = FakeClock()
    await clock.sleep(1.5)
    assert (clock.now_s(), clock.slept, clock.sleeping_count) == (START_S + 1.5, [1.5], 0)


async def test_with_time_held_everybody_wakes_in_turn() -> None:
    clock = FakeClock(held=True)
    naps = [asyncio.create_task(clock.sleep(seconds)) for seconds in (1.0, 2.0)]
    await until(lambda: clock.sleeping_count == 2)
    clock.advance(1.0)
    await naps[0]
    assert (naps[1].done(), clock.sleeping_count) == (False, 1)
    clock.advance(5.0)
    await naps[1]
    assert clock.sleeping_count == 0


async def test_a_script_is_followed_in_order_and_one_exchange_too_many_fails() -> None:
    exchange = ScriptedExchange(reply(200, {"a": 1}), REFUSED)
    got = [await exchange(call_of(each), None, 5.0) for each in (LOGIN, CONFIG)]
    assert got == [reply(200, {"a": 1}), REFUSED]
    with pytest.raises(AssertionError, match="exchange number 3 was not expected: login"):
        await exchange(call_of(), None, 5.0)
    assert [each.call.operation for each in exchange.asked_for("config")] == [CONFIG]
    assert [each.left_s for each in exchange.asked] == [5.0] * 3


async def test_what_comes_at_the_end_of_a_script_comes_again_and_takes_its_time() -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(reply(200), then=REFUSED, clock=clock, takes_s=0.25)
    assert [await exchange(call_of(), None, 5.0) for _ in range(3)] == [reply(200), REFUSED, REFUSED]
    assert clock.now_s() == START_S + 0.75


def test_events_are_kept_and_told_apart_by_kind() -> None:
    recorded = Recorded()
    recorded(Stage("started"))
    recorded(Crashed("request-1", "KeyError", ()))
    assert recorded.of(Stage) == [Stage("started")]
    assert len(recorded.events) == 2
