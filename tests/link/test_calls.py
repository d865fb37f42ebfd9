"""The one loop: when a question is asked again, when it is not, and what is left behind when nobody waits any more.

It must never wait for real time: the clock and the exchange are fakes, the loop is the real one.
"""

import asyncio
from typing import Any

import pytest

from netra.core.pace.budget import RetryBudget
from netra.core.secret import Secret
from netra.core.verdict.causes import Phase
from netra.core.verdict.operations import CONFIG, HEALTH, LOGIN, LOGOUT, REFRESH, REGISTER, VALIDATE, Operation, Session
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Unknown
from netra.core.verdict.reply import Broken, Reply
from netra.link.calls import Link, ask
from netra.link.slots import Slots
from netra.testing.fakes import Asked, FakeClock, Held, ScriptedExchange, reply
from tests.link.support import (
    GOOD_LOGIN,
    PREVIOUS,
    SECRET,
    STANDING,
    WRONG_PASSWORD,
    WRONG_SECRET,
    call_of,
    link_to,
    secret_on,
    two_seals,
    until,
    within,
)

REFUSED = Broken("connection_refused")
LOST = Broken("connection_terminated")
LATE = Broken("response_timeout")
PROMISES_KEYS = STANDING._replace(idempotency=True)


def code_of(outcome: Outcome[Any]) -> str:
    """The code of an outcome; `ok` for an accepted one."""
    return "ok" if isinstance(outcome, Accepted) else outcome.cause.code


def story(outcome: Outcome[Any]) -> list[tuple[int, str, str]]:
    """What an outcome tells of its tries: number, phase, code."""
    return [(each.number, each.phase.value, each.code) for each in outcome.tried]


async def test_a_good_answer_is_accepted_after_one_exchange() -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(GOOD_LOGIN, clock=clock, takes_s=0.25)
    outcome = await ask(call_of(), link_to(exchange, clock), within(clock))
    assert isinstance(outcome, Accepted)
    assert isinstance(outcome.value, Session)
    assert outcome.value.access_token == Secret("access-token-2")
    assert [(each.number, each.phase, each.code) for each in outcome.tried] == [(1, Phase.ANSWERED, "ok")]
    assert outcome.tried[0].elapsed_s == pytest.approx(0.25)


async def test_the_exchange_is_told_how_much_time_is_left() -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(REFUSED, GOOD_LOGIN, clock=clock, takes_s=0.5)
    clock.chance = 1.0
    await ask(call_of(), link_to(exchange, clock, tries=2), within(clock, 3.0))
    assert [each.left_s for each in exchange.asked] == pytest.approx([3.0, 3.0 - 0.5 - 0.1])


async def test_a_sealed_call_carries_our_credentials_and_an_unsealed_one_does_not() -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(GOOD_LOGIN, reply(200, {"status": "ok"}))
    link = link_to(exchange, clock)
    await ask(call_of(LOGIN), link, within(clock))
    await ask(call_of(HEALTH), link, within(clock))
    assert [secret_on(each.seal) for each in exchange.asked] == [SECRET, None]


@pytest.mark.parametrize("tries", [1, 2, 3])
async def test_what_was_never_sent_is_asked_again_up_to_the_limit(tries: int) -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(then=REFUSED)
    outcome = await ask(call_of(), link_to(exchange, clock, tries=tries), within(clock))
    assert len(exchange.asked) == tries
    assert code_of(outcome) == "connection_refused"
    assert story(outcome) == [(number + 1, "never_sent", "connection_refused") for number in range(tries)]


async def test_a_number_of_tries_given_with_the_question_goes_before_the_link_s() -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(then=REFUSED)
    await ask(call_of(), link_to(exchange, clock, tries=3), within(clock), tries=1)
    assert len(exchange.asked) == 1


async def test_the_waits_grow_with_full_jitter() -> None:
    clock = FakeClock()
    clock.chance = 0.75
    await ask(call_of(), link_to(ScriptedExchange(then=REFUSED), clock, tries=4), within(clock, 60.0))
    assert clock.slept == pytest.approx([0.075, 0.15, 0.3])


async def test_a_wait_that_does_not_fit_before_the_deadline_is_not_begun() -> None:
    clock = FakeClock()
    clock.chance = 0.9
    exchange = ScriptedExchange(then=REFUSED, clock=clock, takes_s=0.05)
    deadline = within(clock, 0.13)
    outcome = await ask(call_of(), link_to(exchange, clock, tries=5), deadline)
    assert len(exchange.asked) == 1
    assert clock.slept == []
    assert clock.now_s() < deadline.at_s
    assert code_of(outcome) == "connection_refused"


