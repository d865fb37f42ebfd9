"""A token check: remembered, checked by published keys, or asked; and never a refusal for want of knowledge.

It must never look at how a signature or a claim is checked: that is the core's.
"""

import pytest

from netra.core.events import AttemptEnded
from netra.core.secret import Secret
from netra.core.verdict.operations import LOGIN, Identity, Jwks
from netra.core.verdict.outcomes import Accepted, Outcome, Unknown, code_of
from netra.core.verdict.reply import Broken, Reply, Standing
from netra.gateway.tokens import nameless
from netra.testing.fakes import reply
from netra.upkeep.keys import KeyRing
from netra.upkeep.keyset import KeySet
from tests.gateway.checks import (
    ADA,
    KNOWN,
    WALL_S,
    OneSet,
    by_keys,
    check,
    denied,
    key_set,
    log_out,
    published,
    refused_for,
    signer_of,
    skewed,
    stage_with,
    unknown_keys,
    verdict,
    vouched,
)
from tests.gateway.support import LOGGED_OUT, Stage, refusal, tokens
from tests.link.support import WIRE
from tests.support.hostile_tokens import hostile_tokens

DOWN = Broken("connection_refused")
SIGNER = signer_of()
UNNAMED = SIGNER.with_header(kid=...)
"""A good token that does not say by which key."""
GOOD = SIGNER.with_claims()
CORPUS = hostile_tokens(SIGNER)


# --- Asked --------------------------------------------------------------------------------------------------------


async def test_an_opaque_token_is_asked_about_once_and_then_remembered_for_half_a_minute() -> None:
    stage = stage_with(vouched(), vouched())
    assert [await verdict(stage, "opaque") for _ in range(3)] == ["auth_service", "cache", "cache"]
    stage.clock.advance(29.0)
    assert await verdict(stage, "opaque") == "cache"
    stage.clock.advance(1.5)
    assert await verdict(stage, "opaque") == "auth_service"
    assert len(stage.exchange.asked) == 2


async def test_what_is_remembered_is_whom_the_auth_service_named() -> None:
    stage = stage_with(vouched(jti="t", sid="s"))
    first, second = await check(stage, "opaque"), await check(stage, "opaque")
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert first.value == Identity(ADA, WALL_S + 600, "auth_service", "t", "s")
    assert second.value == first.value._replace(source="cache")


async def test_each_check_that_is_judged_tells_one_event_with_its_journey() -> None:
    stage = stage_with(vouched())
    await check(stage, "opaque")
    await stage.gateway.who_is(tokens(stage.now_s, token="opaque"))
    told = stage.told.of(AttemptEnded)
    assert [(each.journey, code_of(each.outcome)) for each in told] == [("verify", "ok"), ("me", "ok")]
    assert stage.told.events == told


async def test_what_is_remembered_can_be_had_without_a_question_or_an_event() -> None:
    stage = stage_with(vouched())
    assert stage.gateway.remembered(Secret("opaque")) is None
    await check(stage, "opaque")
    told_count = len(stage.told.events)
    assert isinstance(stage.gateway.remembered(Secret("opaque")), Accepted)
    assert (len(stage.told.events), len(stage.exchange.asked)) == (told_count, 1)


@pytest.mark.parametrize("text", ["two words", "tab\t", "t\xf6k\xe9n", "\x7f", "line\n"], ids=ascii)
async def test_what_is_no_token_by_its_characters_is_refused_unasked_and_not_counted(text: str) -> None:
    stage = stage_with()
    refused = stage.gateway.remembered(Secret(text))
    assert refused is not None and code_of(refused) == "token_malformed"  # noqa: PT018 - for the types
    cache = stage.gateway.parts.tokens.cache
    assert stage.gateway.remembered(Secret("opaque")) is None
    assert (cache.hits_count, cache.misses_count, stage.told.events) == (0, 1, [])


async def test_a_token_is_not_remembered_beyond_its_own_end() -> None:
    stage = stage_with(vouched(expires_at=WALL_S + 10), denied("token_expired"))
    assert await verdict(stage, "opaque") == "auth_service"
    stage.clock.advance(9.0)
    assert await verdict(stage, "opaque") == "cache"
    stage.clock.advance(1.0)
    assert await verdict(stage, "opaque") == "token_expired"


async def test_a_token_whose_end_nobody_names_is_remembered_all_the_same() -> None:
    stage = stage_with(vouched(expires_at=...), stale_s=0.0)
    assert [await verdict(stage, "opaque") for _ in range(2)] == ["auth_service", "cache"]


async def test_nothing_is_remembered_where_that_is_switched_off() -> None:
    stage = stage_with(vouched(), vouched(), denied(), denied(), cache_s=0.0)
    assert [await verdict(stage, "opaque") for _ in range(2)] == ["auth_service", "auth_service"]
    assert [await verdict(stage, "opaque") for _ in range(2)] == ["token_rejected", "token_rejected"]
    assert len(stage.exchange.asked) == 4


