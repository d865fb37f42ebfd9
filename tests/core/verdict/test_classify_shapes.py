"""An answer is good only in the right shape; and of a list of bad fields only our own words pass."""

from itertools import product
from typing import Any

import pytest

from netra.core.secret import Secret
from netra.core.verdict.operations import Done, Handshake, Identity, Offer, Session, User, Vouched
from netra.core.verdict.outcomes import Accepted, FieldFault, Unknown
from tests.core.support import NGINX_502, SESSION, TOKENS, code, rejected, understood, unknown

ADA = User("u-1", "ada@example.com", "Ada")


def without(*names: str) -> dict[str, Any]:
    """A session without some of its members."""
    return {name: value for name, value in SESSION.items() if name not in names}


def with_user(**members: Any) -> dict[str, Any]:
    """A session whose user differs."""
    return {**TOKENS, "user": {"id": "u-1", "email": "ada@example.com", **members}}


LOGINS: list[tuple[str, object, User | None]] = [
    ("a whole session", SESSION, ADA),
    ("unknown members beside it", {**SESSION, "scope": "all", "extra": [1]}, ADA),
    ("a bearer in capitals", {**SESSION, "token_type": "BEARER"}, ADA),
    ("no life of no time", {**SESSION, "expires_in": 0}, ADA),
    ("a null life", {**SESSION, "expires_in": None}, ADA),
    ("a null type", {**SESSION, "token_type": None}, ADA),
    ("no name", with_user(), User("u-1", "ada@example.com", None)),
    ("a null name", with_user(name=None), User("u-1", "ada@example.com", None)),
    ("an empty name", with_user(name=""), User("u-1", "ada@example.com", None)),
    ("a number for an id", with_user(id=17), User("17", "ada@example.com", None)),
    ("a token of 32 Ki", {**SESSION, "access_token": "a" * 32_768}, ADA),
]
NOT_LOGINS: list[tuple[str, object]] = [
    ("an empty object", {}),
    ("an array", [SESSION]),
    ("a text", "ok"),
    ("null", b"null"),
    ("nothing", b""),
    ("HTML", b"<html></html>"),
    ("a key twice", b'{"access_token":"a","access_token":"b"}'),
    ("NaN inside", b'{"access_token":"a","expires_in":NaN}'),
    ("a hundred thousand brackets", b'{"a":' * 5_000),
    ("no access token", without("access_token")),
    ("an empty access token", {**SESSION, "access_token": ""}),
    ("a null access token", {**SESSION, "access_token": None}),
    ("a number for an access token", {**SESSION, "access_token": 17}),
    ("a space in the access token", {**SESSION, "access_token": "a b"}),
    ("a line end in the access token", {**SESSION, "access_token": "a\r\nb"}),
    ("an access token beyond ASCII", {**SESSION, "access_token": "t\u00f6ken"}),
    ("an access token too long", {**SESSION, "access_token": "a" * 32_769}),
    ("no refresh token", without("refresh_token")),
    ("an empty refresh token", {**SESSION, "refresh_token": ""}),
    ("a tab in the refresh token", {**SESSION, "refresh_token": "a\tb"}),
    ("a negative life", {**SESSION, "expires_in": -1}),
    ("a life of a thousand years", {**SESSION, "expires_in": 10**12}),
    ("a life in a text", {**SESSION, "expires_in": "900"}),
    ("a life in a truth value", {**SESSION, "expires_in": True}),
    ("a life in a fraction", {**SESSION, "expires_in": 900.5}),
    ("an empty type", {**SESSION, "token_type": ""}),
    ("another type of token", {**SESSION, "token_type": "mac"}),
    ("a type that is no text", {**SESSION, "token_type": ["Bearer"]}),
    ("no user", without("user")),
    ("a null user", {**SESSION, "user": None}),
    ("a user in a list", {**SESSION, "user": [ADA]}),
    ("no id", {**TOKENS, "user": {"email": "ada@example.com"}}),
    ("an empty id", with_user(id="")),
    ("a truth value for an id", with_user(id=True)),
    ("a fraction for an id", with_user(id=1.5)),
    ("an id too long", with_user(id="x" * 1025)),
    ("no e-mail", {**TOKENS, "user": {"id": "u-1"}}),
    ("an empty e-mail", with_user(email="")),
    ("a number for an e-mail", with_user(email=5)),
    ("a number for a name", with_user(name=5)),
]


