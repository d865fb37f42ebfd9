"""Sessions that have ended: here at once, and wherever else it is told; nobody ends one that is not theirs to end.

It must never look at how revocations are kept: that is the core's.
"""

import asyncio

import pytest

from netra.core.token.revoked import Revocations
from netra.core.verdict.operations import Revoked
from netra.core.verdict.reply import Broken, Reply
from netra.testing.fakes import Held, reply
from tests.gateway.checks import (
    WALL_S,
    OneSet,
    Telling,
    by_keys,
    check,
    key_set,
    log_out,
    refused_for,
    signer_of,
    stage_with,
    verdict,
    vouched,
)
from tests.gateway.support import LOGGED_OUT, refusal

DOWN = Broken("connection_refused")
SIGNER = signer_of()
GOOD = SIGNER.with_claims()
LATE = SIGNER.with_claims(exp=WALL_S - 120)


@pytest.mark.parametrize("revoked", [Revoked("token-1", None, WALL_S + 600), Revoked(None, "session-1", WALL_S + 600)])
@pytest.mark.parametrize("before", ["", GOOD], ids=["new here", "remembered"])
async def test_a_token_is_refused_by_its_own_id_or_its_sessions(revoked: Revoked, before: str) -> None:
    stage = by_keys(keys=OneSet(key_set(SIGNER)))
    await check(stage, before)
    stage.parts.tokens.revoked.add(revoked, stage.clock.wall_s())
    assert await verdict(stage, GOOD) == "token_revoked"
    other = SIGNER.with_claims(jti="token-2", sid="session-2")
    assert await verdict(stage, other) == "jwt", "somebody else's session goes on"


@pytest.mark.parametrize("ids", [{}, {"jti": "t"}, {"sid": "s"}, {"jti": "t", "sid": "s"}])
async def test_a_logout_ends_an_opaque_token_whatever_ids_it_has(ids: dict[str, str]) -> None:
    stage = stage_with(vouched(**ids), LOGGED_OUT)
    assert await verdict(stage, "opaque") == "auth_service"
    assert await log_out(stage, "opaque") == "ok"
    assert await verdict(stage, "opaque") == "token_revoked"


async def test_a_logout_ends_a_token_that_was_never_seen_here_before() -> None:
    stage = stage_with(LOGGED_OUT, vouched(jti="t", sid="s"))
    await log_out(stage, "opaque")
    assert await verdict(stage, "opaque") == "token_revoked"


@pytest.mark.parametrize("ids", [{}, {"jti": ...}, {"sid": ...}, {"jti": ..., "sid": ...}])
async def test_a_logout_ends_a_jwt_by_whatever_ids_it_has(ids: dict[str, object]) -> None:
    token = SIGNER.with_claims(**ids)
    for seen in (True, False):
        stage = by_keys(LOGGED_OUT, keys=OneSet(key_set(SIGNER)))
        if seen:
            assert await verdict(stage, token) == "jwt"
        assert await log_out(stage, token) == "ok"
        assert await verdict(stage, token) == "token_revoked"


@pytest.mark.parametrize("ids", [{}, {"jti": ...}, {"sid": ...}, {"jti": ..., "sid": ...}])
async def test_a_logout_holds_when_keys_come_back_under_which_the_token_was_remembered(ids: dict[str, object]) -> None:
    token, before, between = SIGNER.with_claims(**ids), key_set(SIGNER), key_set(SIGNER, signer_of("key-2"))
    keys = OneSet(before)
    stage = by_keys(LOGGED_OUT, keys=keys)
    await check(stage, token)
    keys.current = between
    await log_out(stage, token)
    keys.current = before
    assert await verdict(stage, token) == "token_revoked"


async def test_a_logout_ends_all_tokens_of_its_session() -> None:
    stage = by_keys(LOGGED_OUT, keys=OneSet(key_set(SIGNER)))
    sibling = SIGNER.with_claims(jti="token-2")
    assert await verdict(stage, sibling) == "jwt"
    await log_out(stage, GOOD)
    assert await verdict(stage, sibling) == "token_revoked"


@pytest.mark.parametrize("got", [DOWN, Broken("response_timeout"), reply(500)])
async def test_a_logout_that_nobody_knows_of_ends_nothing_here(got: Reply | Broken) -> None:
    stage = by_keys(got, keys=OneSet(key_set(SIGNER)))
    assert await log_out(stage, GOOD) != "ok"
    assert await verdict(stage, GOOD) == "jwt"


