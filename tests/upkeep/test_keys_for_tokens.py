"""A key ring and the tokens that come to it: who is judged by what, who waits, and who is asked how often.

It must never wait for real time where a clock can be moved.
"""

import asyncio

from netra.core.events import KeysChanged
from netra.core.verdict.outcomes import Unknown
from netra.upkeep.keyset import KeySet
from tests.link.support import until
from tests.upkeep.issuers import LATER_S, Ring, failed, published


async def test_a_key_that_is_known_asks_nobody_however_old_the_set_is() -> None:
    ring = Ring()
    await ring.go()
    ring.issuer.says = failed()
    await ring.pass_by(100_000.0)
    asked = len(ring.asked_s)
    assert await ring.key_ids_for("a") == ("a",)
    assert await ring.key_ids_for(None) == ("a",)
    assert len(ring.asked_s) == asked
    await ring.stop()


async def test_an_unknown_key_is_asked_for_and_found() -> None:
    ring = Ring()
    await ring.go()
    await ring.pass_by(30.0)
    ring.issuer.says = published("a", "new")
    assert await ring.key_ids_for("new") == ("a", "new")
    assert ring.asked_s == [0.0, 30.0]
    assert ring.events[-1] == KeysChanged(("a", "new"))
    await ring.stop()


async def test_a_key_that_is_not_there_after_a_fetch_that_began_later_is_nobodys() -> None:
    ring = Ring()
    await ring.go()
    await ring.pass_by(30.0)
    assert await ring.key_ids_for("invented") == ("a",)
    assert ring.asked_s == [0.0, 30.0]
    await ring.stop()


async def test_a_set_of_a_few_seconds_judges_unknown_keys_and_an_older_one_does_not() -> None:
    ring = Ring()
    await ring.go()
    await ring.pass_by(9.9)
    assert await ring.key_ids_for("invented") == ("a",)
    assert ring.asked_s == [0.0]
    await ring.pass_by(0.1)
    assert await ring.key_ids_for("invented") == ("a",)
    assert ring.asked_s == [0.0, 10.0]
    await ring.stop()


async def test_a_fetch_that_began_just_as_a_token_came_counts_although_it_took_long() -> None:
    ring = Ring()
    await ring.go()
    await ring.pass_by(30.0)
    ring.issuer.fall_silent()
    asking = asyncio.create_task(ring.for_token("invented"))
    await until(lambda: ring.issuer.under_way_count == 1)
    await ring.pass_by(25.0)
    ring.issuer.speak()
    assert isinstance(await asking, KeySet)
    assert ring.asked_s == [0.0, 30.0]
    await ring.stop()


async def test_while_the_issuer_is_down_unknown_keys_ask_once_in_ten_seconds_and_nobody_is_refused() -> None:
    ring = Ring()
    await ring.go()
    await ring.pass_by(30.0)
    ring.issuer.says = failed()
    causes = []
    for _ in range(30):
        outcome = await ring.refusal("invented")
        causes.append((outcome.cause.code, outcome.facts["last_code"], outcome.retry_after_s))
        await ring.pass_by(1.0)
    assert ring.asked_s == [0.0, 30.0, 40.0, 50.0]
    assert causes == [("keys_unavailable", "connection_refused", 10 - at % 10) for at in range(30)]
    await ring.stop()


async def test_without_any_set_a_token_waits_for_the_first_one() -> None:
    ring = Ring()
    ring.issuer.fall_silent()
    running = asyncio.create_task(ring.ring.run())
    asking = [asyncio.create_task(ring.for_token(key_id)) for key_id in ("a", None, "b")]
    await until(lambda: ring.issuer.under_way_count == 1)
    await asyncio.sleep(0)
    assert not any(each.done() for each in asking)
    ring.issuer.speak()
    assert [each.key_ids for each in await asyncio.gather(*asking)] == [("a",)] * 3
    assert ring.asked_s == [0.0]
    running.cancel()


async def test_without_any_set_nobody_is_refused_whatever_key_a_token_names() -> None:
    ring = Ring(failed("dns_error"))
    await ring.go()
    for key_id in ("a", None, "b"):
        outcome = await ring.refusal(key_id)
        assert (outcome.cause.code, outcome.cause.status) == ("keys_unavailable", 503)
        assert outcome.facts["last_code"] == "dns_error"
        assert outcome.retry_after_s == 2
        assert not outcome.counts
    assert ring.asked_s == [0.0, 0.0]
    await ring.stop()


