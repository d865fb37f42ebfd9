"""Many who ask one thing at once: one question, one answer to all of them, and never to anybody else.

It must never look at how callers are kept together: that is the link's.
"""

import asyncio
import json

import pytest

from netra.core.events import AttemptEnded
from netra.core.secret import Secret
from netra.core.verdict.outcomes import Accepted, Unknown, code_of
from netra.core.verdict.reply import Broken
from netra.testing.fakes import Held, reply
from tests.gateway.checks import (
    WALL_S,
    OneSet,
    by_keys,
    check,
    key_set,
    refused_for,
    signer_of,
    skewed,
    stage_with,
    verdict,
    vouched,
    whose,
)
from tests.gateway.support import Stage, tokens
from tests.link.support import until

DOWN = Broken("connection_refused")
SIGNER = signer_of()
LATE = SIGNER.with_claims(exp=WALL_S - 120)


# --- Many at once -------------------------------------------------------------------------------------------------


async def test_a_thousand_checks_of_one_fresh_token_are_one_question() -> None:
    held = Held()
    stage = stage_with(held)
    checks = [asyncio.create_task(check(stage, "opaque")) for _ in range(1_000)]
    await held.begun.wait()
    held.release(vouched())
    outcomes = await asyncio.gather(*checks)
    assert {each.value.source for each in outcomes if isinstance(each, Accepted)} == {"auth_service"}
    assert len(stage.told.of(AttemptEnded)) == len(outcomes) == 1_000
    assert len(stage.exchange.asked) == 1


async def test_a_thousand_checks_of_a_token_whose_time_is_doubted_are_one_question_too() -> None:
    held = Held()
    stage = by_keys(held, keys=OneSet(key_set(SIGNER)), standing=skewed(3600.0))
    checks = [asyncio.create_task(check(stage, LATE)) for _ in range(1_000)]
    await held.begun.wait()
    checks[0].cancel()
    held.release(vouched())
    outcomes = await asyncio.gather(*checks[1:])
    assert {each.value.source for each in outcomes if isinstance(each, Accepted)} == {"auth_service"}
    assert len(stage.exchange.asked) == 1


@pytest.mark.parametrize("leaving", [[0], [3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8]])
async def test_a_caller_who_leaves_takes_nobody_along(leaving: list[int]) -> None:
    held = Held()
    stage = stage_with(held)
    checks = [asyncio.create_task(check(stage, "opaque")) for _ in range(10)]
    await held.begun.wait()
    for number in leaving:
        checks[number].cancel()
    await until(lambda: all(checks[number].done() for number in leaving))
    held.release(vouched())
    outcomes = await asyncio.gather(*checks, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in outcomes] == [n in leaving for n in range(10)]
    assert all(isinstance(each, Accepted) for n, each in enumerate(outcomes) if n not in leaving)
    assert len(stage.exchange.asked) == 1


async def test_what_all_callers_left_is_remembered_for_the_next() -> None:
    held = Held()
    stage = stage_with(held)
    alone = asyncio.create_task(check(stage, "opaque"))
    await held.begun.wait()
    alone.cancel()
    held.release(vouched())
    await until(lambda: stage.parts.tokens.checks.under_way_count == 0)
    assert await verdict(stage, "opaque") == "cache"


async def test_a_failed_question_is_everybodys_failure_and_nobodys_after_that() -> None:
    held = Held()
    stage = stage_with(held, vouched())
    checks = [asyncio.create_task(check(stage, "opaque")) for _ in range(20)]
    await held.begun.wait()
    held.release(DOWN)
    assert {code_of(each) for each in await asyncio.gather(*checks)} == {"connection_refused"}
    assert await verdict(stage, "opaque") == "auth_service"


async def test_two_users_never_share_an_answer() -> None:
    names = [f"token-of-{number}" for number in range(4)]
    stage = stage_with(*[whose(lambda token: token.removeprefix("token-of-"))] * len(names))
    outcomes = await asyncio.gather(*(check(stage, name) for name in names * 25))
    named = [each.value.user.id for each in outcomes if isinstance(each, Accepted)]
    assert named == [name.removeprefix("token-of-") for name in names * 25]
    assert len(stage.exchange.asked) == len(names)


async def test_what_is_under_way_when_the_gateway_closes_is_nobodys_refusal() -> None:
    held = Held()
    stage = stage_with(held)
    checking = asyncio.create_task(check(stage, "opaque"))
    await held.begun.wait()
    await stage.parts.tokens.close()
    assert code_of(await checking) == "draining"
    assert isinstance(await check(stage, "another"), Unknown)


# --- Refreshes ----------------------------------------------------------------------------------------------------

RENEWED = reply(200, {"access_token": "a2", "refresh_token": "r2"})


async def test_whoever_refreshes_with_one_token_at_once_gets_the_same_tokens_by_one_call() -> None:
    held = Held()
    stage = Stage(held)
    going = [asyncio.ensure_future(stage.gateway.refresh(tokens(stage.now_s, refresh_token="r1"))) for _ in range(10)]
    await held.begun.wait()
    going[0].cancel()
    await until(going[0].done)
    held.release(RENEWED)
    outcomes = await asyncio.gather(*going[1:])
    assert all(isinstance(each, Accepted) for each in outcomes)
    assert len({each.value.refresh_token for each in outcomes if isinstance(each, Accepted)}) == 1
    assert len(stage.exchange.asked) == 1
    assert len(stage.told.of(AttemptEnded)) == 9


async def test_two_sessions_are_never_refreshed_as_one() -> None:
    stage = Stage(*[lambda asked: reply(200, {
        "access_token": "a", "refresh_token": "next-" + json.loads(asked.call.body.reveal())["refresh_token"],
    })] * 2)  # fmt: skip
    outcomes = await asyncio.gather(
        *(stage.gateway.refresh(tokens(stage.now_s, refresh_token=each)) for each in ("r1", "r2"))
    )
    renewed = [each.value.refresh_token for each in outcomes if isinstance(each, Accepted)]
    assert renewed == [Secret("next-r1"), Secret("next-r2")]


async def test_a_page_load_of_ten_checks_with_an_expired_token_is_one_refresh() -> None:
    held = Held()
    stage = by_keys(held, keys=OneSet(key_set(SIGNER)))
    renewed = SIGNER.with_claims(jti="token-2")

    async def load() -> str:
        """What a page does for each of its requests."""
        refused = await check(stage, LATE)
        assert refused_for(refused) == "token_expired"
        session = await stage.gateway.refresh(tokens(stage.now_s, refresh_token="r1"))
        assert isinstance(session, Accepted)
        return await verdict(stage, session.value.access_token.reveal())

    loads = [asyncio.create_task(load()) for _ in range(10)]
    await held.begun.wait()
    held.release(reply(200, {"access_token": renewed, "refresh_token": "r2"}))
    assert {*await asyncio.gather(*loads)} <= {"jwt", "cache"}
    assert [each.call.operation.name for each in stage.exchange.asked] == ["refresh"]
