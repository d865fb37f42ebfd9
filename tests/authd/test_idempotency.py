"""A delivery that comes again: the same verdict, counted once, and nothing kept that could be used."""

import asyncio
import base64
import json
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from netra.authd import Overloaded
from netra.authd.idempotency import KEPT_S, Deliveries
from netra.authd.store.purge import perishables, purge_all
from netra.authd.store.refresh_tokens import refresh_digest
from netra.authd.store.tables import REFRESH_TOKENS, REJECTIONS, SESSIONS, USERS, VERDICTS
from netra.core.secret import Secret
from tests.authd.support import (
    EMAIL,
    LIMIT,
    PASSWORD,
    Client,
    Reply,
    Running,
    client_of,
    keyed,
    new_key,
    running,
    settings_in,
)


async def _count(authd: Running, table: object) -> int:
    async with authd.service.store.read() as db:
        return len((await db.execute(select(table))).all())  # type: ignore[call-overload] # any table


def _claims(token: str) -> dict[str, object]:
    claims: dict[str, object] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims


async def _register(client: Client, key: str, email: str = "grace@example.com") -> Reply:
    body = {"email": email, "password": PASSWORD, "name": "Grace"}
    return await client.post("/auth/register", body, headers=keyed(key))


async def test_a_login_sent_twice_opens_one_session_and_both_answers_hold_good_tokens_of_it(authd: Running) -> None:
    key = new_key()
    first, second = await authd.client.log_in(key=key), await authd.client.log_in(key=key)
    assert first.status == second.status == 200
    assert await _count(authd, SESSIONS) == 1
    assert first.body["access_token"] != second.body["access_token"]
    assert first.body["refresh_token"] != second.body["refresh_token"]
    claims = [_claims(reply.body["access_token"]) for reply in (first, second)]
    assert claims[0].pop("jti") != claims[1].pop("jti")
    assert claims[0] == claims[1]
    for reply in (first, second):
        assert (await authd.client.validate(reply.body["access_token"]))["valid"]
    assert (await authd.client.refresh(second.body["refresh_token"])).status == 200


async def test_of_the_tokens_of_repeated_answers_the_first_one_used_voids_the_others(authd: Running) -> None:
    key = new_key()
    replies = [await authd.client.log_in(key=key) for _ in range(3)]
    successor = await authd.client.refresh(replies[0].body["refresh_token"])
    assert successor.status == 200
    assert (await authd.client.refresh(replies[2].body["refresh_token"])).code == "refresh_rejected"
    assert (await authd.client.refresh(successor.body["refresh_token"])).code == "refresh_rejected"


async def test_a_rejection_sent_twice_is_counted_once(authd: Running) -> None:
    key = new_key()
    replies = [await authd.client.log_in(password="wrong", key=key) for _ in range(LIMIT + 3)]
    assert {(reply.status, reply.code) for reply in replies} == {(401, "invalid_credentials")}
    assert await _count(authd, REJECTIONS) == 1
    assert (await authd.client.log_in()).status == 200


async def test_duplicates_that_run_at_once_wait_and_get_one_verdict(authd: Running) -> None:
    key, other = new_key(), new_key()
    wrong = [authd.client.log_in(password="wrong", key=key) for _ in range(20)]
    right = [authd.client.log_in(key=other) for _ in range(20)]
    replies = await asyncio.gather(*wrong, *right)
    assert Counter(reply.status for reply in replies) == {401: 20, 200: 20}
    assert await _count(authd, REJECTIONS) == 1
    assert await _count(authd, SESSIONS) == 1


async def test_a_lock_is_replayed_too_and_its_time_left_shrinks(authd: Running) -> None:
    await asyncio.gather(*(authd.client.log_in(password="wrong") for _ in range(LIMIT)))
    key = new_key()
    first = await authd.client.log_in(key=key)
    authd.clock.move(100)
    second = await authd.client.log_in(key=key)
    assert [(r.code, r.headers["Retry-After"]) for r in (first, second)] == [
        ("account_locked", "900"),
        ("account_locked", "800"),
    ]


@pytest.mark.parametrize("body", [{"password": "another"}, {"email": "eve@example.com"}, {"extra": 1}], ids=str)
async def test_the_same_key_with_another_body_is_refused_and_judges_nobody(
    authd: Running, body: dict[str, object]
) -> None:
    key = new_key()
    await authd.client.log_in(key=key)
    reply = await authd.client.post("/auth/login", {"email": EMAIL, "password": PASSWORD, **body}, headers=keyed(key))
    assert (reply.status, reply.code) == (422, "idempotency_key_reused")
    assert await _count(authd, SESSIONS) == 1
    assert await _count(authd, REJECTIONS) == 0


