"""The scan finds what it is for: a secret in every form, at every place in a text, whole or cut.

It must never be trusted before it has found something.
"""

import codecs
import html
import json
import shlex
from base64 import b64encode, standard_b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.leaks.needles import Needles, Piece
from tests.leaks.planted import ACCESS, EMAIL, PASSWORD, SERVICE_SECRET, needles

NEEDLES = needles()
WRITTEN = {
    "plain": PASSWORD.encode(),
    "in JSON": json.dumps({"said": PASSWORD}).encode(),
    "in JSON, not ASCII": json.dumps({"said": PASSWORD}, ensure_ascii=False).encode(),
    "in JSON in JSON": json.dumps({"line": json.dumps({"said": PASSWORD})}).encode(),
    "in a form": urlencode({"password": PASSWORD}).encode(),
    "in a query": quote(PASSWORD).encode(),
    "in a query twice": quote_plus(quote(EMAIL, safe="")).encode(),
    "in a page": html.escape(f"<p>{PASSWORD}</p>").encode(),
    "in a representation": repr({"password": PASSWORD}).encode(),
    "in a representation of bytes": repr(PASSWORD.encode()).encode(),
    "in hexadecimal": PASSWORD.encode().hex().upper().encode(),
    "in Basic credentials": b64encode(f"{EMAIL}:{PASSWORD}".encode()),
    "in Base64 for addresses": urlsafe_b64encode(b"x" + PASSWORD.encode()),
    "backwards": PASSWORD[::-1].encode(),
    "in other letters": codecs.encode(EMAIL.upper(), "utf-8"),
    "for a shell": shlex.quote(PASSWORD).encode(),
    "its first half": PASSWORD[: len(PASSWORD) // 2].encode(),
    "its last half": PASSWORD[len(PASSWORD) // 2 :].encode(),
    "a token with dots after it": f"{ACCESS[:20]}...".encode(),
    "a secret with dots after it": f"secret {SERVICE_SECRET[:14]}…".encode(),
    "escaped as JSON may be": "".join(f"\\u{ord(each):04X}" for each in PASSWORD).encode(),
    "escaped as a query may be": "".join(f"%{each:02X}" for each in EMAIL.encode()).encode(),
    "in wide characters": PASSWORD.encode("utf-16-le"),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_what_is_planted_is_found_however_it_is_written(way: str) -> None:
    assert list(NEEDLES.hits(Piece("here", b"before " + WRITTEN[way] + b" after")))


@given(st.binary(max_size=40), st.binary(max_size=40), st.sampled_from([PASSWORD, EMAIL, SERVICE_SECRET, ACCESS]))
def test_base64_hides_nothing_wherever_in_it_a_secret_begins(before: bytes, after: bytes, secret: str) -> None:
    for encode in (standard_b64encode, urlsafe_b64encode):
        assert list(NEEDLES.hits(Piece("here", encode(before + secret.encode() + after))))


def test_what_is_allowed_at_a_place_is_not_found_there_and_everything_else_is() -> None:
    content = f"{EMAIL} {PASSWORD}".encode()
    assert {hit.secret for hit in NEEDLES.hits(Piece("here", content, frozenset({"e-mail"})))} == {"password"}


def test_a_hit_names_the_secret_and_the_place_and_not_the_value() -> None:
    hits = list(NEEDLES.hits(Piece("a log line", SERVICE_SECRET.encode())))
    assert {(hit.place, hit.secret) for hit in hits} == {("a log line", "service secret")}
    assert not list(NEEDLES.hits(Piece("here", repr(hits).encode())))


def test_texts_without_a_secret_are_clean() -> None:
    assert not list(NEEDLES.hits(Piece("here", json.dumps(list(WRITTEN)).encode() * 50)))


def test_what_is_too_short_to_be_told_from_chance_is_not_looked_for() -> None:
    assert len(Needles({"short": ["12345678"]})) < len(Needles({"long": ["1234567890123456"]}))
