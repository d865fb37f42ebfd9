"""The key ring: fresh ahead of need, good through every outage, asked by many and asking seldom.

It must never wait for real time where a clock can be moved.
"""

import asyncio

import pytest

from netra.core.events import Crashed, KeysChanged
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import Jwks
from netra.core.verdict.outcomes import Accepted, Unknown, unknown
from netra.testing.fakes import FakeClock, ScriptedExchange, reply
from netra.upkeep.keys import ask_for_keys
from netra.upkeep.keyset import KeySet
from tests.link.support import WIRE, link_to, until
from tests.upkeep.issuers import Ring, failed, published

# --- ahead of need --------------------------------------------------------------------------------------------------


async def test_the_first_set_is_fetched_at_once_and_told() -> None:
    ring = Ring(published("a", "b"))
    assert (ring.ring.current, ring.ring.fetched_at_s, ring.ring.age_s(1000.0)) == (None, None, None)
    await ring.go()
    assert ring.asked_s == [0.0]
    assert ring.events == [KeysChanged(("a", "b"))]
    assert (ring.ring.fetched_at_s, ring.ring.age_s(1004.5), ring.ring.last_code) == (1000.0, 4.5, None)
    await ring.stop()


@pytest.mark.parametrize(("chance", "at_s"), [(0.0, 432.0), (0.5, 480.0), (0.999, 527.9)])
async def test_a_set_is_fetched_anew_at_four_fifths_of_its_age_a_little_earlier_or_later(
    chance: float, at_s: float
) -> None:
    ring = Ring()
    ring.clock.chance = chance
    await ring.go()
    await ring.pass_by(at_s - 0.2)
    assert ring.asked_s == [0.0]
    await ring.pass_by(0.4)
    assert len(ring.asked_s) == 2
    await ring.stop()


async def test_the_age_of_a_set_counts_from_the_beginning_of_its_fetch() -> None:
    ring = Ring()
    ring.issuer.fall_silent()
    running = asyncio.create_task(ring.ring.run())
    await until(lambda: ring.issuer.under_way_count == 1)
    await ring.pass_by(4.0)
    ring.issuer.speak()
    await until(lambda: ring.ring.current is not None)
    assert ring.ring.age_s(ring.clock.now_s()) == 4.0
    running.cancel()


async def test_a_set_that_has_not_changed_is_not_told_again() -> None:
    ring = Ring()
    await ring.go()
    await ring.pass_by(480.0)
    assert len(ring.asked_s) == 2
    assert len(ring.events) == 1
    assert ring.ring.fetched_at_s == 1480.0
    await ring.stop()


async def test_a_key_that_comes_or_goes_is_told_and_counts_at_once() -> None:
    ring = Ring(published("a"))
    await ring.go()
    ring.issuer.says = published("b", "a")
    await ring.pass_by(480.0)
    ring.issuer.says = published("b")
    await ring.pass_by(480.0)
    assert [each.key_ids for each in ring.events] == [("a",), ("b", "a"), ("b",)]
    assert await ring.key_ids_for("b") == ("b",)
    await ring.stop()


async def test_a_set_that_a_token_has_brought_puts_off_the_next_fetch() -> None:
    ring = Ring()
    await ring.go()
    await ring.pass_by(400.0)
    await ring.key_ids_for("unheard-of")
    await ring.pass_by(100.0)
    assert ring.asked_s == [0.0, 400.0]
    await ring.pass_by(380.0)
    assert ring.asked_s == [0.0, 400.0, 880.0]
    await ring.stop()


async def test_a_fetch_that_is_due_joins_the_one_that_a_token_has_caused() -> None:
    ring = Ring()
    await ring.go()
    await ring.pass_by(475.0)
    ring.issuer.fall_silent()
    asking = asyncio.create_task(ring.for_token("new"))
    await until(lambda: ring.issuer.under_way_count == 1)
    await ring.pass_by(10.0)
    ring.issuer.speak()
    assert isinstance(await asking, KeySet)
    await ring.pass_by(1.0)
    assert ring.asked_s == [0.0, 475.0]
    assert ring.told.of(Crashed) == []
    await ring.stop()


# --- through an outage ----------------------------------------------------------------------------------------------


async def test_while_there_is_no_set_it_is_asked_for_again_and_again_ever_more_seldom() -> None:
    ring = Ring(failed())
    ring.clock.chance = 0.999
    await ring.go()
    for _ in range(400):
        await ring.pass_by(1.0)
    gaps = [later - earlier for earlier, later in zip(ring.asked_s, ring.asked_s[1:], strict=False)]
    assert gaps[:6] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    assert set(gaps[6:]) == {60.0}
    await ring.stop()


async def test_jitter_shortens_a_wait_by_half_at_most_and_never_below_a_second() -> None:
    ring = Ring(failed())
    ring.clock.chance = 0.0
    await ring.go()
    for _ in range(100):
        await ring.pass_by(1.0)
    gaps = [later - earlier for earlier, later in zip(ring.asked_s, ring.asked_s[1:], strict=False)]
    assert gaps[:6] == [1.0, 1.0, 2.0, 4.0, 8.0, 16.0]
    assert set(gaps[6:]) == {30.0}
    await ring.stop()


