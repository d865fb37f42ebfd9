"""Whose refusal is it? Codes in all their places, whatever the headers say; and what means what without a code."""

from itertools import product

import pytest

from netra.core.verdict.outcomes import Rejected, Unknown
from netra.core.verdict.reply import Standing
from tests.core.support import (
    API_GATEWAY,
    GOOD,
    HTML,
    NGINX_502,
    SESSION,
    code,
    rejected,
    understood,
    unknown,
    wire,
)
from tests.core.verdict.refusal_names import OF_FIELDS, OF_OURS, OF_USERS, ON_REFRESH, PLACES, TOKEN_CODES

STATUSES = (400, 401, 403, 404, 409, 410, 418, 422, 423, 429, 499)
ABSENT = Standing(handshake="absent", credentials_configured=True)
UNTRUSTED = ABSENT._replace(trust_uncoded_401=False)
REFUSED = GOOD._replace(handshake="refused")
NOT_YET = GOOD._replace(handshake="not_yet")
NONE_CONFIGURED = Standing(handshake="absent")
UNCODED = {"detail": "Unauthorized"}
ARRAY = b'["invalid_credentials"]'


@pytest.mark.parametrize("place", PLACES)
def test_a_code_of_the_users_is_his_refusal_with_any_4xx(place: str) -> None:
    for name, meant in OF_USERS.items():
        for status in STATUSES:
            assert code(understood(status, PLACES[place](name))) == f"rejected: {meant}", (name, status)


@pytest.mark.parametrize("place", PLACES)
def test_a_code_of_ours_is_never_the_users_refusal(place: str) -> None:
    for name, meant in OF_OURS.items():
        for status in STATUSES:
            assert code(understood(status, PLACES[place](name))) == f"unknown: {meant}", (name, status)


def test_on_a_refresh_every_word_against_the_token_means_log_in_again() -> None:
    for name, meant in {**OF_USERS, **ON_REFRESH}.items():
        for status in STATUSES:
            assert code(understood(status, {"code": name}, "refresh")) == f"rejected: {meant}", (name, status)


@pytest.mark.parametrize("status", [100, 200, 201, 204, 302, 500, 502, 503, 504, 599])
def test_a_code_means_a_refusal_with_4xx_alone(status: int) -> None:
    for name in (*OF_USERS, *OF_OURS, *OF_FIELDS):
        told = code(understood(status, {"code": name, "error": name}))
        assert told.startswith("unknown: "), (name, told)
        assert told != "unknown: service_credentials_rejected"


@pytest.mark.parametrize("name", OF_FIELDS)
def test_a_code_for_bad_fields_is_a_refusal_with_400_and_422_alone(name: str) -> None:
    for status in (400, 422):
        assert code(understood(status, {"code": name})) == "rejected: invalid_fields"
    for status in (401, 403, 404, 409, 423, 429):
        assert code(understood(status, {"code": name})).startswith("unknown: "), status


@pytest.mark.parametrize(
    "headers", [{"server": "nginx"}, {"via": "1.1 proxy"}, {"cf-ray": "8a", "server": "cloudflare"}]
)
def test_headers_of_an_honest_proxy_do_not_change_whose_refusal_it_is(headers: dict[str, str]) -> None:
    assert code(understood(401, {"code": "invalid_credentials"}, headers=headers)) == "rejected: invalid_credentials"
    assert code(understood(401, UNCODED, headers=headers)) == "rejected: invalid_credentials"


def test_a_known_code_is_the_auth_services_word_whatever_else_the_object_says() -> None:
    for body in ({"cloudflare_error": True, "code": "AUTH001"}, {"message": "Unauthorized", "error": "AUTH001"}):
        assert code(understood(401, body)) == "rejected: invalid_credentials"
    refused_us = unknown(understood(403, {"cloudflare_error": True, "code": "AUTH003"}))
    assert refused_us.cause.code == "service_credentials_rejected"
    assert "answered_by" not in refused_us.facts


@pytest.mark.parametrize(
    "body",
    [
        {"code": "INVALID_CREDENTIALS"},
        {"code": " invalid_credentials"},
        {"code": ["invalid_credentials"]},
        {"code": {"code": "invalid_credentials"}},
        {"code": 401},
        {"Code": "invalid_credentials"},
        {"error": {"code": "invalid_credentials"}},
        {"detail": "invalid_credentials"},
        {"detail": ["invalid_credentials"]},
        {"message": "invalid_credentials"},
        {"errors": {"code": "invalid_credentials"}},
        "invalid_credentials",
        ["invalid_credentials"],
        [{"code": "invalid_credentials"}],
    ],
    ids=str,
)
def test_what_only_looks_like_a_code_is_none(body: object) -> None:
    assert code(understood(400, body)) == "unknown: request_not_understood"