async def test_a_token_waits_no_longer_than_it_may_and_the_fetch_goes_on_without_it() -> None:
    ring = Ring()
    await ring.go()
    await ring.pass_by(30.0)
    ring.issuer.fall_silent()
    outcome = await ring.refusal("new", patience_s=0.02)
    assert (outcome.cause.code, outcome.retry_after_s) == ("keys_unavailable", 1)
    assert "last_code" not in outcome.facts
    assert (await ring.refusal("new", patience_s=-1.0)).cause.code == "keys_unavailable"
    ring.issuer.says = published("new")
    ring.issuer.speak()
    await until(lambda: ring.issuer.ended_count == 2)
    assert await ring.key_ids_for("new") == ("new",)
    assert ring.asked_s == [0.0, 30.0]
    await ring.stop()


async def test_a_thousand_tokens_of_one_unknown_key_cause_one_fetch() -> None:
    ring = Ring()
    await ring.go()
    await ring.pass_by(30.0)
    ring.issuer.fall_silent()
    asking = [asyncio.create_task(ring.for_token(f"k{number % 7}")) for number in range(1000)]
    await until(lambda: ring.issuer.under_way_count == 1)
    for each in asking[:500]:
        each.cancel()
    await asyncio.sleep(0)
    ring.issuer.says = published("k1")
    ring.issuer.speak()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in found[:500])
    assert {each.key_ids for each in found[500:] if isinstance(each, KeySet)} == {("k1",)}
    assert ring.asked_s == [0.0, 30.0]
    await ring.stop()


async def test_after_a_fetch_that_failed_under_way_a_token_may_cause_one_of_its_own() -> None:
    ring = Ring()
    await ring.go()
    ring.issuer.fall_silent()
    await ring.pass_by(480.0)
    assert ring.issuer.under_way_count == 1
    asking = asyncio.create_task(ring.for_token("new"))
    await asyncio.sleep(0)
    ring.issuer.says = RuntimeError("the connection broke")
    ring.issuer.speak()
    await until(lambda: ring.issuer.ended_count == 2)
    ring.issuer.says = published("new")
    keys = await asking
    assert isinstance(keys, KeySet)
    assert keys.key_ids == ("new",)
    assert ring.asked_s == [0.0, 480.0, 480.0]
    await ring.stop()


async def test_a_token_without_a_key_id_can_have_the_keys_as_they_are_by_now() -> None:
    ring = Ring()
    await ring.go()
    await ring.pass_by(30.0)
    ring.issuer.says = published("new")
    now_s = ring.clock.now_s()
    keys = await ring.ring.newer(now_s, now_s + LATER_S)
    assert isinstance(keys, KeySet)
    assert keys.key_ids == ("new",)
    await ring.pass_by(5.0)
    assert await ring.ring.newer(ring.clock.now_s(), now_s + LATER_S) is keys
    assert ring.asked_s == [0.0, 30.0]
    await ring.stop()


# --- its end --------------------------------------------------------------------------------------------------------


async def test_at_its_end_nothing_is_under_way_and_nothing_begins() -> None:
    ring = Ring()
    await ring.go()
    await ring.pass_by(30.0)
    ring.issuer.fall_silent()
    asking = asyncio.create_task(ring.for_token("new"))
    await until(lambda: ring.issuer.under_way_count == 1)
    await ring.stop()
    outcome = await asking
    assert isinstance(outcome, Unknown)
    assert (outcome.cause.code, ring.issuer.under_way_count) == ("keys_unavailable", 0)
    await ring.pass_by(60.0)
    assert (await ring.refusal("new")).cause.code == "keys_unavailable"
    assert ring.asked_s == [0.0, 30.0]
    assert await ring.key_ids_for("a") == ("a",)


async def test_a_ring_that_has_ended_says_so_to_whoever_never_asked_before() -> None:
    ring = Ring()
    await ring.go()
    await ring.stop()
    await ring.pass_by(30.0)
    assert (await ring.refusal("new")).cause.code == "keys_unavailable"
    assert ring.asked_s == [0.0]
