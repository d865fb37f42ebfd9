"""Every wire that comes with the package: its saved replies are read as they should, and no fault is ever a refusal."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from netra.core.verdict.classify import classify
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Unknown
from netra.core.verdict.reply import Reply
from netra.core.verdict.wire import Call, ReplyRow, Wire
from netra.wires.load import preset, presets, source_of
from netra.wires.replay import GOOD, IN_DOUBT, SavedReply, replay, saved_replies
from tests.core.support import HTML, LABEL, RECEIVED_AT
from tests.live.answers_of_others import ERRORS, REJECTIONS

RECORDED = Path(__file__).parent / "recorded"
EVERY = pytest.mark.parametrize("name", presets())


@cache
def wire(name: str) -> Wire:
    """A preset."""
    return preset(name)


@cache
def recorded(name: str) -> tuple[SavedReply, ...]:
    """What its auth service was seen to answer, or is documented to."""
    file = RECORDED / f"{name}.toml"
    return saved_replies(file.read_text("utf-8"), file.name)


def has_logins(name: str) -> bool:
    """Can users log in there? Not where tokens are checked alone."""
    return name != "oauth2-introspection"


def calls(name: str) -> Iterator[Call[Any]]:
    """One question of each kind that a preset offers."""
    for template in wire(name).templates.values():
        yield wire(name).call(template.operation, {}, LABEL)


def read(call: Call[Any], status: int, body: bytes, headers: dict[str, str] | None = None) -> list[Outcome[Any]]:
    """What a reply means while our own credentials are known to be good, and while nothing is known of them."""
    reply = Reply(status, headers or {}, body, RECEIVED_AT)
    return [classify(call, reply, standing) for standing in (GOOD, IN_DOUBT)]


@EVERY
def test_every_saved_reply_is_read_as_expected(name: str) -> None:
    told = {each.saved.name: (each.saved.expect, each.read_as) for each in replay(wire(name), recorded(name))}
    misread = {name: pair for name, pair in told.items() if pair[0] not in (pair[1], "unknown")}
    assert not misread
    assert all(each.fits for each in replay(wire(name), recorded(name)))


@EVERY
def test_every_preset_shows_a_login_a_wrong_password_and_a_refusal_of_ourselves(name: str) -> None:
    shown = {(saved.call, saved.expect) for saved in recorded(name)}
    call, refusal = ("login", "invalid_credentials") if has_logins(name) else ("validate", "token_rejected")
    assert {(call, "accepted"), (call, refusal)} <= shown
    if wire(name).seal or wire(name).seal_fields:
        assert (call, "service_credentials_rejected") in shown
    assert {(call, "accepted") for call in wire(name).templates} <= shown
    assert {saved.call for saved in recorded(name)} <= set(wire(name).templates)


def without(made: Wire, row: ReplyRow) -> Wire:
    """The same wire, in which one row means something that nobody expects."""
    marked = ReplyRow(row.statuses, row.bodies, row.coded, False, row.pointer, row.values, code="http_protocol_error")
    templates = {
        name: replace(template, rows=tuple(marked if each is row else each for each in template.rows))
        for name, template in made.templates.items()
    }
    return made._replace(templates=templates)


@EVERY
def test_every_row_is_shown_by_a_saved_reply(name: str) -> None:
    rows = {id(row): row for template in wire(name).templates.values() for row in template.rows}
    for row in rows.values():
        assert any(
            not each.fits or each.read_as == "http_protocol_error"
            for each in replay(without(wire(name), row), recorded(name))
        ), row


@EVERY
def test_while_our_own_credentials_are_in_doubt_nobody_is_refused_for_a_row_that_needs_them(name: str) -> None:
    for each in replay(wire(name), recorded(name)):
        if each.in_doubt != each.outcome:
            assert isinstance(each.outcome, Rejected), each.saved.name
            assert isinstance(each.in_doubt, Unknown), each.saved.name
            assert each.in_doubt.cause.code == "service_credentials_rejected"


@EVERY
def test_a_401_without_a_word_refuses_nobody_while_our_own_credentials_are_in_doubt(name: str) -> None:
    for call in calls(name):
        for body in (b"", b"{}", b'{"detail":"Unauthorized"}', b'{"error":"access_denied"}'):
            _, in_doubt = read(call, 401, body)
            assert not isinstance(in_doubt, Rejected), (call.operation.name, body)


# --- faults ---------------------------------------------------------------------------------------------------------

TRUNCATED = (b'{"access_token":"eyJ', b'{"error":"invalid_grant"', b'{"detail":', b'{"message":"no"', b"{", b"[{}")
JSON_ERRORS = [
    json.dumps(body).encode()
    for body in (
        {},
        {"message": "Internal Server Error"},
        {"error": "internal_error", "error_description": "try again"},
        {"error": "server_error"},
        {"error": "temporarily_unavailable"},
        {"detail": "Not Found"},
        {"detail": "Method Not Allowed"},
        {"statusCode": 500, "error": "Internal Server Error", "message": "no"},
        {"timestamp": "2027-01-15T08:00:00Z", "status": 500, "error": "Internal Server Error", "path": "/"},
        {"success": False},
        {"errors": [{"message": "no"}]},
        ["invalid_grant"],
        "invalid_credentials",
        None,
    )
]
OURS = [json.dumps({"error": error, "error_description": "Client authentication failed"}).encode()
        for error in ("invalid_client", "invalid_service_secret", "service_not_configured")]  # fmt: skip
PAGES = {
    **{name: (sent.status, sent.body.encode()) for name, sent in {**ERRORS, **REJECTIONS}.items()},
    "HTML": (200, HTML),
    "text": (403, b"Forbidden"),
    "JSON": (403, b'{"cloudflare_error": true, "status": 403, "error_code": 1020, "detail": "Access denied"}'),
}  # fmt: skip


def refused(name: str, status: int, body: bytes, calls_of: Callable[[str], Iterator[Call[Any]]] = calls) -> list[str]:
    """The calls whose user is refused by an answer, or let in."""
    verdicts = (Accepted, Rejected)
    return [
        call.operation.name
        for call in calls_of(name)
        for told in read(call, status, body)
        if isinstance(told, verdicts)
    ]


@EVERY
@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 507, 520, 599])
def test_no_broken_server_gives_a_verdict(name: str, status: int) -> None:
    for body in (b"", b" \n", HTML, b"no", *JSON_ERRORS, *OURS, *TRUNCATED):
        assert not refused(name, status, body), body


@EVERY
@pytest.mark.parametrize("status", [101, 301, 302, 303, 307, 308, 600, 999])
def test_no_redirect_and_no_odd_status_gives_a_verdict(name: str, status: int) -> None:
    for body in (b"", HTML, *JSON_ERRORS, *(saved.reply.body for saved in recorded(name))):
        assert not refused(name, status, body), body


@EVERY
def test_no_page_of_anybody_in_between_gives_a_verdict_whatever_its_status(name: str) -> None:
    for page, (own, body) in PAGES.items():
        for status in {own, 200, 400, 401, 403, 404, 409, 422, 423, 429, 502, 503}:
            assert not refused(name, status, body), (page, status)


@EVERY
def test_no_body_that_is_cut_short_gives_a_verdict(name: str) -> None:
    for status in (200, 201, 400, 401, 403, 404, 409, 422, 423, 429):
        for body in TRUNCATED:
            assert not refused(name, status, body), (status, body)
    for saved in recorded(name):
        if saved.reply.body:
            for end in (1, len(saved.reply.body) // 2, len(saved.reply.body) - 1):
                assert not refused(name, saved.reply.status, saved.reply.body[:end]), saved.name


@EVERY
def test_what_a_refusal_says_is_none_with_the_status_of_a_broken_server(name: str) -> None:
    for saved in recorded(name):
        for status in (500, 502, 503, 504):
            assert not refused(name, status, saved.reply.body), saved.name


@EVERY
def test_an_empty_or_blank_200_lets_nobody_in_and_refuses_nobody(name: str) -> None:
    for status, body in ((200, b""), (200, b" \r\n"), (204, b""), (200, b"null"), (200, b"[]"), (200, b'"ok"')):
        assert set(refused(name, status, body)) <= {"logout"}, (status, body)
        for call in calls(name):
            assert not any(isinstance(told, Rejected) for told in read(call, status, body))


@EVERY
def test_an_object_that_says_nothing_refuses_nobody_but_where_the_status_says_it_all(name: str) -> None:
    """A 401 without a code speaks of the user on our own wire alone, and only while we are known there."""
    for status in (200, 201, 400, 402, 403, 404, 405, 406, 410, 415, 422, 429, 451):
        for body in JSON_ERRORS[:11]:
            for call in calls(name):
                assert not any(
                    isinstance(told, Rejected) and told.cause.code != "invalid_fields"
                    for told in read(call, status, body)
                ), (status, body)


@EVERY
def test_a_wrong_path_or_method_refuses_nobody(name: str) -> None:
    for status in (404, 405, 410):
        for body in (b"", HTML, *JSON_ERRORS):
            assert not refused(name, status, body), (status, body)


@EVERY
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_wrong_secret_of_ours_is_never_a_users_refusal(name: str, status: int) -> None:
    for body in OURS:
        for call in calls(name):
            for told in read(call, status, body):
                assert isinstance(told, Unknown)
                assert told.cause.code in {"service_credentials_rejected", "service_credentials_missing"}


@EVERY
def test_no_4xx_and_no_wrong_password_ever_counts_against_an_auth_service(name: str) -> None:
    for each in replay(wire(name), recorded(name)):
        if 400 <= each.saved.reply.status < 500:
            assert isinstance(each.outcome, Rejected | Unknown), each.saved.name
            assert not (isinstance(each.outcome, Unknown) and each.outcome.counts), each.saved.name


# --- the files ------------------------------------------------------------------------------------------------------


@EVERY
def test_a_preset_says_its_name_and_what_it_was_tried_against(name: str) -> None:
    tried = re.findall(r'^tried = "(.+)"$', source_of(name).text, re.MULTILINE)
    assert wire(name).name == name
    assert tried in (["real server"], ["documented shape"])
    seen = any((saved.source or "").startswith("real server") for saved in recorded(name))
    assert seen == (tried == ["real server"]), "the saved replies say something else"


@EVERY
def test_no_token_that_was_saved_was_ever_good(name: str) -> None:
    text = (RECORDED / f"{name}.toml").read_text("utf-8")
    for head in re.findall(r"(eyJ[\w-]+)\.eyJ[\w-]+\.[\w-]*", text):
        assert json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))["alg"] == "none"


def test_there_are_saved_replies_of_presets_alone() -> None:
    assert {file.stem for file in RECORDED.iterdir()} == set(presets())
