"""The reader of wire files: what it makes of a good one, and that of a bad one it names everything at once."""

import re
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netra.core.verdict.operations import LOGIN, LOGOUT
from netra.core.verdict.wire import ReplyRow, Wire
from netra.wires.load import FILLERS, SEALS, WireProblem, load, preset

GOOD = """
name = "acme"

[seal]
Authorization-Service = "service_secret"

[[replies]]
status = [403]
code = "service_credentials_rejected"

[calls.login]
method = "POST"
path = "/sessions"
fields = { username = "identifier", pass = "password" }
sealed = false
tells_caller = true
keyed = true
bearer = "token"

[[calls.login.replies]]
status = [200, 201]
require = ["access_token"]
[calls.login.replies.accept]
access_token = ["/data/a~1b/m~0n/~01", "/token"]
user_id = "/data/0/id"

[[calls.login.replies]]
status = [401]
body = ["object", "empty"]
coded = false
needs_standing = true
named = true
code = "invalid_credentials"

[calls.logout]
method = "POST"
path = "/sessions/end"

[[calls.logout.replies]]
status = [200]
pointer = "/ended"
value = false
code = "request_not_understood"
"""


def problems(text: str) -> list[str]:
    """Everything that is wrong with a file."""
    with pytest.raises(WireProblem) as refused:
        load(text, "bad.toml")
    assert str(refused.value) == "\n".join(f"bad.toml: {problem}" for problem in refused.value.problems)
    return list(refused.value.problems)


def login(row: str = 'status = [200]\naccept = { access_token = "/t" }', head: str = "") -> str:
    """A wire with one call, in which one thing can be wrong."""
    head = head or 'method = "POST"\npath = "/login"'
    return f'name = "acme"\n[calls.login]\n{head}\n[[calls.login.replies]]\n{row}\n'


def refusing(rest: str, status: str = "[401]") -> str:
    """A wire whose one row refuses a user."""
    return login(f'status = {status}\ncode = "invalid_credentials"\n{rest}')


def loaded(text: str) -> Wire | WireProblem:
    """The wire, or what is wrong with it."""
    try:
        return load(text, "damaged.toml")
    except WireProblem as problem:
        return problem


def test_a_good_file_becomes_a_wire() -> None:
    wire = load(GOOD, "acme.toml")
    shared = ReplyRow(frozenset({403}), code="service_credentials_rejected")
    assert (wire.name, wire.seal) == ("acme", (("Authorization-Service", "service_secret"),))
    signing = wire.templates["login"]
    assert signing[:8] == (
        LOGIN, "POST", "/sessions", (("username", "identifier"), ("pass", "password")), False, True, True, "token",
    )  # fmt: skip
    assert signing.rows == (
        ReplyRow(
            frozenset({200, 201}),
            accept={"access_token": (("data", "a/b", "m~n", "~1"), ("token",)), "user_id": (("data", "0", "id"),)},
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
    )
    ended = ReplyRow(frozenset({200}), pointer=("ended",), value=False, code="request_not_understood")
    assert wire.templates["logout"][:8] == (LOGOUT, "POST", "/sessions/end", (), True, False, False, None)
    assert wire.templates["logout"].rows == (ended, shared)
    assert wire.names == preset("netra").names


def test_a_wire_without_seal_or_shared_rows_is_a_wire() -> None:
    wire = load(login(), "small.toml")
    assert (wire.seal, len(wire.templates["login"].rows)) == ((), 1)


def test_what_is_not_toml_is_one_problem() -> None:
    assert problems("name = ")[0].startswith("not TOML: ")
    assert problems('name = "a"\nname = "b"')[0].startswith("not TOML: ")


@pytest.mark.parametrize(
    "row", ['body = ["object"]', 'body = ["object", "empty"]', "coded = true", 'pointer = "/ok"\nvalue = false']
)
def test_a_row_may_refuse_by_what_only_an_auth_service_says(row: str) -> None:
    assert load(refusing(row), "acme.toml").templates["login"].rows[0].code == "invalid_credentials"


def test_a_row_that_refuses_nobody_may_be_read_from_anything() -> None:
    text = login('status = [302, 401, 500]\nbody = ["other", "intermediary"]\ncode = "intermediary_rejected"')
    assert load(text, "acme.toml").templates["login"].rows[0].bodies == frozenset({"other", "intermediary"})


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
        "the file",
        "`name` is missing",
        "[seal] X-Service-Secret",
        "[calls.login]",
        "[calls.login] method",
        "[calls.login] path",
        "[[calls.login.replies]] row 1",
        "[[calls.login.replies]] row 1",
        "[[calls.login.replies]] row 2 status",
        "[[calls.login.replies]] row 2 code",
        "[calls.signin]",
    ]
    assert "hunter2" not in "".join(found)


def test_the_words_of_a_wire_are_closed_lists() -> None:
    assert {"identifier", "password", "name", "refresh_token", "token"} == FILLERS
    assert {"service_id", "service_secret"} == SEALS


KEYS = sorted({word for word in re.findall(r"\w+", GOOD) if tomllib.loads(f"{word} = 1") and not word.isdigit()})
values = st.recursive(
    st.sampled_from(['"/x"', '"login"', '"token"', '"object"', '"redirected"', "200", "true", "1.5", "1979-05-27"]),
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
    for number in draw(st.sets(st.sampled_from([at for at, line in enumerate(lines) if " = " in line]), max_size=3)):
        lines[number] = f"{lines[number].partition(' = ')[0]} = {draw(values)}"
    return "\n".join(lines)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_no_file_makes_the_reader_fail_in_any_other_way(text: str) -> None:
    assert isinstance(loaded(text), Wire | WireProblem)
