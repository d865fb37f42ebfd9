"""Sessions: rotated refresh tokens, ends that hold, and what an access token is worth afterwards."""

import base64
import json

import pytest
from sqlalchemy import select, update

from netra.authd import accounts
from netra.authd.store.purge import BATCH_ROWS, perishables, purge, purge_all
from netra.authd.store.tables import REFRESH_TOKENS, REJECTIONS, SESSIONS, VERDICTS
from netra.core.secret import Secret
from tests.authd.support import EMAIL, LIMIT, Running, client_of, new_key

ACCESS_S = 900
REFRESH_S = 30 * 24 * 3_600


async def _tokens(authd: Running) -> tuple[str, str]:
    body = (await authd.client.log_in()).body
    return body["access_token"], body["refresh_token"]


async def test_a_refresh_hands_out_a_new_pair_of_the_same_session(authd: Running) -> None:
    access, refresh = await _tokens(authd)
    reply = await authd.client.refresh(refresh)
    assert reply.status == 200
    assert reply.body["user"]["email"] == EMAIL
    assert reply.body["refresh_token"] != refresh
    assert (await authd.client.validate(access))["valid"]
    assert (await authd.client.validate(reply.body["access_token"]))["valid"]
    async with authd.service.store.read() as db:
        assert len((await db.execute(select(SESSIONS))).all()) == 1


@pytest.mark.parametrize("token", ["x", "nrt_" + "A" * 43, "ü", "a" * 1_024], ids=["short", "alike", "accent", "long"])
async def test_an_unknown_refresh_token_is_rejected(authd: Running, token: str) -> None:
    reply = await authd.client.refresh(token)
    assert (reply.status, reply.code) == (401, "refresh_rejected")


async def test_a_refresh_token_expires_and_a_rotation_starts_its_life_anew(authd: Running) -> None:
    _, refresh = await _tokens(authd)
    authd.clock.move(REFRESH_S - 1)
    successor = (await authd.client.refresh(refresh)).body["refresh_token"]
    authd.clock.move(REFRESH_S - 1)
    assert (await authd.client.refresh(successor)).status == 200
    _, late = await _tokens(authd)
    authd.clock.move(REFRESH_S)
    assert (await authd.client.refresh(late)).code == "refresh_rejected"


async def test_a_refresh_token_is_good_only_for_the_service_that_it_was_handed_to(authd: Running) -> None:
    _, refresh = await _tokens(authd)
    secret = "another-service-" + "s" * 32
    await authd.service.add_service("other", Secret(secret))
    async with client_of(authd.url, "other", secret) as other:
        assert (await other.refresh(refresh)).code == "refresh_rejected"
    assert (await authd.client.refresh(refresh)).status == 200


@pytest.mark.parametrize("by", ["access", "refresh", "both"])
async def test_logout_ends_the_session_by_either_token(authd: Running, by: str) -> None:
    access, refresh = await _tokens(authd)
    reply = await authd.client.log_out(
        access if by in {"access", "both"} else None, refresh if by in {"refresh", "both"} else None
    )
    assert (reply.status, reply.body["success"]) == (200, True)
    assert (await authd.client.validate(access)) == {"valid": False, "code": "token_revoked"}
    assert (await authd.client.refresh(refresh)).code == "refresh_rejected"


async def test_logout_of_two_sessions_at_once_ends_both(authd: Running) -> None:
    (access, other_refresh), (other_access, refresh) = await _tokens(authd), await _tokens(authd)
    assert (await authd.client.log_out(access, refresh)).status == 200
    for token in (access, other_access):
        assert (await authd.client.validate(token))["code"] == "token_revoked"
    assert (await authd.client.refresh(other_refresh)).code == "refresh_rejected"


async def test_logging_out_again_with_an_expired_or_a_used_token_is_success(authd: Running) -> None:
    access, refresh = await _tokens(authd)
    await authd.client.refresh(refresh)
    for _ in range(2):
        assert (await authd.client.log_out(access)).status == 200
        assert (await authd.client.log_out(refresh_token=refresh)).status == 200
    authd.clock.move(REFRESH_S * 2)
    assert (await authd.client.log_out(access)).status == 200
    assert (await authd.client.log_out(refresh_token="unknown")).status == 200


