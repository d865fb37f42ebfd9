"""What is shown and kept of a reply: keys, kinds, lengths, and made-up values of the same form."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.token.claims import unchecked_claims
from netra.core.verdict.reply import Reply
from netra.doctor.learn.masks import MOST_LINES, made_up, shape
from netra.doctor.learn.places import is_jwt
from tests.core.support import quick
from tests.doctor.learning import IDENTIFIER, NOW, SENT, answered, jwt

TOKEN = jwt(sub=IDENTIFIER, exp=1_800_000_900, admin=False, groups=["a", "b"], **{IDENTIFIER: 1})


def shown(document: Any) -> list[str]:
    """The lines of a reply's shape, with one blank between words."""
    return [" ".join(line.split()) for line in shape(answered(200, document), SENT)]


def replaced(document: Any, *keep: tuple[tuple[str, ...], Any]) -> Any:
    """A document with made-up values."""
    return json.loads(made_up(answered(200, document), keep, SENT).body)


def test_a_shape_has_keys_kinds_and_lengths() -> None:
    document = {
        "token": TOKEN, "expires_in": 900, "rate": 0.5, "ok": True, "next": None, "empty": {}, "none": [],
        "user": {"id": "u-1"}, "roles": ["admin", "root"],
    }  # fmt: skip
    assert shown(document)[1:] == [
        f"/token text of {len(TOKEN)}, a JWT: sub text of 21, exp number, admin false, groups list, member_5 number",
        "/expires_in number",
        "/rate number",
        "/ok true",
        "/next null",
        "/empty object",
        "/none list",
        "/user/id text of 3",
        "/roles list of 2, of which the first:",
        "/roles/0 text of 5",
    ]


@pytest.mark.parametrize(
    ("reply", "first"),
    [
        (Reply(401, {}, b"", NOW), "0 bytes, empty"),
        (Reply(502, {"content-type": "Text/HTML; charset=x"}, b"<html>", NOW), "text/html, 6 bytes"),
        (Reply(200, {"content-type": "eve@example.com"}, b"no", NOW), "2 bytes"),
    ],
)
def test_what_is_no_object_is_its_kind_and_size(reply: Reply, first: str) -> None:
    assert list(shape(reply, SENT)) == [first]


def test_keys_that_may_be_somebodys_are_numbered() -> None:
    keys = (IDENTIFIER, "4711815", "deadbeefdeadbeef0", "two words", "x" * 65, "")
    assert shown(dict.fromkeys(keys, 1))[1:] == [f"/member_{number} number" for number in range(1, 7)]
    assert list(replaced({IDENTIFIER: 1, "id": 1})) == ["member_1", "id"]


def test_a_key_that_repeats_what_was_sent_is_numbered() -> None:
    assert list(shape(answered(200, {"of_AdaByron": 1}), ["adabyron"]))[1:] == ["/member_1  number"]


def test_a_shape_has_an_end() -> None:
    assert len(shown({f"a{'b' * number}": 1 for number in range(60)})) == MOST_LINES + 2


def test_made_up_values_have_the_form_of_the_real_ones() -> None:
    document = {
        "token": "0123456789abcdef0123", "email": "eve@acme.test", "at": "2026-11-22T10:00:00Z", "blank": "",
        "url": "https://acme.test/eve", "name": "Eve", "id": 4711, "until": 1_800_000_000, "ok": True, "no": None,
        "list": [{"id": "x"}, {"id": "y"}], "share": 0.25,
    }  # fmt: skip
    assert replaced(document) == {
        "token": "made-up-made-up-made", "email": "somebody@example.com", "at": "2100-01-01T00:00:00Z", "blank": "",
        "url": "https://example.com/", "name": "made-up", "id": 1, "until": 4_102_444_800, "ok": True, "no": None,
        "list": [{"id": "made-up"}], "share": 1,
    }  # fmt: skip


def test_a_token_is_replaced_by_one_with_the_same_claims() -> None:
    token = replaced({"token": TOKEN})["token"]
    assert is_jwt(token)
    assert unchecked_claims(token) == {
        "sub": "somebody@example.com", "exp": 4_102_444_800, "admin": False, "groups": ["made-up"], "member_5": 1,
    }  # fmt: skip


def test_what_is_to_be_kept_stays_at_its_place_alone() -> None:
    document = {"code": "bad", "other": "bad", "error": {"code": "bad"}}
    kept = replaced(document, (("code",), "bad"), (("error", "code"), "bad"))
    assert kept == {"code": "bad", "other": "made-up", "error": {"code": "bad"}}


def test_of_headers_only_the_type_and_those_asked_for_are_left() -> None:
    reply = answered(200, {}, {"set-cookie": "sid=1", "x-auth-token": TOKEN, "server": "acme"})
    kept = made_up(reply, (), SENT, ["x-auth-token", "x-absent"])
    assert set(kept.headers) == {"content-type", "x-auth-token"}
    assert kept.headers["x-auth-token"] != TOKEN
    assert is_jwt(kept.headers["x-auth-token"])


def test_of_a_page_nothing_is_left() -> None:
    assert made_up(Reply(502, {"content-type": "text/html"}, b"<html>eve", NOW), (), SENT).body == b""


TEXTS = st.sampled_from(["eve.of.acme@acme.test", "Eve of Acme", "zzTopSecretzz0123456789", IDENTIFIER, TOKEN])
KEYS = st.sampled_from(["id", "user", "name", IDENTIFIER, "items"])
DOCUMENTS = st.dictionaries(
    KEYS,
    st.recursive(TEXTS | st.integers(5, 9), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)),
    min_size=1,
)


@quick
@given(DOCUMENTS)
def test_no_value_ever_gets_through(document: dict[str, Any]) -> None:
    reply = answered(200, document)
    out = "\n".join(shape(reply, SENT)) + made_up(reply, (), SENT).body.decode()
    for text in ("eve", "Eve", "Acme", "acme.test", "zzTop", IDENTIFIER, TOKEN):
        assert text not in out
