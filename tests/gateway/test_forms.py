"""What people fill in: every kind of identifier, what the auth service wants beside, and one account for all spellings.

It must never be told by a fault what somebody typed.
"""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from netra.core.events import AttemptEnded
from netra.core.identifier import Kind
from netra.core.secret import Secret
from netra.core.verdict.outcomes import Rejected
from netra.core.verdict.wire import Extra
from netra.gateway.attempts import Forms, LoginAttempt, RegisterAttempt, TokenAttempt, logout_attempt
from netra.testing.fakes import reply
from netra.wires.load import load
from tests.gateway.support import Stage, body_of
from tests.link.support import GOOD_LOGIN, LABEL

KINDS: tuple[Kind, ...] = get_args(Kind)
NAMES: dict[Kind, str] = {"email": "email", "username": "username", "phone": "phone", "any": "identifier"}
TENANT = (Extra("tenant", 12, required=False),)
WITH_TENANT = """
name = "acme"
[extra]
tenant = { max_chars = 12, required = false }
[calls.login]
method = "POST"
path = "/token"
form = { user = "{identifier}", pass = "{password}", realm = "{tenant}" }
[[calls.login.replies]]
status = [200]
require = ["access_token"]
accept = { access_token = "/access_token" }
[calls.register]
method = "POST"
path = "/users"
json = { user = { name = "{identifier}", tenant = "{tenant}", shown = "{name}" }, secret = "{password}" }
headers = { X-Tenant = "{tenant}" }
[[calls.register.replies]]
status = [201]
require = ["user_id"]
accept = { user_id = "/id" }
"""


def read(forms: Forms, body: dict[str, Any], journey: str = "login") -> Any:
    """What a body comes to: an attempt, or pointer and code of all that is wrong."""
    attempt_of: Any = forms.login_attempt if journey == "login" else forms.register_attempt
    got = attempt_of(body, LABEL, 7.0)
    return [(each.pointer, each.code) for each in got.errors] if isinstance(got, Rejected) else got


# --- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_identifier_has_a_field_of_its_own(kind: Kind) -> None:
    name = NAMES[kind]
    login = read(Forms(kind), {name: "0123456", "password": "pw"})
    assert login == LoginAttempt("0123456", Secret("pw"), LABEL, 7.0)
    good = {"email": "ada@example.com"}.get(kind, "+44 20 7946 0958")
    registration = read(Forms(kind), {name: good, "password": "pw", "name": "Ada"}, "register")
    assert registration == RegisterAttempt(good, Secret("pw"), "Ada", LABEL, 7.0)


@pytest.mark.parametrize("journey", ["login", "register"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_an_identifier_points_to_the_field_of_its_kind(kind: Kind, journey: str) -> None:
    name = NAMES[kind]
    for value, code in ((None, "missing"), ("", "too_short"), (1, "wrong_type"), ("a\nb", "invalid_format")):
        assert read(Forms(kind), {name: value, "password": "pw"}, journey) == [(f"/{name}", code)]
    longest = 64 if kind == "phone" else 320
    for others in {*NAMES.values()} - {name}:
        if kind != "any":
            assert read(Forms(kind), {others: "1", "password": "pw"}, journey) == [(f"/{name}", "missing")]
    assert read(Forms(kind), {name: "1" * (longest + 1), "password": "pw"}, journey) == [(f"/{name}", "too_long")]
    assert read(Forms(kind), {name: "1" * longest, "password": "pw"}).identifier == "1" * longest


@pytest.mark.parametrize("alias", ["email", "username", "phone"])
def test_where_anything_is_taken_the_other_names_are_taken_too(alias: str) -> None:
    forms = Forms("any")
    assert read(forms, {alias: "ada", "password": "pw"}).identifier == "ada"
    assert read(forms, {"identifier": "first", alias: "ada", "password": "pw"}).identifier == "first"
    assert read(forms, {"identifier": None, alias: "ada", "password": "pw"}).identifier == "ada"
    assert read(forms, {alias: 1, "password": "pw"}) == [("/identifier", "wrong_type")]
    both = {"email": "by e-mail", "username": "by name", "phone": "by phone", "password": "pw"}
    assert read(forms, both).identifier == "by e-mail"


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("email", ["ada@example.com"], ["ada", "+44 20 7946 0958"]),
        ("username", ["ada", "Ada Byron", "ada@example.com", "\U0001f511", "1"], []),
        ("phone", ["+44 20 7946 0958", "0044 20 7946 0958", "(020) 7946-0958", "+1.212.555.0100", "(+44) 20 7946 0958"],
         ["ada", "12", "+44 twenty", "ada@example.com", "+44;20", "--1234", "+44 20 7946 0958 ext 3"]),
        ("any", ["ada", "ada@example.com", "+44 20 7946 0958"], []),
    ],
    ids=KINDS,
)  # fmt: skip
def test_a_new_identifier_has_to_look_like_one_of_its_kind_and_an_old_one_is_never_judged(
    kind: Kind, good: list[str], bad: list[str]
) -> None:
    for each in (*good, *bad):
        assert read(Forms(kind), {NAMES[kind]: each, "password": "pw"}).identifier == each
    for each in good:
        assert read(Forms(kind), {NAMES[kind]: each, "password": "pw"}, "register").identifier == each
    for each in bad:
        told = read(Forms(kind), {NAMES[kind]: each, "password": "pw"}, "register")
        assert told == [(f"/{NAMES[kind]}", "invalid_format")], each


