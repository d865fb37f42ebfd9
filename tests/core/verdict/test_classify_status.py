"""Every status with every kind of body: what it means when nobody said why, and what operators are told of it."""

import json
from itertools import product
from typing import Any

import pytest

from netra.core.verdict.causes import TABLE
from netra.core.verdict.classify import classify
from netra.core.verdict.outcomes import Unknown
from netra.core.verdict.reply import Broken
from tests.core.support import (
    API_GATEWAY,
    GOOD,
    HTML,
    NGINX_502,
    SESSION,
    broken,
    call_of,
    code,
    reply,
    understood,
    unknown,
    wire,
)

BODIES: dict[str, bytes] = {
    "empty": b"",
    "object": b'{"detail":"no"}',
    "array": b"[]",
    "text": b"no",
    "HTML": HTML,
    "malformed": b'{"detail":',
    "nginx": NGINX_502,
    "API Gateway": API_GATEWAY,
}
BETWEEN = frozenset({"nginx", "API Gateway"})
NOT_JSON = frozenset({"text", "HTML", "malformed"})


def refused(status: int, kind: str) -> str:
    """What a 4xx without a code means on a login, by the contract."""
    if status in (404, 405, 410):
        return "unknown: endpoint_not_found"
    if status == 429:
        return "unknown: auth_service_rate_limited"
    if kind in ("object", "empty"):
        meant = {403: "unknown: service_credentials_rejected", 423: "rejected: account_locked"}
        by_body = {"object": "rejected: invalid_credentials", "empty": "unknown: service_credentials_rejected"}
        return {**meant, 401: by_body[kind]}.get(status, "unknown: request_not_understood")
    if kind in BETWEEN or (kind in NOT_JSON and status in (401, 403, 407, 451)):
        return "unknown: intermediary_rejected"
    return "unknown: request_not_understood"


def meaning(status: int, kind: str) -> str:
    """What an answer to a login means, by the contract."""
    if not 200 <= status <= 599:
        return "unknown: unexpected_status"
    if 300 <= status < 400:
        return "unknown: redirected"
    if 400 <= status < 500:
        return refused(status, kind)
    if kind in BETWEEN:
        return "unknown: intermediary_error"
    if status < 300:
        return "unknown: invalid_response" if status in (200, 204) else "unknown: unexpected_status"
    return "unknown: auth_service_unavailable" if status == 503 else "unknown: auth_service_error"


@pytest.mark.parametrize("kind", BODIES)
def test_every_status_means_what_the_contract_says_with_this_body(kind: str) -> None:
    for status in (*range(100, 600), 0, 99, 600, 999):
        assert code(understood(status, BODIES[kind])) == meaning(status, kind), status


@pytest.mark.parametrize("operation", sorted(wire().templates))
def test_no_status_and_body_without_a_verdict_is_ever_called_a_refusal_or_a_success(operation: str) -> None:
    for status in (*range(100, 104), *range(300, 309), *range(500, 512), 520, 522, 599, 600, 999):
        for body in (b"", b'{"code":"invalid_credentials","valid":false}', b'{"status":"ok"}'):
            assert isinstance(understood(status, body, operation), Unknown), (status, body)


@pytest.mark.parametrize(
    ("status", "transient"), [(500, False), (501, False), (502, True), (504, True), (505, False), (507, False)]
)
def test_of_server_errors_a_502_and_a_504_may_pass_soon_and_others_not(status: int, transient: bool) -> None:
    for body in (b"", b'{"code":"overloaded"}', HTML):
        outcome = unknown(understood(status, body))
        assert (outcome.cause.code, outcome.transient, outcome.counts) == ("auth_service_error", transient, True)


def test_an_error_of_an_intermediary_may_pass_soon_and_counts() -> None:
    outcome = unknown(understood(500, NGINX_502))
    assert (outcome.cause.code, outcome.transient, outcome.counts) == ("intermediary_error", True, True)


