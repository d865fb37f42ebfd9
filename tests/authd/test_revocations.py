"""The list of sessions that ended before their tokens: what stands in it, for how long, and how it is read in pages."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from netra.authd import accounts
from netra.authd.sessions import GRACE_S
from netra.authd.store.purge import perishables, purge_all
from netra.authd.store.revocations import KEPT_MS, PAGE_ROWS, Page, end_sessions, page
from netra.authd.store.tables import REVOCATIONS, SESSIONS
from netra.core.secret import Secret
from tests.authd.support import (
    EMAIL,
    SERVICE_SECRET,
    Client,
    MovableClock,
    Running,
    is_problem,
    running,
    settings_in,
)

ACCESS_S = 900
MOST_A_GATEWAY_READS = 64 * 1_024


async def _feed(client: Client, after: str | None = None) -> Any:
    reply = await client.get("/auth/revocations" + ("" if after is None else f"?after={after}"))
    assert reply.status == 200, reply
    assert set(reply.body) == {"cursor", "items"}
    return reply.body


async def _sids(client: Client, after: str | None = None) -> list[str]:
    return [item["sid"] for item in (await _feed(client, after))["items"]]


async def _log_in(authd: Running) -> tuple[dict[str, Any], str]:
    login = (await authd.client.log_in()).body
    return login, (await authd.client.validate(login["access_token"]))["sid"]


async def _purge(authd: Running) -> None:
    for each in perishables(900):
        await purge_all(authd.service.store, each, int(authd.clock.now_s * 1_000))


async def test_nothing_has_ended_at_first_and_asking_changes_nothing(authd: Running) -> None:
    await authd.client.log_in()
    first = await _feed(authd.client)
    assert first["items"] == []
    assert await _feed(authd.client, first["cursor"]) == first


async def test_a_logout_is_listed_until_the_last_access_token_of_the_session_expires(authd: Running) -> None:
    login, sid = await _log_in(authd)
    authd.clock.move(100.5)
    await authd.client.refresh(login["refresh_token"])
    assert (await authd.client.log_out(login["access_token"])).status == 200
    (item,) = (await _feed(authd.client))["items"]
    assert item == {"sid": sid, "exp": int(authd.clock.now_s) + ACCESS_S + 1}, "rounded up, never down"


async def test_every_way_to_end_a_session_is_listed_once_and_in_order(authd: Running) -> None:
    (by_logout, first), (copied, second), (_, third), (_, fourth), (alive, _) = [await _log_in(authd) for _ in range(5)]
    for _ in range(2):
        await authd.client.log_out(refresh_token=by_logout["refresh_token"])
    successor = (await authd.client.refresh(copied["refresh_token"])).body["refresh_token"]
    await authd.client.refresh(successor)
    await authd.client.refresh(copied["refresh_token"])
    assert await _sids(authd.client) == [first, second]
    user = await authd.service.add_user("grace@example.com", Secret("another good password"))
    assert user is not None
    async with authd.service.store.write() as db:
        await db.execute(
            update(SESSIONS).where(SESSIONS.c.sid.not_in([first, second, third, fourth])).values(user_id=user.user_id)
        )
    for _ in range(2):
        async with authd.service.store.write() as db:
            await accounts.disable(db, EMAIL, authd.service.sessions.now_ms())
    listed = await _sids(authd.client)
    assert listed[:2] == [first, second]
    assert sorted(listed[2:]) == sorted([third, fourth])
    assert (await authd.client.refresh(alive["refresh_token"])).status == 200


async def test_a_lost_answer_and_a_crossing_end_nothing(authd: Running) -> None:
    login, _ = await _log_in(authd)
    for wait_s in (0, 0, GRACE_S):
        authd.clock.move(wait_s)
        assert (await authd.client.refresh(login["refresh_token"])).status == 200
    assert await _sids(authd.client) == []


async def test_an_end_is_told_for_as_long_as_a_token_of_the_session_may_pass_somewhere(authd: Running) -> None:
    login, sid = await _log_in(authd)
    await authd.client.log_out(login["access_token"])
    authd.clock.move(ACCESS_S + KEPT_MS / 1_000 - 1)
    await _purge(authd)
    assert await _sids(authd.client) == [sid]
    authd.clock.move(1)
    assert await _sids(authd.client) == []
    async with authd.service.store.read() as db:
        assert len((await db.execute(select(REVOCATIONS))).all()) == 1
    await _purge(authd)
    async with authd.service.store.read() as db:
        assert (await db.execute(select(REVOCATIONS))).all() == []


async def test_a_session_without_a_good_access_token_ends_without_a_word(authd: Running) -> None:
    login, _ = await _log_in(authd)
    authd.clock.move(ACCESS_S + KEPT_MS / 1_000)
    await authd.client.log_out(refresh_token=login["refresh_token"])
    assert await _sids(authd.client) == []
    assert (await authd.client.refresh(login["refresh_token"])).code == "refresh_rejected"


async def test_the_purge_of_a_session_leaves_its_end_in_the_list(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, access_token_s=900, refresh_token_s=60)
    async with running(settings) as authd:
        login, sid = await _log_in(authd)
        await authd.client.log_out(login["access_token"])
        authd.clock.move(ACCESS_S)
        await _purge(authd)
        async with authd.service.store.read() as db:
            assert (await db.execute(select(SESSIONS))).all() == []
        assert await _sids(authd.client) == [sid]


async def test_a_shorter_life_of_tokens_by_setting_forgets_no_token_that_is_out(tmp_path: Path) -> None:
    clock = MovableClock()
    async with running(settings_in(tmp_path, issuer="http://one"), clock) as authd:
        login, sid = await _log_in(authd)
    async with running(settings_in(tmp_path, issuer="http://one", access_token_s=10), clock) as authd:
        await authd.client.refresh(login["refresh_token"])
        await authd.client.log_out(login["access_token"])
        assert (await _feed(authd.client))["items"] == [{"sid": sid, "exp": int(clock.now_s) + ACCESS_S}]


async def test_a_cursor_asks_for_what_came_after_it_and_outlives_a_restart(tmp_path: Path) -> None:
    settings, clock = settings_in(tmp_path, issuer="http://one"), MovableClock()
    async with running(settings, clock) as authd:
        logins = [await _log_in(authd) for _ in range(3)]
        await authd.client.log_out(logins[0][0]["access_token"])
        cursor = (await _feed(authd.client))["cursor"]
        assert await _feed(authd.client, cursor) == {"cursor": cursor, "items": []}
        await authd.client.log_out(logins[1][0]["access_token"])
    async with running(settings, clock) as authd:
        await authd.client.log_out(logins[2][0]["access_token"])
        assert await _sids(authd.client, cursor) == [logins[1][1], logins[2][1]]
        assert await _sids(authd.client) == [sid for _, sid in logins]


@pytest.mark.parametrize(
    "query",
    [
        "", "?", "?after=", "?after=0", "?after=1", "?after=-1", "?after=garbage", "?after=99999999999999999999-x",
        "?after=1-00000000-0000-0000-0000-000000000000", "?after=%00%FF", "?after='%20OR%201=1--", "?before=1",
        "?after={cursor}&after={cursor}", "?after={cursor}x", "?after=" + "9" * 2_000,
    ],
)  # fmt: skip
async def test_a_cursor_that_says_nothing_here_begins_the_whole_list(authd: Running, query: str) -> None:
    login, sid = await _log_in(authd)
    await authd.client.log_out(login["access_token"])
    cursor = (await _feed(authd.client))["cursor"]
    reply = await authd.client.get("/auth/revocations" + query.replace("{cursor}", cursor))
    assert (reply.status, [item["sid"] for item in reply.body["items"]]) == (200, [sid])
    assert reply.body["cursor"] == cursor


async def test_a_database_that_was_lost_does_not_believe_the_cursors_of_the_old_one(tmp_path: Path) -> None:
    cursors, clock = [], MovableClock()
    for folder in (tmp_path / "lost", tmp_path / "new"):
        folder.mkdir()
        async with running(settings_in(folder), clock) as authd:
            ends = [await _log_in(authd) for _ in range(3)]
            for login, _ in ends:
                await authd.client.log_out(login["access_token"])
            cursors.append((await _feed(authd.client))["cursor"])
            assert await _sids(authd.client, cursors[0]) == ([] if len(cursors) == 1 else [sid for _, sid in ends])
    assert cursors[0].split("-")[0] == cursors[1].split("-")[0], "the numbers alone would be believed"


async def test_a_cursor_whose_end_was_purged_begins_anew_and_loses_nothing(authd: Running) -> None:
    (early, _), (late, sid) = await _log_in(authd), await _log_in(authd)
    await authd.client.log_out(early["access_token"])
    cursor = (await _feed(authd.client))["cursor"]
    authd.clock.move(ACCESS_S + 60)
    renewed = (await authd.client.refresh(late["refresh_token"])).body
    await authd.client.log_out(renewed["access_token"])
    authd.clock.move(KEPT_MS / 1_000)
    await _purge(authd)
    assert await _sids(authd.client, cursor) == [sid]


async def test_a_long_list_comes_in_pages_that_a_gateway_can_read(authd: Running) -> None:
    at_ms = int(authd.clock.now_s * 1_000) + 900_000
    known = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(2 * PAGE_ROWS + 7)]
    async with authd.service.store.write() as db:
        await db.execute(insert(REVOCATIONS), [{"sid": sid, "expires_at_ms": at_ms} for sid in known])
    read: list[str] = []
    sizes: list[int] = []
    cursor = None
    while not sizes or sizes[-1]:
        body = await _feed(authd.client, cursor)
        assert len(json.dumps(body)) < MOST_A_GATEWAY_READS
        sizes.append(len(body["items"]))
        read += [item["sid"] for item in body["items"]]
        cursor = body["cursor"]
    assert read == known
    assert sizes == [PAGE_ROWS, PAGE_ROWS, 7, 0]


async def test_a_number_is_never_given_twice(authd: Running) -> None:
    async def number(sid: str) -> str:
        async with authd.service.store.write() as db:
            await db.execute(insert(REVOCATIONS).values(sid=sid, expires_at_ms=2**52))
            found: Page = await page(db, None, 0)
            await db.execute(REVOCATIONS.delete())
        return found.cursor.split("-")[0]

    assert [await number(f"{digit}" * 36) for digit in "abc"] == ["1", "2", "3"]


async def test_an_end_and_its_listing_are_one_transaction(authd: Running) -> None:
    login, _ = await _log_in(authd)

    async def crash(db: AsyncConnection) -> None:
        await end_sessions(db, SESSIONS.c.sid.is_not(None), 0)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        async with authd.service.store.write() as db:
            await crash(db)
    assert await _sids(authd.client) == []
    assert (await authd.client.validate(login["access_token"]))["valid"]


async def test_it_is_for_services_alone_and_head_works(authd: Running) -> None:
    is_problem(await authd.client.get("/auth/revocations", seal=False), 401, "service_credentials_missing")
    wrong = {"X-Service-ID": authd.client.service_id, "X-Service-Secret": SERVICE_SECRET + "x"}
    reply = await authd.client.get("/auth/revocations", headers=wrong, seal=False)
    is_problem(reply, 401, "service_credentials_rejected")
    assert (await authd.client.ask("HEAD", "/auth/revocations")).status == 200