@pytest.mark.parametrize("code", ["token_expired", "token_revoked", "token_rejected", "token_signature_invalid"])
async def test_a_definite_refusal_is_remembered_for_five_seconds(code: str) -> None:
    stage = stage_with(denied(code), vouched())
    assert [await verdict(stage, "opaque") for _ in range(3)] == [code] * 3
    stage.clock.advance(4.5)
    assert await verdict(stage, "opaque") == code
    stage.clock.advance(0.5)
    assert await verdict(stage, "opaque") == "auth_service"


@pytest.mark.parametrize("code", ["token_not_yet_valid", "account_locked", "account_disabled"])
async def test_a_refusal_that_waiting_may_mend_is_never_remembered(code: str) -> None:
    stage = stage_with(refusal(401, code), vouched())
    assert [await verdict(stage, "opaque") for _ in range(2)] == [code, "auth_service"]


@pytest.mark.parametrize("got", [DOWN, Broken("response_timeout"), reply(500), reply(200, []), refusal(403, "x")])
async def test_an_unknown_verdict_is_neither_a_refusal_nor_remembered(got: Reply | Broken) -> None:
    stage = stage_with(got, vouched())
    assert isinstance(await check(stage, "opaque"), Unknown)
    assert await verdict(stage, "opaque") == "auth_service"


async def test_where_nobody_takes_the_question_and_no_keys_are_known_nobody_knows() -> None:
    stage = Stage(parts={"wire": WIRE.only({LOGIN.name})})
    outcome = await check(stage, "opaque")
    assert isinstance(outcome, Unknown)
    assert code_of(outcome) == "keys_unavailable"


async def test_a_check_without_a_token_is_refused_by_keys() -> None:
    stage = by_keys(keys=OneSet(key_set(SIGNER)))
    assert refused_for(await stage.gateway.who_is(tokens(stage.now_s))) == "token_malformed"


# --- While it cannot be asked ---------------------------------------------------------------------------------------


async def test_an_opaque_token_that_was_good_stays_so_for_a_while_when_nobody_can_be_asked() -> None:
    stage = stage_with(vouched(expires_at=WALL_S + 9_000), *[DOWN] * 4, stale_s=100.0)
    assert await verdict(stage, "opaque") == "auth_service"
    stage.clock.advance(30.0)
    assert [await verdict(stage, "opaque") for _ in range(2)] == ["stale", "stale"]
    stage.clock.advance(97.0)
    assert await verdict(stage, "opaque") == "stale"
    stage.clock.advance(3.0)
    assert await verdict(stage, "opaque") == "connection_refused"
    assert len(stage.exchange.asked) == 5, "what is stale is asked about again each time"


async def test_staleness_never_outlives_the_token() -> None:
    stage = stage_with(vouched(expires_at=WALL_S + 60), DOWN, DOWN)
    await check(stage, "opaque")
    stage.clock.advance(58.0)
    assert await verdict(stage, "opaque") == "stale"
    stage.clock.advance(2.0)
    assert await verdict(stage, "opaque") == "connection_refused"


async def test_a_refusal_ends_staleness() -> None:
    stage = stage_with(vouched(), denied("token_revoked"), DOWN)
    await check(stage, "opaque")
    stage.clock.advance(40.0)
    assert await verdict(stage, "opaque") == "token_revoked"
    stage.clock.advance(10.0)
    assert await verdict(stage, "opaque") == "connection_refused"


async def test_whoever_logged_out_stays_out_while_nobody_can_be_asked() -> None:
    stage = stage_with(vouched(jti="t", sid="s"), LOGGED_OUT)
    await check(stage, "opaque")
    assert await log_out(stage, "opaque") == "ok"
    stage.clock.advance(100.0)
    assert await verdict(stage, "opaque") == "token_revoked", "it is known here, whoever else is down"
    assert len(stage.exchange.asked) == 2


# --- By keys ------------------------------------------------------------------------------------------------------


async def test_a_token_is_checked_by_keys_without_asking_anybody() -> None:
    stage = by_keys(keys=OneSet(key_set(SIGNER)))
    outcome = await check(stage, GOOD)
    assert isinstance(outcome, Accepted)
    assert outcome.value == Identity(ADA, WALL_S + 600, "jwt", "token-1", "session-1")
    assert await verdict(stage, GOOD) == "cache"
    assert stage.exchange.asked == []


@pytest.mark.parametrize("name", CORPUS)
async def test_a_hostile_token_is_refused_with_its_cause_and_nobody_is_asked(name: str) -> None:
    hostile = CORPUS[name]
    stage = by_keys(keys=OneSet(key_set(SIGNER)))
    assert refused_for(await stage.gateway.who_is(tokens(stage.now_s, token=hostile.token))) == hostile.code
    assert stage.exchange.asked == []


