"""Open pages: how often they hear, how many there may be, and what becomes of those that do not read.

It must never be the number of pages that decides how often the state is made.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from netra.web.console.hub import PAGES_COUNT, Full, Hub, Pace
from tests.support.problems import assert_problem
from tests.web.consoles import TOKEN, operated, until, watching

QUICK: Final = Pace(tick_s=0.02, heartbeat_s=0.3)
SELDOM: Final = Pace(tick_s=0.02, heartbeat_s=3600.0)


class Shown:
    """A state that is made on demand, and a hub that shows it."""

    def __init__(self, pace: Pace = SELDOM) -> None:
        self.revision = 0
        self.made_count = 0
        self.broken = False
        self.hub = Hub(self._made, lambda: self.revision, pace)

    def _made(self) -> bytes:
        if self.broken:
            raise KeyError("a value that nobody may read")
        self.made_count += 1
        return b'{"revision":%d}' % self.revision

    @asynccontextmanager
    async def page(self) -> AsyncIterator["Page"]:
        """An open page that has read its first piece."""
        page = Page(self.hub)
        await page.piece()
        try:
            yield page
        finally:
            await page.stream.aclose()


class Page:
    """A page, read piece by piece."""

    def __init__(self, hub: Hub) -> None:
        self.stream = hub.open()

    async def piece(self) -> str:
        """The next piece."""
        async with asyncio.timeout(10.0):
            return (await anext(self.stream)).decode()

    async def ended(self) -> bool:
        """Is there nothing more?"""
        async with asyncio.timeout(10.0):
            return [piece async for piece in self.stream] == []


async def test_a_page_is_told_the_state_at_once_and_how_soon_to_come_back() -> None:
    shown = Shown()
    page = Page(shown.hub)
    assert await page.piece() == 'retry: 2000\n\nevent: state\ndata: {"revision":0}\n\n'
    await page.stream.aclose()


async def test_a_page_hears_of_a_change_and_of_the_newest_only() -> None:
    shown = Shown()
    async with shown.page() as page:
        shown.revision = 1
        assert await page.piece() == 'event: state\ndata: {"revision":1}\n\n'
        for shown.revision in range(2, 6):
            await asyncio.sleep(QUICK.tick_s * 3)
        assert await page.piece() == 'event: state\ndata: {"revision":5}\n\n', "what it did not read is not kept"


async def test_when_nothing_changes_it_hears_a_heartbeat_all_the_same() -> None:
    shown = Shown(QUICK)
    async with shown.page() as page:
        assert [await page.piece() for _ in range(2)] == ['event: state\ndata: {"revision":0}\n\n'] * 2


async def test_however_many_pages_there_are_the_state_is_made_once() -> None:
    shown = Shown()
    pages = [Page(shown.hub) for _ in range(PAGES_COUNT)]
    for page in pages:
        await page.piece()
    assert shown.hub.pages_count == PAGES_COUNT
    made_before = shown.made_count
    shown.revision = 1
    assert {await page.piece() for page in pages} == {'event: state\ndata: {"revision":1}\n\n'}
    assert shown.made_count - made_before == 1
    with pytest.raises(Full):
        shown.hub.open()
    await pages[0].stream.aclose()
    async with shown.page():
        assert shown.hub.pages_count == PAGES_COUNT
    for page in pages:
        await page.stream.aclose()
    assert shown.hub.pages_count == 0


async def test_streams_that_were_asked_for_and_never_begun_take_no_place() -> None:
    shown = Shown()
    for _ in range(3 * PAGES_COUNT):
        await shown.hub.open().aclose()
    async with shown.page():
        assert shown.hub.pages_count == 1


async def test_without_a_page_nothing_is_made() -> None:
    shown = Shown(QUICK)
    async with shown.page():
        pass
    made_before = shown.made_count
    shown.revision = 1
    await asyncio.sleep(QUICK.heartbeat_s + 5 * QUICK.tick_s)
    assert shown.made_count == made_before


async def test_one_page_after_the_other_is_told_of_changes() -> None:
    shown = Shown()
    for revision in range(1, 4):
        async with shown.page() as page:
            shown.revision = revision
            assert f'"revision":{revision}' in await page.piece()


async def test_news_are_told_once_in_order_before_the_state() -> None:
    shown = Shown()
    async with shown.page() as page, shown.page() as other:
        shown.hub.tell("check", b"1")
        shown.hub.tell("check", b"2")
        told = "event: check\ndata: 1\n\nevent: check\ndata: 2\n\n"
        assert [await page.piece(), await other.piece()] == [told, told]


async def test_a_page_that_does_not_read_is_let_go_instead_of_being_kept_news_for() -> None:
    shown = Shown()
    async with shown.page() as asleep, shown.page() as awake:
        for number in range(1000):
            shown.hub.tell("check", b"%d" % number)
            if number % 100 == 0:
                await awake.piece()
        assert await asleep.ended()
        assert shown.hub.pages_count == 1


async def test_a_page_that_is_open_for_long_has_to_come_anew() -> None:
    shown = Shown(Pace(tick_s=0.02, heartbeat_s=0.02, longest_s=0.1))
    page = Page(shown.hub)
    async with asyncio.timeout(10.0):
        assert [piece async for piece in page.stream]
    assert shown.hub.pages_count == 0


async def test_after_a_bug_in_the_state_pages_come_back_to_where_it_is_told() -> None:
    shown = Shown()
    async with shown.page() as page:
        shown.broken, shown.revision = True, 1
        assert await page.ended()
        await asyncio.sleep(SELDOM.tick_s * 2)
        with pytest.raises(KeyError):
            await Page(shown.hub).piece()
        shown.broken = False
    async with shown.page() as page:
        shown.revision = 2
        assert '"revision":2' in await page.piece()


async def test_at_the_end_all_pages_are_let_go() -> None:
    shown = Shown()
    async with shown.page() as page, shown.page() as other:
        await shown.hub.close()
        assert [await page.ended(), await other.ended()] == [True, True]
        assert shown.hub.pages_count == 0


# --- over sockets -----------------------------------------------------------------------------------------------------


async def test_an_open_page_sees_a_login_fail_and_come_back() -> None:
    async with operated() as at, watching(at.admin) as [page]:
        assert page.status == 200
        assert "content-type: text/event-stream" in page.head
        assert (await page.until("state"))["headline"]["state"] == "idle"
        at.lab.fault("status-500")
        await at.log_in()
        assert (await page.until("state"))["headline"]["code"] == "auth_service_error"
        at.lab.heal()
        await at.log_in()
        assert (await page.until("state"))["headline"]["state"] == "ok"


async def test_a_hundred_pages_may_be_open_and_logins_get_through_all_the_same() -> None:
    async with operated() as at:
        async with watching(at.admin, count=PAGES_COUNT) as pages:
            assert {page.status for page in pages} == {200}
            for page in pages:
                await page.until("state")
            refused = await at.ask("GET", "/console/events")
            assert_problem(refused, 503, "connection_limit_reached")
            assert (await at.ask("GET", "/console/state")).status == 200
            assert (await at.ask("GET", "/health")).status == 200
            assert (await at.log_in()).status == 200
            for page in pages:
                assert (await page.until("state"))["totals"]["accepted"] == 1
        statuses = [503]
        async with asyncio.timeout(10.0):
            while statuses[-1] == 503:  # places are free once the ends of connections have arrived
                async with watching(at.admin) as [page]:
                    statuses.append(page.status)
        assert statuses[-1] == 200


async def test_a_page_that_leaves_is_forgotten_at_once() -> None:
    async with operated() as at:
        async with watching(at.admin) as [page]:
            await page.until("state")
            tasks_before = len(asyncio.all_tasks())
        await until(lambda: len(asyncio.all_tasks()) < tasks_before)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_foreign_page_cannot_hold_a_stream_open(site: str) -> None:
    async with operated() as at:
        answer = await at.ask("GET", "/console/events", ("Sec-Fetch-Site", site))
        assert_problem(answer, 403, "malformed_request")
        async with watching(at.admin, ("Sec-Fetch-Site", "same-origin")) as [page]:
            assert page.status == 200


async def test_head_says_what_the_stream_is_and_opens_none() -> None:
    async with operated() as at:
        answer = await at.ask("HEAD", "/console/events")
        assert (answer.status, answer.header("content-type")) == (200, "text/event-stream")


async def test_with_a_token_set_the_stream_needs_it() -> None:
    async with operated(TOKEN) as at:
        assert_problem(await at.ask("GET", "/console/events"), 401, "token_missing")
        async with watching(at.admin, ("Authorization", f"Bearer {TOKEN}")) as [page]:
            assert (await page.until("state"))["version"] == 1


async def test_a_gateway_that_stops_lets_its_pages_go() -> None:
    async with operated() as at:
        pages = watching(at.admin)
        [page] = await pages.__aenter__()
        await page.until("state")
    assert b"event: state" not in await page.rest()
    await pages.__aexit__(None, None, None)
