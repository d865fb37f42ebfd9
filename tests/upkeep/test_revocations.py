"""The feed of revocations: what it asks for, and what the store hears of it.

It must never wait for real time where a clock can be moved.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netra.core.verdict.reply import Broken, Reply
from netra.testing.fakes import START_WALL_S, Scripted, reply
from netra.upkeep.revocations import MAX_PAGES_COUNT
from tests.link.support import SECRET, secret_on
from tests.upkeep.feeds import DOWN, GONE, REFUSED, Service, Upkeep, buggy, item, known


async def test_at_the_start_the_whole_list_is_fetched_page_by_page() -> None:
    service = Service()
    service.numbers = list(range(5))
    upkeep = Upkeep(service)
    async with upkeep.running():
        assert service.asked() == [None, "1.2", "1.4", "1.5"]
        assert all(known(upkeep.revoked, number) for number in range(5))
        assert not known(upkeep.revoked, 5)
        assert len(upkeep.revoked) == 5
        assert upkeep.feed.first_ended.is_set()


async def test_afterwards_only_what_is_new_is_asked_for() -> None:
    service = Service()
    service.numbers = [0, 1, 2]
    upkeep = Upkeep(service)
    async with upkeep.running():
        service.asked()
        await upkeep.pass_s(2.0)
        assert service.asked() == ["1.3"]
        service.numbers.append(3)
        await upkeep.pass_s(2.0)
        assert service.asked() == ["1.3", "1.4"]
        assert known(upkeep.revoked, 3)


async def test_a_page_is_asked_for_with_our_credentials_once_and_within_its_budget() -> None:
    upkeep = Upkeep(Service(), tries=3)
    async with upkeep.running():
        (asked,) = upkeep.exchange.asked
        assert (asked.call.operation.name, secret_on(asked.seal), asked.left_s) == ("revocations", SECRET, 2.0)
        assert asked.call.request_id.startswith("revocations-")
    failing = Upkeep(REFUSED, tries=3)
    async with failing.running():
        assert len(failing.exchange.asked) == 1
        assert failing.states() == [(DOWN, "connection_refused")], "the round has ended, no other try is waited for"


async def test_what_nobody_needs_to_know_any_more_is_not_kept() -> None:
    over = {"sid": "id-0", "exp": int(START_WALL_S) - 90_000}
    upkeep = Upkeep(reply(200, {"cursor": "same", "items": [over, item(1)]}))
    async with upkeep.running():
        assert (known(upkeep.revoked, 0), known(upkeep.revoked, 1)) == (False, True)


async def test_an_auth_service_that_lost_its_memory_is_heard_from_the_beginning_and_nothing_is_forgotten() -> None:
    service = Service()
    service.numbers = [0, 1, 2]
    upkeep = Upkeep(service)
    async with upkeep.running():
        service.era, service.numbers = 2, [7]
        await upkeep.pass_s(2.0)
        assert all(known(upkeep.revoked, number) for number in (0, 1, 2, 7))


@pytest.mark.parametrize("answer", [GONE, reply(400, {"title": "Bad Request"}), reply(410)])
async def test_a_cursor_that_is_refused_is_dropped(answer: Reply) -> None:
    service = Service()
    service.numbers = [0]
    upkeep = Upkeep(service)
    async with upkeep.running():
        service.fails_with = answer
        await upkeep.pass_s(2.0)
        service.fails_with = None
        service.asked()
        await upkeep.pass_s(2.0)
        assert service.asked() == [None, "1.1"]


async def test_a_failure_in_the_middle_keeps_what_came_and_goes_on_from_there() -> None:
    service = Service()
    service.numbers = list(range(6))
    failing: list[Reply | Broken] = []
    upkeep = Upkeep(lambda asked: failing.pop() if failing and asked.call.said["cursor"] == "1.4" else service(asked))
    failing.append(REFUSED)
    async with upkeep.running():
        assert [known(upkeep.revoked, number) for number in range(6)] == [True] * 4 + [False] * 2
        assert not upkeep.up()
        service.asked()
        await upkeep.pass_s(2.0)
        assert service.asked() == ["1.4", "1.6"]
        assert len(upkeep.revoked) == 6


async def test_a_list_that_never_ends_is_fetched_a_hundred_pages_at_a_time_and_is_never_up() -> None:
    pages = iter(range(10**9))
    upkeep = Upkeep(lambda _: reply(200, {"cursor": str(next(pages)), "items": [item(0)]}))
    async with upkeep.running():
        assert len(upkeep.exchange.asked) == MAX_PAGES_COUNT
        await upkeep.pass_s(2.0)
        assert len(upkeep.exchange.asked) == 2 * MAX_PAGES_COUNT
        assert not upkeep.up()
        assert upkeep.states() == [(DOWN, None)]


async def test_a_cursor_that_does_not_move_ends_the_round() -> None:
    upkeep = Upkeep(reply(200, {"cursor": "same", "items": [item(0)]}))
    async with upkeep.running():
        assert len(upkeep.exchange.asked) == 2
        assert upkeep.up()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("revoke"), st.integers(1, 5)),
        st.tuples(st.just("round"), st.sampled_from(["well", "refused", "gone", "cut", "bug"])),
        st.tuples(st.just("forget"), st.just(0)),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(1, 3))
async def test_whatever_fails_in_between_a_good_round_leaves_nothing_unknown(
    plan: list[tuple[str, Any]], page_count: int
) -> None:
    service = Service(page_count)
    upkeep = Upkeep(service)
    ever: list[int] = []
    heard: set[int] = set()
    for what, how in [*plan, ("round", "well")]:
        if what == "revoke":
            fresh = range(len(ever), len(ever) + how)
            ever.extend(fresh)
            service.numbers.extend(fresh)
        elif what == "forget":
            service.era, service.numbers = service.era + 1, []
        else:
            failures: dict[str, Scripted | None] = {
                "well": None, "refused": REFUSED, "gone": GONE, "cut": Broken("response_incomplete"), "bug": buggy,
            }  # fmt: skip
            service.fails_with = failures[how]
            if how == "bug":
                with pytest.raises(ZeroDivisionError):
                    await upkeep.feed.once()
            else:
                assert (await upkeep.feed.once()).whole == (how == "well")
            heard |= set(service.numbers) if how == "well" else set()
        assert all(known(upkeep.revoked, number) for number in heard)
    assert all(known(upkeep.revoked, number) for number in service.numbers)