async def test_an_expired_access_token_still_ends_its_session(authd: Running) -> None:
    access, refresh = await _tokens(authd)
    authd.clock.move(ACCESS_S + 1)
    assert (await authd.client.log_out(access)).status == 200
    assert (await authd.client.refresh(refresh)).code == "refresh_rejected"


async def test_validate_tells_whom_a_token_speaks_for_and_until_when(authd: Running) -> None:
    access, _ = await _tokens(authd)
    said = await authd.client.validate(access)
    user = (await authd.client.log_in()).body["user"]
    claims = json.loads(base64.urlsafe_b64decode(access.split(".")[1] + "=="))
    assert said == {
        "valid": True,
        "user_id": user["id"],
        "email": EMAIL,
        "name": "Ada Lovelace",
        "expires_at": "2027-01-15T08:15:00Z",
        "jti": claims["jti"],
        "sid": claims["sid"],
    }


async def test_an_access_token_expires_to_the_second(authd: Running) -> None:
    access, _ = await _tokens(authd)
    authd.clock.move(ACCESS_S - 1)
    assert (await authd.client.validate(access))["valid"]
    authd.clock.move(1)
    assert (await authd.client.validate(access)) == {"valid": False, "code": "token_expired"}


async def test_a_disabled_user_loses_every_session_and_does_not_get_them_back(authd: Running) -> None:
    access, refresh = await _tokens(authd)
    async with authd.service.store.write() as db:
        await accounts.disable(db, EMAIL, 0)
    assert (await authd.client.validate(access))["code"] == "token_revoked"
    assert (await authd.client.refresh(refresh)).code == "refresh_rejected"
    async with authd.service.store.write() as db:
        await accounts.enable(db, EMAIL)
    assert (await authd.client.validate(access))["code"] == "token_revoked"


async def test_what_is_out_of_date_is_purged_in_batches_and_the_rest_is_kept(authd: Running) -> None:
    await authd.client.log_in(key=new_key())
    await authd.client.log_in("nobody@example.com", "wrong")
    now_ms, rows = int(authd.clock.now_s * 1_000), perishables(900)
    tables = (REJECTIONS, VERDICTS, REFRESH_TOKENS, SESSIONS)
    old = [{"identifier_hash": bytes(32), "rejected_at_ms": n} for n in range(BATCH_ROWS + 7)]
    async with authd.service.store.write() as db:
        await db.execute(REJECTIONS.insert(), old)
    assert await purge(authd.service.store, rows[0], now_ms) == BATCH_ROWS
    for each in rows:
        await purge_all(authd.service.store, each, now_ms)
    assert [await _rows(authd, table) for table in tables] == [1, 1, 1, 1]
    for each in rows:
        await purge_all(authd.service.store, each, now_ms + REFRESH_S * 1_000)
    assert [await _rows(authd, table) for table in tables] == [0, 0, 0, 0]


async def test_a_session_is_kept_as_long_as_any_of_its_tokens(authd: Running) -> None:
    _, refresh = await _tokens(authd)
    authd.clock.move(REFRESH_S - 1)
    access = (await authd.client.refresh(refresh)).body["access_token"]
    authd.clock.move(2)
    for each in perishables(900):
        await purge_all(authd.service.store, each, int(authd.clock.now_s * 1_000))
    assert (await authd.client.validate(access))["valid"]


async def test_a_token_of_a_session_of_another_user_is_revoked(authd: Running) -> None:
    access, _ = await _tokens(authd)
    user = await authd.service.add_user("grace@example.com", Secret("another good password"))
    assert user is not None
    async with authd.service.store.write() as db:
        await db.execute(update(SESSIONS).values(user_id=user.user_id))
    assert (await authd.client.validate(access))["code"] == "token_revoked"


async def test_rejections_of_refresh_tokens_lock_nobody_out(authd: Running) -> None:
    for _ in range(LIMIT + 1):
        await authd.client.refresh("unknown")
    assert (await authd.client.log_in()).status == 200


async def _rows(authd: Running, table: object) -> int:
    async with authd.service.store.read() as db:
        return len((await db.execute(select(table))).all())  # type: ignore[call-overload] # any table