@pytest.mark.parametrize(("what", "body", "user"), LOGINS, ids=[row[0] for row in LOGINS])
def test_a_session_of_the_right_shape_is_accepted(what: str, body: object, user: User | None) -> None:
    outcome = understood(200, body)
    assert isinstance(outcome, Accepted), what
    assert outcome.value.user == user
    assert outcome.value.refresh_token == Secret(TOKENS["refresh_token"])


def test_half_a_session_is_no_session() -> None:
    meant = {what: code(understood(200, body)) for what, body in NOT_LOGINS}
    assert meant == {what: "unknown: invalid_response" for what, _ in NOT_LOGINS}


LACKING: list[tuple[str, dict[str, Any], str]] = [
    ("login", {}, "access_token, refresh_token, user_email, user_id"),
    ("login", without("refresh_token"), "refresh_token"),
    ("login", {**without("user"), "access_token": ""}, "user_email, user_id"),
    ("login", {**SESSION, "access_token": "", "expires_in": -1}, "access_token, expires_in"),
    ("login", {**SESSION, "token_type": "mac"}, "token_type"),
    ("login", with_user(id=True, email="", name=5), "user_email, user_id, user_name"),
    ("register", {"id": "", "email": "ada@example.com"}, "user_id"),
    ("refresh", {**TOKENS, "user": {"email": "ada@example.com"}}, ""),
    ("validate", {"user_id": "u-1"}, "valid"),
    ("validate", {"valid": 1, "user_id": "u-1", "expires_at": "soon"}, "expires_at, valid"),
    ("config", {"registration_enabled": 1, "oauth_providers": "acme"}, "oauth_providers, registration_enabled"),
    ("handshake", {"idempotency": "yes", "service_id": "", "issuer": "x"}, "idempotency, service_id"),
    ("health", {}, "status"),
]


def test_operators_hear_which_places_of_an_answer_are_missing_or_of_no_use_and_nothing_that_stood_there() -> None:
    told = [unknown(understood(200, body, operation)).facts.get("lacking") for operation, body, _ in LACKING]
    assert told == [lacking for _, _, lacking in LACKING]
    for body in (b"", b"[]", b"<html>"):
        assert "lacking" not in unknown(understood(200, body)).facts


def test_the_life_of_a_session_is_told_in_whole_seconds() -> None:
    outcome = understood(200, {**SESSION, "expires_in": 900, "token_type": "Bearer"})
    access, refresh = Secret(TOKENS["access_token"]), Secret(TOKENS["refresh_token"])
    assert outcome == Accepted(Session(access, refresh, 900, ADA))


def test_a_refresh_may_leave_out_the_user_and_not_half_of_him() -> None:
    outcome = understood(200, TOKENS, "refresh")
    assert isinstance(outcome, Accepted)
    assert outcome.value.user is None
    assert code(understood(200, {**TOKENS, "user": {"email": "ada@example.com"}}, "refresh")) == (
        "unknown: invalid_response"
    )
    assert code(understood(200, {"access_token": "a"}, "refresh")) == "unknown: invalid_response"


@pytest.mark.parametrize("status", [200, 201])
def test_a_registration_answers_with_the_user_wrapped_or_bare(status: int) -> None:
    bare = {"id": "u-1", "email": "ada@example.com", "name": "Ada"}
    assert understood(status, {"user": bare}, "register") == Accepted(ADA)
    assert understood(status, bare, "register") == Accepted(ADA)
    assert code(understood(status, {"id": "u-1"}, "register")) == "unknown: invalid_response"


@pytest.mark.parametrize(
    ("status", "body", "meant"),
    [
        (200, {"success": True}, "accepted"),
        (200, {}, "accepted"),
        (200, b"", "accepted"),
        (204, b"", "accepted"),
        (200, b"bye", "unknown: invalid_response"),
        (200, [], "unknown: invalid_response"),
        (200, NGINX_502, "unknown: intermediary_error"),
        (202, b"", "unknown: unexpected_status"),
    ],
)
def test_a_logout_is_done_when_the_auth_service_says_so_and_nobody_else(status: int, body: object, meant: str) -> None:
    outcome = understood(status, body, "logout")
    assert code(outcome) == meant
    assert not isinstance(outcome, Accepted) or outcome.value == Done()


