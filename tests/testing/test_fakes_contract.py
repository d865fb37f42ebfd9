"""The fakes promise what the real ones do: one contract for every clock, and one for every exchange.

It must never be a promise that only a fake keeps.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import pytest

from netra.core.verdict.operations import LOGIN
from netra.core.verdict.reply import Broken, Reply
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply, raw_then_close, silence
from netra.link.clock import Clock, SystemClock
from netra.link.exchange import Exchange, HttpExchange
from netra.testing.fakes import FakeClock, Held, ScriptedExchange, reply
from tests.link.support import call_of

A_MOMENT_S: Final = 0.02
LONG_S: Final = 5.0
ANSWER: Final = {"code": "invalid_credentials"}
CLOCKS: Final[list[Callable[[], Clock]]] = [FakeClock, SystemClock]


@pytest.mark.parametrize("make", CLOCKS)
async def test_no_clock_runs_backwards_and_a_sleep_takes_its_time(make: Callable[[], Clock]) -> None:
    clock = make()
    began_s, began_wall_s = clock.now_s(), clock.wall_s()
    await clock.sleep(A_MOMENT_S)
    assert clock.now_s() - began_s >= A_MOMENT_S * 0.99
    assert clock.wall_s() - began_wall_s >= A_MOMENT_S * 0.5
    await clock.sleep(0)
    assert clock.now_s() >= began_s


@pytest.mark.parametrize("make", CLOCKS)
def test_every_clock_knows_the_calendar_and_chance_stays_below_one(make: Callable[[], Clock]) -> None:
    clock = make()
    assert 1.6e9 < clock.wall_s() < 4.2e9, "epoch seconds of this century"
    assert all(0 <= clock.rand() < 1 for _ in range(100))


@pytest.mark.parametrize("make", [lambda: FakeClock(held=True), SystemClock], ids=["FakeClock", "SystemClock"])
async def test_a_sleeper_can_be_cancelled(make: Callable[[], Clock]) -> None:
    clock = make()
    sleeping = asyncio.create_task(clock.sleep(LONG_S))
    await asyncio.sleep(0)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping


Answering = Callable[[Any], Exchange]
"""An exchange that is answered like this from now on: with a document, a break, or nothing for a long time."""


@pytest.fixture(params=["scripted", "HTTP"])
async def answering(request: pytest.FixtureRequest) -> AsyncIterator[Answering]:
    if request.param == "scripted":
        yield _scripted
        return
    async with FaultyAuthService() as service:
        http = HttpExchange(service.url, connect_timeout_s=LONG_S, idle_connection_s=LONG_S, clock=SystemClock())

        def script(what: Any) -> Exchange:
            scripts = {"broken": raw_then_close(), "silent": silence()}
            service.answer("/auth/login", scripts[what] if isinstance(what, str) else json_reply(401, what))
            return http

        yield script
        await http.close()


def _scripted(what: Any) -> Exchange:
    steps: dict[str, Broken | Held] = {"broken": Broken("connection_terminated"), "silent": Held()}
    return ScriptedExchange(
        then=steps[what] if isinstance(what, str) else reply(401, what, {"content-type": "application/json"})
    )


async def test_a_reply_is_a_value_with_headers_in_lower_case_and_the_instant_of_its_arrival(
    answering: Answering,
) -> None:
    got = await answering(ANSWER)(call_of(LOGIN), None, LONG_S)
    assert isinstance(got, Reply)
    assert (got.status, b"invalid_credentials" in got.body) == (401, True)
    assert [name for name in got.headers if name != name.lower()] == []
    assert got.headers.get("content-type")
    assert got.headers.get("x-not-there") is None
    assert got.received_at > 1.6e9
    assert "invalid_credentials" not in repr(got), "a reply is never printed whole"


async def test_a_break_is_a_value_too_and_nothing_is_raised(answering: Answering) -> None:
    got = await answering("broken")(call_of(LOGIN), None, LONG_S)
    assert isinstance(got, Broken)
    assert got.code == "connection_terminated"


async def test_many_exchanges_at_once_are_each_answered(answering: Answering) -> None:
    exchange = answering(ANSWER)
    got = await asyncio.gather(*(exchange(call_of(LOGIN), None, LONG_S) for _ in range(5)))
    assert [each.status for each in got if isinstance(each, Reply)] == [401] * 5


async def test_who_gives_up_is_let_go_and_the_next_exchange_is_answered(answering: Answering) -> None:
    asking = asyncio.ensure_future(answering("silent")(call_of(LOGIN), None, LONG_S))
    await asyncio.sleep(A_MOMENT_S)
    assert not asking.done()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert isinstance(await answering(ANSWER)(call_of(LOGIN), None, LONG_S), Reply)
