"""The order of reading: broken, then a wire's rows, then shared names, then intermediaries, then the status.

It must never depend on the shipped wire: the rows stand here.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.secret import Secret
from netra.core.verdict.classify import at, classify
from netra.core.verdict.operations import REGISTER, Session, User
from netra.core.verdict.outcomes import Accepted, Outcome, Unknown
from netra.core.verdict.reply import Broken, Standing
from netra.core.verdict.wire import Accepting, Call, Place, ReplyRow
from tests.core.support import API_GATEWAY, GOOD, HTML, NGINX_502, call_of, code, quick, reply

DOUBT = GOOD._replace(handshake="refused")
EVERY = frozenset(range(100, 600))


def read(
    rows: list[ReplyRow],
    status: int = 401,
    body: object = b"",
    standing: Standing = GOOD,
    operation: str = "register",
    headers: Mapping[str, str] | None = None,
) -> Outcome[Any]:
    """What an answer means by these rows."""
    return classify(read_by(rows, operation), reply(status, body, headers), standing)


def read_by(rows: list[ReplyRow], operation: str = "register") -> Call[Any]:
    """A question whose answer is read by these rows alone."""
    call = call_of(operation)
    return call._replace(template=replace(call.template, rows=tuple(rows)))


def row(meant: str | None = None, **conditions: Any) -> ReplyRow:
    """A row for every status."""
    return ReplyRow(EVERY, code=meant, **conditions)


def test_a_broken_exchange_is_not_read_by_any_row() -> None:
    call = read_by([row("invalid_credentials")], "login")
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


def test_a_row_that_asks_for_words_about_us_says_that_nobody_was_judged() -> None:
    body = {"detail": "Unknown client", "code": "invalid_client"}
    asked = {"pointer": ("detail",), "values": ("Unknown client",)}
    judged = {
        "by words": (row("service_credentials_rejected", **asked), True),
        "by a shared name": (row(named=True), True),
        "by its status": (row("service_credentials_rejected"), False),
        "about something else": (row("redirected", **asked), False),
    }
    for how, (each, nobody) in judged.items():
        outcome = read([each], body=body)
        assert isinstance(outcome, Unknown)
        assert outcome.nobody_judged is nobody, how


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
    ({"coded": True}, {"code": "E_17"}, False),
    ({"coded": True}, b"", False),
    ({"coded": False}, {"code": "mfa_required"}, False),
    ({"coded": False}, {"code": "overloaded"}, False),
    ({"coded": False}, {"code": "E_17"}, True),
    ({"coded": False}, b"", True),
    ({"pointer": ("a", "b"), "values": (1,)}, {"a": {"b": 1}}, True),
    ({"pointer": ("a", "b"), "values": (1,)}, {"a": {"b": 1.0}}, False),
    ({"pointer": ("a", "b"), "values": (1,)}, {"a": {"b": True}}, False),
    ({"pointer": ("a", "b"), "values": (1,)}, {"a": 1}, False),
    ({"pointer": ("a",), "values": ("x",)}, {"a": "x"}, True),
    ({"pointer": ("a",), "values": ("x",)}, {"a": "y"}, False),
    ({"pointer": ("a",), "values": ("x",)}, b"", False),
    ({"pointer": ("a",), "values": ("x",)}, HTML, False),
    ({"pointer": ("a",), "values": ("x", "y")}, {"a": "y"}, True),
    ({"pointer": ("a",), "values": ("x", "y")}, {"a": "z"}, False),
    ({"pointer": ("a",), "values": ("x", "y")}, {"a": ["x"]}, False),
    ({"pointer": ("a",), "values": (1, "1")}, {"a": "1"}, True),
    ({"pointer": ("a",), "values": (1, False)}, {"a": True}, False),
    ({"pointer": ("a",), "values": (1, False)}, {"a": 0}, False),
    ({"pointer": ("a",), "values": ()}, {"a": "x"}, False),
    ({"pointer": ("a",)}, {"a": "x"}, True),
    ({"pointer": ("a",)}, {"a": False}, True),
    ({"pointer": ("a",)}, {"a": ""}, True),
    ({"pointer": ("a",)}, {"a": {}}, True),
    ({"pointer": ("a",)}, {"a": None}, False),
    ({"pointer": ("a",)}, {"b": "x"}, False),
    ({"pointer": ("a", "1")}, {"a": ["x", "y"]}, True),
    ({"pointer": ("a", "1")}, {"a": ["x"]}, False),
    ({"pointer": ("0",)}, ["x"], True),
    ({"pointer": ("a",)}, b"", False),
    ({"pointer": ("a",)}, HTML, False),
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
        ({"code": "E_17"}, "rejected: token_rejected"),
        ({}, "rejected: token_rejected"),
    ):
        assert code(read([named], 200, body)) == precisely
        assert code(read([plain], 200, body)) == "rejected: token_rejected"
    assert code(read([named], 200, {"code": "token_expired"}, operation="refresh")) == "rejected: refresh_rejected"


@pytest.mark.parametrize(
    "conditions", [{}, {"named": True}, {"coded": True}, {"bodies": frozenset({"object"})}], ids=str
)
def test_no_row_makes_a_refusal_of_an_auth_service_that_sheds_load(conditions: dict[str, Any]) -> None:
    rows = [row("invalid_credentials", **conditions)]
    for status, meant in (
        (200, "invalid_response"), (401, "request_not_understood"), (429, "auth_service_rate_limited"),
        (503, "auth_service_unavailable"),
    ):  # fmt: skip
        outcome = read(rows, status, {"code": "overloaded"})
        assert code(outcome) == f"unknown: {meant}"
        assert not getattr(outcome, "counts", True) or status == 200
        assert code(read(rows, status, {"code": "mfa_required"})).startswith("rejected: ")


def test_an_answer_looks_into_the_body_unless_all_its_parts_stand_in_headers() -> None:
    in_header, in_body, in_token = Place(header="x-a"), Place(("a",)), Place(header="x-a", claim="sub")
    assert not NOTHING.in_body
    assert not Accepting.of({"user_id": (in_header,), "user_name": (in_token, in_header)}).in_body
    assert Accepting.of({"user_id": (in_body,)}).in_body
    assert Accepting.of({"user_id": (in_header, in_body)}).in_body
    assert Accepting.of({"user_id": (Place(("a",), claim="sub"),)}).in_body


def test_a_row_that_says_nothing_finds_the_answer_unusable() -> None:
    assert code(read([row()], 200, {})) == "unknown: invalid_response"


@pytest.mark.parametrize("meant", ["service_credentials_rejected", "service_credentials_missing"])
def test_a_row_that_refuses_us_says_so_only_when_there_is_something_to_refuse(meant: str) -> None:
    assert code(read([row(meant)])) == f"unknown: {meant}"
    assert code(read([row(meant)], standing=Standing())) == "unknown: service_credentials_missing"


NOTHING = Accepting.of({})
ACCEPT = Accepting.of(
    {
        "user_id": (Place(("user", "id")), Place(("id",))),
        "user_email": (Place(("email",)),),
        "user_name": (Place(("names", "0")),),
    }
)


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
        (NOTHING, b"", "accepted"),
        (NOTHING, {}, "accepted"),
        (NOTHING, HTML, "unknown: invalid_response"),
        (NOTHING, [], "unknown: invalid_response"),
        (NOTHING, API_GATEWAY, "unknown: intermediary_error"),
        (ACCEPT, b"", "unknown: invalid_response"),
        (ACCEPT, NGINX_502, "unknown: intermediary_error"),
    ],
)
def test_a_row_that_accepts_takes_no_page_and_nothing_from_an_intermediary(
    accept: Accepting, body: object, meant: str
) -> None:
    assert code(read([row(accept=accept)], 200, body, operation="logout" if accept == NOTHING else "register")) == meant


KEYS = st.sampled_from(["a", "b", "0", "1"])
PLACES = st.lists(st.lists(KEYS, min_size=1, max_size=3).map(tuple), min_size=1, max_size=2)
DOCUMENTS = st.dictionaries(
    KEYS,
    st.recursive(
        st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=2),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    ),
)


@quick
@given(st.dictionaries(st.sampled_from(sorted(REGISTER.places)), PLACES), DOCUMENTS)
def test_however_the_places_of_an_answer_are_sorted_each_part_is_found_at_its_first_place_that_is_there(
    places: dict[str, list[tuple[str, ...]]], document: dict[str, Any]
) -> None:
    found = {
        name: next((value for pointer in pointers if (value := at(document, pointer)) is not None), None)
        for name, pointers in places.items()
    }
    wanted = REGISTER.shape({name: value for name, value in found.items() if value is not None})
    accept = Accepting.of({name: tuple(Place(pointer) for pointer in pointers) for name, pointers in places.items()})
    outcome = read([row(accept=accept)], 200, {**document, "x": 1})
    assert (outcome.value if isinstance(outcome, Accepted) else None) == wanted


def test_parts_that_stand_in_one_table_are_looked_for_together() -> None:
    places = {
        "user_id": (Place(("user", "id")),),
        "user_email": (Place(("user", "email")),),
        "user_name": (Place(("name",)), Place(("user", "name"))),
        "expires_in": (Place(header="x-life"),),
        "token_type": (Place(("kind",)),),
    }
    accept = Accepting.of(places)
    assert accept.members == (
        (("user",), (("user_id", "id"), ("user_email", "email"))),
        ((), (("token_type", "kind"),)),
    )
    assert accept.others == (("user_name", places["user_name"]), ("expires_in", places["expires_in"]))


@pytest.mark.parametrize("absent", [{}, {"names": None}, {"names": "x"}, {"names": []}], ids=str)
def test_a_table_that_is_not_there_hides_no_other(absent: dict[str, Any]) -> None:
    accept = Accepting.of({"user_name": (Place(("names", "full")),), "user_id": (Place(("user", "id")),)})
    assert [table for table, _ in accept.members] == [("names",), ("user",)]
    assert read([row(accept=accept)], 200, {**absent, "user": {"id": "a"}}) == Accepted(User("a", None, None))


def jwt(claims: object) -> str:
    """A token of three parts whose middle says this; nobody has signed it."""
    said = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return f"eyJhbGciOiJub25lIn0.{urlsafe_b64encode(said).decode().rstrip('=')}.c2ln"


FROM_CLAIMS = Accepting.of(
    {
        "user_id": (Place(("token",), claim="sub"), Place(("id",))),
        "user_email": (Place(header="x-id-token", claim="email"), Place(("tokens", "id"), claim="email")),
        "user_name": (Place(header="x-name"),),
    }
)


@pytest.mark.parametrize(
    ("body", "headers", "user"),
    [
        ({"token": jwt({"sub": "a", "name": "n"})}, {}, User("a", None, None)),
        ({"token": jwt({"sub": 17})}, {}, User("17", None, None)),
        ({"token": jwt({"sub": "a"}), "id": "b"}, {}, User("a", None, None)),
        ({"token": jwt({"sub": None}), "id": "b"}, {}, User("b", None, None)),
        ({"token": jwt({}), "id": "b"}, {}, User("b", None, None)),
        ({"token": "opaque", "id": "b"}, {}, User("b", None, None)),
        ({"token": ["a.b.c"], "id": "b"}, {}, User("b", None, None)),
        ({"token": jwt(b"[1]"), "id": "b"}, {}, User("b", None, None)),
        ({"token": jwt(b'{"sub":"a","sub":"b"}'), "id": "b"}, {}, User("b", None, None)),
        ({"id": "b"}, {"x-id-token": jwt({"email": "e"})}, User("b", "e", None)),
        ({"id": "b", "tokens": {"id": jwt({"email": "e"})}}, {}, User("b", "e", None)),
        ({"id": "b", "tokens": {"id": jwt({"email": "e"})}}, {"x-id-token": jwt({})}, User("b", "e", None)),
        ({"id": "b"}, {"x-name": "Ada"}, User("b", None, "Ada")),
        ({"id": "b"}, {"x-other": "Ada"}, User("b", None, None)),
        ({"token": jwt({"sub": ""}), "id": "b"}, {}, None),
        ({"token": jwt({"sub": ["a"]}), "id": "b"}, {}, None),
        ({"token": jwt({"name": "n"})}, {}, None),
    ],
)
def test_a_place_may_be_a_header_or_a_claim_and_is_absent_where_there_is_none(
    body: object, headers: dict[str, str], user: User | None
) -> None:
    outcome = read([row(accept=FROM_CLAIMS)], 200, body, headers=headers)
    assert outcome == Accepted(user) if user else code(outcome) == "unknown: invalid_response"


def test_a_session_may_stand_in_headers_alone_beside_an_object() -> None:
    access = jwt({"sub": "u-1", "exp": 4_102_444_800})
    accept = Accepting.of(
        {
            "access_token": (Place(header="st-access-token"),),
            "refresh_token": (Place(header="st-refresh-token"),),
            "user_id": (Place(header="st-access-token", claim="sub"),),
        }
    )
    headers = {"st-access-token": access, "st-refresh-token": "refresh"}
    rows = [row(accept=accept, require=frozenset({"access_token"}), pointer=("status",), values=("OK",))]
    outcome = read(rows, 200, {"status": "OK"}, operation="login", headers=headers)
    assert outcome == Accepted(Session(Secret(access), Secret("refresh"), None, User("u-1", None, None)))
    assert code(read(rows, 200, {"status": "OK"}, operation="login")) == "unknown: invalid_response"
    assert code(read(rows, 200, {"status": "NO"}, operation="login", headers=headers)) == "unknown: invalid_response"


def test_what_a_token_in_a_reply_says_is_never_told_of_an_answer_of_no_use() -> None:
    rows = [row(accept=FROM_CLAIMS, require=frozenset({"user_email"}))]
    outcome = read(rows, 200, {"token": jwt({"sub": "hunter2"})}, headers={"x-name": "hunter2"})
    assert code(outcome) == "unknown: invalid_response"
    assert "hunter2" not in repr(outcome)
