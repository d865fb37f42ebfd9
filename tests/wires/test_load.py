"""The reader of wire files: what it makes of a good one, and that of a bad one it names everything at once."""

import re
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netra.core.fill import Gap, JsonBody, Mixed, Said, Words
from netra.core.secret import Secret
from netra.core.verdict.operations import LOGIN, LOGOUT
from netra.core.verdict.wire import Accepting, Extra, Place, ReplyRow, Wire
from netra.wires.load import load, preset
from netra.wires.problem import WireProblem
from netra.wires.schema import CALLER, SAID, SEALS, TAKEN

GOOD = """
name = "acme"
tried = "documented shape"

[seal]
Authorization-Service = "Key {service_secret}"

[seal_fields]
client_id = "{service_id}"

[extra]
tenant = { max_chars = 64, required = true }
captcha = {}

[[replies]]
status = [403]
code = "service_credentials_rejected"

[calls.login]
method = "POST"
path = "/sessions"
json = { username = "{identifier}", pass = "{password}", in = { tenant = "{tenant}" }, list = ["{captcha}", 1] }
headers = { X-Real-IP = "{client_address}", rid = "password" }
sealed = false
tells_caller = true
keyed = true

[[calls.login.replies]]
status = [200, 201]
require = ["access_token"]
[calls.login.replies.accept]
access_token = ["/data/a~1b/m~0n/~01", "header:X-Token"]
user_id = ["/data/0/id", "jwt:sub"]
user_email = "jwt:/id_token:https://acme.example/email"

[[calls.login.replies]]
status = [401]
body = ["object", "empty"]
coded = false
needs_standing = true
named = true
code = "invalid_credentials"

[[calls.login.replies]]
status = [400]
pointer = "/error"
value = ["no", 5, false]
code = "invalid_credentials"

[calls.logout]
method = "POST"
path = "/sessions/end?all=no"
form = { hint = "refresh_token" }
bearer = "token"

[[calls.logout.replies]]
status = [200]
pointer = "/ended"
value = false
code = "request_not_understood"

[[calls.logout.replies]]
status = [200]
pointer = "/ended"
accept = {}
"""


def problems(text: str) -> list[str]:
    """Everything that is wrong with a file, without the lines."""
    with pytest.raises(WireProblem) as refused:
        load(text, "bad.toml")
    found = refused.value
    assert str(found) == "\n".join(found.lines())
    assert all(line.startswith("bad.toml:") for line in found.lines())
    assert sorted(found.problems, key=lambda each: each.line) == list(found.problems)
    return [": ".join(filter(None, (each.where, each.what))) for each in found.problems]


def login(row: str = 'status = [200]\nrequire = ["access_token"]\naccept = { access_token = "/t" }') -> str:
    """A wire with one call, in which one thing can be wrong."""
    head = 'method = "POST"\npath = "/login"\njson = { a = "{identifier}", b = "{password}" }'
    return f'name = "acme"\n[calls.login]\n{head}\n[[calls.login.replies]]\n{row}\n'


def refusing(rest: str, status: str = "[401]") -> str:
    """A wire whose second row refuses a user."""
    return f'{login()}[[calls.login.replies]]\nstatus = {status}\ncode = "invalid_credentials"\n{rest}'


def loaded(text: str) -> Wire | WireProblem:
    """The wire, or what is wrong with it."""
    try:
        return load(text, "damaged.toml")
    except WireProblem as problem:
        return problem


