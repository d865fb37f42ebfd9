"""By what a token is remembered: a digest of itself and of all that it is judged by."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.token.cache import Fingerprint
from tests.core.support import quick


def test_a_fingerprint_is_a_digest_of_token_and_of_what_it_is_judged_by_each_with_its_length() -> None:
    by_hand = b"".join(length.to_bytes(8, "big") for length in (2, 3, 2)) + b"iss" + "ü".encode() + b"token"
    assert Fingerprint("iss", "ü").key("token") == sha256(by_hand).digest()
    assert len(Fingerprint().key("")) == 32


def test_one_fingerprint_serves_many_tokens_and_gives_each_its_own_key() -> None:
    fingerprint = Fingerprint("issuer", "audience")
    first = fingerprint.key("a")
    assert fingerprint.key("b") != first
    assert fingerprint.key("a") == first
    assert Fingerprint("issuer", "audience").key("a") == first


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("issuer", "audience"), ("audience", "issuer")),
        (("ab", "c"), ("a", "bc")),
        (("a",), ("a", "")),
        (("",), ()),
        (("keys-1", "x"), ("keys-2", "x")),
    ],
)
def test_what_is_judged_by_something_else_is_another_question(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert Fingerprint(*one).key("token") != Fingerprint(*other).key("token")


anything = st.text(st.characters(), max_size=5)
judged = st.tuples(st.lists(anything, max_size=3), anything)


@quick
@given(judged, judged)
def test_two_questions_have_one_key_only_if_they_are_the_same(
    one: tuple[list[str], str], other: tuple[list[str], str]
) -> None:
    keys = [Fingerprint(*judged_by).key(token) for judged_by, token in (one, other)]
    assert (keys[0] == keys[1]) is (one == other)


def test_what_a_token_begins_with_is_no_part_of_what_it_is_judged_by() -> None:
    assert Fingerprint("a", "b").key("c") != Fingerprint("a").key("bc")
    assert Fingerprint("a").key("b") != Fingerprint("a", "b").key("")
    assert Fingerprint("\ud800").key("\ud800") != Fingerprint("\ud801").key("\ud800")