VALID = {"valid": True, "user_id": "u-1", "email": "ada@example.com", "name": "Ada"}
MOMENT = 1_798_761_600
INSTANTS: list[tuple[object, int | None]] = [
    (MOMENT, MOMENT),
    (0, 0),
    ("2027-01-01T00:00:00Z", MOMENT),
    ("2027-01-01t00:00:00z", MOMENT),
    ("2027-01-01 00:00:00Z", MOMENT),
    ("2027-01-01T01:30:00+01:30", MOMENT),
    ("2026-12-31T19:00:00-05:00", MOMENT),
    ("2027-01-01T00:00:00.999999999Z", MOMENT),
    ("1900-01-01T00:00:00Z", 0),
    ("0001-01-01T00:00:00+23:59", 0),
]
NOT_INSTANTS: list[object] = [
    -1,
    2**60,
    1.5,
    True,
    [],
    {},
    "",
    "soon",
    str(MOMENT),
    "2027-01-01",
    "2027-01-01T00:00:00",
    "2027-W01-1T00:00:00Z",
    "20270101T000000Z",
    "2027-01-01T00:00Z",
    "2027-02-30T00:00:00Z",
    "2027-01-01T24:61:00Z",
    "2027-01-01T00:00:00+99:00",
    "\u0662\u0660\u0662\u0667-01-01T00:00:00Z",
    "2027-01-01T00:00:00Z ",
    "2027-01-01T::::::::Z",
]


@pytest.mark.parametrize(("said", "read"), INSTANTS)
def test_a_validation_tells_until_when_as_a_number_or_as_a_date(said: object, read: int | None) -> None:
    assert understood(200, {**VALID, "expires_at": said}, "validate") == Accepted(
        Vouched(Identity(ADA, read), None, ())
    )


def test_what_is_no_instant_makes_a_validation_unusable() -> None:
    for said in NOT_INSTANTS:
        assert code(understood(200, {**VALID, "expires_at": said}, "validate")) == "unknown: invalid_response", said


def test_a_validation_needs_its_verdict_and_its_user() -> None:
    assert understood(200, VALID, "validate") == Accepted(Vouched(Identity(ADA, None), None, ()))
    assert understood(200, {**VALID, "expires_at": None}, "validate") == Accepted(
        Vouched(Identity(ADA, None), None, ())
    )
    for name in ("valid", "user_id"):
        body = {member: value for member, value in VALID.items() if member != name}
        assert code(understood(200, body, "validate")) == "unknown: invalid_response"
    for said in (1, "true", [True]):
        assert code(understood(200, {**VALID, "valid": said}, "validate")) == "unknown: invalid_response"


def test_an_offer_and_a_handshake_are_read() -> None:
    offer = {"registration_enabled": False, "password_min_length": 12, "oauth_providers": ["acme"], "extra": 1}
    assert understood(200, offer, "config") == Accepted(Offer(False, 12, None, None, ("acme",)))
    said = {"service_id": "netra-backend", "idempotency": True, "secret_fingerprints": ["0a1b2c3d"], "key_ids": []}
    assert understood(200, said, "handshake") == Accepted(
        Handshake(
            "netra-backend", None, None, idempotency=True, issuer=None, audience=None, secret_fingerprints=("0a1b2c3d",)
        )
    )
    assert understood(200, {"status": "ok"}, "health") == Accepted(Done())
    assert code(understood(200, {}, "health")) == "unknown: invalid_response"