@pytest.mark.parametrize("forged", [signer_of().with_claims(), "a.b.c", SIGNER.with_claims(aud="another")])
async def test_a_bad_token_beside_a_good_refresh_token_ends_no_strangers_session(forged: str) -> None:
    stage = by_keys(LOGGED_OUT, keys=OneSet(key_set(SIGNER)))
    assert await log_out(stage, forged, "a refresh token of mine") == "ok"
    assert await verdict(stage, GOOD) == "jwt", "its ids were only written into a token that nobody has signed"


@pytest.mark.parametrize("said", [LOGGED_OUT, refusal(401, "token_expired")])
async def test_a_logout_with_an_expired_token_is_a_success_and_the_token_stays_bad(said: Reply) -> None:
    stage = by_keys(said, keys=OneSet(key_set(SIGNER)))
    assert await log_out(stage, LATE) == "ok"
    assert await verdict(stage, LATE) in {"token_expired", "token_revoked"}


async def test_a_logout_by_refresh_token_alone_asks_the_feed_at_once() -> None:
    feed = Telling()
    stage = by_keys(LOGGED_OUT, DOWN, keys=OneSet(key_set(SIGNER)), feed=feed)
    await log_out(stage, refresh_token="r1")
    assert feed.wanted_count == 1
    await log_out(stage, refresh_token="r1")
    assert feed.wanted_count == 1, "nothing has ended as far as anybody knows"


async def test_a_logout_before_any_key_is_known_ends_the_token_all_the_same() -> None:
    keys = OneSet(None)
    stage = by_keys(LOGGED_OUT, keys=keys)
    await log_out(stage, GOOD)
    keys.current = key_set(SIGNER)
    assert await verdict(stage, GOOD) == "token_revoked"


@pytest.mark.parametrize("ids", [{}, {"jti": "t", "sid": "s"}])
async def test_a_logout_while_a_check_is_under_way_wins(ids: dict[str, str]) -> None:
    held = Held()
    stage = stage_with(held, LOGGED_OUT)
    checking = asyncio.create_task(check(stage, "opaque"))
    await held.begun.wait()
    assert await log_out(stage, "opaque") == "ok"
    held.release(vouched(**ids))
    assert refused_for(await checking) == "token_revoked"
    assert await verdict(stage, "opaque") == "token_revoked", "it was not remembered as good"


async def test_a_session_that_ends_elsewhere_while_a_check_is_under_way_is_over() -> None:
    held = Held()
    stage = stage_with(held)
    checking = asyncio.create_task(check(stage, "opaque"))
    await held.begun.wait()
    stage.parts.tokens.revoked.add(Revoked(None, "s", WALL_S + 600), stage.clock.wall_s())
    held.release(vouched(sid="s"))
    assert refused_for(await checking) == "token_revoked"


async def test_while_nobody_tells_of_ended_sessions_what_is_known_here_is_stale() -> None:
    feed = Telling()
    stage = by_keys(vouched(), keys=OneSet(key_set(SIGNER)), feed=feed)
    assert [await verdict(stage, GOOD), await verdict(stage, GOOD)] == ["jwt", "cache"]
    feed.up = False
    assert [await verdict(stage, GOOD), await verdict(stage, SIGNER.with_claims(jti="new"))] == ["stale", "stale"]
    stage.clock.advance(655.0)
    assert await verdict(stage, GOOD) == "stale"
    stage.clock.advance(5.0)
    assert await verdict(stage, GOOD) == "token_expired"
    feed.up = True
    assert await verdict(stage, SIGNER.with_claims(exp=WALL_S + 900)) == "jwt"


async def test_whom_the_auth_service_vouches_for_right_now_is_not_stale() -> None:
    feed = Telling()
    feed.up = False
    stage = stage_with(vouched(), feed=feed)
    assert [await verdict(stage, "opaque") for _ in range(2)] == ["auth_service", "stale"]


async def test_a_token_without_ids_stays_ended_until_its_own_end() -> None:
    stage = by_keys(LOGGED_OUT, keys=OneSet(key_set(SIGNER)))
    day_long = SIGNER.with_claims(jti=..., sid=..., exp=WALL_S + 86_400)
    assert await log_out(stage, day_long) == "ok"
    stage.clock.advance(6 * 3600.0)
    stage.parts.tokens.revoked.add(Revoked("another", None, WALL_S + 86_400), stage.clock.wall_s())
    assert await verdict(stage, day_long) == "token_revoked"


async def test_a_token_that_is_never_good_here_leaves_nothing_behind_when_it_is_logged_out() -> None:
    revoked = Revocations()
    stage = by_keys(LOGGED_OUT, LOGGED_OUT, keys=OneSet(key_set(SIGNER)), revoked=revoked)
    for forged in (signer_of().with_claims(), "a.b.c"):
        assert await log_out(stage, forged, "refresh-token") == "ok"
    assert len(revoked) == 0
