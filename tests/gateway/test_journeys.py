"""Every journey: what it asks, within which time, what it answers, and the one event that it tells.

It must never look at how the question is asked again: that is the link's.
"""

import json
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any

import pytest
from msgspec.structs import replace

from netra.core.events import AttemptEnded
from netra.core.secret import Secret
from netra.core.verdict.operations import Done, Identity, Offer, Session, User
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Unknown, code_of
from netra.core.verdict.reply import Broken, Reply
from netra.gateway.offer import FAILED_S, FRESH_S
from netra.testing.fakes import reply
from tests.gateway.support import (
    GOOD_OFFER,
    KNOWN_TOKEN,
    LOG_KEY,
    LOGGED_OUT,
    NEW_USER,
    OFFER,
    Stage,
    body_of,
    login,
    refusal,
    registration,
    tokens,
)
from tests.link.support import EMAIL, GOOD_LOGIN, LABEL, PASSWORD, TRACEPARENT, WIRE, WRONG_PASSWORD

REFUSED = Broken("connection_refused")

Journey = Callable[[Stage, float], Awaitable[Outcome[Any]]]
JOURNEYS: dict[str, tuple[Journey, Reply, float]] = {
    "login": (lambda s, at_s: s.gateway.log_in(login(at_s)), GOOD_LOGIN, 5.0),
    "register": (lambda s, at_s: s.gateway.register(registration(at_s)), NEW_USER, 5.0),
    "refresh": (lambda s, at_s: s.gateway.refresh(tokens(at_s, refresh_token="r1")), GOOD_LOGIN, 2.0),
    "logout": (lambda s, at_s: s.gateway.log_out(tokens(at_s, token="t1")), LOGGED_OUT, 2.0),
    "me": (lambda s, at_s: s.gateway.who_is(tokens(at_s, token="t1")), KNOWN_TOKEN, 2.0),
    "config": (lambda s, at_s: s.gateway.offer(LABEL, at_s), GOOD_OFFER, 2.0),
}
"""Name in events: the journey of a request that was complete at an instant, a good answer, and its budget."""


@pytest.mark.parametrize("name", JOURNEYS)
async def test_a_journey_asks_once_within_its_budget_and_tells_one_event(name: str) -> None:
    journey, good, budget_s = JOURNEYS[name]
    stage = Stage(good)
    outcome = await journey(stage, stage.now_s)
    assert isinstance(outcome, Accepted)
    assert [each.left_s for each in stage.exchange.asked] == [budget_s]
    (event,) = stage.told.of(AttemptEnded)
    assert stage.told.events == [event]
    assert (event.journey, event.request_id) == (name, "request-1")
    assert event.elapsed_s == pytest.approx(0.25)
    assert event.trace_id == TRACEPARENT.split("-")[1]
    assert type(event.outcome) is Accepted


@pytest.mark.parametrize("name", JOURNEYS)
@pytest.mark.parametrize("got", [REFUSED, Broken("response_timeout"), reply(500), refusal(403, "invalid_client")])
async def test_an_unknown_verdict_stays_unknown_on_every_journey(name: str, got: Reply | Broken) -> None:
    stage = Stage(got)
    outcome = await JOURNEYS[name][0](stage, stage.now_s)
    assert isinstance(outcome, Unknown)
    assert [each.outcome for each in stage.told.of(AttemptEnded)] == [outcome]


@pytest.mark.parametrize("name", JOURNEYS)
async def test_the_time_of_a_journey_begins_when_its_request_was_complete(name: str) -> None:
    journey, good, budget_s = JOURNEYS[name]
    stage = Stage(good)
    began_s = stage.now_s
    stage.clock.advance(1.5)
    await journey(stage, began_s)
    assert stage.exchange.asked[0].left_s == pytest.approx(budget_s - 1.5)
    assert stage.told.of(AttemptEnded)[0].elapsed_s == pytest.approx(1.75)


async def test_a_login_says_who_and_with_which_password_and_returns_the_session() -> None:
    stage = Stage(GOOD_LOGIN)
    outcome = await stage.gateway.log_in(login(stage.now_s))
    assert json.loads(body_of(stage)) == {"email": EMAIL, "password": PASSWORD}
    assert isinstance(outcome, Accepted)
    assert outcome.value == Session(
        Secret("access-token-2"), Secret("refresh-token-2"), 900, User("user-1", EMAIL, "Ada")
    )


async def test_a_registration_says_the_name_only_when_there_is_one() -> None:
    stage = Stage(NEW_USER, NEW_USER)
    outcome = await stage.gateway.register(registration(stage.now_s, "Ada"))
    await stage.gateway.register(registration(stage.now_s))
    assert json.loads(body_of(stage, 0)) == {"email": EMAIL, "password": PASSWORD, "name": "Ada"}
    assert json.loads(body_of(stage, 1)) == {"email": EMAIL, "password": PASSWORD}
    assert isinstance(outcome, Accepted)
    assert outcome.value == User("user-2", EMAIL, None)