LISTS: list[tuple[str, object, tuple[FieldFault, ...]]] = [
    (
        "problem details",
        {"errors": [{"pointer": "/email", "code": "invalid_format", "detail": "hunter2"}]},
        (FieldFault("/email", "invalid_format"),),
    ),
    (
        "a framework's own list",
        {"detail": [{"loc": ["body", "password"], "msg": "hunter2", "type": "missing", "input": "hunter2"}]},
        (FieldFault("/password", "invalid_format"),),
    ),
    ("a deep pointer", {"errors": [{"pointer": "/data/name", "code": "too_long"}]}, (FieldFault("/name", "too_long"),)),
    (
        "a code that is not ours",
        {"errors": [{"pointer": "/email", "code": "E17"}]},
        (FieldFault("/email", "invalid_format"),),
    ),
    (
        "a code that is no text",
        {"errors": [{"pointer": "/email", "code": ["missing"]}]},
        (FieldFault("/email", "invalid_format"),),
    ),
    ("a code in an object", {"errors": [{"pointer": "/email", "code": {}}]}, (FieldFault("/email", "invalid_format"),)),
    (
        "fields that we do not know",
        {"errors": [{"pointer": "/tenant", "code": "missing"}, {"loc": []}, {"loc": [0]}, {}]},
        (),
    ),
    (
        "places that are none",
        {"errors": [{"pointer": 5}, {"pointer": ["/email"]}, {"loc": "email"}, {"loc": [["email"]]}]},
        (),
    ),
    ("places of no sort", {"errors": [{"loc": 5}, {"loc": {"email": 1}}, {"loc": True}, {"loc": None}]}, ()),
    ("the same twice", {"errors": [{"pointer": "/email", "code": "missing"}] * 2}, (FieldFault("/email", "missing"),)),
    (
        "two lists, of which the first speaks",
        {"errors": [{"pointer": "/email", "code": "missing"}], "detail": [{"pointer": "/name", "code": "missing"}]},
        (FieldFault("/email", "missing"),),
    ),
    (
        "as many as are read",
        {"errors": [{}] * 19 + [{"pointer": "/email"}]},
        (FieldFault("/email", "invalid_format"),),
    ),
    ("more than anyone reads", {"errors": [{}] * 20 + [{"pointer": "/email"}]}, ()),
]


@pytest.mark.parametrize(("what", "body", "faults"), LISTS, ids=[row[0] for row in LISTS])
def test_of_a_list_of_bad_fields_known_fields_and_closed_codes_pass(
    what: str, body: object, faults: tuple[FieldFault, ...]
) -> None:
    for status in (400, 422):
        outcome = rejected(understood(status, body, "register"))
        assert (outcome.cause.code, outcome.errors) == ("invalid_fields", faults), what
        assert "hunter2" not in repr(outcome)


def test_every_known_field_and_every_closed_code_passes() -> None:
    codes = ("missing", "wrong_type", "too_short", "too_long", "invalid_format", "mismatch")
    for field, code_of_field in product(("email", "password", "confirm_password", "name", "refresh_token"), codes):
        body = {"code": "invalid_fields", "errors": [{"pointer": f"/{field}", "code": code_of_field}]}
        assert rejected(understood(422, body)).errors == (FieldFault(f"/{field}", code_of_field),)


@pytest.mark.parametrize(
    "body",
    [
        {"errors": []},
        {"errors": ["email"]},
        {"errors": {"email": "bad"}},
        {"detail": "bad"},
        [{"pointer": "/email"}],
        {"errors": [{"pointer": "/email"}, "x"]},
        {"cloudflare_error": True, "errors": [{"pointer": "/email"}]},
        b"",
    ],
    ids=str,
)
def test_what_is_no_list_of_bad_fields_is_a_request_that_was_not_understood(body: object) -> None:
    assert code(understood(422, body)) in {"unknown: request_not_understood", "unknown: intermediary_rejected"}


@pytest.mark.parametrize("status", [401, 403, 409, 418, 500])
def test_a_list_of_bad_fields_means_nothing_with_another_status(status: int) -> None:
    body = {"errors": [{"pointer": "/email", "code": "missing"}]}
    assert code(understood(status, body, "register")) != "rejected: invalid_fields"


def test_a_code_goes_before_a_list() -> None:
    body = {"code": "weak_password", "errors": [{"pointer": "/password", "code": "too_short"}]}
    assert code(understood(422, body, "register")) == "rejected: password_rejected"


@pytest.mark.parametrize(("operation", "counts"), [("validate", False), ("login", True), ("refresh", True)])
def test_what_lacks_in_an_answer_about_a_token_is_no_evidence_against_whoever_answers(
    operation: str, counts: bool
) -> None:
    outcome = understood(200, {"valid": True}, operation)
    assert isinstance(outcome, Unknown)
    assert (outcome.cause.code, outcome.counts) == ("invalid_response", counts)
