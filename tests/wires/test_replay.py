"""Saved replies: what is wrong with a file of them, and what a wire makes of a good one."""

import pytest

from netra.core.verdict.outcomes import Accepted, Rejected, Unknown
from netra.wires.load import load
from netra.wires.problem import WireProblem
from netra.wires.replay import Replayed, replay, saved_replies
from tests.wires.support import OK, wire

REFUSES = '[[calls.login.replies]]\nstatus = [401]\nbody = ["object"]\ncoded = false\nneeds_standing = true\n'
ACME = wire(f'{OK}\n{REFUSES}code = "invalid_credentials"\n')
GOOD = """
[[reply]]
name = "good"
call = "login"
status = 200
headers = { Content-Type = "application/json", Retry-After = "30" }
body = '{"t": "a.b.c"}'
expect = "accepted"
source = "https://docs.example/login"

[[reply]]
name = "bad"
call = "login"
status = 401
body = '{"message": "no"}'
expect = "invalid_credentials"

[[reply]]
name = "ugly"
call = "login"
status = 500
expect = "unknown"
"""


def read(text: str) -> list[Replayed]:
    """What the small wire makes of these replies."""
    return replay(load(ACME, "acme.toml"), saved_replies(text, "saved.toml"))


def one(status: int, expect: str, body: str = "", call: str = "login") -> Replayed:
    """What the small wire makes of one reply."""
    (only,) = read(f"[[reply]]\nname = 'x'\ncall = '{call}'\nstatus = {status}\nbody = '{body}'\nexpect = '{expect}'")
    return only


def problems(text: str) -> list[str]:
    """Everything that is wrong with a file of saved replies."""
    with pytest.raises(WireProblem) as refused:
        saved_replies(text, "saved.toml")
    return list(refused.value.lines())


def test_a_file_of_replies_is_read_whole() -> None:
    good, bad, ugly = saved_replies(GOOD, "saved.toml")
    assert (good.name, good.call, good.expect) == ("good", "login", "accepted")
    assert good.source == "https://docs.example/login"
    assert good.reply.headers == {"content-type": "application/json", "retry-after": "30"}
    assert (good.reply.status, good.reply.body) == (200, b'{"t": "a.b.c"}')
    assert (bad.source, bad.reply.headers) == (None, {})
    assert (ugly.reply.status, ugly.reply.body, ugly.expect) == (500, b"", "unknown")


def test_a_wire_makes_of_each_reply_what_it_makes_of_it_live() -> None:
    replayed = read(GOOD)
    assert [each.read_as for each in replayed] == ["accepted", "invalid_credentials", "auth_service_error"]
    assert all(each.fits for each in replayed)
    assert [type(each.outcome) for each in replayed] == [Accepted, Rejected, Unknown]


def test_a_reply_that_speaks_of_the_user_only_while_we_are_known_is_also_read_in_doubt() -> None:
    good, bad, ugly = read(GOOD)
    assert isinstance(good.in_doubt, Accepted)
    assert isinstance(bad.in_doubt, Unknown)
    assert bad.in_doubt.cause.code == "service_credentials_rejected"
    assert ugly.in_doubt == ugly.outcome


@pytest.mark.parametrize(
    ("status", "body", "expect", "read_as", "fits"),
    [
        (200, '{"t": "a"}', "accepted", "accepted", True),
        (200, '{"t": "a"}', "unknown", "accepted", False),
        (200, '{"t": "a"}', "invalid_credentials", "accepted", False),
        (200, "{}", "accepted", "invalid_response", False),
        (200, "{}", "unknown", "invalid_response", True),
        (200, "{}", "invalid_response", "invalid_response", True),
        (401, '{"x": 1}', "invalid_credentials", "invalid_credentials", True),
        (401, '{"x": 1}', "unknown", "invalid_credentials", False),
        (401, '{"x": 1}', "accepted", "invalid_credentials", False),
        (401, '{"x": 1}', "account_locked", "invalid_credentials", False),
        (503, "", "auth_service_error", "auth_service_unavailable", False),
        (999, "", "unexpected_status", "unexpected_status", True),
    ],
)
def test_a_reply_fits_when_it_is_read_as_expected(
    status: int, body: str, expect: str, read_as: str, fits: bool
) -> None:
    replayed = one(status, expect, body)
    assert (replayed.read_as, replayed.fits) == (read_as, fits)


@pytest.mark.parametrize("expect", ["accepted", "unknown", "token_rejected"])
def test_a_reply_to_a_call_that_the_wire_has_not_is_read_as_nothing(expect: str) -> None:
    replayed = one(200, expect, '{"valid": true}', call="validate")
    assert (replayed.outcome, replayed.in_doubt) == (None, None)
    assert (replayed.read_as, replayed.fits) == ("not offered", False)