def test_a_good_file_becomes_a_wire() -> None:
    wire = load(GOOD, "acme.toml")
    shared = ReplyRow(frozenset({403}), code="service_credentials_rejected")
    assert wire.name == "acme"
    assert wire.seal == (("Authorization-Service", Mixed((Words("Key "), Gap("service_secret")))),)
    assert wire.seal_fields == (("client_id", Gap("service_id")),)
    assert wire.extra == (Extra("tenant", 64, required=True), Extra("captcha", 1024, required=False))
    signing = wire.templates["login"]
    assert (signing.operation, signing.method, signing.path) == (LOGIN, "POST", "/sessions")
    assert (signing.sealed, signing.tells_caller, signing.keyed, signing.bearer) == (False, True, True, None)
    assert signing.headers == (("X-Real-IP", Gap("client_address")), ("rid", Words("password")))
    assert isinstance(signing.body, JsonBody)
    said: Said = {"identifier": "ada", "password": Secret("p"), "tenant": "t"}
    assert signing.body.filled(said) == '{"username":"ada","pass":"p","in":{"tenant":"t"},"list":[1]}'
    assert signing.rows == (
        ReplyRow(
            frozenset({200, 201}),
            accept=Accepting.of(
                {
                    "access_token": (Place(("data", "a/b", "m~n", "~1")), Place(header="x-token")),
                    "user_id": (
                        Place(("data", "0", "id")),
                        Place(("data", "a/b", "m~n", "~1"), claim="sub"),
                        Place(header="x-token", claim="sub"),
                    ),
                    "user_email": (Place(("id_token",), claim="https://acme.example/email"),),
                }
            ),
            require=frozenset({"access_token"}),
        ),
        ReplyRow(
            frozenset({401}),
            bodies=frozenset({"object", "empty"}),
            coded=False,
            needs_standing=True,
            named=True,
            code="invalid_credentials",
        ),
        ReplyRow(
            frozenset({400}),
            bodies=frozenset({"object", "empty", "other"}),
            pointer=("error",),
            values=("no", 5, False),
            code="invalid_credentials",
        ),
    )
    ending = wire.templates["logout"]
    assert (ending.operation, ending.method, ending.path) == (LOGOUT, "POST", "/sessions/end?all=no")
    assert (ending.sealed, ending.tells_caller, ending.keyed, ending.bearer) == (True, False, False, "token")
    assert ending.body is not None
    assert (ending.headers, ending.body.filled({})) == ((), "hint=refresh_token")
    assert ending.rows == (
        ReplyRow(frozenset({200}), pointer=("ended",), values=(False,), code="request_not_understood"),
        ReplyRow(frozenset({200}), pointer=("ended",), accept=Accepting.of({})),
        shared,
    )
    assert wire.names == preset("netra").names


def test_a_wire_without_seal_extra_or_shared_rows_is_a_wire() -> None:
    wire = load(login(), "small.toml")
    assert (wire.seal, wire.seal_fields, wire.extra, len(wire.templates["login"].rows)) == ((), (), (), 1)


def test_a_call_without_a_body_has_none() -> None:
    row = "[[calls.health.replies]]\nstatus = [200]\naccept = {}"
    wire = load(f'name = "acme"\n[calls.health]\nmethod = "GET"\npath = "/up"\n{row}', "small.toml")
    assert wire.templates["health"].body is None


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("name = ", 1, "not TOML: Invalid value"),
        ('name = "a"\nname = "b"', 2, "not TOML: Cannot overwrite a value"),
        ('name = "a"\n\n[calls', 3, "not TOML: Expected ']' at the end of a table declaration"),
        ('name = "a"\nb = "hunter2', 2, "not TOML: Unterminated string"),
        (f"a = {'9' * 5000}", 1, "not TOML: a number is too long"),
        (f"a = {'[' * 5000}{']' * 5000}", 1, "nested deeper than 32"),
        (f"a = {'[' * 40}{']' * 40}", 1, "nested deeper than 32"),
    ],
)
def test_what_is_not_toml_is_one_problem_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(WireProblem) as refused:
        load(text, "bad.toml")
    assert refused.value.lines()[0].startswith(f"bad.toml:{line}: {what}")
    assert len(refused.value.problems) == 1
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "row",
    [
        'body = ["object"]\ncoded = false\nneeds_standing = true',
        'body = ["object", "empty"]\ncoded = false\nneeds_standing = true',
        'body = ["empty"]\nneeds_standing = true',
        'body = ["object"]\nnamed = true\nneeds_standing = true',
        "coded = true\nnamed = true",
        'pointer = "/ok"\nvalue = false',
        'pointer = "/error"\nvalue = "wrong_password"',
        'pointer = "/non_field_errors"',
    ],
)
def test_a_row_may_refuse_by_what_only_an_auth_service_says(row: str) -> None:
    refusing_row = load(refusing(row), "acme.toml").templates["login"].rows[1]
    assert refusing_row.code == "invalid_credentials"
    assert refusing_row.bodies is not None
    assert "intermediary" not in refusing_row.bodies