async def test_a_wait_that_the_auth_service_asks_for_is_never_undercut() -> None:
    clock = FakeClock()
    busy = reply(503, {"title": "busy"}, {"retry-after": "2"})
    exchange = ScriptedExchange(busy, reply(200, {"oauth_providers": []}))
    outcome = await ask(call_of(CONFIG), link_to(exchange, clock, tries=2), within(clock))
    assert clock.slept == [2.0]
    assert isinstance(outcome, Accepted)


async def test_a_wait_that_the_auth_service_asks_for_beyond_the_deadline_ends_the_asking() -> None:
    clock = FakeClock()
    busy = reply(503, {"title": "busy"}, {"retry-after": "6"})
    outcome = await ask(call_of(CONFIG), link_to(ScriptedExchange(busy), clock, tries=3), within(clock, 5.0))
    assert clock.slept == []
    assert isinstance(outcome, Unknown)
    assert outcome.retry_after_s == 6


@pytest.mark.parametrize("got", [LATE, LOST, Broken("response_incomplete"), reply(504), reply(503)])
@pytest.mark.parametrize("operation", [LOGIN, REGISTER, REFRESH])
async def test_what_may_have_arrived_is_not_sent_twice(got: Reply | Broken, operation: Operation[Any]) -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(got)
    await ask(call_of(operation), link_to(exchange, clock, tries=3), within(clock))
    assert len(exchange.asked) == 1


@pytest.mark.parametrize("operation", [LOGIN, REGISTER, REFRESH])
async def test_what_may_have_arrived_is_sent_twice_only_with_a_key_that_is_honoured(operation: Operation[Any]) -> None:
    for key, standing, exchanges in [
        (None, PROMISES_KEYS, 1),
        ("key-1", STANDING, 1),
        ("key-1", PROMISES_KEYS, 3),
    ]:
        clock = FakeClock()
        exchange = ScriptedExchange(then=LOST)
        link = link_to(exchange, clock, tries=3, standing=standing)
        await ask(call_of(operation, key=key), link, within(clock))
        assert len(exchange.asked) == exchanges, (key, standing.idempotency)


@pytest.mark.parametrize("operation", [LOGOUT, VALIDATE, CONFIG, HEALTH])
async def test_what_does_no_harm_twice_is_asked_again_without_a_key(operation: Operation[Any]) -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(then=LATE)
    await ask(call_of(operation), link_to(exchange, clock, tries=2), within(clock))
    assert len(exchange.asked) == 2


async def test_every_try_of_one_attempt_carries_the_same_key() -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(LOST, LOST, GOOD_LOGIN)
    link = link_to(exchange, clock, tries=3, standing=PROMISES_KEYS)
    await ask(call_of(key="key-1"), link, within(clock))
    assert [dict(each.call.headers)["Idempotency-Key"] for each in exchange.asked] == ["key-1"] * 3


@pytest.mark.parametrize(
    "got", [WRONG_PASSWORD, reply(423, {"code": "account_locked"}), reply(429, {"code": "too_many_attempts"})]
)
async def test_a_refusal_is_asked_for_exactly_once(got: Reply) -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(got)
    link = link_to(exchange, clock, tries=3, standing=PROMISES_KEYS)
    outcome = await ask(call_of(key="key-1"), link, within(clock))
    assert isinstance(outcome, Rejected)
    assert len(exchange.asked) == 1
    assert story(outcome) == [(1, "answered", outcome.cause.code)]


@pytest.mark.parametrize(
    "got", [reply(500), reply(404), reply(302), reply(200, {}), reply(400), Broken("tls_certificate_error")]
)
async def test_what_will_not_pass_by_itself_is_asked_once(got: Reply | Broken) -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(got)
    link = link_to(exchange, clock, tries=3, standing=PROMISES_KEYS)
    assert isinstance(await ask(call_of(key="key-1"), link, within(clock)), Unknown)
    assert len(exchange.asked) == 1