async def test_a_refresh_says_its_token_and_may_come_without_a_user() -> None:
    stage = Stage(reply(200, {"access_token": "a2", "refresh_token": "r2"}))
    outcome = await stage.gateway.refresh(tokens(stage.now_s, refresh_token="r1"))
    assert json.loads(body_of(stage)) == {"refresh_token": "r1"}
    assert isinstance(outcome, Accepted)
    assert outcome.value == Session(Secret("a2"), Secret("r2"), None, None)


@pytest.mark.parametrize("name", ["login", "register"])
async def test_an_event_names_an_account_by_its_hash_alone(name: str) -> None:
    journey, good, _ = JOURNEYS[name]
    stage = Stage(good)
    await journey(stage, stage.now_s)
    event = stage.told.of(AttemptEnded)[0]
    assert event.account == stage.parts.account(EMAIL)
    assert EMAIL not in repr(replace(event, outcome=Accepted(None)))
    assert PASSWORD not in repr(event)


@pytest.mark.parametrize("name", ["refresh", "logout", "me", "config"])
async def test_an_event_of_a_journey_without_an_identifier_names_no_account(name: str) -> None:
    journey, good, _ = JOURNEYS[name]
    stage = Stage(good)
    await journey(stage, stage.now_s)
    assert stage.told.of(AttemptEnded)[0].account is None


# --- keys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", JOURNEYS)
@pytest.mark.parametrize("tries", [1, 2])
async def test_a_key_goes_along_exactly_where_sending_twice_would_do_harm(name: str, tries: int) -> None:
    journey, good, _ = JOURNEYS[name]
    stage = Stage(good, tries=tries)
    await journey(stage, stage.now_s)
    harmful = name in ("login", "register", "refresh")
    assert ("Idempotency-Key" in stage.sent()) == (harmful and tries > 1)


@pytest.mark.parametrize("name", ["login", "register", "refresh"])
async def test_every_attempt_has_a_key_of_its_own(name: str) -> None:
    journey, good, _ = JOURNEYS[name]
    stage = Stage(good, good, tries=2)
    await journey(stage, stage.now_s)
    await journey(stage, stage.now_s)
    keys = {stage.sent(number)["Idempotency-Key"] for number in range(2)}
    assert len(keys) == 2
    assert all(len(key) == 32 and "request-1" not in key for key in keys)


# --- logout ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "bearer", "body"),
    [
        ({"token": "t1"}, "t1", {}),
        ({"refresh_token": "r1"}, None, {"refresh_token": "r1"}),
        ({"token": "t1", "refresh_token": "r1"}, "t1", {"refresh_token": "r1"}),
    ],
    ids=["bearer", "refresh token", "both"],
)
async def test_a_logout_shows_what_it_was_shown(shown: dict[str, str], bearer: str | None, body: object) -> None:
    stage = Stage(LOGGED_OUT)
    outcome = await stage.gateway.log_out(tokens(stage.now_s, **shown))
    call = stage.exchange.asked[0].call
    assert (call.bearer.reveal() if call.bearer else None) == bearer
    assert json.loads(body_of(stage)) == body
    assert isinstance(outcome, Accepted)
    assert outcome.value == Done()


@pytest.mark.parametrize("code", ["token_expired", "token_revoked", "refresh_rejected"])
async def test_a_session_that_is_over_already_is_a_good_logout(code: str) -> None:
    stage = Stage(refusal(401, code))
    outcome = await stage.gateway.log_out(tokens(stage.now_s, token="t1"))
    assert isinstance(outcome, Accepted)
    assert [each.code for each in outcome.tried] == [code], "the story of the try is kept"
    assert type(stage.told.of(AttemptEnded)[0].outcome) is Accepted


@pytest.mark.parametrize("code", ["token_signature_invalid", "token_wrong_issuer", "account_disabled"])
async def test_any_other_refusal_of_a_logout_stays_one(code: str) -> None:
    stage = Stage(refusal(401, code))
    assert isinstance(await stage.gateway.log_out(tokens(stage.now_s, token="t1")), Rejected)


# --- me -------------------------------------------------------------------------------------------------------------


async def test_a_token_is_judged_by_the_auth_service_and_not_by_its_own_words() -> None:
    stage = Stage(KNOWN_TOKEN, reply(200, {"valid": False, "code": "token_expired"}), reply(200, {"valid": False}))
    known = await stage.gateway.who_is(tokens(stage.now_s, token="a.b.c"))
    assert isinstance(known, Accepted)
    assert known.value == Identity(User("user-1", EMAIL, None), 1_800_000_900)
    assert json.loads(body_of(stage)) == {"token": "a.b.c"}
    for code in ("token_expired", "token_rejected"):
        refused = await stage.gateway.who_is(tokens(stage.now_s, token="a.b.c"))
        assert isinstance(refused, Rejected)
        assert refused.cause.code == code


# --- the offer ------------------------------------------------------------------------------------------------------


async def offered(stage: Stage) -> Offer:
    """The offer as of now; anything else is a failure."""
    outcome = await stage.gateway.offer(LABEL, stage.now_s)
    assert isinstance(outcome, Accepted)
    offer: Offer = outcome.value
    return offer