def test_an_auth_service_that_sheds_load_is_not_unwell() -> None:
    plain, shedding = unknown(understood(503)), unknown(understood(503, {"code": "overloaded"}))
    assert plain == shedding._replace(counts=True, facts=plain.facts)
    assert shedding.transient
    assert shedding.counts is False
    assert unknown(understood(503, {"code": "invalid_credentials"})).counts


def test_no_4xx_ever_counts_or_is_worth_repeating() -> None:
    for operation, status, body in product(("login", "health"), range(400, 500), BODIES.values()):
        outcome = understood(status, body, operation)
        assert not (isinstance(outcome, Unknown) and (outcome.counts or outcome.transient)), (status, body)


def test_an_exchange_without_an_answer_means_what_its_row_says() -> None:
    for row in TABLE.values():
        if row.verdict == "unknown":
            outcome = broken(row.code)
            assert (outcome.cause, outcome.transient, outcome.counts) == (row, row.again, row.counts == "yes")
            assert outcome.facts == {"method": "POST", "path": "/auth/login"}


def test_the_facts_of_a_broken_exchange_are_kept() -> None:
    facts = {"os_error": "Connection refused"}
    outcome = unknown(classify(call_of("config"), Broken("connection_refused", facts), GOOD))
    assert outcome.facts == {**facts, "method": "GET", "path": "/auth/config"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("application/json", "application/json"),
        ("Application/JSON; charset=utf-8", "application/json"),
        ("application/problem+json", "application/problem+json"),
        ("text/html;charset=utf-8", "text/html"),
        (" text/plain ", "text/plain"),
        ("text/xml", "text/xml"),
        ("application/vnd.secret+json", "another type"),
        ("<script>", "another type"),
        ("", None),
        (";charset=utf-8", None),
    ],
)
def test_operators_hear_the_content_type_from_a_closed_list(said: str, told: str | None) -> None:
    facts = unknown(understood(500, headers={"content-type": said})).facts
    assert (facts["status"], facts.get("content_type")) == ("500", told)
    assert "content_type" not in unknown(understood(500)).facts


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://sso.example/login?next=/", "sso.example"),
        ("http://10.0.0.1:8080", "10.0.0.1:8080"),
        ("//[::1]:8443#top", "[::1]:8443"),
        ("https://user:secret@sso.example/", None),
        ("/login", None),
        ("ftp://files.example/", None),
        ("https://<script>/", None),
        ("https://" + "a" * 256 + "/", None),
        ("", None),
    ],
)
def test_operators_hear_where_a_redirect_leads_when_it_is_a_plain_host(location: str, host: str | None) -> None:
    assert unknown(understood(302, headers={"location": location})).facts.get("location_host") == host
    assert "location_host" not in unknown(understood(500, headers={"location": location})).facts


ANSWERED_BY: list[tuple[str, int, bytes, dict[str, str], str | None]] = [
    ("the body names it", 502, NGINX_502, {}, "nginx"),
    ("the body goes before headers", 502, NGINX_502, {"server": "cloudflare"}, "nginx"),
    ("a page with 403, named by a header", 403, HTML, {"server": "cloudflare"}, "Cloudflare"),
    ("a page with 403 that nobody names", 403, HTML, {}, "an unnamed intermediary"),
    ("a recognised page with 404", 404, NGINX_502, {}, "nginx"),
    ("a recognised page with 429", 429, NGINX_502, {}, "nginx"),
    ("a recognised page with 200", 200, NGINX_502, {}, "nginx"),
    ("an object of the auth service behind a proxy", 500, b'{"detail":"no"}', {"server": "nginx"}, None),
    ("a page of the auth service behind a proxy", 500, HTML, {"server": "nginx", "via": "1.1 x"}, None),
    ("nothing at all behind a proxy", 502, b"", {"server": "nginx"}, None),
]


@pytest.mark.parametrize(
    ("what", "status", "body", "headers", "told"), ANSWERED_BY, ids=[row[0] for row in ANSWERED_BY]
)
def test_operators_hear_who_answered_once_the_body_has_shown_that_somebody_else_did(
    what: str, status: int, body: bytes, headers: dict[str, str], told: str | None
) -> None:
    assert unknown(understood(status, body, headers=headers)).facts.get("answered_by") == told, what