async def test_the_story_of_the_tries_is_told_in_order() -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(REFUSED, Broken("dns_timeout"), WRONG_PASSWORD, clock=clock, takes_s=0.01)
    outcome = await ask(call_of(), link_to(exchange, clock, tries=3), within(clock))
    assert story(outcome) == [
        (1, "never_sent", "connection_refused"),
        (2, "never_sent", "dns_timeout"),
        (3, "answered", "invalid_credentials"),
    ]


async def test_an_empty_retry_budget_ends_the_asking() -> None:
    clock = FakeClock()
    budget = RetryBudget(clock.now_s())
    while budget.allows(clock.now_s()):
        budget.spend()
    exchange = ScriptedExchange(REFUSED)
    await ask(call_of(), link_to(exchange, clock, tries=3, budget=budget), within(clock))
    assert len(exchange.asked) == 1


async def test_a_retry_is_paid_from_the_budget_and_a_first_try_fills_it_by_a_tenth() -> None:
    clock = FakeClock()
    clock.chance = 0.0
    budget = RetryBudget(clock.now_s())
    exchange = ScriptedExchange(then=REFUSED)
    link = link_to(exchange, clock, tries=100, budget=budget)
    await ask(call_of(), link, within(clock))
    assert len(exchange.asked) == 1 + 3, "three retries to begin with, and a tenth is not one more"
    for _ in range(10):
        await ask(call_of(), link, within(clock))
    assert len(exchange.asked) == 4 + 10 + 1, "ten first tries are worth one retry"


async def test_a_service_that_is_switched_off_is_not_asked() -> None:
    clock = FakeClock()
    outcome = await ask(call_of(), link_to(ScriptedExchange(), clock, enabled=False), within(clock))
    assert code_of(outcome) == "auth_service_disabled"
    assert outcome.tried == ()


# --- our own credentials --------------------------------------------------------------------------------------------


async def test_the_other_secret_is_tried_at_once_and_costs_no_try() -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(WRONG_SECRET, GOOD_LOGIN)
    link = link_to(exchange, clock, tries=1, seals=two_seals())
    outcome = await ask(call_of(), link, within(clock))
    assert isinstance(outcome, Accepted)
    assert [secret_on(each.seal) for each in exchange.asked] == [SECRET, PREVIOUS]
    assert clock.slept == []
    assert story(outcome) == [(1, "answered", "service_credentials_rejected"), (2, "answered", "ok")]


async def test_the_other_secret_leaves_all_tries_for_what_is_never_sent() -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(WRONG_SECRET, REFUSED, REFUSED, REFUSED)
    await ask(call_of(), link_to(exchange, clock, tries=3, seals=two_seals()), within(clock))
    assert [secret_on(each.seal) for each in exchange.asked] == [SECRET, PREVIOUS, PREVIOUS, PREVIOUS]


@pytest.mark.parametrize("verdict", [GOOD_LOGIN, WRONG_PASSWORD])
async def test_the_secret_that_was_accepted_is_tried_first_from_then_on(verdict: Reply) -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(WRONG_SECRET, verdict, GOOD_LOGIN)
    link = link_to(exchange, clock, seals=two_seals())
    await ask(call_of(), link, within(clock))
    assert link.good_seal == 1
    await ask(call_of(), link, within(clock))
    assert [secret_on(each.seal) for each in exchange.asked] == [SECRET, PREVIOUS, PREVIOUS]


async def test_the_first_secret_comes_back_when_the_other_is_refused_later() -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(WRONG_SECRET, GOOD_LOGIN)
    link = link_to(exchange, clock, seals=two_seals(), good_seal=1)
    assert isinstance(await ask(call_of(), link, within(clock)), Accepted)
    assert [secret_on(each.seal) for each in exchange.asked] == [PREVIOUS, SECRET]
    assert link.good_seal == 0


async def test_two_refused_secrets_are_asked_once_each_and_nothing_is_remembered() -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(WRONG_SECRET, WRONG_SECRET)
    link = link_to(exchange, clock, tries=3, seals=two_seals(), standing=PROMISES_KEYS)
    assert code_of(await ask(call_of(), link, within(clock))) == "service_credentials_rejected"
    assert link.good_seal == 0


@pytest.mark.parametrize("got", [REFUSED, LATE, reply(500), reply(503)])
async def test_a_secret_that_got_no_verdict_is_not_called_good(got: Reply | Broken) -> None:
    clock = FakeClock()
    link = link_to(ScriptedExchange(WRONG_SECRET, got), clock, seals=two_seals())
    await ask(call_of(), link, within(clock))
    assert link.good_seal == 0