@pytest.mark.parametrize(
    "standing",
    [KNOWN._replace(issuer=None), KNOWN._replace(audience=None), KNOWN._replace(issuer="", audience="")],
    ids=["no issuer", "no audience", "neither"],
)
async def test_without_issuer_or_audience_the_auth_service_is_asked_about_a_jwt_too(standing: Standing) -> None:
    stage = by_keys(vouched(), keys=OneSet(key_set(SIGNER)), standing=standing)
    assert await verdict(stage, GOOD) == "auth_service"


async def test_issuer_and_audience_that_were_set_go_before_what_a_handshake_said() -> None:
    stage = by_keys(keys=OneSet(key_set(SIGNER)), issuer="https://other.example.com")
    assert await verdict(stage, GOOD) == "token_wrong_issuer"
    stage = by_keys(keys=OneSet(key_set(SIGNER)), audience=frozenset({"another"}))
    assert await verdict(stage, GOOD) == "token_wrong_audience"


async def test_without_keys_nobody_knows_what_a_jwt_is_worth() -> None:
    stage = by_keys(keys=OneSet(None))
    outcome = await check(stage, GOOD)
    assert isinstance(outcome, Unknown)
    assert code_of(outcome) == "keys_unavailable"
    assert await verdict(stage, "not even a token") == "token_malformed", "that needs no keys"


async def test_a_token_that_was_checked_by_keys_is_checked_again_and_never_stale() -> None:
    keys = OneSet(key_set(SIGNER))
    stage = by_keys(keys=keys)
    assert await verdict(stage, GOOD) == "jwt"
    stage.clock.advance(30.0)
    assert await verdict(stage, GOOD) == "jwt"
    keys.current = None
    assert await verdict(stage, GOOD) == "keys_unavailable"


async def test_with_other_keys_nothing_that_was_found_out_by_the_old_ones_counts() -> None:
    keys, other = OneSet(key_set(SIGNER)), signer_of()
    stage = by_keys(keys=keys)
    assert [await verdict(stage, GOOD), await verdict(stage, other.with_claims())] == ["jwt", "token_signature_invalid"]
    keys.current = key_set(other)
    assert [await verdict(stage, GOOD), await verdict(stage, other.with_claims())] == ["token_signature_invalid", "jwt"]


async def test_the_same_keys_fetched_again_forget_nothing() -> None:
    keys = OneSet(key_set(SIGNER))
    stage = by_keys(keys=keys)
    await check(stage, GOOD)
    keys.current = key_set(SIGNER)
    assert await verdict(stage, GOOD) == "cache"


async def test_a_token_of_a_new_key_is_good_as_soon_as_the_key_is_published() -> None:
    new, sets = signer_of("key-2"), [published(SIGNER), published(SIGNER, signer_of("key-3"))]
    stage = by_keys(keys=OneSet(None))

    async def fetch() -> Outcome[Jwks]:
        return Accepted(sets.pop(0))

    stage.parts.tokens.keys = KeyRing(fetch, stage.clock, stage.told)
    assert await verdict(stage, GOOD) == "jwt"
    stage.clock.advance(15.0)
    assert await verdict(stage, new.with_claims()) == "token_signature_invalid", "the newest set has no such key"
    sets.append(published(SIGNER, new))
    stage.clock.advance(10.0)
    assert await verdict(stage, new.with_claims()) == "jwt"
    assert sets == []


async def test_of_too_many_keys_that_could_have_signed_a_nameless_token_nobody_knows_which() -> None:
    keys = OneSet(key_set(*(signer_of(f"key-{number}") for number in range(5)), SIGNER))
    stage = by_keys(LOGGED_OUT, keys=keys)
    token = SIGNER.with_header(kid=...)
    assert await verdict(stage, token) == "keys_unavailable"
    assert await log_out(stage, token) == "ok"
    assert await verdict(stage, token) == "token_revoked"
    keys.current = key_set(SIGNER)
    assert await verdict(stage, token) == "token_revoked"


async def test_a_jwt_stays_good_until_its_end_and_the_leeway_when_nobody_can_be_asked() -> None:
    stage = by_keys(keys=OneSet(key_set(SIGNER)))
    stage.clock.advance(655.0)
    assert await verdict(stage, GOOD) == "jwt"
    stage.clock.advance(5.0)
    assert await verdict(stage, GOOD) == "token_expired"
    assert stage.exchange.asked == []


async def test_within_the_leeway_a_jwt_is_good_and_not_remembered() -> None:
    stage = by_keys(keys=OneSet(key_set(SIGNER)))
    stage.clock.advance(600.0)
    assert [await verdict(stage, GOOD) for _ in range(2)] == ["jwt", "jwt"]


