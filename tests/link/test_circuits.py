"""Asking through a circuit: nothing is sent while it is open, and whoever is kept out is told the truth.

It must never let a call that was kept out, or cancelled, hold a slot or a permit.
"""

import asyncio
from typing import Any

import pytest

from netra.core.pace.breaker import MIN_CALLS_COUNT, TRIALS_COUNT, Breaker
from netra.core.pace.budget import RetryBudget
from netra.core.pace.limiter import REGROWTH_S
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.operations import LOGIN, REFRESH, VALIDATE, Urgency
from netra.core.verdict.outcomes import Accepted, Outcome, Unknown, code_of, unknown
from netra.core.verdict.reply import Broken
from netra.link.calls import Link, ask, never_open
from netra.link.slots import Slots
from netra.testing.fakes import FakeClock, Held, Scripted, ScriptedExchange, reply
from tests.link.support import GOOD_LOGIN, WRONG_PASSWORD, WRONG_SECRET, call_of, link_to, until, within

LATE = Broken("response_timeout")
OVERLOADED = reply(503, {"code": "overloaded"})
VALID = reply(200, {"valid": True, "user_id": "user-1", "email": "ada@example.com"})


def guarded(
    *script: Scripted, then: Scripted | None = None, **changes: Any
) -> tuple[Link, ScriptedExchange, FakeClock]:
    """A link whose circuits open for five seconds."""
    clock = FakeClock()
    exchange = ScriptedExchange(*script, then=then, clock=clock)
    circuits = {**never_open(), "login": Breaker(5.0), "token": Breaker(5.0)}
    return link_to(exchange, clock, circuits=circuits, **changes), exchange, clock


async def times(count: int, link: Link, clock: FakeClock, operation: Any = LOGIN) -> list[str]:
    """So many calls, one after another: their codes."""
    return [code_of(await ask(call_of(operation), link, within(clock))) for _ in range(count)]


async def opened(*then: Scripted, **changes: Any) -> tuple[Link, ScriptedExchange, FakeClock]:
    """A link whose logins have failed until their circuit opened."""
    link, exchange, clock = guarded(*[LATE] * MIN_CALLS_COUNT, *then, **changes)
    assert set(await times(MIN_CALLS_COUNT, link, clock)) == {"response_timeout"}
    exchange.asked.clear()
    return link, exchange, clock


async def test_while_it_is_open_nothing_is_sent_and_it_is_said_when_to_come_back() -> None:
    link, exchange, clock = await opened()
    clock.advance(1.5)
    outcome = await ask(call_of(), link, within(clock))
    assert isinstance(outcome, Unknown)
    assert (outcome.cause.code, outcome.retry_after_s, outcome.tried) == ("destination_unavailable", 4, ())
    assert outcome.facts["last_code"] == "response_timeout"
    assert (outcome.facts["retry_after_s"], outcome.facts["circuit"]) == ("4", "open")
    assert (exchange.asked, link.slots.taken_count) == ([], 0)


async def test_whoever_opens_it_is_told_to_come_back_when_it_lets_somebody_through() -> None:
    link, _, clock = guarded(then=Broken("connection_refused"))
    told = [await ask(call_of(), link, within(clock)) for _ in range(MIN_CALLS_COUNT)]
    assert [each.retry_after_s for each in told if isinstance(each, Unknown)] == [None] * (MIN_CALLS_COUNT - 1) + [5]


async def test_whoever_is_kept_out_does_not_wait_for_a_slot() -> None:
    link, _, clock = await opened(slots=Slots(1, wait_s=60.0))
    assert link.slots.take_free()
    assert await times(3, link, clock) == ["destination_unavailable"] * 3


async def test_tokens_have_a_circuit_of_their_own() -> None:
    link, _, clock = await opened(VALID)
    assert await times(1, link, clock, VALIDATE) == ["ok"]
    assert await times(1, link, clock) == ["destination_unavailable"]


async def test_a_failure_says_how_its_circuit_stands() -> None:
    link, _, clock = guarded(then=LATE)
    outcome = await ask(call_of(), link, within(clock))
    assert isinstance(outcome, Unknown)
    assert outcome.facts["circuit"] == "closed"


@pytest.mark.parametrize("answer", [WRONG_PASSWORD, WRONG_SECRET, reply(400), reply(404), reply(302), reply(429)])
async def test_a_thousand_answers_that_are_no_evidence_leave_it_closed(answer: Scripted) -> None:
    link, exchange, clock = guarded(then=answer)
    await times(1000, link, clock)
    assert len(exchange.asked) == 1000


async def test_three_good_trials_close_it() -> None:
    link, exchange, clock = await opened(GOOD_LOGIN, WRONG_PASSWORD, GOOD_LOGIN, GOOD_LOGIN)
    clock.advance(5.1)
    assert await times(TRIALS_COUNT + 1, link, clock) == ["ok", "invalid_credentials", "ok", "ok"]
    assert (link.circuits["login"].state, len(exchange.asked)) == ("closed", 4)


async def test_a_trial_that_waits_keeps_all_others_out() -> None:
    held = Held()
    link, exchange, clock = await opened(held)
    clock.advance(5.1)
    trial = asyncio.create_task(ask(call_of(), link, within(clock)))
    await held.begun.wait()
    assert await times(5, link, clock) == ["destination_unavailable"] * 5
    held.release(GOOD_LOGIN)
    assert isinstance(await trial, Accepted)
    assert len(exchange.asked) == 1


