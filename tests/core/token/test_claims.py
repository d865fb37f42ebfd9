"""What a token says of itself, unchecked: claims of a JWT, and nothing of anything else, whatever it looks like."""

import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netra.core.token.claims import unchecked_claims
from tests.core.support import json_values, quick

HEAD = "eyJhbGciOiJub25lIn0"
ADA = b'{"sub":"ada"}'


def part(said: bytes, *, padded: bool = False) -> str:
    """Bytes as a part of a token."""
    text = urlsafe_b64encode(said).decode()
    return text if padded else text.rstrip("=")


def token(said: bytes, *, padded: bool = False) -> str:
    """A token of three parts with this in its middle."""
    return f"{HEAD}.{part(said, padded=padded)}.c2ln"


@quick
@given(st.dictionaries(st.text(max_size=5), json_values, max_size=4))
@example({"sub": "\u00e9\U0001f600?>", "https://acme.example/email": "a@b.example", "cognito:username": "ada"})
def test_the_claims_of_a_jwt_are_read_as_they_are(claims: dict[str, object]) -> None:
    said = json.dumps(claims, ensure_ascii=False).encode()
    assert unchecked_claims(token(said)) == claims
    assert unchecked_claims(token(said, padded=True)) == claims


def test_neither_head_nor_signature_is_looked_at() -> None:
    middle = part(b'{"sub":"a"}')
    for text in (f".{middle}.", f"x.{middle}.y", f"{HEAD}.{middle}.\u00e9", f"%%.{middle}. "):
        assert unchecked_claims(text) == {"sub": "a"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "opaque",
        "v1.opaque",
        "a.b",
        "..",
        "...",
        "a..b",
        f"{HEAD}.{part(ADA)}",
        f"{HEAD}.{part(ADA)}.x.y",
        part(ADA),
        f"{HEAD}.A.c2ln",
        f"{HEAD}.\u00e9\u00e9.c2ln",
        f"{HEAD}.=.c2ln",
        token(b""),
        token(b"[]"),
        token(b'"sub"'),
        token(b"null"),
        token(b"17"),
        token(b'{"sub":"a"'),
        token(b'{"sub":"a","sub":"b"}'),
        token(b'{"sub":NaN}'),
        token(b'{"sub":"\xff"}'),
        token(b'{"sub":"\\ud800"}'),
        token(b'{"a":' * 200 + b"1" + b"}" * 200),
    ],
)
def test_what_is_no_jwt_of_claims_says_nothing(text: str) -> None:
    assert unchecked_claims(text) == {}


@quick
@given(st.text() | st.tuples(st.text(max_size=9), st.text(max_size=9), st.text(max_size=9)).map(".".join))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    assert isinstance(unchecked_claims(text), dict)