# --- When clocks differ -------------------------------------------------------------------------------------------

LATE, EARLY = SIGNER.with_claims(exp=WALL_S - 120), SIGNER.with_claims(nbf=WALL_S + 120)


@pytest.mark.parametrize("token", [LATE, EARLY], ids=["expired", "not yet valid"])
@pytest.mark.parametrize("skew_s", [-61.0, 61.0, 3600.0])
async def test_a_refusal_by_time_is_the_auth_services_when_the_clocks_differ(token: str, skew_s: float) -> None:
    stage = by_keys(vouched(), denied("token_expired"), keys=OneSet(key_set(SIGNER)), standing=skewed(skew_s))
    assert await verdict(stage, token) == "auth_service"
    stage.clock.advance(40.0)
    assert await verdict(stage, token) == "token_expired"


@pytest.mark.parametrize("standing", [KNOWN, skewed(0.0), skewed(60.0), skewed(-60.0)], ids=["-", "0", "60", "-60"])
async def test_within_the_leeway_the_clock_is_believed(standing: Standing) -> None:
    stage = by_keys(keys=OneSet(key_set(SIGNER)), standing=standing)
    assert [await verdict(stage, LATE), await verdict(stage, EARLY)] == ["token_expired", "token_not_yet_valid"]


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_of_ours_that_is_set_wrong_since_the_handshake_refuses_nobody(hours: int) -> None:
    stage = by_keys(vouched(), keys=OneSet(key_set(SIGNER)), standing=skewed(0.0))
    stage.clock.turn_calendar(3_600 * hours)
    assert await verdict(stage, GOOD) == "auth_service", "its end, or its beginning, is doubted, and so it is asked"


async def test_a_token_that_ended_while_the_machine_slept_is_not_remembered() -> None:
    stage = stage_with(vouched(expires_at=WALL_S + 20), DOWN, standing=KNOWN)
    await check(stage, "opaque")
    stage.clock.turn_calendar(3_600)
    assert await verdict(stage, "opaque") == "connection_refused"


async def test_a_refusal_by_time_that_nobody_confirms_is_none() -> None:
    apart = skewed(120.0)
    stage = by_keys(DOWN, keys=OneSet(key_set(SIGNER)), standing=apart)
    assert isinstance(await check(stage, LATE), Unknown)
    alone = Stage(parts={"wire": WIRE.only({LOGIN.name})}, standing=apart)
    alone.parts.tokens.keys = OneSet(key_set(SIGNER))
    outcome = await check(alone, LATE)
    assert isinstance(outcome, Unknown)
    assert outcome.cause.status == 503


async def test_whatever_the_clocks_say_a_bad_signature_is_refused_without_asking() -> None:
    stage = by_keys(keys=OneSet(key_set(SIGNER)), standing=skewed(3600.0))
    assert await verdict(stage, signer_of().with_claims(exp=1)) == "token_signature_invalid"


# --- Small words --------------------------------------------------------------------------------------------------


def test_a_token_without_an_id_is_known_by_a_digest_and_not_by_itself() -> None:
    assert nameless(Secret("opaque")).startswith("sha256:")
    assert "opaque" not in nameless(Secret("opaque"))
    assert nameless(Secret("opaque")) != nameless(Secret("opaque2"))


async def test_a_check_waits_for_keys_no_longer_than_its_deadline() -> None:
    keys = OneSet(None)
    stage = by_keys(keys=keys)
    await check(stage, GOOD)
    assert keys.waits_until_s == [stage.now_s + 2.0]


async def test_keys_are_waited_for_only_where_the_set_in_use_has_not_the_one_that_a_token_names() -> None:
    keys = OneSet(key_set(SIGNER))
    stage = by_keys(keys=keys)
    assert await verdict(stage, GOOD) == "jwt"
    assert keys.waits_until_s == []
    assert await verdict(stage, SIGNER.with_header(kid="another")) == "token_signature_invalid"
    assert keys.waits_until_s == [stage.now_s + 2.0]


async def test_a_token_that_names_no_key_is_judged_by_keys_that_have_come_since() -> None:
    keys = OneSet(key_set(signer_of()))
    keys.next = key_set(SIGNER)
    stage = by_keys(keys=keys)
    assert await verdict(stage, UNNAMED) == "jwt"


async def test_a_token_that_names_no_key_is_never_refused_by_old_keys_alone() -> None:
    class Old(OneSet):
        async def newer(self, began_at_s: float, wait_until_s: float) -> KeySet | Unknown:
            return unknown_keys()

    stage = by_keys(keys=Old(key_set(signer_of())))
    outcome = await stage.gateway.who_is(tokens(stage.now_s, token=UNNAMED))
    assert isinstance(outcome, Unknown)
    assert outcome.cause.code == "keys_unavailable"