REPLY = "[[reply]]\nname = 'x'\ncall = 'login'\nstatus = 200\nexpect = 'unknown'\n"
EVERY_CALL = "config, discovery, handshake, health, keys, login, logout, refresh, register, revocations, validate"
KEYS = "body, call, expect, headers, name, source, status"
OUTCOMES = "say accepted, unknown, or a code of the table of causes"
A_HEADER = "a header has a plain name, and a text in quotes"
WRONG: list[tuple[str, str, str]] = [
    ("nothing", "", "saved.toml:1: no [[reply]] is here; save one at least"),
    ("not TOML", "reply =", "saved.toml:1: not TOML: Invalid value"),
    (
        "an unknown table",
        f"{REPLY}[replys]",
        "saved.toml:6: replys: unknown key (did you mean reply?); known are reply",
    ),
    ("one table", "[reply]\nname = 'x'", "saved.toml:1: reply: must be a list"),
    ("no table", "reply = [1]", "saved.toml:1: [[reply]] row 1: must be a table"),
    ("an unknown key", f"{REPLY}x = 1", f"saved.toml:6: [[reply]] row 1 x: unknown key; known are {KEYS}"),
    ("no name", REPLY.replace("name = 'x'\n", ""), "saved.toml:1: [[reply]] row 1 name: is missing"),
    ("no call", REPLY.replace("call = 'login'\n", ""), "saved.toml:1: [[reply]] row 1 call: is missing"),
    ("no status", REPLY.replace("status = 200\n", ""), "saved.toml:1: [[reply]] row 1 status: is missing"),
    ("no expectation", REPLY.replace("expect = 'unknown'\n", ""), "saved.toml:1: [[reply]] row 1 expect: is missing"),
    (
        "an empty name",
        REPLY.replace("'x'", "''"),
        "saved.toml:2: [[reply]] row 1 name: give each reply a name of its own",
    ),
    ("a name twice", REPLY + REPLY, "saved.toml:7: [[reply]] row 2 name: give each reply a name of its own"),
    ("a number for a name", REPLY.replace("'x'", "5"), "saved.toml:2: [[reply]] row 1 name: must be a text in quotes"),
    (
        "another call",
        REPLY.replace("'login'", "'signin'"),
        f"saved.toml:3: [[reply]] row 1 call: no such call; say one of {EVERY_CALL}",
    ),
    ("a small status", REPLY.replace("200", "99"), "saved.toml:4: [[reply]] row 1 status: a number of three digits"),
    ("a big status", REPLY.replace("200", "1000"), "saved.toml:4: [[reply]] row 1 status: a number of three digits"),
    (
        "a text for a status",
        REPLY.replace("200", "'200'"),
        "saved.toml:4: [[reply]] row 1 status: must be a whole number",
    ),
    ("a table for a body", f"{REPLY}body = {{}}", "saved.toml:6: [[reply]] row 1 body: must be a text in quotes"),
    (
        "another outcome",
        REPLY.replace("'unknown'", "'invalid_credential'"),
        f"saved.toml:5: [[reply]] row 1 expect: no such outcome (did you mean invalid_credentials?); {OUTCOMES}",
    ),
    ("a list of headers", f"{REPLY}headers = []", "saved.toml:6: [[reply]] row 1 headers: must be a table"),
    ("a number for a header", f"{REPLY}headers = {{ X = 5 }}", f"saved.toml:6: [[reply]] row 1 headers.X: {A_HEADER}"),
    ("no header", f"{REPLY}headers = {{ 'X Y' = 'a' }}", f"saved.toml:6: [[reply]] row 1 headers.'X Y': {A_HEADER}"),
]


@pytest.mark.parametrize(("what", "text", "problem"), WRONG, ids=[what for what, _, _ in WRONG])
def test_what_is_wrong_with_a_file_of_replies_is_named_with_its_line(what: str, text: str, problem: str) -> None:
    assert any(each.startswith(problem) for each in problems(text)), what


def test_everything_that_is_wrong_is_named_at_once_and_no_body_is_shown() -> None:
    text = "[[reply]]\nbody = 'hunter2'\nstatus = 1\n" + REPLY.replace("200", "'x'") + "body = 'hunter2'\ny = 1\n"
    found = problems(text)
    assert [each.split(":")[1] for each in found] == ["1", "1", "1", "3", "7", "10"]
    assert "hunter2" not in "".join(found)


def test_a_saved_reply_prints_no_body() -> None:
    assert "a.b.c" not in repr(saved_replies(GOOD, "saved.toml"))
    assert "a.b.c" not in repr(read(GOOD))
