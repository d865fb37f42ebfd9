"""What a slow auth service does to the number of calls under way: fewer logins, and tokens are still checked.

It must never wait for real time: the clock and the exchange are fakes, the loop is the real one.
"""

import asyncio

import pytest

from netra.core.pace.limiter import LATE_COUNT
from netra.core.verdict.operations import VALIDATE
from netra.core.verdict.outcomes import code_of
from netra.link.calls import ask
from netra.link.slots import Slots
from netra.testing.fakes import FakeClock, Held, ScriptedExchange, reply
from tests.link.support import GOOD_LOGIN, call_of, link_to, until, within


@pytest.mark.parametrize(("takes_s", "limit"), [(3.2, 80), (3.5, 20)])
async def test_logins_that_take_two_thirds_of_their_budget_lower_how_many_may_be_under_way(
    takes_s: float, limit: int
) -> None:
    clock, slots = FakeClock(), Slots(100)
    link = link_to(ScriptedExchange(then=GOOD_LOGIN, clock=clock, takes_s=takes_s), clock, slots=slots)
    for _ in range(LATE_COUNT):
        await ask(call_of(), link, within(clock))
    slots.regrow(clock.now_s())
    assert slots.logins_limit_count == limit


async def test_checks_of_tokens_get_through_while_logins_hang() -> None:
    clock, hanging, slots = FakeClock(), Held(), Slots(5, wait_s=0.0)
    slow = link_to(ScriptedExchange(then=hanging), clock, slots=slots)
    logins = [asyncio.create_task(ask(call_of(), slow, within(clock))) for _ in range(5)]
    await until(lambda: slots.logins_count == 4)
    quick = link_to(ScriptedExchange(then=reply(200, {"valid": False})), clock, slots=slots)
    assert code_of(await ask(call_of(VALIDATE), quick, within(clock))) == "token_rejected"
    hanging.release(GOOD_LOGIN)
    assert sorted(code_of(each) for each in await asyncio.gather(*logins)) == ["connection_limit_reached", *["ok"] * 4]