async def test_the_order_of_members_and_white_space_do_not_make_another_body(authd: Running) -> None:
    key = new_key()
    first = await authd.client.log_in(key=key)
    raw = f'{{ "password" : "{PASSWORD}",\n "email":"{EMAIL}" }}'.encode()
    second = await authd.client.post("/auth/login", raw=raw, headers=keyed(key))
    assert (first.status, second.status) == (200, 200)
    assert await _count(authd, SESSIONS) == 1


async def test_a_key_belongs_to_one_service_and_one_route(authd: Running) -> None:
    key, secret = new_key(), "another-service-" + "s" * 32
    await authd.service.add_service("other", Secret(secret))
    login = await authd.client.log_in(key=key)
    async with client_of(authd.url, "other", secret) as other:
        assert (await other.log_in(password="wrong", key=key)).status == 401
    assert (await authd.client.refresh(login.body["refresh_token"], key)).status == 200


async def test_a_refresh_sent_twice_rotates_once_and_the_repeated_answer_holds_a_good_successor(
    authd: Running,
) -> None:
    token, key = (await authd.client.log_in()).body["refresh_token"], new_key()
    first, second = await authd.client.refresh(token, key), await authd.client.refresh(token, key)
    assert first.status == second.status == 200
    assert (await authd.client.validate(second.body["access_token"]))["valid"]
    assert (await authd.client.refresh(second.body["refresh_token"])).status == 200


async def test_concurrent_deliveries_of_one_refresh_do_not_end_the_session(authd: Running) -> None:
    token, key = (await authd.client.log_in()).body["refresh_token"], new_key()
    replies = await asyncio.gather(*(authd.client.refresh(token, key) for _ in range(10)))
    assert {reply.status for reply in replies} == {200}
    assert (await authd.client.refresh(replies[0].body["refresh_token"])).status == 200


async def test_a_refresh_delivered_again_gets_the_successor_that_it_got_with_its_key_or_without(
    authd: Running,
) -> None:
    token, key = (await authd.client.log_in()).body["refresh_token"], new_key()
    replies = [await authd.client.refresh(token, each) for each in (key, key, None, new_key())]
    assert len({reply.body["refresh_token"] for reply in replies}) == 1


async def test_a_refresh_delivered_again_after_its_successor_was_used_is_answered_and_ends_nothing(
    authd: Running,
) -> None:
    token, key = (await authd.client.log_in()).body["refresh_token"], new_key()
    successor = (await authd.client.refresh(token, key)).body["refresh_token"]
    assert (await authd.client.refresh(successor)).status == 200
    again = await authd.client.refresh(token, key)
    assert again.status == 200
    assert (await authd.client.validate(again.body["access_token"]))["valid"]
    assert (await authd.client.refresh(again.body["refresh_token"])).status == 200
    assert (await authd.client.refresh(token)).code == "refresh_rejected"
    assert (await authd.client.refresh(token, key)).code == "refresh_rejected"


async def test_a_registration_sent_twice_makes_one_user_and_says_so_twice(authd: Running) -> None:
    key = new_key()
    replies = await asyncio.gather(*(_register(authd.client, key) for _ in range(5)))
    assert {reply.status for reply in replies} == {201}
    assert len({reply.body["user"]["id"] for reply in replies}) == 1
    assert (await _register(authd.client, new_key())).code == "email_taken"
    assert await _count(authd, USERS) == 2


async def test_a_password_that_the_policy_turns_down_is_turned_down_twice_with_the_same_words(authd: Running) -> None:
    key, body = new_key(), {"email": "grace@example.com", "password": "short"}
    replies = [await authd.client.post("/auth/register", body, headers=keyed(key)) for _ in range(2)]
    assert {(r.status, r.code, r.body["detail"]) for r in replies} == {
        (422, "password_rejected", "The password must have at least 8 characters.")
    }
    assert await _count(authd, VERDICTS) == 1


async def test_verdicts_outlive_a_restart(tmp_path: Path) -> None:
    settings, right, wrong = settings_in(tmp_path), new_key(), new_key()
    async with running(settings) as authd:
        await authd.client.log_in(key=right)
        await authd.client.log_in(password="wrong", key=wrong)
    async with running(settings) as authd:
        assert (await authd.client.log_in(key=right)).status == 200
        assert (await authd.client.log_in(password="wrong", key=wrong)).status == 401
        assert (await authd.client.log_in(password="other", key=wrong)).code == "idempotency_key_reused"
        assert (await _count(authd, SESSIONS), await _count(authd, REJECTIONS)) == (1, 1)