SPELLINGS: list[tuple[Kind, str, str]] = [
    ("email", "ada@example.com", " Ada@Example.com"),
    ("username", "ada", "ADA"),
    ("phone", "+44 20 7946 0958", "0044(20)79460958"),
    ("any", "+44 20 7946 0958", "+442079460958"),
    ("any", "ada", "Ada"),
]


@pytest.mark.parametrize(("kind", "one", "other"), SPELLINGS, ids=range(len(SPELLINGS)))
async def test_all_spellings_of_an_identifier_are_one_account_in_logs_and_are_sent_as_they_were_typed(
    kind: Kind, one: str, other: str
) -> None:
    forms = Forms(kind)
    stage = Stage(GOOD_LOGIN, GOOD_LOGIN, GOOD_LOGIN, parts={"identifier_kind": kind, "forms": forms})
    for spelling in (one, other, "somebody else"):
        attempt = read(forms, {NAMES[kind]: spelling, "password": "pw"})
        await stage.gateway.log_in(replace(attempt, received_at_s=stage.now_s))
    accounts = [event.account for event in stage.told.events if isinstance(event, AttemptEnded)]
    assert accounts[0] == accounts[1] != accounts[2]
    assert [json.loads(body_of(stage, number))["email"] for number in range(2)] == [one, other]


async def test_two_people_whose_names_look_like_numbers_are_two_accounts_where_names_are_taken() -> None:
    stage = Stage(parts={"identifier_kind": "username"})
    assert stage.parts.account("0044123") != stage.parts.account("+44123")


# --- what is wanted beside -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("journey", ["login", "register"])
def test_what_the_auth_service_wants_beside_is_read_and_nothing_else(journey: str) -> None:
    body = {"email": "ada@example.com", "password": "pw", "other": "x"}
    forms = Forms("email", TENANT)
    assert read(forms, {**body, "tenant": "acme"}, journey).extra == {"tenant": "acme"}
    for absent in ({}, {"tenant": None}):
        assert read(forms, {**body, **absent}, journey).extra == {}
    assert read(Forms("email"), {**body, "tenant": "acme"}, journey).extra == {}


@pytest.mark.parametrize("journey", ["login", "register"])
@pytest.mark.parametrize(
    ("value", "code"),
    [("x" * 13, "too_long"), (1, "wrong_type"), (["a"], "wrong_type"), ("a\r\nX-Evil: 1", "invalid_format"),
     ("a\x00", "invalid_format"), ("\ud800", "invalid_format"), ("a\x85", "invalid_format")],
    ids=range(7),
)  # fmt: skip
def test_what_is_wrong_with_it_is_told_by_its_name(journey: str, value: object, code: str) -> None:
    body = {"email": "ada@example.com", "password": "pw", "tenant": value}
    assert read(Forms("email", TENANT), body, journey) == [("/tenant", code)]


def test_it_is_missed_where_it_is_required_beside_all_else_that_is_wrong() -> None:
    forms = Forms("username", (Extra("tenant", 12, required=True), Extra("captcha", 99, required=True)))
    assert read(forms, {"captcha": ""}) == [
        ("/username", "missing"), ("/password", "missing"), ("/tenant", "missing"), ("/captcha", "too_short"),
    ]  # fmt: skip


async def test_it_goes_from_the_request_into_the_body_and_the_headers_that_the_wire_says() -> None:
    wire = load(WITH_TENANT, "acme.toml")
    forms = Forms("username", wire.extra)
    stage = Stage(GOOD_LOGIN, GOOD_LOGIN, reply(201, {"id": "u1"}), parts={"wire": wire, "forms": forms})
    said = {"username": "ada", "password": "p w&", "tenant": "a&b=c"}
    await stage.gateway.log_in(replace(read(forms, said), received_at_s=stage.now_s))
    await stage.gateway.log_in(replace(read(forms, {**said, "tenant": None}), received_at_s=stage.now_s))
    await stage.gateway.register(replace(read(forms, said, "register"), received_at_s=stage.now_s))
    assert body_of(stage, 0) == "user=ada&pass=p+w%26&realm=a%26b%3Dc"
    assert body_of(stage, 1) == "user=ada&pass=p+w%26"
    assert json.loads(body_of(stage, 2)) == {"user": {"name": "ada", "tenant": "a&b=c"}, "secret": "p w&"}
    assert stage.sent(2)["X-Tenant"] == "a&b=c"
    assert "X-Tenant" not in stage.sent(1)


