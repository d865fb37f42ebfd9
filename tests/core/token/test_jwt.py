"""The form of a token: what is read of a header and a payload, and what is not even looked at."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netra.core.token.jwt import ALGORITHMS, Header, payload_of, read_header, read_segments, short_type
from tests.core.support import json_values, quick

MALFORMED = "token_malformed"
SIGNATURE = "token_signature_invalid"


def part(raw: bytes) -> str:
    """Bytes as a segment."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(header: bytes | dict[str, Any], payload: bytes = b"{}", signature: bytes = b"sign") -> str:
    """A token of the right form."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return f"{part(head)}.{part(payload)}.{part(signature)}"


@pytest.mark.parametrize("alg", sorted(ALGORITHMS))
def test_a_header_is_read_as_it_is(alg: str) -> None:
    assert read_header(token({"alg": alg})) == Header(alg, None, None)
    said = {"alg": alg, "kid": "a/b+c=", "typ": "AT+JWT", "cty": "JWT", "more": [1]}
    assert read_header(token(said)) == Header(alg, "a/b+c=", "AT+JWT")


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "es256", "ES256 ", "RS1", "dir"]
)
def test_an_algorithm_that_anybody_could_sign_with_is_refused_before_a_key_is_looked_for(alg: str) -> None:
    assert read_header(token({"alg": alg, "kid": "unheard of"})) == SIGNATURE


@pytest.mark.parametrize("alg", [None, 256, ["ES256"], {"ES256": 1}, True])
def test_an_algorithm_that_is_no_text_is_malformed(alg: object) -> None:
    assert read_header(token({"alg": alg})) == MALFORMED


def test_a_header_without_an_algorithm_is_malformed() -> None:
    assert read_header(token({"kid": "k"})) == MALFORMED


@pytest.mark.parametrize("kid", [None, 1, True, ["k"], {"k": 1}, "x" * 257, "k\0", "k\n", "k\u2028", "k\x7f"])
def test_a_key_id_that_is_no_plain_short_text_is_malformed(kid: object) -> None:
    assert read_header(token({"alg": "ES256", "kid": kid})) == MALFORMED


@pytest.mark.parametrize("kid", ["", "x" * 256, "../../etc/passwd", "https://issuer.example/keys/1", "' OR 1=1"])
def test_a_key_id_is_a_name_whatever_it_looks_like(kid: str) -> None:
    assert read_header(token({"alg": "ES256", "kid": kid})) == Header("ES256", kid, None)


@pytest.mark.parametrize("typ", [None, 1, ["at+jwt"], {}])
def test_a_type_that_is_no_text_is_malformed(typ: object) -> None:
    assert read_header(token({"alg": "ES256", "typ": typ})) == MALFORMED


@pytest.mark.parametrize("member", ["crit", "b64"])
@pytest.mark.parametrize("value", [None, [], ["exp"], True, False, "exp"])
def test_a_header_that_insists_on_an_extension_is_malformed(member: str, value: object) -> None:
    assert read_header(token({"alg": "ES256", member: value})) == MALFORMED


@pytest.mark.parametrize("member", ["jwk", "jku", "x5c", "x5u", "x5t"])
def test_keys_and_their_addresses_in_a_header_are_passed_over(member: str) -> None:
    assert read_header(token({"alg": "ES256", member: "https://evil.example/"})) == Header("ES256", None, None)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"[]",
        b"null",
        b'"alg"',
        b"{",
        b'{"alg":"ES256"}x',
        b'{"alg":"none","alg":"ES256"}',
        b'{"alg":"ES256","x":NaN}',
        b'{"alg":"ES256","x":"\xff"}',
        b'{"alg":"ES256","x":"\\ud800"}',
        b'\xef\xbb\xbf{"alg":"ES256"}',
        b'{"alg":"ES256","x":' + b"[" * 40 + b"]" * 40 + b"}",
    ],
)
def test_a_header_that_is_no_strict_json_object_is_malformed(header: bytes) -> None:
    assert read_header(token(header)) == MALFORMED


GOOD = token({"alg": "ES256"})
HEAD, BODY, SIGN = GOOD.split(".")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "opaque",
        "..",
        ".",
        "." * 10_000,
        f"{HEAD}.{BODY}",
        f"{HEAD}.{BODY}.",
        f"{HEAD}..{SIGN}",
        f".{BODY}.{SIGN}",
        f"{GOOD}.",
        f"{GOOD}.{SIGN}.{SIGN}",
        f"{GOOD}\n",
        f" {GOOD}",
        f"{GOOD}=",
        f"{HEAD}.{BODY}=.{SIGN}",
        f"{HEAD}.+{BODY}.{SIGN}",
        f"{HEAD}./{BODY}.{SIGN}",
        f"{HEAD}.{BODY}.A",
        f"{HEAD}.{BODY}.AAAAA",
        f"{HEAD}.{BODY}.\u00e9\u00e9",
        f"{HEAD}.{BODY}.\u0661\u0661",
    ],
)
def test_what_is_not_three_segments_of_base64url_is_malformed(text: str) -> None:
    assert read_header(text) == MALFORMED


@pytest.mark.parametrize("place", [1, 2])
def test_segments_are_made_of_base64url_alone(place: int) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for code in (*range(0x180), 0xFF21, 0xD800):
        segments = [HEAD, BODY, SIGN]
        segments[place] = f"{chr(code)}{segments[place][1:]}"
        assert isinstance(read_header(".".join(segments)), Header) is (chr(code) in alphabet), hex(code)


@pytest.mark.parametrize(
    ("segment", "good"), [("AA", True), ("AB", False), ("AAA", True), ("AAB", False), ("AAAB", True)]
)
def test_bytes_have_one_spelling_only(segment: str, good: bool) -> None:
    assert isinstance(read_header(f"{HEAD}.{BODY}.{segment}"), Header) is good
    assert isinstance(read_header(f"{HEAD}.{segment}.{SIGN}"), Header) is good


def test_a_token_is_measured_before_it_is_read() -> None:
    fours = (8 * 1024 - len(f"{HEAD}.{BODY}.")) // 4
    assert isinstance(read_header(f"{HEAD}.{BODY}.{'AAAA' * fours}"), Header)
    assert read_header(f"{HEAD}.{BODY}.{'AAAA' * (fours + 1)}") == MALFORMED
    assert read_header(f"{HEAD}.{BODY}.{'A' * 100_000_000}") == MALFORMED


@quick
@given(st.binary(min_size=1, max_size=90), st.binary(min_size=1, max_size=90))
def test_segments_come_out_as_they_went_in(payload: bytes, signature: bytes) -> None:
    text = token({"alg": "ES256"}, payload, signature)
    assert isinstance(read_header(text), Header)
    segments = read_segments(text)
    assert segments.payload == payload
    assert segments.signature == signature
    assert segments.signed.decode() + "." + part(signature) == text


@quick
@given(st.dictionaries(st.text(max_size=5), json_values, max_size=4))
def test_claims_are_read_as_they_are(claims: dict[str, Any]) -> None:
    assert payload_of(json.dumps(claims).encode()) == claims


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"null", b"1", b'"a"', b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":1e999}', b'{"a":"\xff"}', b"{}{}"],
)
def test_a_payload_that_is_no_strict_json_object_is_malformed(payload: bytes) -> None:
    assert payload_of(payload) == MALFORMED


@pytest.mark.parametrize(
    ("typ", "short"),
    [
        (None, ""),
        ("", ""),
        ("at+jwt", "at+jwt"),
        ("AT+JWT", "at+jwt"),
        ("application/at+jwt", "at+jwt"),
        ("Application/AT+jwt", "at+jwt"),
        ("JWT", "jwt"),
        ("text/jwt", "text/jwt"),
        ("application/application/jwt", "application/jwt"),
    ],
)
def test_types_are_compared_in_short_and_without_case(typ: str | None, short: str) -> None:
    assert short_type(typ) == short


@quick
@given(st.text() | st.lists(st.text(alphabet="eyJ0b.-_A=", max_size=12), max_size=5).map(".".join))
@example(f"{HEAD}.{BODY}.{SIGN}")
def test_no_text_makes_the_reader_fail(text: str) -> None:
    header = read_header(text)
    assert isinstance(header, Header) or header in (MALFORMED, SIGNATURE)


@quick
@given(st.binary())
def test_no_bytes_make_the_reader_of_claims_fail(payload: bytes) -> None:
    assert isinstance(payload_of(payload), dict | str)
