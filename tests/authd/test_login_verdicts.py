"""The verdict of a login: equal for known and unknown, counted exactly, locked for right and wrong alike."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from netra.authd import accounts
from netra.authd.store.tables import REJECTIONS, USERS
from tests.authd.support import EMAIL, LIMIT, PASSWORD, Client, Reply, Running, running, settings_in

WINDOW_S = 900


def _without_label(reply: Reply) -> tuple[int, dict[str, Any], dict[str, str]]:
    body = {name: value for name, value in reply.body.items() if name != "request_id"}
    headers = {k.lower(): v for k, v in reply.headers.items() if k.lower() not in {"date", "x-request-id"}}
    return reply.status, body, headers


async def _rejected(client: Client, times: int, email: str = EMAIL) -> None:
    for reply in await asyncio.gather(*(client.log_in(email, "wrong") for _ in range(times))):
        assert (reply.status, reply.code) == (401, "invalid_credentials")


async def test_the_right_password_opens_a_session_in_any_spelling_of_the_email(authd: Running) -> None:
    reply = await authd.client.log_in(f"  {EMAIL.upper()} ")
    assert reply.status == 200
    assert reply.body["user"]["email"] == EMAIL
    assert reply.body["token_type"] == "Bearer"
    assert reply.body["expires_in"] == 900


async def test_an_unknown_user_and_a_wrong_password_get_the_same_answer(authd: Running) -> None:
    wrong = await authd.client.log_in(EMAIL, "wrong")
    unknown = await authd.client.log_in("nobody@example.com", "wrong")
    assert _without_label(wrong) == _without_label(unknown)
    assert wrong.code == "invalid_credentials"


async def test_an_unknown_user_takes_a_place_in_the_hash_pool_like_any_other(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, hash_threads=1, hash_queue=0)) as authd:
        known = await asyncio.gather(*(authd.client.log_in(EMAIL, "wrong") for _ in range(12)))
        unknown = await asyncio.gather(*(authd.client.log_in("nobody@example.com", "wrong") for _ in range(12)))
    for replies in (known, unknown):
        assert {reply.code for reply in replies} == {"invalid_credentials", "overloaded"}


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"], ids=["known", "unknown"])
async def test_the_limit_locks_an_identifier_whether_it_exists_or_not(authd: Running, email: str) -> None:
    await _rejected(authd.client, LIMIT, email)
    wrong = await authd.client.log_in(f" {email.upper()}", "wrong")
    right = await authd.client.log_in(email, PASSWORD)
    assert (wrong.status, wrong.code) == (right.status, right.code) == (423, "account_locked")
    assert wrong.headers["Retry-After"] == str(WINDOW_S)
    assert wrong.body["retry_after"] == WINDOW_S


async def test_one_rejection_below_the_limit_the_right_password_still_opens(authd: Running) -> None:
    await _rejected(authd.client, LIMIT - 1)
    assert (await authd.client.log_in()).status == 200


async def test_a_lock_ends_with_the_window_and_its_time_left_is_told(authd: Running) -> None:
    await _rejected(authd.client, LIMIT)
    authd.clock.move(WINDOW_S - 1.5)
    locked = await authd.client.log_in()
    assert (locked.status, locked.headers["Retry-After"]) == (423, "2")
    authd.clock.move(1.5)
    assert (await authd.client.log_in()).status == 200


async def test_attempts_while_locked_do_not_prolong_the_lock(authd: Running) -> None:
    await _rejected(authd.client, LIMIT)
    authd.clock.move(WINDOW_S / 2)
    for _ in range(5):
        assert (await authd.client.log_in(EMAIL, "wrong")).status == 423
    authd.clock.move(WINDOW_S / 2)
    assert (await authd.client.log_in()).status == 200


async def test_a_success_hands_out_no_new_allowance(authd: Running) -> None:
    await _rejected(authd.client, LIMIT - 1)
    assert (await authd.client.log_in()).status == 200
    await _rejected(authd.client, 1)
    assert (await authd.client.log_in()).code == "account_locked"


async def test_other_identifiers_stay_open(authd: Running) -> None:
    await _rejected(authd.client, LIMIT, "nobody@example.com")
    assert (await authd.client.log_in()).status == 200


async def test_no_more_guesses_than_the_limit_are_judged_however_many_come_at_once(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path)) as authd:
        replies = await asyncio.gather(*(authd.client.log_in(EMAIL, f"wrong {n}") for n in range(60)))
        codes = Counter((reply.status, reply.code) for reply in replies)
        assert codes == {(401, "invalid_credentials"): 20, (423, "account_locked"): 40}
        async with authd.service.store.read() as db:
            assert len((await db.execute(select(REJECTIONS))).all()) == 20


async def test_a_locked_identifier_is_answered_without_a_hash(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, hash_threads=1, hash_queue=0, lockout_rejections=1)) as authd:
        await _rejected(authd.client, 1)
        replies = await asyncio.gather(*(authd.client.log_in() for _ in range(30)))
        assert {reply.status for reply in replies} == {423}


async def test_disabled_is_said_only_after_the_right_password_and_counts_nothing(authd: Running) -> None:
    async with authd.service.store.write() as db:
        assert await accounts.disable(db, EMAIL, 0)
    assert (await authd.client.log_in(EMAIL, "wrong")).code == "invalid_credentials"
    for _ in range(LIMIT + 1):
        reply = await authd.client.log_in()
        assert (reply.status, reply.code) == (403, "account_disabled")


async def test_an_enabled_user_comes_in_again(authd: Running) -> None:
    async with authd.service.store.write() as db:
        await accounts.disable(db, EMAIL, 0)
        assert await accounts.enable(db, EMAIL.upper())
    assert (await authd.client.log_in()).status == 200


async def test_a_hash_of_weaker_parameters_is_renewed_at_the_next_right_password(authd: Running) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
    async with authd.service.store.write() as db:
        await db.execute(update(USERS).values(password_hash=weak))
    await authd.client.log_in(EMAIL, "wrong")
    assert await _stored_hash(authd) == weak
    assert (await authd.client.log_in()).status == 200
    renewed = await _stored_hash(authd)
    assert renewed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await authd.client.log_in()).status == 200
    assert await _stored_hash(authd) == renewed


async def test_a_lockout_outlives_a_restart(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, lockout_rejections=3)
    async with running(settings) as authd:
        await _rejected(authd.client, 3)
    async with running(settings) as authd:
        assert (await authd.client.log_in()).code == "account_locked"


async def _stored_hash(authd: Running) -> str:
    async with authd.service.store.read() as db:
        return str((await db.execute(select(USERS.c.password_hash))).scalar_one())