@pytest.mark.parametrize("value", ["\u65e5\u672c", "caf\u00e9", "\U0001f511", "a\u2028"], ids=ascii)
def test_what_goes_into_a_header_is_ascii_and_what_goes_into_a_body_need_not_be(value: str) -> None:
    wire = load(WITH_TENANT, "acme.toml")
    assert wire.in_headers == {"tenant"}
    said = {"username": value, "password": value, "name": value}
    forms = Forms("username", wire.extra, wire.in_headers)
    for journey in ("login", "register"):
        assert read(forms, said, journey).identifier == value
        assert read(forms, {**said, "tenant": value}, journey) == [("/tenant", "invalid_format")]
        assert read(Forms("username", wire.extra), {**said, "tenant": value}, journey).extra == {"tenant": value}
    everything = Forms("username", (), {"identifier", "name"})
    assert read(everything, said, "register") == [("/username", "invalid_format"), ("/name", "invalid_format")]


async def test_it_cannot_speak_for_the_identifier_or_the_password() -> None:
    stage = Stage(GOOD_LOGIN, reply(201, {"id": "u1"}), parts={"wire": load(WITH_TENANT, "acme.toml")})
    extra = {"identifier": "eve", "password": "evil", "name": "Eve", "tenant": "t"}
    await stage.gateway.log_in(LoginAttempt("ada", Secret("pw"), LABEL, stage.now_s, extra))
    await stage.gateway.register(RegisterAttempt("ada", Secret("pw"), None, LABEL, stage.now_s, extra))
    assert body_of(stage, 0) == "user=ada&pass=pw&realm=t"
    assert json.loads(body_of(stage, 1)) == {"user": {"name": "ada", "tenant": "t"}, "secret": "pw"}


PLANTED = "Pl4nted"


@pytest.mark.parametrize("kind", KINDS)
@given(
    body=st.dictionaries(
        st.sampled_from([*NAMES.values(), "password", "tenant", "confirm_password", "name"]),
        st.text(max_size=30).map(lambda text: f"{PLANTED}{text}") | st.sampled_from([[PLANTED], PLANTED * 99, 1, None]),
    )
)
def test_a_fault_never_holds_a_value_whatever_people_log_in_with(kind: Kind, body: dict[str, Any]) -> None:
    forms = Forms(kind, TENANT)
    for got in (forms.login_attempt(body, LABEL, 7.0), forms.register_attempt(body, LABEL, 7.0)):
        if isinstance(got, Rejected):
            assert PLANTED not in repr(got)


# --- what a logout needs ---------------------------------------------------------------------------------------------

HELD, REFRESH = Secret("t1"), {"refresh_token": "r1"}
NEEDS: list[tuple[set[str], dict[str, Any], Secret | None, Any]] = [
    (set(), {}, HELD, TokenAttempt(HELD, None, LABEL, 7.0)),
    (set(), REFRESH, None, TokenAttempt(None, Secret("r1"), LABEL, 7.0)),
    (set(), {}, None, "token_missing"),
    ({"token"}, {}, HELD, TokenAttempt(HELD, None, LABEL, 7.0)),
    ({"token"}, REFRESH, HELD, TokenAttempt(HELD, Secret("r1"), LABEL, 7.0)),
    ({"token"}, REFRESH, None, "token_missing"),
    ({"token"}, {}, None, "token_missing"),
    ({"refresh_token"}, REFRESH, None, TokenAttempt(None, Secret("r1"), LABEL, 7.0)),
    ({"refresh_token"}, {}, HELD, "/refresh_token missing"),
    ({"refresh_token"}, {"refresh_token": ""}, HELD, "/refresh_token missing"),
    ({"refresh_token"}, {}, None, "/refresh_token missing"),
    ({"refresh_token", "token"}, REFRESH, HELD, TokenAttempt(HELD, Secret("r1"), LABEL, 7.0)),
    ({"refresh_token", "token"}, REFRESH, None, "token_missing"),
    ({"refresh_token", "token"}, {}, HELD, "/refresh_token missing"),
]


@pytest.mark.parametrize(("needs", "body", "held", "wanted"), NEEDS, ids=range(len(NEEDS)))
def test_a_logout_has_the_tokens_that_the_auth_service_needs(
    needs: set[str], body: dict[str, Any], held: Secret | None, wanted: Any
) -> None:
    got = logout_attempt(body, held, LABEL, 7.0, needs)
    if isinstance(got, Rejected):
        told = " ".join(f"{each.pointer} {each.code}" for each in got.errors) or got.cause.code
        assert told == wanted
    else:
        assert got == wanted