async def test_an_offer_is_asked_for_again_only_when_it_is_no_longer_fresh() -> None:
    stage = Stage(GOOD_OFFER, reply(200, {**OFFER, "password_min_length": 16}))
    assert await offered(stage) == Offer(True, 12, 128, 900, ("github",))
    stage.clock.advance(FRESH_S - 1)
    assert (await offered(stage)).password_min_length == 12
    assert len(stage.exchange.asked) == 1
    stage.clock.advance(2)
    assert (await offered(stage)).password_min_length == 16


async def test_the_last_good_offer_lasts_through_an_outage_and_a_new_one_replaces_it() -> None:
    stage = Stage(GOOD_OFFER, REFUSED, reply(500), reply(200, {"password_min_length": -1}), reply(200, {}))
    for _ in range(4):
        assert (await offered(stage)).password_min_length == 12
        stage.clock.advance(FRESH_S)
    assert (await offered(stage)).password_min_length is None
    assert [type(each.outcome) for each in stage.told.of(AttemptEnded)] == [
        Accepted,
        Unknown,
        Unknown,
        Unknown,
        Accepted,
    ]


async def test_without_ever_a_good_offer_the_reason_is_answered() -> None:
    stage = Stage(REFUSED, GOOD_OFFER)
    assert isinstance(await stage.gateway.offer(LABEL, stage.now_s), Unknown)
    assert isinstance(await stage.gateway.offer(LABEL, stage.now_s + FAILED_S), Accepted)


async def test_a_failed_question_for_the_offer_is_not_repeated_for_everybody_who_comes() -> None:
    stage = Stage(REFUSED)
    began_s = stage.now_s
    told = [await stage.gateway.offer(LABEL, began_s + later_s) for later_s in (0.0, 0.5, 0.99)]
    assert {code_of(each) for each in told} == {"connection_refused"}


@pytest.mark.parametrize(
    ("ours", "theirs", "offers", "shown"),
    [
        (True, True, True, True),
        (True, None, True, True),
        (True, False, True, False),
        (False, True, True, False),
        (True, True, False, False),
    ],
    ids=["both", "nobody said", "they do not", "we do not", "the wire cannot"],
)
async def test_registration_is_offered_only_where_it_can_be_had(
    ours: bool, theirs: bool | None, offers: bool, shown: bool
) -> None:
    templates = {name: each for name, each in WIRE.templates.items() if offers or name != "register"}
    stage = Stage(
        reply(200, {**OFFER, "registration_enabled": theirs}),
        parts={"registration": ours, "wire": WIRE._replace(templates=templates)},
    )
    assert (await offered(stage)).registration_enabled is shown


async def test_the_providers_of_both_sides_are_offered_once_each() -> None:
    stage = Stage(GOOD_OFFER, parts={"oauth_providers": ("google", "github")})
    assert (await offered(stage)).oauth_providers == ("github", "google")


# --- parts ----------------------------------------------------------------------------------------------------------


def test_an_account_is_the_same_for_every_spelling_of_an_identifier() -> None:
    account = Stage().parts.account
    composed, decomposed = "zo\u00eb@example.com", "zoe\u0308@example.com"
    assert account("ada@example.com") == account("  Ada@Example.COM\t") != account("ada@example.org")
    assert account(composed) == account(decomposed) == account(decomposed.upper())
    assert account("STRASSE@example.com") == account("stra\u00dfe@example.com")


def test_an_account_is_keyed_and_holds_nothing_of_the_identifier() -> None:
    one = Stage().parts.account(EMAIL)
    other = Stage(parts={"log_key": Secret("test-only-another-log-key-9Qx3Zt")}).parts.account(EMAIL)
    assert one != other
    assert len(one) == 16
    assert int(one, 16) >= 0
    assert EMAIL.partition("@")[0] not in one


def test_an_account_is_the_hash_that_anybody_with_the_key_can_make_again() -> None:
    account = Stage().parts.account
    for email in (EMAIL, "zo\u00eb@example.com"):  # twice: one hash leaves nothing behind for the next
        expected = blake2b(email.encode(), key=LOG_KEY.reveal().encode(), digest_size=8).hexdigest()
        assert account(email) == account(email) == expected


def test_an_account_can_be_named_whatever_an_embedding_program_hands_in() -> None:
    for odd in ("", "\ud800", "\x00", "x" * 100_000):
        assert len(Stage().parts.account(odd)) == 16


def test_a_long_log_key_is_used_as_far_as_the_hash_takes_it() -> None:
    assert len(Stage(parts={"log_key": Secret("k" * 1000)}).parts.account(EMAIL)) == 16


async def test_a_gateway_shows_the_standing_of_its_link() -> None:
    stage = Stage(WRONG_PASSWORD)
    assert stage.gateway.standing is stage.link.standing
    stage.link.standing = stage.link.standing._replace(connectivity="failed")
    assert stage.gateway.standing.connectivity == "failed"