async def test_a_verdict_is_forgotten_after_ten_minutes(authd: Running) -> None:
    key = new_key()
    await authd.client.log_in(key=key)
    authd.clock.move(KEPT_S - 1)
    assert (await authd.client.log_in(password="wrong", key=key)).code == "idempotency_key_reused"
    authd.clock.move(1)
    assert (await authd.client.log_in(password="wrong", key=key)).code == "invalid_credentials"
    for each in perishables(900):
        await purge_all(authd.service.store, each, int((authd.clock.now_s + KEPT_S) * 1_000))
    assert await _count(authd, VERDICTS) == 0


async def test_overload_is_no_verdict_and_the_same_key_is_judged_later(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, hash_threads=1, hash_queue=0)) as authd:
        keys = [new_key() for _ in range(12)]
        replies = await asyncio.gather(*(authd.client.log_in(key=key) for key in keys))
        shed = [key for key, reply in zip(keys, replies, strict=True) if reply.status == 503]
        assert shed
        assert (await authd.client.log_in(key=shed[0])).status == 200


async def test_a_replay_never_signs_tokens_for_a_session_that_has_ended(authd: Running) -> None:
    key = new_key()
    first = await authd.client.log_in(key=key)
    await authd.client.log_out(refresh_token=first.body["refresh_token"])
    second = await authd.client.log_in(key=key)
    assert second.status == 200
    assert await _count(authd, SESSIONS) == 2
    assert (await authd.client.validate(second.body["access_token"]))["valid"]
    assert (await authd.client.validate(first.body["access_token"]))["code"] == "token_revoked"


async def test_a_delivery_that_ends_without_a_verdict_leaves_the_turn_to_the_next(authd: Running) -> None:
    deliveries = Deliveries(authd.service.store, b"k" * 32)
    delivery = deliveries.arrived("s", "/r", "key", {})
    order: list[str] = []

    async def crash() -> str:
        order.append("first")
        await asyncio.sleep(0.01)
        raise RuntimeError

    async def judge() -> str:
        order.append("second")
        return "judged"

    async def never(_: object) -> str:
        raise AssertionError

    first = asyncio.create_task(deliveries.once(delivery, 0, crash, never))
    second = asyncio.create_task(deliveries.once(delivery, 0, judge, never))
    assert await second == "judged"
    with pytest.raises(RuntimeError):
        await first
    assert order == ["first", "second"]
    assert not deliveries._turns


async def test_a_delivery_waits_only_so_long_for_an_earlier_one(authd: Running) -> None:
    deliveries = Deliveries(authd.service.store, b"k" * 32, wait_s=0.01)
    delivery, done = deliveries.arrived("s", "/r", "key", {}), asyncio.Event()

    async def slow() -> str:
        await done.wait()
        return "judged"

    async def never(_: object) -> str:
        raise AssertionError

    first = asyncio.create_task(deliveries.once(delivery, 0, slow, never))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await deliveries.once(delivery, 0, slow, never)
    done.set()
    assert await first == "judged"
    assert not deliveries._turns


@pytest.mark.parametrize("key", ["", "a" * 256, "with space", "tab\there", "ümlaut"], ids=ascii)
async def test_a_key_that_is_no_key_is_a_malformed_request(authd: Running, key: str) -> None:
    reply = await authd.client.log_in(key=key)
    assert (reply.status, reply.code) == (400, "malformed_request")


async def test_two_keys_are_a_malformed_request(authd: Running) -> None:
    async with authd.client.session.post(
        f"{authd.url}/auth/login",
        json={"email": EMAIL, "password": PASSWORD},
        headers=[
            ("X-Service-ID", authd.client.service_id),
            ("X-Service-Secret", authd.client.service_secret),
            ("Idempotency-Key", "one"),
            ("Idempotency-Key", "two"),
        ],
    ) as answer:
        assert answer.status == 400


async def test_the_longest_key_works(authd: Running) -> None:
    assert (await authd.client.log_in(key="~" * 255)).status == 200


async def test_a_replay_stores_only_digests_of_the_tokens_it_hands_out(authd: Running) -> None:
    key = new_key()
    tokens = [(await authd.client.log_in(key=key)).body["refresh_token"] for _ in range(2)]
    async with authd.service.store.read() as db:
        kept = set((await db.execute(select(REFRESH_TOKENS.c.token_hash))).scalars())
    assert kept == {refresh_digest(token) for token in tokens}
