"""Texts with gaps, and bodies made of them: what is absent is left out, and what a user writes stays in its quotes."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netra.core.fill import FormBody, Gap, JsonBody, Mixed, Said, Words, gaps_in, text_of
from netra.core.secret import Secret
from netra.core.verdict.strict_json import parse
from tests.core.support import quick

SAID: Said = {"user": "ada", "pass": Secret('p"1'), "none": None, "empty": "", "no_secret": Secret("")}
NASTY = (
    '"},"admin":"yes',
    "\\",
    "\\u0022",
    "a&b=c",
    "+ %20",
    "{user}",
    "\x00\x1f\x7f\r\n",
    "\u2028\u00e9\U0001f600",
    "",
)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("", Words("")),
        ("plain", Words("plain")),
        ("{user}", Gap("user")),
        ("Basic {pass}", Mixed((Words("Basic "), Gap("pass")))),
        ("{a}{b}", Mixed((Gap("a"), Gap("b")))),
        ("{a}:{b}.", Mixed((Gap("a"), Words(":"), Gap("b"), Words(".")))),
        ("{a_1}", Gap("a_1")),
        ("{}", Words("{}")),
        ("{User}", Words("{User}")),
        ("{1a}", Words("{1a}")),
        ("{ user }", Words("{ user }")),
        ("{user", Words("{user")),
        ("user}", Words("user}")),
        ("{{user}}", Mixed((Words("{"), Gap("user"), Words("}")))),
        ("{user.name}", Words("{user.name}")),
        ("{user!r}", Words("{user!r}")),
        ("{user:>9}", Words("{user:>9}")),
        ("%(user)s $user", Words("%(user)s $user")),
    ],
)
def test_a_lower_case_name_in_braces_is_a_gap_and_all_else_is_words(text: str, parsed: object) -> None:
    assert text_of(text) == parsed
    assert type(text_of(text)) is type(parsed)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{user}", "ada"),
        ("{pass}", 'p"1'),
        ("{empty}", ""),
        ("{no_secret}", ""),
        ("{none}", None),
        ("{other}", None),
        ("Basic {pass}", 'Basic p"1'),
        ("{user}:{pass}", 'ada:p"1'),
        ("{user}{empty}{user}", "adaada"),
        ("{user}:{none}", None),
        ("{other} x", None),
    ],
)
def test_a_text_is_filled_whole_or_not_at_all(text: str, filled: str | None) -> None:
    assert text_of(text).filled(SAID) == filled


@quick
@given(st.text(), st.text())
@example("{pass}", "{user}")
@example("\\1", "\\g<0>")
def test_what_fills_a_gap_is_never_looked_into(user: str, secret: str) -> None:
    assert text_of("{user}-{pass}").filled({"user": user, "pass": Secret(secret)}) == f"{user}-{secret}"


def test_all_gaps_of_a_value_are_found_however_deep() -> None:
    value = {"a": "{one}", "b": [{"c": "x {two} {three}"}, ["{one}"], 5, None], "{four}": True, "d": "{Five}"}
    assert list(gaps_in(value)) == ["one", "two", "three", "one"]
    nothing: list[Any] = ["", 5, None, True, [], {}, 1.5]
    assert not list(gaps_in(nothing))
    assert not [gap for each in nothing for gap in gaps_in(each)]


def test_a_text_prints_no_secret_that_will_fill_it() -> None:
    text, said = text_of("Basic {pass}"), {"pass": Secret("hunter2")}
    assert text.filled(said) == "Basic hunter2"
    assert "hunter2" not in f"{text!r} {said!r}"


# --- JSON -----------------------------------------------------------------------------------------------------------

TABLE: dict[str, Any] = {
    "AuthFlow": "USER_PASSWORD_AUTH",
    "AuthParameters": {"USERNAME": "{user}", "PASSWORD": "{pass}", "X": "{none}"},
    "formFields": [{"id": "email", "value": "{user}"}, {"id": "gone", "value": "{other}"}],
    "list": ["{user}", "{none}", 1, "as {user}", []],
    "number": 17,
    "half": 0.5,
    "yes": True,
    "empty": {},
    "gone": "{none}",
    "half gone": "{user} {none}",
    'w\u00f6rd "q" {user}': "\u00e9\n\\",
}


def test_a_json_body_is_its_table_with_its_gaps_filled_and_absent_members_left_out() -> None:
    body = JsonBody(TABLE)
    assert body.content_type == "application/json"
    assert json.loads(body.filled(SAID)) == {
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": "ada", "PASSWORD": 'p"1'},
        "formFields": [{"id": "email", "value": "ada"}, {"id": "gone"}],
        "list": ["ada", 1, "as ada", []],
        "number": 17,
        "half": 0.5,
        "yes": True,
        "empty": {},
        'w\u00f6rd "q" {user}': "\u00e9\n\\",
    }


def test_members_stand_in_the_order_of_the_file_without_any_space() -> None:
    assert (
        JsonBody({"b": "{user}", "a": 1, "c": {"z": [], "y": "{none}"}}).filled(SAID)
        == '{"b":"ada","a":1,"c":{"z":[]}}'
    )
    assert JsonBody({}).filled(SAID) == "{}"
    assert JsonBody({"a": "{none}"}).filled(SAID) == "{}"


def filled(value: Any, said: Said) -> Any:
    """By another way: what a value becomes; `...` for what is absent."""
    if isinstance(value, str):
        text = text_of(value).filled(said)
        return ... if text is None else text
    if isinstance(value, Mapping):
        return {key: each for key, given in value.items() if (each := filled(given, said)) is not ...}
    if isinstance(value, list):
        return [each for given in value if (each := filled(given, said)) is not ...]
    return value


texts = st.text(max_size=8) | st.sampled_from(["{user}", "{pass}", "{none}", "x{user}y{pass}", "{user}{none}", *NASTY])
values = st.recursive(
    texts | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
members = st.lists(st.tuples(st.text(max_size=5).map("_".__add__), texts), max_size=3, unique_by=lambda each: each[0])


@quick
@given(st.dictionaries(texts, values, max_size=4), texts, texts, members)
def test_a_json_body_always_parses_back_to_what_was_said(
    table: dict[str, Any], user: str, password: str, ours: list[tuple[str, str]]
) -> None:
    said: Said = {"user": user, "pass": Secret(password), "none": None}
    wanted = filled(table, said)
    body = JsonBody(table).filled(said)
    assert json.loads(body) == wanted
    assert parse(body.encode()) == wanted
    added = {name: value for name, value in ours if name not in wanted}
    sealed = JsonBody(table).with_members(body, tuple(added.items()))
    assert parse(sealed.encode()) == {**wanted, **added}


@pytest.mark.parametrize(
    ("body", "ours", "sealed"),
    [
        ("{}", (), "{}"),
        ("{}", (("id", "n"),), '{"id":"n"}'),
        ('{"a":1}', (), '{"a":1}'),
        ('{"a":1}', (("id", "n"),), '{"a":1,"id":"n"}'),
        ('{"a":{}}', (("id", "n"), ('"s"', "\\\n")), '{"a":{},"id":"n","\\"s\\"":"\\\\\\n"}'),
    ],
)
def test_our_members_come_last_in_a_json_body(body: str, ours: tuple[tuple[str, str], ...], sealed: str) -> None:
    assert JsonBody({}).with_members(body, ours) == sealed


# --- forms ----------------------------------------------------------------------------------------------------------


def test_a_form_is_its_members_with_their_gaps_filled_and_absent_ones_left_out() -> None:
    body = FormBody(
        {
            "grant_type": "password",
            "username": "{user}",
            "x": "{none}",
            "p w": "{pass}",
            "e": "{empty}",
            "t": "{user}@{empty}",
        }
    )
    assert body.content_type == "application/x-www-form-urlencoded"
    assert body.filled(SAID) == "grant_type=password&username=ada&p+w=p%221&e=&t=ada%40"
    assert FormBody({}).filled(SAID) == ""
    assert FormBody({"x": "{none}"}).filled(SAID) == ""


@pytest.mark.parametrize(
    ("body", "ours", "sealed"),
    [
        ("", (), ""),
        ("", (("client_id", "n"),), "client_id=n"),
        ("a=1", (), "a=1"),
        ("a=1", (("client_id", "n & m"), ("client secret", "s=%")), "a=1&client_id=n+%26+m&client+secret=s%3D%25"),
    ],
)
def test_our_members_come_last_in_a_form(body: str, ours: tuple[tuple[str, str], ...], sealed: str) -> None:
    assert FormBody({}).with_members(body, ours) == sealed


@quick
@given(
    st.dictionaries(st.text(min_size=1, max_size=5), st.just("{user}") | st.just("{pass}"), max_size=4),
    texts,
    texts,
    members,
)
@example({"a&b": "{user}", "c=d": "{pass}"}, "e&f=g", "\u00e9\x00+ ;", [("_", "&admin=yes")])
def test_a_form_always_parses_back_to_what_was_said(
    table: dict[str, str], user: str, password: str, ours: list[tuple[str, str]]
) -> None:
    said: Said = {"user": user, "pass": Secret(password)}
    body = FormBody(table).filled(said)
    wanted = [(name, user if text == "{user}" else password) for name, text in table.items()]
    assert parse_qsl(body, keep_blank_values=True, strict_parsing=bool(body)) == wanted
    sealed = FormBody(table).with_members(body, tuple(ours))
    assert parse_qsl(sealed, keep_blank_values=True, strict_parsing=bool(sealed)) == [*wanted, *ours]
    assert sealed.isascii()
    assert not set(sealed) & set(" \r\n\x00")
