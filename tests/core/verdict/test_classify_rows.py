"""The order of reading: broken, then a wire's rows, then shared names, then intermediaries, then the status.

It must never depend on the shipped wire: the rows stand here.
"""

from typing import Any

import pytest

from netra.core.verdict.classify import classify
from netra.core.verdict.operations import User
from netra.core.verdict.outcomes import Accepted, Outcome
from netra.core.verdict.reply import Broken, Standing
from netra.core.verdict.wire import ReplyRow
from tests.core.support import API_GATEWAY, GOOD, HTML, NGINX_502, call_of, code, reply

DOUBT = GOOD._replace(handshake="refused")
EVERY = frozenset(range(100, 600))


def read(
    rows: list[ReplyRow], status: int = 401, body: object = b"", standing: Standing = GOOD, operation: str = "register"
) -> Outcome[Any]:
    """What an answer means by these rows."""
    return classify(call_of(operation)._replace(rows=tuple(rows)), reply(status, body), standing)


def row(meant: str | None = None, **conditions: Any) -> ReplyRow:
    """A row for every status."""
    return ReplyRow(EVERY, code=meant, **conditions)


def test_a_broken_exchange_is_not_read_by_any_row() -> None:
    call = call_of("login")._replace(rows=(row("invalid_credentials"),))
    assert code(classify(call, Broken("dns_error"), GOOD)) == "unknown: dns_error"


def test_the_first_row_that_matches_speaks() -> None:
    rows = [ReplyRow(frozenset({404}), code="not_found"), row("account_locked"), row("account_disabled")]
    assert code(read(rows)) == "rejected: account_locked"
    assert code(read(rows, 404)) == "rejected: not_found"
    assert code(read(rows[::-1], 404)) == "rejected: account_disabled"


def test_rows_speak_before_shared_names_intermediaries_and_the_status() -> None:
    rows = [row("redirected")]
    for body in ({"code": "invalid_credentials"}, NGINX_502, HTML, b"", {"errors": [{"pointer": "/email"}]}):
        for status in (200, 302, 401, 404, 422, 503):
            assert code(read(rows, status, body)) == "unknown: redirected"


def test_shared_names_speak_before_the_status() -> None:
    assert code(read([], 404, {"code": "user_not_found"})) == "rejected: invalid_credentials"
    assert code(read([], 404, {"code": "E_17"})) == "unknown: endpoint_not_found"


def test_without_any_row_nothing_is_accepted_and_nothing_uncoded_refused() -> None:
    for status in EVERY:
        for body in ({"id": "u-1", "email": "ada@example.com"}, b"", HTML):
            assert code(read([], status, body)).startswith("unknown: "), status


CONDITIONS: list[tuple[dict[str, Any], object, bool]] = [
    ({}, b"", True),
    ({"bodies": frozenset({"empty"})}, b" \r\n", True),
    ({"bodies": frozenset({"empty"})}, {}, False),
    ({"bodies": frozenset({"object"})}, {}, True),
    ({"bodies": frozenset({"object"})}, [], False),
    ({"bodies": frozenset({"object"})}, API_GATEWAY, False),
    ({"bodies": frozenset({"intermediary"})}, API_GATEWAY, True),
    ({"bodies": frozenset({"intermediary"})}, NGINX_502, True),
    ({"bodies": frozenset({"intermediary"})}, HTML, False),
    ({"bodies": frozenset({"other"})}, HTML, True),
    ({"bodies": frozenset({"other"})}, [], True),
    ({"bodies": frozenset({"other"})}, b'{"a":1,"a":2}', True),
    ({"bodies": frozenset({"other", "object"})}, {}, True),
    ({"coded": True}, {"code": "mfa_required"}, True),
    ({"coded": True}, {"code": "overloaded"}, True),
    ({"coded": True}, {"code": "E_17"}, False),
    ({"coded": True}, b"", False),
    ({"coded": False}, {"code": "mfa_required"}, False),
    ({"coded": False}, {"code": "E_17"}, True),
    ({"coded": False}, b"", True),
    ({"pointer": ("a", "b"), "value": 1}, {"a": {"b": 1}}, True),
    ({"pointer": ("a", "b"), "value": 1}, {"a": {"b": 1.0}}, False),
    ({"pointer": ("a", "b"), "value": 1}, {"a": {"b": True}}, False),
    ({"pointer": ("a", "b"), "value": 1}, {"a": 1}, False),
    ({"pointer": ("a",), "value": "x"}, {"a": "x"}, True),
    ({"pointer": ("a",), "value": "x"}, {"a": "y"}, False),
    ({"pointer": ("a",), "value": "x"}, b"", False),
    ({"pointer": ("a",), "value": "x"}, HTML, False),
]


