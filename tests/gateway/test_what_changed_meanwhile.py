"""Token checks when clocks were set, machines slept, handshakes came in between, or our own question is complained of.

It must never wait for real time.
"""

import asyncio

import pytest

from netra.core.verdict.outcomes import Accepted
from netra.core.verdict.reply import Broken, Reply
from netra.testing.fakes import Held, reply
from tests.gateway.checks import (
    KNOWN,
    WALL_S,
    OneSet,
    by_keys,
    check,
    key_set,
    signer_of,
    skewed,
    stage_with,
    verdict,
    vouched,
)
from tests.gateway.support import refusal

DOWN = Broken("connection_refused")
SIGNER = signer_of()
GOOD = SIGNER.with_claims()


async def test_a_machine_that_slept_forgets_what_has_ended_meanwhile() -> None:
    stage = by_keys(keys=OneSet(key_set(SIGNER)), cache_s=3600.0)
    assert [await verdict(stage, GOOD) for _ in range(2)] == ["jwt", "cache"]
    stage.clock.jump(3600.0)
    assert await verdict(stage, GOOD) == "token_expired"


async def test_staleness_counts_the_time_that_a_machine_slept() -> None:
    stage = stage_with(vouched(expires_at=WALL_S + 600), DOWN, DOWN)
    assert await verdict(stage, "opaque") == "auth_service"
    stage.clock.advance(31.0)
    assert await verdict(stage, "opaque") == "stale"
    stage.clock.jump(3600.0)
    assert await verdict(stage, "opaque") == "connection_refused"


async def test_what_was_judged_by_something_that_counts_no_more_is_not_remembered() -> None:
    held = Held()
    stage = stage_with(held, keys=OneSet(key_set(SIGNER)))
    of_another = SIGNER.with_claims(aud="another-audience")
    asking = asyncio.create_task(check(stage, of_another))
    await held.begun.wait()
    stage.link.standing = KNOWN
    held.release(vouched())
    assert isinstance(await asking, Accepted), "the auth service has vouched for it, when it was all that was known"
    assert await verdict(stage, of_another) == "token_wrong_audience"


async def test_our_own_clock_that_is_set_ahead_logs_nobody_out() -> None:
    stage = by_keys(vouched(), keys=OneSet(key_set(SIGNER)), standing=skewed(0.0))
    stage.clock.jump(3600.0)
    assert [await verdict(stage, GOOD) for _ in range(3)] == ["auth_service", "cache", "cache"]
    assert len(stage.exchange.asked) == 1


@pytest.mark.parametrize(
    "got",
    [
        refusal(422, "validation_error"),
        reply(422, {"detail": [{"loc": ["body", "token"], "msg": "Field required"}]}),
        refusal(429, "too_many_attempts"),
        refusal(400, "refresh_rejected"),
        refusal(409, "email_taken"),
    ],
    ids=range(5),
)
async def test_a_complaint_about_our_question_logs_nobody_out(got: Reply) -> None:
    stage = stage_with(vouched(), got, vouched())
    assert await verdict(stage, "opaque") == "auth_service"
    stage.clock.advance(31.0)
    assert await verdict(stage, "opaque") == "stale"