def test_the_first_place_that_holds_a_known_name_speaks() -> None:
    both = {"error": "account_locked", "code": "AUTH003", "detail": {"code": "invalid_credentials"}}
    assert code(understood(401, both)) == "unknown: service_credentials_rejected"
    assert code(understood(401, {**both, "code": "E_17"})) == "rejected: account_locked"
    assert code(understood(401, {"code": "E_17", "error": "no", "detail": {"error_code": "AUTH002"}})) == (
        "rejected: account_locked"
    )


UNCODED_ROWS: list[tuple[str, int, object, Standing, str]] = [
    ("login", 401, UNCODED, GOOD, "rejected: invalid_credentials"),
    ("login", 401, {}, GOOD, "rejected: invalid_credentials"),
    ("login", 401, {"code": "E_17"}, GOOD, "rejected: invalid_credentials"),
    ("login", 401, UNCODED, ABSENT, "rejected: invalid_credentials"),
    ("login", 401, UNCODED, NONE_CONFIGURED, "rejected: invalid_credentials"),
    ("login", 401, UNCODED, UNTRUSTED, "unknown: service_credentials_rejected"),
    ("login", 401, UNCODED, REFUSED, "unknown: service_credentials_rejected"),
    ("login", 401, UNCODED, NOT_YET, "unknown: service_credentials_rejected"),
    ("login", 401, UNCODED, Standing(), "unknown: service_credentials_missing"),
    ("login", 401, b"", GOOD, "unknown: service_credentials_rejected"),
    ("login", 401, b" \n", GOOD, "unknown: service_credentials_rejected"),
    ("login", 401, b"", NONE_CONFIGURED, "unknown: service_credentials_missing"),
    ("login", 401, HTML, GOOD, "unknown: intermediary_rejected"),
    ("login", 401, b"Unauthorized", GOOD, "unknown: intermediary_rejected"),
    ("login", 401, API_GATEWAY, GOOD, "unknown: intermediary_rejected"),
    ("login", 401, ARRAY, GOOD, "unknown: request_not_understood"),
    ("refresh", 401, UNCODED, GOOD, "rejected: refresh_rejected"),
    ("refresh", 401, UNCODED, ABSENT, "rejected: refresh_rejected"),
    ("refresh", 401, UNCODED, UNTRUSTED, "unknown: service_credentials_rejected"),
    ("refresh", 401, UNCODED, REFUSED, "unknown: service_credentials_rejected"),
    ("refresh", 401, b"", GOOD, "unknown: service_credentials_rejected"),
    ("refresh", 401, HTML, GOOD, "unknown: intermediary_rejected"),
    ("validate", 401, UNCODED, GOOD, "unknown: service_credentials_rejected"),
    ("validate", 401, b"", GOOD, "unknown: service_credentials_rejected"),
    ("validate", 401, UNCODED, NONE_CONFIGURED, "unknown: service_credentials_missing"),
    ("validate", 401, {"code": "token_expired"}, GOOD, "rejected: token_expired"),
    ("validate", 401, {"error": "invalid_token"}, GOOD, "rejected: token_rejected"),
    ("logout", 401, UNCODED, GOOD, "unknown: service_credentials_rejected"),
    ("logout", 401, {"code": "token_revoked"}, GOOD, "rejected: token_revoked"),
    ("logout", 401, {"code": "refresh_rejected"}, GOOD, "rejected: refresh_rejected"),
    ("register", 401, UNCODED, GOOD, "unknown: service_credentials_rejected"),
    ("config", 401, UNCODED, GOOD, "unknown: service_credentials_rejected"),
    ("handshake", 401, UNCODED, GOOD, "unknown: service_credentials_rejected"),
    ("handshake", 401, {"code": "service_credentials_rejected"}, GOOD, "unknown: service_credentials_rejected"),
    ("handshake", 401, {"code": "AUTH003"}, NONE_CONFIGURED, "unknown: service_credentials_missing"),
    ("health", 401, UNCODED, GOOD, "unknown: request_not_understood"),
    ("health", 403, UNCODED, GOOD, "unknown: request_not_understood"),
    ("register", 409, UNCODED, GOOD, "rejected: email_taken"),
    ("register", 409, b"", GOOD, "rejected: email_taken"),
    ("register", 409, HTML, GOOD, "unknown: request_not_understood"),
    ("login", 409, UNCODED, GOOD, "unknown: request_not_understood"),
    ("login", 423, UNCODED, GOOD, "rejected: account_locked"),
    ("login", 423, b"", GOOD, "rejected: account_locked"),
    ("login", 423, HTML, GOOD, "unknown: request_not_understood"),
    ("refresh", 423, UNCODED, GOOD, "rejected: account_locked"),
    ("validate", 423, UNCODED, GOOD, "rejected: account_locked"),
    ("health", 423, UNCODED, GOOD, "unknown: request_not_understood"),
    *(
        (operation, 403, body, standing, f"unknown: {meant}")
        for operation in ("login", "register", "refresh", "logout", "validate", "config", "handshake")
        for body, standing, meant in (
            (UNCODED, GOOD, "service_credentials_rejected"),
            (b"", REFUSED, "service_credentials_rejected"),
            (UNCODED, NONE_CONFIGURED, "service_credentials_missing"),
            (HTML, GOOD, "intermediary_rejected"),
            (API_GATEWAY, GOOD, "intermediary_rejected"),
        )
    ),
    *(
        (operation, 429, body, GOOD, "unknown: auth_service_rate_limited")
        for operation in ("login", "register", "refresh", "logout", "validate")
        for body in (UNCODED, b"", HTML, b"slow down", ARRAY, {"code": "overloaded"})
    ),
    ("login", 429, {"code": "too_many_attempts"}, GOOD, "rejected: too_many_attempts"),
]


