"""What becomes of a refresh token that is shown again: a crossing, a lost answer, or a copy in other hands."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from netra.authd.sessions import GRACE_S, Issued
from netra.authd.store.refresh_tokens import Seals, refresh_digest
from netra.authd.store.tables import REFRESH_TOKENS, SESSIONS
from netra.core.secret import Secret
from tests.authd.support import SERVICE_ID, MovableClock, Running, new_key, running, settings_in

Told = list[tuple[int, str, Mapping[str, object]]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
async def authd(tmp_path: Path, told: Told) -> AsyncIterator[Running]:
    async with running(settings_in(tmp_path), tell=lambda *event: told.append(event)) as one:
        yield one


async def _refreshed(authd: Running, token: str) -> str:
    reply = await authd.client.refresh(token)
    assert reply.status == 200, reply
    return str(reply.body["refresh_token"])


async def _logged_in(authd: Running) -> str:
    return str((await authd.client.log_in()).body["refresh_token"])


async def test_of_ten_uses_at_once_all_get_one_successor_and_an_access_token_each(authd: Running) -> None:
    token = await _logged_in(authd)
    replies = await asyncio.gather(*(authd.client.refresh(token) for _ in range(10)))
    assert [reply.status for reply in replies] == [200] * 10
    successors = {reply.body["refresh_token"] for reply in replies}
    assert len(successors) == 1
    access = {reply.body["access_token"] for reply in replies}
    assert len(access) == 10
    for each in access:
        assert (await authd.client.validate(each))["valid"]
    await _refreshed(authd, successors.pop())


async def test_a_token_is_answered_alike_for_ten_seconds_and_no_longer(authd: Running) -> None:
    token = await _logged_in(authd)
    successor = await _refreshed(authd, token)
    authd.clock.move(GRACE_S - 0.001)
    assert await _refreshed(authd, token) == successor
    authd.clock.move(0.001)
    assert await _refreshed(authd, token) != successor


async def test_a_clock_that_was_set_back_makes_no_thief_of_anybody(authd: Running) -> None:
    token = await _logged_in(authd)
    successor = await _refreshed(authd, token)
    authd.clock.move(-3_600)
    assert await _refreshed(authd, token) == successor


async def test_after_a_lost_answer_the_old_token_gets_another_successor_as_often_as_it_takes(authd: Running) -> None:
    token, got = await _logged_in(authd), set()
    for _ in range(5):
        got.add(await _refreshed(authd, token))
        authd.clock.move(GRACE_S)
    assert len(got) == 5
    last = await _refreshed(authd, token)
    assert await _refreshed(authd, token) == last, "a crossing has its ten seconds after each exchange"
    await _refreshed(authd, last)


async def test_a_successor_that_was_replaced_ends_the_session_when_it_is_used_after_all(
    authd: Running, told: Told
) -> None:
    token = await _logged_in(authd)
    lost = await _refreshed(authd, token)
    authd.clock.move(GRACE_S)
    replacing = (await authd.client.refresh(token)).body
    reused = await authd.client.refresh(lost)
    assert (reused.status, reused.code) == (401, "refresh_rejected")
    await _is_over(authd, replacing, told)


@pytest.mark.parametrize("waited_s", [0, GRACE_S, 900])
async def test_a_token_whose_successor_was_used_ends_the_session_at_any_time(
    authd: Running, told: Told, waited_s: float
) -> None:
    token = await _logged_in(authd)
    latest = (await authd.client.refresh(await _refreshed(authd, token))).body
    authd.clock.move(waited_s)
    reused = await authd.client.refresh(token)
    assert (reused.status, reused.code) == (401, "refresh_rejected")
    assert reused.body["detail"] == "This refresh token was used before; the session has ended."
    await _is_over(authd, latest, told)


async def _is_over(authd: Running, latest: Mapping[str, Any], told: Told) -> None:
    level, event, fields = told[-1]
    assert (level, event) == (logging.WARNING, "Refresh token reused")
    assert fields["code"] == "refresh_rejected"
    assert fields["user_id"] == latest["user"]["id"]
    (ended,) = (await authd.client.get("/auth/revocations")).body["items"]
    assert ended["sid"] == fields["sid"]
    assert (await authd.client.refresh(latest["refresh_token"])).code == "refresh_rejected"
    assert told[-1][1] == "Refresh rejected", "an ended session cannot be ended by a copy again"
    assert not (await authd.client.validate(latest["access_token"]))["valid"]


async def test_a_copied_token_ends_its_session_and_no_other(authd: Running) -> None:
    token, other = await _logged_in(authd), (await authd.client.log_in()).body
    await _refreshed(authd, await _refreshed(authd, token))
    assert (await authd.client.refresh(token)).code == "refresh_rejected"
    assert (await authd.client.validate(other["access_token"]))["valid"]
    await _refreshed(authd, other["refresh_token"])


async def test_using_the_access_token_of_a_successor_does_not_make_it_used(authd: Running) -> None:
    token = await _logged_in(authd)
    lost = (await authd.client.refresh(token)).body
    assert (await authd.client.validate(lost["access_token"]))["valid"]
    authd.clock.move(GRACE_S)
    await _refreshed(authd, token)
    assert (await authd.client.validate(lost["access_token"]))["valid"]


async def test_a_crossing_with_the_expiry_of_the_old_token_is_a_plain_rejection(authd: Running) -> None:
    token = await _logged_in(authd)
    authd.clock.move(30 * 24 * 3_600 - 1)
    successor = await _refreshed(authd, token)
    authd.clock.move(1)
    assert (await authd.client.refresh(token)).code == "refresh_rejected"
    await _refreshed(authd, successor)


async def test_a_replayed_login_beside_an_exchange_leaves_one_line_that_goes_on(authd: Running) -> None:
    key = new_key()
    first, beside = [(await authd.client.log_in(key=key)).body["refresh_token"] for _ in range(2)]
    successor = await _refreshed(authd, first)
    third = (await authd.client.log_in(key=key)).body["refresh_token"]
    await _refreshed(authd, third)
    for spent in (successor, first, beside):
        assert (await authd.client.refresh(spent)).code == "refresh_rejected"


async def test_only_the_latest_exchange_keeps_a_successor_sealed_and_nothing_of_it_can_be_read(
    authd: Running, tmp_path: Path
) -> None:
    tokens = [await _logged_in(authd)]
    for _ in range(3):
        tokens.append(await _refreshed(authd, tokens[-1]))
    async with authd.service.store.read() as db:
        kept = (await db.execute(select(REFRESH_TOKENS.c.token_hash, REFRESH_TOKENS.c.sealed_successor))).all()
    sealed = {token_hash: closed for token_hash, closed in kept if closed is not None}
    assert list(sealed) == [refresh_digest(tokens[-2])]
    closed, sid = sealed[refresh_digest(tokens[-2])], await _sid(authd)
    stored = _stored(tmp_path)
    assert closed in stored, "the search finds what is there"
    assert not [token for token in tokens if token.removeprefix("nrt_").encode() in stored]
    assert all(Seals(bytes(32)).open(closed, token, sid) is None for token in tokens)


def test_a_seal_opens_with_its_server_token_and_session_alone() -> None:
    seals = Seals(b"k" * 32)
    closed = seals.close("successor", "token", "sid")
    assert seals.open(closed, "token", "sid") == "successor"
    assert seals.close("successor", "token", "sid") != closed
    for other in (
        Seals(b"j" * 32).open(closed, "token", "sid"),
        seals.open(closed, "another", "sid"),
        seals.open(closed, "token", "dis"),
        *(seals.open(closed[:at] + bytes([closed[at] ^ 1]) + closed[at + 1 :], "token", "sid") for at in range(37)),
        *(seals.open(closed[:length], "token", "sid") for length in range(37)),
    ):
        assert other is None


async def test_a_seal_that_does_not_open_is_a_lost_answer_and_no_crash(authd: Running) -> None:
    token = await _logged_in(authd)
    successor = await _refreshed(authd, token)
    async with authd.service.store.write() as db:
        sealed = REFRESH_TOKENS.c.sealed_successor.is_not(None)
        await db.execute(update(REFRESH_TOKENS).where(sealed).values(sealed_successor=b"torn"))
    assert await _refreshed(authd, token) not in {token, successor}


async def test_a_session_goes_on_over_a_restart_in_the_middle_of_an_exchange(tmp_path: Path) -> None:
    settings, clock = settings_in(tmp_path, issuer="https://auth.example.com"), MovableClock()
    async with running(settings, clock) as authd:
        token = await _logged_in(authd)
        successor = await _refreshed(authd, token)
    async with running(settings, clock) as authd:
        assert await _refreshed(authd, token) == successor


async def test_a_store_that_fails_in_the_middle_destroys_no_session(authd: Running, tmp_path: Path) -> None:
    token = await _logged_in(authd)
    with closing(sqlite3.connect(tmp_path / "authd.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        reply = await authd.client.refresh(token)
        assert (reply.status, reply.code) == (503, "store_unavailable")
        other.execute("ROLLBACK")
    for torn in (
        "CREATE TRIGGER torn AFTER UPDATE ON refresh_tokens BEGIN DELETE FROM nowhere; END",
        "CREATE TRIGGER torn AFTER INSERT ON refresh_tokens BEGIN DELETE FROM nowhere; END",
        "CREATE TRIGGER torn AFTER UPDATE ON sessions BEGIN DELETE FROM nowhere; END",
    ):
        async with authd.service.store.write() as db:
            await db.exec_driver_sql(torn)
        assert (await authd.client.refresh(token)).status == 503
        async with authd.service.store.write() as db:
            await db.exec_driver_sql("DROP TRIGGER torn")
    successor = await _refreshed(authd, token)
    assert await _refreshed(authd, token) == successor


async def test_a_refresh_that_is_cut_off_anywhere_destroys_no_session(authd: Running) -> None:
    token = Secret(await _logged_in(authd))
    for cut_after_ms in range(12):
        refresh = asyncio.create_task(authd.service.sessions.refresh(token, SERVICE_ID, None))
        await asyncio.sleep(cut_after_ms / 1_000)
        refresh.cancel()
        await asyncio.wait({refresh})
        again = await authd.service.sessions.refresh(token, SERVICE_ID, None)
        assert isinstance(again, Issued)
        token = again.refresh_token


def _stored(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("authd.db*") if path.is_file())


async def _sid(authd: Running) -> str:
    async with authd.service.store.read() as db:
        return str((await db.execute(select(SESSIONS.c.sid))).scalar_one())