async def test_after_a_good_fetch_an_outage_begins_anew() -> None:
    ring = Ring(failed())
    await ring.go()
    for _ in range(40):
        await ring.pass_by(1.0)
    ring.issuer.says = published("a")
    await ring.pass_by(60.0)
    ring.issuer.says = failed()
    asked = len(ring.asked_s)
    for _ in range(484):
        await ring.pass_by(1.0)
    at_s = ring.asked_s[asked:]
    assert at_s[1] - at_s[0] == 1.0
    await ring.stop()


async def test_an_issuer_that_says_when_to_come_back_is_left_alone_until_then_but_for_a_minute_at_most() -> None:
    for asked_for_s, waited_s in [(20, 20.0), (3600, 60.0)]:
        busy = unknown(TABLE["auth_service_unavailable"])._replace(retry_after_s=asked_for_s)
        ring = Ring(busy)
        await ring.go()
        await ring.pass_by(waited_s - 0.5)
        assert len(ring.asked_s) == 1
        await ring.pass_by(1.0)
        assert len(ring.asked_s) == 2
        await ring.stop()


BAD = {
    "unreachable": (failed(), "connection_refused", ""),
    "gone": (failed("endpoint_not_found"), "endpoint_not_found", ""),
    "garbage": (failed("invalid_response"), "invalid_response", ""),
    "empty": (published(), "keys_refused", "none of its keys"),
    "symmetric": (Accepted(Jwks(({"kty": "oct", "k": "c2VjcmV0", "kid": "a"},))), "keys_refused", "symmetric"),
    "too many": (published(*(f"k{number}" for number in range(101))), "keys_refused", "more than 100"),
    "a bug of ours": (RuntimeError("no value of this may be told"), "internal_error", ""),
}


@pytest.mark.parametrize("what", BAD)
async def test_the_last_good_set_outlives_whatever_comes_after_it(what: str) -> None:
    says, code, reason = BAD[what]
    ring = Ring(published("a", "b"))
    await ring.go()
    ring.issuer.says = says
    for _ in range(100):
        await ring.pass_by(100.0)
    assert len(ring.asked_s) > 50
    assert await ring.key_ids_for("b") == ("a", "b")
    first = ring.events[1]
    assert (first.key_ids, first.code) == (("a", "b"), code)
    assert reason in first.reason
    assert ring.ring.last_code == code
    assert ring.ring.age_s(ring.clock.now_s()) == 10_000.0
    await ring.stop()


async def test_an_outage_is_told_at_once_then_once_a_minute_and_so_is_its_end() -> None:
    ring = Ring(failed())
    await ring.go()
    for _ in range(179):
        await ring.pass_by(1.0)
    told = len(ring.events)
    assert len(ring.asked_s) > 8
    assert told <= 4
    assert {(each.key_ids, each.code) for each in ring.events} == {((), "connection_refused")}
    ring.issuer.says = published("a")
    await ring.pass_by(61.0)
    assert ring.events[told:] == [KeysChanged(("a",))]
    await ring.stop()


async def test_keys_that_are_to_be_had_again_are_told_although_they_are_the_same() -> None:
    ring = Ring()
    await ring.go()
    ring.issuer.says = failed()
    await ring.pass_by(480.0)
    ring.issuer.says = published("a")
    await ring.pass_by(1.0)
    assert [each.code for each in ring.events] == [None, "connection_refused", None]
    ring.issuer.says = failed()
    await ring.pass_by(480.0)
    assert ring.events[-1].code == "connection_refused"
    await ring.stop()


async def test_a_bug_is_told_without_a_value_and_ends_nothing() -> None:
    ring = Ring(RuntimeError("no value of this may be told"))
    await ring.go()
    assert [each.error_type for each in ring.told.of(Crashed)] == ["RuntimeError"]
    assert "may be told" not in str(ring.told.events)
    ring.issuer.says = published("a")
    await ring.pass_by(1.0)
    assert await ring.key_ids_for("a") == ("a",)
    await ring.stop()


# --- who is asked ---------------------------------------------------------------------------------------------------


async def test_the_keys_of_an_auth_service_are_asked_for_once_without_our_credentials() -> None:
    clock = FakeClock()
    exchange = ScriptedExchange(reply(200, {"keys": [{"kty": "OKP"}]}), reply(503))
    link = link_to(exchange, clock, tries=3)
    found = await ask_for_keys(WIRE, link, 2.0)
    assert isinstance(found, Accepted)
    assert found.value == Jwks(({"kty": "OKP"},))
    outcome = await ask_for_keys(WIRE, link, 2.0)
    assert isinstance(outcome, Unknown)
    assert outcome.cause.code == "auth_service_unavailable"
    assert [(each.call.operation.name, each.seal, each.left_s) for each in exchange.asked] == [("keys", None, 2.0)] * 2
