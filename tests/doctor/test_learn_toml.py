"""The TOML that is written: read again it is what was meant, whatever stands in it."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.verdict.reply import Reply
from netra.doctor.learn.toml_text import Kept, replies_text, value_text, wire_text
from tests.core.support import quick

ROW = {"status": [401], "pointer": "/x", "value": "no", "code": "invalid_credentials"}
WIDE = {"status": [200], "accept": {f"place_{number}": "/somewhere/far/away" for number in range(9)}}
CALL = {
    "method": "POST",
    "path": "/a",
    "json": {"user": {"e-mail": "{identifier}", "odd key": "x"}},
    "replies": [ROW, WIDE],
}
DOCUMENT: dict[str, Any] = {"name": "acme", "seal": {"X-Key": "{service_secret}"}, "calls": {"login": CALL}}
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    TEXT | st.booleans() | st.integers(-(2**60), 2**60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


def test_a_wire_is_read_as_it_was_meant() -> None:
    text = wire_text(DOCUMENT, ["A remark.", "", "Another."])
    assert tomllib.loads(text) == DOCUMENT
    assert text.startswith("# A remark.\n#\n# Another.\n\nname = ")
    assert "\n[calls.login.replies.accept]\n" in text
    assert "\n\n\n" not in text


@quick
@given(VALUES)
def test_a_value_is_read_as_it_was_meant(value: Any) -> None:
    assert tomllib.loads(f"x = {value_text(value)}") == {"x": value}
    assert "\n" not in value_text(value)


@quick
@given(TEXT.filter(lambda text: "\r" not in text))
def test_a_saved_reply_is_read_as_it_was_meant(body: str) -> None:
    kept = Kept("a", Reply(200, {"content-type": "x/y"}, body.encode(), 0.0), "accepted", "here")
    (read,) = tomllib.loads(replies_text([kept]))["reply"]
    assert read == {
        "name": "a", "call": "login", "status": 200, "headers": {"content-type": "x/y"}, "body": body,
        "expect": "accepted", "source": "here",
    }  # fmt: skip


@pytest.mark.parametrize("body", ["", "'", "a'", "'''", "a'''b", "\n", "\x7f", '{"a": 1}'])
def test_bodies_that_are_hard_to_quote(body: str) -> None:
    kept = Kept("a", Reply(200, {}, body.encode(), 0.0), "accepted", "here")
    (read,) = tomllib.loads(replies_text([kept, kept._replace(name="b")], ["A remark."]))["reply"][:1]
    assert read["body"] == body
    assert "headers" not in read
