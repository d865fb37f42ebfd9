"""What each journey accepts from a client: form alone, field by field, and never a value in a fault.

It must never be asked whether credentials are good.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from netra.core.secret import Secret
from netra.core.verdict.outcomes import Rejected
from netra.gateway import attempts
from netra.gateway.attempts import Forms, LoginAttempt, RegisterAttempt, TokenAttempt, bearer
from tests.link.support import LABEL

Read = Callable[[Any], Any]
READERS: dict[str, Read] = {
    "login": lambda body: Forms().login_attempt(body, LABEL, 7.0),
    "register": lambda body: Forms().register_attempt(body, LABEL, 7.0),
    "refresh": lambda body: attempts.refresh_attempt(body, LABEL, 7.0),
    "logout": lambda body: attempts.logout_attempt(body, None, LABEL, 7.0),
}
GOOD: dict[str, dict[str, Any]] = {
    "login": {"email": "ada@example.com", "password": "pw"},
    "register": {"email": "ada@example.com", "password": "pw"},
    "refresh": {"refresh_token": "r1"},
    "logout": {"refresh_token": "r1"},
}


def faults(journey: str, **changes: Any) -> list[tuple[str, str]]:
    """Pointer and code of everything that is wrong with a good body so changed; `...` leaves a field out."""
    body = {name: value for name, value in {**GOOD[journey], **changes}.items() if value is not ...}
    read = READERS[journey](body)
    if not isinstance(read, Rejected):
        return []
    assert read.cause.code == "invalid_fields"
    return [(fault.pointer, fault.code) for fault in read.errors]


# --- what is taken ---------------------------------------------------------------------------------------------------


def test_a_good_body_of_each_journey_becomes_its_attempt() -> None:
    secret = Secret("pw")
    assert READERS["login"](GOOD["login"]) == LoginAttempt("ada@example.com", secret, LABEL, 7.0)
    assert READERS["register"](GOOD["register"]) == RegisterAttempt("ada@example.com", secret, None, LABEL, 7.0)
    assert READERS["refresh"](GOOD["refresh"]) == TokenAttempt(None, Secret("r1"), LABEL, 7.0)
    assert READERS["logout"](GOOD["logout"]) == TokenAttempt(None, Secret("r1"), LABEL, 7.0)


@pytest.mark.parametrize("journey", READERS)
def test_unknown_fields_are_ignored(journey: str) -> None:
    assert faults(journey, totp="123456", admin=True, nested={"email": 1}) == []


@pytest.mark.parametrize("journey", ["refresh", "logout"])
def test_a_refresh_token_is_taken_under_both_its_spellings(journey: str) -> None:
    assert READERS[journey]({"refreshToken": "r2"}).refresh_token == Secret("r2")
    assert READERS[journey]({"refresh_token": "r1", "refreshToken": "r2"}).refresh_token == Secret("r1")
    assert READERS[journey]({"refresh_token": None, "refreshToken": "r2"}).refresh_token == Secret("r2")
    assert faults(journey, refresh_token=..., refreshToken=3) == [("/refresh_token", "wrong_type")]


@pytest.mark.parametrize("name", ["confirm_password", "confirmPassword"])
def test_a_confirmation_is_taken_under_both_its_spellings(name: str) -> None:
    assert faults("register", **{name: "pw"}) == []
    assert faults("register", **{name: "pW"}) == [("/confirm_password", "mismatch")]
    assert faults("register", **{name: ""}) == [("/confirm_password", "mismatch")]
    assert faults("register", **{name: None}) == []
    assert faults("register", **{name: 1}) == [("/confirm_password", "wrong_type")]


def test_a_mismatch_is_told_beside_what_else_is_wrong() -> None:
    told = faults("register", email="ada", confirm_password="pW")
    assert told == [("/email", "invalid_format"), ("/confirm_password", "mismatch")]


@pytest.mark.parametrize(
    "password", ["\x00\x01\n", " leading and trailing ", "pässwörd", "\U0001f511" * 256, "x" * 1024, "e\u0301"]
)
def test_a_password_is_passed_on_unchanged(password: str) -> None:
    read = READERS["login"]({**GOOD["login"], "password": password})
    assert read.password.reveal() == password


@pytest.mark.parametrize("email", ["x", "not an address", "ada@", "@", " ada@example.com ", "\U0001f511", "a" * 320])
def test_a_login_does_not_judge_the_syntax_of_an_identifier(email: str) -> None:
    assert READERS["login"]({**GOOD["login"], "email": email}).identifier == email


@pytest.mark.parametrize(
    "email",
    ["a@b.co", "ada+tag@example.com", "o'hara@sub.example.co.uk", "zoë@exämple.com", "x" * 64 + "@example.com",
     "a@" + "b" * 63 + ".com"],
)  # fmt: skip
def test_a_registration_takes_addresses(email: str) -> None:
    assert faults("register", email=email) == []


@pytest.mark.parametrize(
    "email",
    ["ada", "ada@", "@example.com", "ada@example", "ada@@example.com", "a b@example.com", "ada@exam ple.com",
     "ada@.com", "ada@example.", "ada@example..com", "<ada@example.com>", "ada@[127.0.0.1]", "a,b@example.com",
     "x" * 65 + "@example.com", "a@" + "b" * 64 + ".com", "ada@example.com\u2028"],
)  # fmt: skip
def test_a_registration_refuses_what_is_no_address(email: str) -> None:
    assert faults("register", email=email) == [("/email", "invalid_format")]


def test_an_empty_name_is_no_name() -> None:
    assert READERS["register"]({**GOOD["register"], "name": ""}).name is None
    assert READERS["register"]({**GOOD["register"], "name": "Ada"}).name == "Ada"


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("journey", "field"),
    [("login", "email"), ("login", "password"), ("register", "email"), ("register", "password"),
     ("refresh", "refresh_token")],
)  # fmt: skip
def test_a_field_that_must_be_there_is_missed(journey: str, field: str) -> None:
    assert faults(journey, **{field: ...}) == [(f"/{field}", "missing")]
    assert faults(journey, **{field: None}) == [(f"/{field}", "missing")]
    assert faults(journey, **{field: ""}) == [(f"/{field}", "too_short")]


@pytest.mark.parametrize("value", [1, 1.5, True, False, [], ["a@b.co"], {}, {"a": 1}])
@pytest.mark.parametrize(
    ("journey", "field"),
    [("login", "email"), ("login", "password"), ("register", "email"), ("register", "password"),
     ("register", "name"), ("register", "confirm_password"), ("refresh", "refresh_token"),
     ("logout", "refresh_token")],
)  # fmt: skip
def test_a_field_of_another_type_is_refused(journey: str, field: str, value: object) -> None:
    assert faults(journey, **{field: value}) == [(f"/{field}", "wrong_type")]


@pytest.mark.parametrize(
    ("journey", "field", "value"),
    [
        ("login", "email", "a" * 321),
        ("register", "email", "a" * 321),
        ("login", "password", "x" * 1025),
        ("login", "password", "ä" * 513),
        ("register", "password", "\U0001f511" * 257),
        ("register", "confirm_password", "ä" * 513),
        ("register", "name", "x" * 257),
        ("refresh", "refresh_token", "x" * (16 * 1024 + 1)),
    ],
    ids=range(8),
)
def test_a_field_that_is_too_long_is_refused(journey: str, field: str, value: str) -> None:
    assert (f"/{field}", "too_long") in faults(journey, **{field: value})
    shorter = value[:-1]
    assert (f"/{field}", "too_long") not in faults(journey, **{field: shorter})


@pytest.mark.parametrize("control", ["\x00", "\x1f", "\n", "\r\n", "\x7f", "\x85", "\x9f", "\t"])
@pytest.mark.parametrize(("journey", "field"), [("login", "email"), ("register", "email"), ("register", "name")])
def test_control_characters_are_refused_outside_of_passwords(journey: str, field: str, control: str) -> None:
    assert faults(journey, **{field: f"ada{control}@example.com"}) == [(f"/{field}", "invalid_format")]


@pytest.mark.parametrize(
    ("journey", "field"),
    [("login", "email"), ("login", "password"), ("register", "name"), ("refresh", "refresh_token")],
)
def test_half_a_surrogate_pair_is_refused_everywhere(journey: str, field: str) -> None:
    assert faults(journey, **{field: "a\ud800b"}) == [(f"/{field}", "invalid_format")]


@pytest.mark.parametrize("token", ["a b", "a\nb", "tökén", "a\x00", " a", "a "])
@pytest.mark.parametrize("journey", ["refresh", "logout"])
def test_a_refresh_token_is_made_of_visible_ascii(journey: str, token: str) -> None:
    assert faults(journey, refresh_token=token) == [("/refresh_token", "invalid_format")]


def test_everything_that_is_wrong_is_said_at_once_and_in_order() -> None:
    assert faults("register", email="x", password=1, confirm_password=[], name="\n") == [
        ("/email", "invalid_format"),
        ("/password", "wrong_type"),
        ("/confirm_password", "wrong_type"),
        ("/name", "invalid_format"),
    ]


def test_a_logout_needs_one_token_of_either_kind() -> None:
    for body in ({}, {"refresh_token": None}, {"refresh_token": ""}, {"refreshToken": ""}):
        read = attempts.logout_attempt(body, None, LABEL, 7.0)
        assert isinstance(read, Rejected)
        assert read.cause.code == "token_missing"
    held = attempts.logout_attempt({"refresh_token": ""}, Secret("t1"), LABEL, 7.0)
    assert held == TokenAttempt(Secret("t1"), None, LABEL, 7.0)


PLANTED = "Pl4nted"
PLANTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=40).map(lambda text: f"{PLANTED}{text}"),
    st.sampled_from([PLANTED * 300, [PLANTED], {PLANTED: PLANTED}, f"{PLANTED}\ud800", f"{PLANTED}\n"]),
    st.none(),
    st.integers(),
)


@pytest.mark.parametrize("journey", READERS)
@given(
    body=st.dictionaries(
        st.sampled_from(
            ["email", "password", "confirm_password", "confirmPassword", "name", "refresh_token", "refreshToken"]
        ),
        PLANTS,
    )
)
def test_a_fault_never_holds_a_value(journey: str, body: dict[str, Any]) -> None:
    read = READERS[journey](body)
    if isinstance(read, Rejected):
        shown = json.dumps([*read.errors, read.detail])
        assert PLANTED not in shown
        assert PLANTED not in repr(read)
    else:
        assert PLANTED not in repr([each for each in astuple(read) if isinstance(each, Secret)])


# --- bearer tokens ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "token"),
    [
        (["Bearer t1"], "t1"),
        (["bearer t1"], "t1"),
        (["BEARER   t1  "], "t1"),
        (["Bearer a.b-c_d~e+f/g=="], "a.b-c_d~e+f/g=="),
        (["Bearer " + "x" * 16 * 1024], "x" * 16 * 1024),
    ],
    ids=["plain", "lower case", "spaces", "every sign", "longest"],
)
def test_one_bearer_token_is_taken(values: list[str], token: str) -> None:
    read = bearer(values, query_has_token=False)
    assert isinstance(read, Secret)
    assert read.reveal() == token


@pytest.mark.parametrize(
    ("values", "in_query", "code"),
    [
        ([], False, "token_missing"),
        ([""], False, "token_missing"),
        (["Bearer"], False, "token_missing"),
        (["Bearer  "], False, "token_missing"),
        (["Basic dXNlcjpwdw=="], False, "token_missing"),
        (["Bearert1"], False, "token_missing"),
        (["t1"], False, "token_missing"),
        (["Bearer t1", "Bearer t1"], False, "token_malformed"),
        (["Bearer t1", "Basic x"], False, "token_malformed"),
        (["Bearer t1"], True, "token_malformed"),
        ([], True, "token_malformed"),
        (["Bearer t1 t2"], False, "token_malformed"),
        (["Bearer t\x011"], False, "token_malformed"),
        (["Bearer\tt1"], False, "token_missing"),
        (["Bearer t1\t"], False, "token_malformed"),
        (["Bearer \x7f"], False, "token_malformed"),
        (["Bearer t1\n"], False, "token_malformed"),
        ([" Bearer t1"], False, "token_missing"),
        (["Bearer tökén"], False, "token_malformed"),
        (["Bearer " + "x" * (16 * 1024 + 1)], False, "token_malformed"),
    ],
    ids=range(20),
)
def test_anything_else_is_missing_or_malformed(values: list[str], in_query: bool, code: str) -> None:
    read = bearer(values, query_has_token=in_query)
    assert isinstance(read, Rejected)
    assert (read.cause.code, read.errors) == (code, ())