def test_a_row_speaks_when_all_its_conditions_hold() -> None:
    for conditions, body, speaks in CONDITIONS:
        meant = code(read([row("unexpected_status", **conditions)], 418, body))
        assert (meant == "unknown: unexpected_status") is speaks, (conditions, body, meant)


def test_a_row_speaks_of_its_own_statuses_alone() -> None:
    rows = [ReplyRow(frozenset({409, 410}), code="email_taken")]
    assert [status for status in EVERY if code(read(rows, status)) == "rejected: email_taken"] == [409, 410]


def test_a_row_that_needs_our_standing_speaks_of_us_while_we_have_none() -> None:
    rows = [row("refresh_rejected", needs_standing=True)]
    assert code(read(rows)) == "rejected: refresh_rejected"
    assert code(read(rows, standing=DOUBT)) == "unknown: service_credentials_rejected"
    assert code(read(rows, standing=Standing())) == "unknown: service_credentials_missing"


def test_a_row_lets_a_shared_name_speak_more_precisely_where_it_says_so() -> None:
    plain, named = row("token_rejected"), row("token_rejected", named=True)
    for body, precisely in (
        ({"code": "token_expired"}, "rejected: token_expired"),
        ({"code": "AUTH003"}, "unknown: service_credentials_rejected"),
        ({"code": "overloaded"}, "rejected: token_rejected"),
        ({"code": "E_17"}, "rejected: token_rejected"),
        ({}, "rejected: token_rejected"),
    ):
        assert code(read([named], 200, body)) == precisely
        assert code(read([plain], 200, body)) == "rejected: token_rejected"
    assert code(read([named], 200, {"code": "token_expired"}, operation="refresh")) == "rejected: refresh_rejected"


def test_a_row_that_says_nothing_finds_the_answer_unusable() -> None:
    assert code(read([row()], 200, {})) == "unknown: invalid_response"


@pytest.mark.parametrize("meant", ["service_credentials_rejected", "service_credentials_missing"])
def test_a_row_that_refuses_us_says_so_only_when_there_is_something_to_refuse(meant: str) -> None:
    assert code(read([row(meant)])) == f"unknown: {meant}"
    assert code(read([row(meant)], standing=Standing())) == "unknown: service_credentials_missing"


ACCEPT = {"user_id": (("user", "id"), ("id",)), "user_email": (("email",),), "user_name": (("names", "0"),)}


@pytest.mark.parametrize(
    ("body", "user"),
    [
        ({"user": {"id": "a"}, "id": "b", "email": "e", "names": ["n", "m"]}, User("a", "e", "n")),
        ({"user": {}, "id": "b"}, User("b", None, None)),
        ({"user": {"id": None}, "id": "b"}, User("b", None, None)),
        ({"user": "x", "id": "b", "names": {"0": "n"}}, User("b", None, "n")),
        ({"user": {"id": ""}, "id": "b"}, None),
        ({"user": {"id": False}, "id": "b"}, None),
        ({"email": "e"}, None),
    ],
)
def test_a_place_is_taken_from_the_first_pointer_that_finds_something(body: object, user: User | None) -> None:
    outcome = read([row(accept=ACCEPT)], 200, body)
    assert outcome == Accepted(user) if user else code(outcome) == "unknown: invalid_response"


def test_a_required_place_has_to_be_there() -> None:
    rows = [row(accept=ACCEPT, require=frozenset({"user_email"}))]
    assert code(read(rows, 200, {"id": "b", "email": "e"})) == "accepted"
    assert code(read(rows, 200, {"id": "b", "email": None})) == "unknown: invalid_response"
    assert code(read(rows, 200, {"id": "b"})) == "unknown: invalid_response"


@pytest.mark.parametrize(
    ("accept", "body", "meant"),
    [
        ({}, b"", "accepted"),
        ({}, {}, "accepted"),
        ({}, HTML, "unknown: invalid_response"),
        ({}, [], "unknown: invalid_response"),
        ({}, API_GATEWAY, "unknown: intermediary_error"),
        (ACCEPT, b"", "unknown: invalid_response"),
        (ACCEPT, NGINX_502, "unknown: intermediary_error"),
    ],
)
def test_a_row_that_accepts_takes_no_page_and_nothing_from_an_intermediary(
    accept: dict[str, Any], body: object, meant: str
) -> None:
    assert code(read([row(accept=accept)], 200, body, operation="logout" if not accept else "register")) == meant
