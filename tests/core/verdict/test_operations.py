"""The questions, and the shapes of their answers: any JSON can be looked at, and only the right form is taken."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.secret import Secret
from netra.core.verdict.operations import (
    CONFIG,
    DISCOVERY,
    HANDSHAKE,
    HEALTH,
    KEYS,
    LOGIN,
    LOGOUT,
    MAX_LIFETIME_S,
    MAX_TEXT_CHARS,
    MAX_TOKEN_CHARS,
    OPERATIONS,
    REFRESH,
    REGISTER,
    REVOCATIONS,
    VALIDATE,
    Discovery,
    Done,
    Handshake,
    Identity,
    Jwks,
    Offer,
    Operation,
    RevocationPage,
    Revoked,
    Session,
    User,
    Vouched,
)
from tests.core.support import json_values, quick

USER = {"user_id", "user_email", "user_name"}
SESSION = USER | {"access_token", "refresh_token", "token_type", "expires_in"}
OFFER = {"registration_enabled", "password_min_length", "password_max_length", "access_token_ttl_s", "oauth_providers"}
SHAKE = {"service_id", "environment", "version", "idempotency", "issuer", "audience", "secret_fingerprints"}
SHAKE |= {"server_time", "key_ids", "endpoints"}
VOUCHED = USER | {"valid", "expires_at", "token_id", "session_id", "issuer", "audience"}


@pytest.mark.parametrize(
    ("operation", "name", "kind", "repeatable", "places"),
    [
        (LOGIN, "login", "login", False, SESSION),
        (REGISTER, "register", "login", False, USER),
        (REFRESH, "refresh", "token", False, SESSION),
        (LOGOUT, "logout", "token", True, set()),
        (VALIDATE, "validate", "token", True, VOUCHED),
        (CONFIG, "config", "upkeep", True, OFFER),
        (HEALTH, "health", "upkeep", True, {"status"}),
        (HANDSHAKE, "handshake", "upkeep", True, SHAKE),
        (KEYS, "keys", "upkeep", True, {"keys"}),
        (DISCOVERY, "discovery", "upkeep", True, {"issuer", "jwks_uri", "introspection_endpoint"}),
        (REVOCATIONS, "revocations", "upkeep", True, {"cursor", "items"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_question_says_its_kind_its_places_and_whether_it_may_be_sent_twice(
    operation: Operation[Any], name: str, kind: str, repeatable: bool, places: set[str]
) -> None:
    assert (operation.name, operation.kind, operation.repeatable) == (name, kind, repeatable)
    assert operation.places == places
    assert OPERATIONS[name] is operation


def test_there_are_no_other_questions() -> None:
    assert len(OPERATIONS) == 11


def is_text(value: object, limit: int = MAX_TEXT_CHARS) -> bool:
    """Is it a text that says something, and not too much?"""
    return isinstance(value, str) and 0 < len(value) <= limit


def is_user(value: object) -> bool:
    """Is it somebody with an id?"""
    return (
        isinstance(value, User)
        and is_text(value.id)
        and (value.email is None or is_text(value.email))
        and (value.name is None or is_text(value.name))
    )


def is_token(value: object) -> bool:
    """Can it stand in a header?"""
    text = value.reveal() if isinstance(value, Secret) else ""
    return is_text(text, MAX_TOKEN_CHARS) and all("!" <= each <= "~" for each in text)


def is_revoked(value: Revoked) -> bool:
    """Does it name a token or a session, and an end?"""
    ids = [each for each in (value.token_id, value.session_id) if each is not None]
    return bool(ids) and all(is_text(each) for each in ids) and type(value.expires_at) is int


def is_published(value: Jwks | Discovery | RevocationPage) -> bool:
    """Is it what anybody may read, within its bounds?"""
    match value:
        case Jwks(keys):
            return len(keys) <= 100 and all(isinstance(each, dict) for each in keys)
        case Discovery(issuer, jwks_uri, introspection):
            return is_text(issuer) and is_text(jwks_uri) and (introspection is None or is_text(introspection))
        case RevocationPage(cursor, items):
            return is_text(cursor) and len(items) <= 1000 and all(is_revoked(each) for each in items)


def is_answer(value: object) -> bool:
    """Is an answer what its type promises?"""
    match value:
        case Session(access_token, refresh_token, expires_in_s, user):
            whole = expires_in_s is None or (type(expires_in_s) is int and 0 <= expires_in_s <= MAX_LIFETIME_S)
            return is_token(access_token) and (refresh_token is None or is_token(refresh_token)) and whole and (
                user is None or is_user(user)
            )  # fmt: skip
        case Identity(user, expires_at, source, token_id, session_id):
            ids = all(each is None or is_text(each) for each in (token_id, session_id))
            timed = expires_at is None or (type(expires_at) is int and expires_at >= 0)
            return is_user(user) and timed and ids and source == "auth_service"
        case Vouched(identity, issuer, audience):
            return is_answer(identity) and all(is_text(each) for each in (*audience, *([issuer] if issuer else [])))
        case Jwks() | Discovery() | RevocationPage():
            return is_published(value)
        case Offer():
            flag, *counts, providers = value
            whole = all(count is None or (type(count) is int and count >= 0) for count in counts)
            return flag in {None, True, False} and whole and all(is_text(each, 64) for each in providers)
        case Handshake():
            texts = (value.service_id, value.environment, value.version, value.issuer, value.audience)
            return all(each is None or is_text(each) for each in texts) and all(
                is_text(each, 64) for each in (*value.secret_fingerprints, *value.key_ids)
            )
        case _:
            return isinstance(value, Done) or is_user(value)


ORDINARY = st.sampled_from(["Bearer", "a.b.c", "u-1", "ada@example.com", True, False, 900, ["acme"], [], 0])


@st.composite
def places_of(draw: st.DrawFn) -> tuple[Operation[Any], dict[str, Any]]:
    """A question, and what somebody may have answered in its places; null is as good as absent."""
    operation = OPERATIONS[draw(st.sampled_from(sorted(OPERATIONS)))]
    names = draw(st.sets(st.sampled_from(sorted(operation.places)))) if operation.places else set()
    found = {name: draw(ORDINARY | json_values) for name in names}
    return operation, {name: value for name, value in found.items() if value is not None}


@quick
@given(places_of())
def test_no_answer_at_all_makes_a_shape_raise_and_what_is_taken_is_what_it_promises(
    asked: tuple[Operation[Any], dict[str, Any]],
) -> None:
    operation, places = asked
    answer = operation.shape(places)
    assert answer is None or is_answer(answer), answer


ADA = {"user_id": "u-1", "user_email": "ada@example.com"}
EDGES: list[tuple[Operation[Any], dict[str, Any], bool]] = [
    (REGISTER, {"user_id": "x" * 1024}, True),
    (REGISTER, {"user_id": "x" * 1025}, False),
    (REGISTER, {"user_id": 10**1023}, True),
    (REGISTER, {"user_id": 10**1024}, False),
    (REGISTER, {"user_id": -5}, True),
    (REGISTER, {"user_email": "ada@example.com"}, False),
    (REGISTER, {"user_id": "u-1", "user_email": "x" * 1025}, False),
    (LOGIN, {"access_token": "a"}, True),
    (LOGIN, {"access_token": "a", "user_name": "Ada"}, False),
    (LOGIN, {"access_token": "a" * MAX_TOKEN_CHARS}, True),
    (LOGIN, {"access_token": "a" * (MAX_TOKEN_CHARS + 1)}, False),
    (LOGIN, {"access_token": "a\x7f"}, False),
    (LOGIN, {"access_token": "a", "refresh_token": "b c"}, False),
    (LOGIN, {"access_token": "a", "expires_in": MAX_LIFETIME_S}, True),
    (LOGIN, {"access_token": "a", "expires_in": MAX_LIFETIME_S + 1}, False),
    (LOGIN, {"access_token": "a", "token_type": "bEARER"}, True),
    (LOGIN, {"access_token": "a", "token_type": "Bearer "}, False),
    (VALIDATE, {**ADA, "expires_at": 2**53}, True),
    (VALIDATE, {**ADA, "expires_at": 2**53 + 1}, False),
    (VALIDATE, {**ADA, "valid": False}, False),
    (VALIDATE, {"valid": True}, False),
    (CONFIG, {}, True),
    (CONFIG, {"registration_enabled": 1}, False),
    (CONFIG, {"password_min_length": "8"}, False),
    (CONFIG, {"password_max_length": -1}, False),
    (CONFIG, {"access_token_ttl_s": 900.0}, False),
    (CONFIG, {"access_token_ttl_s": True}, False),
    (CONFIG, {"oauth_providers": "acme"}, False),
    (CONFIG, {"oauth_providers": [""]}, False),
    (CONFIG, {"oauth_providers": ["x" * 64] * 100}, True),
    (CONFIG, {"oauth_providers": ["x"] * 101}, False),
    (CONFIG, {"oauth_providers": ["x" * 65]}, False),
    (HANDSHAKE, {}, True),
    (HANDSHAKE, {"idempotency": 1}, False),
    (HANDSHAKE, {"idempotency": "true"}, False),
    (HANDSHAKE, {"service_id": ""}, False),
    (HANDSHAKE, {"issuer": ["x"]}, False),
    (HANDSHAKE, {"audience": 5}, False),
    (HANDSHAKE, {"secret_fingerprints": ["0a1b2c3d"] * 16}, True),
    (HANDSHAKE, {"secret_fingerprints": ["0a1b2c3d"] * 17}, False),
    (HANDSHAKE, {"secret_fingerprints": [5]}, False),
    (HEALTH, {"status": None}, True),
]


def test_the_edges_of_every_shape_are_where_they_are_said_to_be() -> None:
    for operation, places, taken in EDGES:
        assert (operation.shape(places) is not None) == taken, (operation.name, repr(places)[:80])


def test_a_name_too_long_is_cut_because_nothing_depends_on_it() -> None:
    assert REGISTER.shape({"user_id": "u-1", "user_name": "x" * 5000}) == User("u-1", None, "x" * 1024)


def test_an_auth_service_that_promises_nothing_is_taken_to_promise_nothing() -> None:
    assert HANDSHAKE.shape({}) == Handshake(None, None, None, False, None, None, ())
    assert CONFIG.shape({}) == Offer(None, None, None, None, ())


# --- keys, discovery, revocations -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("places", "usable"),
    [
        ({"keys": []}, True),
        ({"keys": [{"kty": "EC"}] * 100}, True),
        ({"keys": [{"kty": "EC"}] * 101}, False),
        ({"keys": {"kty": "EC"}}, False),
        ({"keys": ["EC"]}, False),
        ({}, False),
    ],
    ids=range(6),
)
def test_keys_are_a_list_of_at_most_a_hundred_objects(places: dict[str, Any], *, usable: bool) -> None:
    assert (KEYS.shape(places) is not None) == usable


GOOD_DISCOVERY = {"issuer": "https://id.test", "jwks_uri": "https://id.test/keys"}


@pytest.mark.parametrize("wrong", [{"issuer": None}, {"jwks_uri": 5}, {"introspection_endpoint": ["x"]}], ids=str)
def test_a_discovery_names_its_issuer_and_its_keys(wrong: dict[str, Any]) -> None:
    assert DISCOVERY.shape(GOOD_DISCOVERY) == Discovery("https://id.test", "https://id.test/keys", None)
    assert DISCOVERY.shape(GOOD_DISCOVERY | wrong) is None


@pytest.mark.parametrize(
    ("item", "read"),
    [
        ({"sid": "s", "exp": 5}, Revoked(None, "s", 5)),
        ({"jti": "t", "exp": "2026-01-01T00:00:00Z"}, Revoked("t", None, 1_767_225_600)),
        ({"jti": "t", "sid": "s", "exp": 5, "more": 1}, Revoked("t", "s", 5)),
        ({"exp": 5}, None),
        ({"sid": "s"}, None),
        ({"sid": "", "exp": 5}, None),
        ({"sid": "s", "exp": "soon"}, None),
        ("s", None),
    ],
    ids=str,
)
def test_what_was_revoked_is_a_token_or_a_session_with_its_end(item: Any, read: Revoked | None) -> None:
    page = REVOCATIONS.shape({"cursor": "c", "items": [item]})
    assert page == (None if read is None else RevocationPage("c", (read,)))


@pytest.mark.parametrize("places", [{"items": []}, {"cursor": "c"}, {"cursor": "c", "items": {}}], ids=str)
def test_a_page_of_revocations_says_where_to_go_on(places: dict[str, Any]) -> None:
    assert REVOCATIONS.shape(places) is None


def test_a_page_of_revocations_is_bounded() -> None:
    items = [{"sid": "s", "exp": 5}] * 1001
    assert REVOCATIONS.shape({"cursor": "c", "items": items[1:]}) is not None
    assert REVOCATIONS.shape({"cursor": "c", "items": items}) is None


@pytest.mark.parametrize("name", ["token_id", "session_id"])
def test_ids_of_a_token_are_texts_if_they_are_there(name: str) -> None:
    good = {"valid": True, "user_id": "u"}
    vouched = VALIDATE.shape({**good, name: "x"})
    assert vouched is not None
    assert getattr(vouched.identity, name) == "x"
    assert VALIDATE.shape({**good, name: 5}) is None


@pytest.mark.parametrize(
    "wrong", [{"server_time": "noon"}, {"key_ids": "k"}, {"key_ids": [1]}, {"key_ids": ["k"] * 17}], ids=str
)
def test_a_handshake_with_a_time_or_keys_of_the_wrong_form_is_none(wrong: dict[str, Any]) -> None:
    said = HANDSHAKE.shape({"server_time": "1970-01-01T00:01:00Z", "key_ids": ["k"]})
    assert said is not None
    assert (said.server_time, said.key_ids) == (60, ("k",))
    assert HANDSHAKE.shape(wrong) is None


@pytest.mark.parametrize(
    ("said", "issuer", "audience"),
    [({}, None, ()), ({"issuer": "i", "audience": "a"}, "i", ("a",)), ({"audience": ["a", "b"]}, None, ("a", "b"))],
    ids=["nothing", "both", "two audiences"],
)
def test_whoever_is_asked_about_a_token_may_say_who_made_it_and_for_whom(
    said: dict[str, object], issuer: str | None, audience: tuple[str, ...]
) -> None:
    vouched = VALIDATE.shape({"valid": True, "user_id": "u", **said})
    assert vouched == Vouched(Identity(User("u", None, None), None), issuer, audience)


@pytest.mark.parametrize("wrong", [{"issuer": 5}, {"audience": 5}, {"audience": ["a", 5]}, {"audience": {}}], ids=str)
def test_a_maker_or_an_audience_of_the_wrong_form_is_of_no_use(wrong: dict[str, object]) -> None:
    assert VALIDATE.shape({"valid": True, "user_id": "u", **wrong}) is None