async def test_one_secret_alone_is_asked_once() -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(WRONG_SECRET)
    outcome = await ask(call_of(), link_to(exchange, clock, tries=3), within(clock))
    assert code_of(outcome) == "service_credentials_rejected"


async def test_no_other_secret_is_tried_after_the_deadline() -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(WRONG_SECRET, clock=clock, takes_s=6.0)
    await ask(call_of(), link_to(exchange, clock, seals=two_seals()), within(clock, 5.0))
    assert len(exchange.asked) == 1


# --- slots ----------------------------------------------------------------------------------------------------------


async def test_without_a_slot_nothing_is_sent() -> None:
    clock, held = FakeClock(), Held()
    exchange = ScriptedExchange(held)
    link = link_to(exchange, clock, slots=Slots(1, wait_s=0.0))
    first = asyncio.create_task(ask(call_of(), link, within(clock)))
    await held.begun.wait()
    second = await ask(call_of(), link, within(clock))
    assert code_of(second) == "connection_limit_reached"
    assert second.tried == ()
    assert len(exchange.asked) == 1
    held.release(GOOD_LOGIN)
    assert isinstance(await first, Accepted)
    assert link.slots.taken_count == 0


async def test_a_slot_is_given_back_before_a_wait() -> None:
    clock = FakeClock(held=True)
    clock.chance = 0.5
    link = link_to(ScriptedExchange(REFUSED, GOOD_LOGIN), clock, tries=2, slots=Slots(1))
    asking = asyncio.create_task(ask(call_of(), link, within(clock)))
    await until(lambda: clock.sleeping_count == 1)
    assert link.slots.taken_count == 0
    clock.advance(0.05)
    assert isinstance(await asking, Accepted)


# --- cancellation ---------------------------------------------------------------------------------------------------


async def cancelled(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and see that its cancellation went through."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelled_in_the_exchange_it_gives_its_slot_back() -> None:
    clock, held = FakeClock(), Held()
    exchange = ScriptedExchange(held)
    link = link_to(exchange, clock, slots=Slots(1), seals=two_seals())
    asking = asyncio.create_task(ask(call_of(), link, within(clock)))
    await held.begun.wait()
    assert link.slots.taken_count == 1
    await cancelled(asking)
    assert (link.slots.taken_count, exchange.under_way_count, link.good_seal) == (0, 0, 0)


async def test_cancelled_while_it_waits_for_a_slot_it_leaves_the_queue() -> None:
    clock, held = FakeClock(), Held()
    exchange = ScriptedExchange(held, GOOD_LOGIN)
    link = link_to(exchange, clock, slots=Slots(1, wait_s=60.0))
    first = asyncio.create_task(ask(call_of(), link, within(clock)))
    await held.begun.wait()
    waiting = asyncio.create_task(ask(call_of(), link, within(clock)))
    await asyncio.sleep(0)
    await cancelled(waiting)
    held.release(GOOD_LOGIN)
    await first
    assert link.slots.taken_count == 0
    assert isinstance(await ask(call_of(), link, within(clock)), Accepted)
    assert len(exchange.asked) == 2, "the one that was cancelled never asked"


async def test_cancelled_in_its_wait_it_asks_no_more_and_holds_nothing() -> None:
    clock = FakeClock(held=True)
    exchange = ScriptedExchange(REFUSED)
    link = link_to(exchange, clock, tries=3)
    asking = asyncio.create_task(ask(call_of(), link, within(clock)))
    await until(lambda: clock.sleeping_count == 1)
    await cancelled(asking)
    assert (len(exchange.asked), link.slots.taken_count, clock.sleeping_count) == (1, 0, 0)


async def test_a_bug_in_an_exchange_gives_the_slot_back_too() -> None:
    clock = FakeClock()

    def buggy(asked: Asked) -> Reply:
        raise ZeroDivisionError

    link = link_to(ScriptedExchange(buggy), clock)
    with pytest.raises(ZeroDivisionError):
        await ask(call_of(), link, within(clock))
    assert link.slots.taken_count == 0


def test_a_link_begins_without_a_word_about_its_standing() -> None:
    clock = FakeClock()
    made = link_to(ScriptedExchange(), clock)
    fresh = Link(made.exchange, made.seals, made.slots, made.budget, clock, tries=1)
    assert (fresh.enabled, fresh.good_seal, fresh.standing.handshake) == (True, 0, "not_yet")