def test_a_row_that_refuses_nobody_may_be_read_from_anything() -> None:
    row = 'status = [302, 401, 500]\nbody = ["other", "intermediary"]\ncode = "intermediary_rejected"'
    text = f"{login()}[[calls.login.replies]]\n{row}"
    assert load(text, "acme.toml").templates["login"].rows[1].bodies == frozenset({"other", "intermediary"})


def test_everything_that_is_wrong_is_named_at_once_and_in_the_order_of_the_file() -> None:
    text = """
    zeal = {}
    [seal]
    X-Service-Secret = "hunter2"
    [calls.login]
    method = "PUT"
    path = "login"
    retries = 3
    [[calls.login.replies]]
    status = [200]
    accept = { jwt = "/t", user_id = "id" }
    [[calls.login.replies]]
    status = [700]
    code = "wrong"
    [calls.signin]
    """
    found = problems(text)
    assert found == problems(text)
    assert [re.split(r"[:;]", problem)[0] for problem in found] == [
        "name",
        "zeal",
        "[seal] X-Service-Secret",
        "[calls.login]",
        "[calls.login]",
        "[calls.login] method",
        "[calls.login] path",
        "[calls.login] retries",
        "[[calls.login.replies]] row 1 accept.jwt",
        "[[calls.login.replies]] row 1 accept.user_id",
        "[[calls.login.replies]] row 1 accept",
        "[[calls.login.replies]] row 2 status",
        "[[calls.login.replies]] row 2 code",
        "[calls.signin]",
    ]
    assert "hunter2" not in "".join(found)
    with pytest.raises(WireProblem) as refused:
        load(text, "bad.toml")
    assert [each.line for each in refused.value.problems] == [1, 2, 4, 5, 5, 6, 7, 8, 11, 11, 11, 13, 14, 15]


def test_the_words_of_a_wire_are_closed_lists() -> None:
    assert {"identifier", "password", "name", "refresh_token", "token", "cursor"} == {
        gap for gaps in SAID.values() for gap in gaps
    }
    assert {"service_id", "service_secret", "service_basic"} == SEALS
    assert {"client_address", "user_agent", "request_id"} == CALLER
    assert {"identifier", "email", "client_address", "service_secret", "traceparent", "idempotency_key"} <= TAKEN


KEYS = sorted({word for word in re.findall(r"\w+", GOOD) if tomllib.loads(f"{word} = 1") and not word.isdigit()})
values = st.recursive(
    st.sampled_from(
        [
            '"/x"',
            '"login"',
            '"token"',
            '"object"',
            '"redirected"',
            '"invalid_credentials"',
            '"{identifier}"',
            '"jwt:/"',
            '"GET"',
            '""',
            "200",
            "401",
            "true",
            "1.5",
            "nan",
            "1979-05-27",
            "[]",
            "{}",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=2).map(lambda each: "[" + ", ".join(each) + "]")
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=2).map(
            lambda each: "{" + ", ".join(f"{key} = {value}" for key, value in each.items()) + "}"
        )
    ),
    max_leaves=4,
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """The good file, with the values of some of its lines exchanged for others."""
    lines = GOOD.splitlines()
    for number in draw(st.sets(st.sampled_from([at for at, line in enumerate(lines) if " = " in line]), max_size=4)):
        lines[number] = f"{lines[number].partition(' = ')[0]} = {draw(values)}"
    return "\n".join(lines)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_no_file_makes_the_reader_fail_in_any_other_way(text: str) -> None:
    assert isinstance(loaded(text), Wire | WireProblem)