async def test_a_cancelled_trial_gives_its_permit_back() -> None:
    link, _, clock = await opened(Held(), GOOD_LOGIN)
    clock.advance(5.1)
    trial = asyncio.create_task(ask(call_of(), link, within(clock)))
    await until(lambda: link.slots.taken_count == 1)
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    assert link.slots.taken_count == 0
    assert await times(1, link, clock) == ["ok"]


async def test_one_that_waited_for_a_slot_while_the_circuit_opened_is_kept_out_and_holds_nothing() -> None:
    held = Held()
    link, exchange, clock = guarded(held, slots=Slots(1, wait_s=60.0))
    first = asyncio.create_task(ask(call_of(), link, within(clock)))
    await held.begun.wait()
    second = asyncio.create_task(ask(call_of(), link, within(clock)))
    await asyncio.sleep(0)
    breaker = link.circuits["login"]
    late = unknown(TABLE["response_timeout"])
    for _ in range(MIN_CALLS_COUNT):
        breaker.settle(breaker.admit(clock.now_s()), late, clock.now_s(), 0.5)
    held.release(GOOD_LOGIN)
    assert isinstance(await first, Accepted)
    assert code_of(await second) == "destination_unavailable"
    assert (len(exchange.asked), link.slots.taken_count) == (1, 0)


async def test_an_attempt_whose_second_try_is_kept_out_tells_what_came_of_the_first() -> None:
    link, exchange, clock = guarded(*[LATE] * (MIN_CALLS_COUNT - 1), then=Broken("connection_refused"), tries=3)
    await times(MIN_CALLS_COUNT - 1, link, clock)
    exchange.asked.clear()
    outcome = await ask(call_of(), link, within(clock))
    assert isinstance(outcome, Unknown)
    assert (outcome.cause.code, len(exchange.asked)) == ("connection_refused", 1)
    assert [each.code for each in outcome.tried] == ["connection_refused"]
    assert outcome.facts["circuit"] == "open"


async def test_a_try_that_never_left_does_not_hide_one_that_may_have_arrived() -> None:
    lost = Broken("connection_terminated")
    link, exchange, clock = guarded(lost, then=Broken("connection_refused"), tries=3)
    link.standing = link.standing._replace(idempotency=True)
    outcome = await ask(call_of(key="key-1"), link, within(clock))
    assert isinstance(outcome, Unknown)
    assert [each.code for each in outcome.tried] == ["connection_terminated", *["connection_refused"] * 2]
    assert (outcome.cause.code, outcome.phase, len(exchange.asked)) == ("connection_terminated", Phase.MAYBE_SENT, 3)


async def test_time_that_we_have_lost_ourselves_opens_nothing() -> None:
    link, exchange, clock = guarded()
    late = within(clock, 0.5)
    clock.advance(1.0)
    codes = {code_of(await ask(call_of(), link, late)) for _ in range(3 * MIN_CALLS_COUNT)}
    assert (codes, exchange.asked) == ({"connection_timeout"}, [])
    assert link.circuits["login"].state == "closed"


async def test_calls_that_were_not_sent_pay_for_no_retries() -> None:
    link, _, clock = guarded(slots=Slots(1, wait_s=0.0), budget=RetryBudget(FakeClock().now_s()))
    assert link.slots.take_free()
    await times(300, link, clock)
    assert link.budget.allows(clock.now_s())
    for _ in range(3):
        link.budget.spend()
    assert not link.budget.allows(clock.now_s())


async def test_a_limit_that_grows_back_lets_in_whoever_waits_before_whoever_comes() -> None:
    slots = Slots(20, wait_s=60.0)
    slots.taken_count = 10
    slots.overloaded(1000.0)
    slots.regrow(1000.0)
    slots.taken_count = slots.limit_count
    waiting = asyncio.create_task(slots.take(Urgency.LOGIN))
    await asyncio.sleep(0)
    slots.regrow(1001.0)
    assert await waiting
    slots.regrow(1000.0 + REGROWTH_S)
    assert slots.limit_count == 20


async def test_an_auth_service_that_sheds_load_gets_fewer_calls_at_once_and_opens_nothing() -> None:
    link, _, clock = guarded(then=OVERLOADED, slots=Slots(8, wait_s=0.0))
    await times(100, link, clock)
    assert link.circuits["login"].state == "closed"
    assert link.slots.limit_count == 1
    clock.advance(30.0)
    await times(1, link, clock)
    assert link.slots.limit_count == 8


async def test_refreshes_go_before_logins_and_token_checks_before_both() -> None:
    held = Held()
    link, exchange, clock = guarded(held, then=LATE, slots=Slots(1, wait_s=60.0))
    first = asyncio.create_task(ask(call_of(), link, within(clock)))
    await held.begun.wait()
    waiting: list[asyncio.Task[Outcome[Any]]] = []
    for operation in (LOGIN, REFRESH, VALIDATE):
        waiting.append(asyncio.create_task(ask(call_of(operation), link, within(clock))))
        await asyncio.sleep(0)
    held.release(GOOD_LOGIN)
    await asyncio.gather(first, *waiting)
    assert [each.call.operation.name for each in exchange.asked] == ["login", "validate", "refresh", "login"]