ALL_STATUSES = [200, 201, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503]
PLACES: list[Any] = [
    "{}", {"detail": "{}"}, {"code": "{}"}, {"detail": {"code": "{}"}}, {"{}": 1}, {"message": "No {} here"},
    {"errors": [{"pointer": "/{}", "code": "{}"}]}, {"user": {"id": "{}"}}, {"access_token": "{} "},
]  # fmt: skip
"""Where in an answer a word may stand."""
ANYWHERE = dict.fromkeys(("content-type", "server", "via", "retry-after", "www-authenticate", "location"), "{}")


def told_of(word: str, status: int) -> list[Any]:
    """What is told of answers that hold a word here and there."""
    headers = {name: value.replace("{}", word) for name, value in ANYWHERE.items()}
    bodies = [json.loads(json.dumps(place).replace("{}", word)) for place in PLACES]
    answers = [body.encode() if isinstance(body, str) else body for body in bodies]
    return [classify(call_of("login"), reply(status, body, headers), GOOD) for body in answers]


@pytest.mark.parametrize("status", ALL_STATUSES)
@pytest.mark.parametrize("word", ["hunter2 pass", "ada@example.com", "Ada", "example.com", "EXAMPLE", "hunter2-pass"])
def test_nothing_that_the_client_said_is_ever_told(word: str, status: int) -> None:
    said = "hunter2 pass" if word == "hunter2-pass" else word
    for outcome in told_of(said, status):
        assert said.casefold() not in repr(outcome).casefold()


@pytest.mark.parametrize("status", ALL_STATUSES)
@pytest.mark.parametrize(
    "word", ["2YotnFZFEjr1zCsicMWpAA", "SplxlOBeZQQYbYS6WxSbIA", "b@c.example", "10.1.2.3", "<b>", "4111111111111111"]
)
def test_of_an_answer_nothing_is_told_that_is_no_plain_word(word: str, status: int) -> None:
    for outcome in told_of(word, status):
        assert word not in repr(outcome)


@pytest.mark.parametrize("status", ALL_STATUSES)
def test_a_plain_word_of_an_answer_is_told_only_of_what_no_row_reads_and_as_a_name_or_in_a_row(status: int) -> None:
    told = [outcome for outcome in told_of("turquoise", status) if "turquoise" in repr(outcome)]
    assert bool(told) == (status in (200, 400, 409, 422)), "the other statuses are read without the body"
    for outcome in told:
        assert outcome.cause.code in ("request_not_understood", "invalid_response")
        holding = {name for name, text in outcome.facts.items() if "turquoise" in text}
        assert holding <= {"json_keys", "wire_row"}
        assert "turquoise" not in repr(outcome._replace(facts={}))


@pytest.mark.parametrize("operation", ["login", "register", "refresh", "validate", "logout"])
def test_the_row_that_operators_are_given_is_one_of_the_call_that_was_made(operation: str) -> None:
    row = unknown(understood(418, {"error": "turquoise"}, operation)).facts["wire_row"]
    assert row.startswith(f"[[calls.{operation}.replies]]\nstatus = [418]\n")


def test_what_a_row_or_a_shared_name_reads_is_told_by_its_code_alone() -> None:
    for body in ({"code": "invalid_credentials", "message": "turquoise"}, {"code": "E_17", "detail": "turquoise"}):
        assert "turquoise" not in repr(understood(401, body))
    assert "turquoise" not in repr(understood(404, {"detail": "turquoise"}))
    assert "turquoise" not in repr(understood(500, {"detail": "turquoise"}))


@pytest.mark.parametrize("operation", sorted(wire().templates))
def test_the_same_answer_means_the_same_whenever_it_is_read(operation: str) -> None:
    answer = reply(200, SESSION)
    once = classify(call_of(operation), answer, GOOD)
    assert classify(call_of(operation), answer, GOOD) == once