def test_without_a_code_status_body_and_our_standing_say_whose_refusal_it_is() -> None:
    for operation, status, body, standing, meant in UNCODED_ROWS:
        assert code(understood(status, body, operation, standing)) == meant, (operation, status, body, standing)


@pytest.mark.parametrize("name", sorted(OF_OURS))
def test_without_credentials_of_our_own_every_refusal_of_us_says_that_they_are_missing(name: str) -> None:
    assert code(understood(401, {"code": name}, standing=NONE_CONFIGURED)) == "unknown: service_credentials_missing"


def test_only_an_auth_service_that_names_our_credentials_has_judged_nobody() -> None:
    for name in OF_OURS:
        outcome = understood(401, {"code": name})
        assert isinstance(outcome, Unknown)
        assert outcome.nobody_judged, name
    for status, body in product((401, 403), ({}, {"detail": "No."}, b"")):
        outcome = understood(status, body, standing=Standing(handshake="refused", credentials_configured=True))
        assert isinstance(outcome, Unknown)
        assert not outcome.nobody_judged, (status, body)


def test_a_validation_says_in_its_200_that_the_token_is_refused() -> None:
    assert code(understood(200, {"valid": False}, "validate")) == "rejected: token_rejected"
    assert code(understood(200, {"valid": False, "code": "E_17"}, "validate")) == "rejected: token_rejected"
    for name in TOKEN_CODES:
        assert code(understood(200, {"valid": False, "code": name}, "validate")) == f"rejected: {name}"
    assert code(understood(200, {"valid": False, "code": "user_inactive"}, "validate")) == "rejected: account_disabled"


@pytest.mark.parametrize("said", [0, "false", None, [], {}, "", 0.0], ids=repr)
def test_only_the_word_false_refuses_a_token(said: object) -> None:
    body = {"valid": said, "user_id": "u-1", "email": "ada@example.com"}
    assert code(understood(200, body, "validate")) == "unknown: invalid_response"


def test_a_validation_that_blames_us_is_not_the_tokens_refusal() -> None:
    outcome = understood(200, {"valid": False, "code": "service_credentials_rejected"}, "validate")
    assert code(outcome) == "unknown: service_credentials_rejected"


def test_valid_false_means_nothing_to_other_calls() -> None:
    assert code(understood(200, {**SESSION, "valid": False})) == "accepted"


@pytest.mark.parametrize(
    "body",
    [HTML, NGINX_502, API_GATEWAY, b"Forbidden", b"error code: 1020", b'{"cloudflare_error": true, "status": 401}'],
    ids=["HTML", "nginx", "API Gateway", "text", "Cloudflare text", "Cloudflare JSON"],
)
def test_no_page_no_text_and_no_object_of_an_intermediary_is_ever_a_refusal(body: bytes) -> None:
    for operation, status in product(wire().templates, (*STATUSES, 402, 405, 407, 413, 451)):
        assert not isinstance(understood(status, body, operation), Rejected), (operation, status)


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [("30", 30), ("99999", 3600), ("Sun, 06 Nov 1994 08:50:07 GMT", 30), ("soon", None), (None, None)],
)
def test_a_refusal_says_how_long_it_lasts_when_the_auth_service_does(value: str | None, wait_s: int | None) -> None:
    headers = {"retry-after": value} if value else {}
    assert rejected(understood(423, {"code": "account_locked"}, headers=headers)).retry_after_s == wait_s
    for status in (429, 503):
        outcome = unknown(understood(status, b"", headers=headers))
        assert outcome.retry_after_s == wait_s
        assert outcome.facts.get("retry_after_s") == (str(wait_s) if wait_s else None)
