"""The form of a signed token: three segments, a header, a payload, each read strictly and within bounds.

It must never believe a word of what it reads, nor follow one: a key, an address or an extension that a header names is
for attackers alone.
"""

import string
from binascii import a2b_base64
from functools import lru_cache
from typing import Any, Final, NamedTuple

from netra.core.verdict import strict_json

MAX_TOKEN_CHARS: Final = 8 * 1024
MAX_KEY_ID_CHARS: Final = 256

MALFORMED: Final = "token_malformed"
SIGNATURE_INVALID: Final = "token_signature_invalid"

ALGORITHMS: Final = frozenset(
    {
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
    }
)  # fmt: skip
"""By which a token may be signed. All have a public half: who can check a token can make none.
Source: RFC 7518, section 3.1; RFC 8037, section 3.1; RFC 9864, section 2.2."""

_HEADERS_COUNT: Final = 64
_ALPHABET: Final = (string.ascii_letters + string.digits + "-_.").encode()
_IN_ALPHABET: Final = bytes(code if code in _ALPHABET else ord(".") for code in range(256))
"""For `translate`: what base64url and the dots between segments are made of stays what it is, and nothing else does."""
_LAST: Final = ("", "", "AQgw", "AEIMQUYcgkosw048")
"""The last character of a segment with so many more than whole fours, when the bits that stand for nothing are zero:
so bytes have one spelling, and a token one fingerprint. One more is no encoding. Source: RFC 4648, section 3.5."""


class Header(NamedTuple):
    """What a token says of its signature: who may have made it, and how."""

    alg: str
    """One of `ALGORITHMS`."""
    kid: str | None
    """The name of a key in a set: never a path, an address or part of a query."""
    typ: str | None


class Segments:
    """What was signed, and the signature."""

    __slots__ = ("payload", "signature", "signed")

    def __init__(self, signed: bytes, payload: bytes, signature: bytes) -> None:
        self.signed: Final = signed
        self.payload: Final = payload
        self.signature: Final = signature


def read_header(token: str) -> Header | str:
    """The header of a token, or the code of what is wrong with its form or its algorithm.

    Keys and addresses of keys (`jwk`, `jku`, `x5c`, `x5u`) are passed over. We understand no extension, so a header
    that insists on one is malformed. Source: RFC 7515, sections 4.1 and 7.1; RFC 8725, sections 3.1 and 3.10.
    """
    if len(token) > MAX_TOKEN_CHARS or not token.isascii():
        return MALFORMED
    written, segments = token.encode(), token.split(".", 3)
    if len(segments) != 3 or written.translate(_IN_ALPHABET) != written:
        return MALFORMED
    header, payload, signature = segments
    return _read(header) if _spelt_once(header) and _spelt_once(payload) and _spelt_once(signature) else MALFORMED


@lru_cache(maxsize=_HEADERS_COUNT)
def _read(segment: str) -> Header | str:
    """The header in a segment; an issuer writes the same one into all tokens that it signs with a key."""
    header = _object(_bytes(segment))
    if header is None or "crit" in header or "b64" in header:
        return MALFORMED
    alg, kid, typ = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(alg, str) or not _absent_or_text(header, "kid") or not _absent_or_text(header, "typ"):
        return MALFORMED
    if kid is not None and not (len(kid) <= MAX_KEY_ID_CHARS and kid.isprintable()):
        return MALFORMED
    return Header(alg, kid, typ) if alg in ALGORITHMS else SIGNATURE_INVALID


def read_segments(token: str) -> Segments:
    """The parts of a token whose header could be read."""
    signed, _, signature = token.rpartition(".")
    return Segments(signed.encode("ascii"), _bytes(signed.partition(".")[2]), _bytes(signature))


def payload_of(signed_payload: bytes) -> dict[str, Any] | str:
    """The claims in a payload whose signature holds, or the code of what is wrong with their form.

    Source: RFC 7519, section 4: of two claims of one name, an attacker could choose.
    """
    claims = _object(signed_payload)
    return MALFORMED if claims is None else claims


def short_type(typ: str | None) -> str:
    """A type as it is compared; "" for none. Source: RFC 7515, section 4.1.9."""
    return "" if typ is None else typ.lower().removeprefix("application/")


def _absent_or_text(header: dict[str, Any], name: str) -> bool:
    return name not in header or isinstance(header[name], str)


def _spelt_once(segment: str) -> bool:
    over = len(segment) % 4
    return bool(segment) if over == 0 else segment[-1] in _LAST[over]


def _bytes(segment: str) -> bytes:
    """What a segment whose form was looked at stands for. Source: RFC 4648, section 5."""
    return a2b_base64(segment.replace("-", "+").replace("_", "/") + "=" * (-len(segment) % 4))


def _object(body: bytes) -> dict[str, Any] | None:
    value = strict_json.parse(body)
    return value if isinstance(value, dict) else None
