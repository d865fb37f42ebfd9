"""Journeys and their throttles: who is refused reaches nobody, is told in one event, and is known by a hash alone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from netra.core.events import AttemptEnded
from netra.core.pace.rejections import OFF, Limit
from netra.core.pace.throttle import Throttles
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Unknown, code_of
from netra.core.verdict.reply import Broken
from netra.gateway.attempts import LoginAttempt
from netra.testing.fakes import Held, Scripted
from tests.gateway.support import NEW_USER, Stage, login, refusal, registration, tokens
from tests.link.support import EMAIL, GOOD_LOGIN, LABEL, WRONG_PASSWORD, until

TAKEN = refusal(409, "email_taken")
DEAD = refusal(401, "refresh_rejected")
HOME = replace(LABEL, client_address="203.0.113.9")
TWICE = Limit(2, 900)


def throttled(*script: Scripted, account: Limit = TWICE, address: Limit = OFF, **link: Any) -> Stage:
    """A gateway with a throttle."""
    return Stage(*script, parts={"throttles": Throttles.of(account, address)}, **link)


def from_home(stage: Stage, identifier: str = EMAIL, address: str = "203.0.113.9", **label: Any) -> LoginAttempt:
    """A login from an address."""
    said = replace(HOME, client_address=address, **label)
    return replace(login(stage.now_s, identifier), label=said)


Journey = Callable[[Stage], Awaitable[Outcome[Any]]]
JOURNEYS: dict[str, tuple[Journey, Any, Any]] = {
    "login": (lambda s: s.gateway.log_in(login(s.now_s)), WRONG_PASSWORD, GOOD_LOGIN),
    "register": (lambda s: s.gateway.register(registration(s.now_s)), TAKEN, NEW_USER),
    "refresh": (lambda s: s.gateway.refresh(tokens(s.now_s, refresh_token="r1")), DEAD, GOOD_LOGIN),
}
"""Journey, a reply that counts, and a good one."""


@pytest.mark.parametrize("name", JOURNEYS)
async def test_whoever_was_rejected_too_often_reaches_nobody_and_is_told_in_one_event(name: str) -> None:
    journey, wrong, good = JOURNEYS[name]
    stage = throttled(wrong, wrong, good)
    for _ in range(2):
        await journey(stage)
    outcome = await journey(stage)
    assert isinstance(outcome, Rejected)
    assert (outcome.cause.code, outcome.retry_after_s, outcome.tried) == ("too_many_attempts", 900, ())
    assert len(stage.exchange.asked) == 2
    assert [event.journey for event in stage.told.of(AttemptEnded)] == [name] * 3
    assert stage.told.of(AttemptEnded)[2].outcome == outcome
    stage.clock.advance(900.0)
    assert isinstance(await journey(stage), Accepted)


@pytest.mark.parametrize("name", JOURNEYS)
async def test_an_outage_makes_nobody_wait(name: str) -> None:
    stage = throttled(then := Broken("connection_refused"), then, then, then, then, account=Limit(1, 900))
    for _ in range(5):
        assert isinstance(await JOURNEYS[name][0](stage), Unknown)
    assert stage.parts.throttles.login.remembered_count == 0


async def test_one_account_in_many_spellings_has_one_limit() -> None:
    stage = throttled(WRONG_PASSWORD, WRONG_PASSWORD)
    codes = [code_of(await stage.gateway.log_in(from_home(stage, who))) for who in (EMAIL, EMAIL.upper(), f" {EMAIL} ")]
    assert codes == ["invalid_credentials", "invalid_credentials", "too_many_attempts"]


async def test_all_addresses_of_one_ipv6_network_are_one_and_the_next_network_is_another() -> None:
    stage = throttled(WRONG_PASSWORD, WRONG_PASSWORD, WRONG_PASSWORD, account=OFF, address=Limit(2, 60))
    for host in ("2001:db8:1:2::7", "2001:db8:1:2:a:b:c:d"):
        await stage.gateway.log_in(from_home(stage, address=host))
    assert code_of(await stage.gateway.log_in(from_home(stage, address="2001:db8:1:2::8"))) == "too_many_attempts"
    assert code_of(await stage.gateway.log_in(from_home(stage, address="2001:db8:1:3::7"))) == "invalid_credentials"


async def test_behind_a_proxy_that_nobody_trusts_nobody_waits_for_the_others_but_each_account_has_its_limit() -> None:
    stage = throttled(*[WRONG_PASSWORD] * 10, address=Limit(3, 60))
    for number in range(8):
        outcome = await stage.gateway.log_in(from_home(stage, f"user-{number}@example.com", address_shared=True))
        assert code_of(outcome) == "invalid_credentials"
    for code in ("invalid_credentials", "too_many_attempts"):
        outcome = await stage.gateway.log_in(from_home(stage, "user-7@example.com", address_shared=True))
        assert code_of(outcome) == code


async def test_no_table_holds_an_identifier_or_a_token_in_clear() -> None:
    stage = throttled(WRONG_PASSWORD, TAKEN, DEAD)
    await stage.gateway.log_in(from_home(stage))
    await stage.gateway.register(registration(stage.now_s))
    await stage.gateway.refresh(tokens(stage.now_s, refresh_token="refresh-token-in-clear"))
    tables = [each._accounts for each in stage.parts.throttles]
    held = " ".join(key for table in tables if table is not None for key in table._ends)
    assert held.count(stage.parts.account(EMAIL)) == 2
    assert EMAIL not in held
    assert "refresh-token-in-clear" not in held


async def test_an_attempt_that_is_cancelled_while_it_is_under_way_gives_its_place_back() -> None:
    held = Held()
    stage = throttled(held, GOOD_LOGIN, account=Limit(1, 900))
    waiting = asyncio.ensure_future(stage.gateway.log_in(login(stage.now_s)))
    await until(held.begun.is_set)
    outcome = await stage.gateway.log_in(login(stage.now_s))
    assert isinstance(outcome, Rejected)
    assert outcome.retry_after_s == 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert isinstance(await stage.gateway.log_in(login(stage.now_s)), Accepted)
    assert stage.parts.throttles.login.remembered_count == 0
