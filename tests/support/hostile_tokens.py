"""Tokens as attackers and broken clients send them, most of them properly signed: each must be refused, with a cause.

It must never hold a token that is good: `good_token` makes that one, to show that the corpus differs from it at all.
"""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

Key = RSAKey | ECKey | OKPKey

MALFORMED: Final = "token_malformed"
SIGNATURE: Final = "token_signature_invalid"
EXPIRED: Final = "token_expired"
EARLY: Final = "token_not_yet_valid"
ISSUER: Final = "token_wrong_issuer"
AUDIENCE: Final = "token_wrong_audience"
TYPE: Final = "token_wrong_type"

SPELLINGS_OF_NONE: Final = (
    "none",
    "None",
    "NONE",
    "nOnE",
    " none",
    "none ",
    "none\0",
    "n\u043ene",
    "null",
    "",
    "false",
)


class Hostile(NamedTuple):
    """A token that must be refused, and the code that says why."""

    token: str
    code: str
    unknown_key: bool = False
    """Does it name a key that no set has? Then the published keys may be asked for once more, and nothing else."""

    @property
    def fits_a_header(self) -> bool:
        """Can it be sent as one HTTP header at all?"""
        return len(self.token) < 12 * 1024 and self.token.isascii() and self.token.isprintable()


class Signer(NamedTuple):
    """A real key, with what a good token of it says."""

    key: Key
    alg: str
    """What the key signs with, e.g. `ES256`."""
    header: Mapping[str, Any]
    """A good header, with `alg` and `kid`."""
    claims: Mapping[str, Any]
    """Good claims, now valid."""

    def sign(self, header: bytes, payload: bytes) -> str:
        """A token over these very bytes, whatever they are."""
        signed = f"{encoded(header)}.{encoded(payload)}"
        name = "Ed25519" if self.alg == "EdDSA" else self.alg
        algorithm = JWSRegistry(algorithms=[name]).get_alg(name)
        return f"{signed}.{encoded(algorithm.sign(signed.encode(), self.key))}"

    def with_header(self, **changed: Any) -> str:
        """A good token but for its header; a member that is `...` is left out."""
        return self.sign(_json(self.header, changed), _json(self.claims, {}))

    def with_claims(self, **changed: Any) -> str:
        """A good token but for its claims; a claim that is `...` is left out."""
        return self.sign(_json(self.header, {}), _json(self.claims, changed))

    def with_payload(self, payload: bytes) -> str:
        """A good token but for its payload."""
        return self.sign(_json(self.header, {}), payload)


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def good_token(signer: Signer) -> str:
    """The one that must be accepted."""
    return signer.with_claims()


def hostile_tokens(signer: Signer) -> dict[str, Hostile]:
    """The whole corpus, by name."""
    kinds = (_forged, _signatures, _forms, _headers, _key_ids, _payloads, _times, _identities)
    named = [each for kind in kinds for each in kind(signer)]
    corpus = dict(named)
    assert len(corpus) == len(named), "two of the same name"
    return corpus


def _json(good: Mapping[str, Any], changed: Mapping[str, Any]) -> bytes:
    members = {name: value for name, value in {**good, **changed}.items() if value is not ...}
    return json.dumps(members, separators=(",", ":")).encode()


def _forged(signer: Signer) -> Iterator[tuple[str, Hostile]]:
    """Signed by nobody, by the public key as a secret, or by a key of the attacker's."""
    signed, _, signature = good_token(signer).rpartition(".")
    payload = signed.partition(".")[2]
    for spelling in SPELLINGS_OF_NONE:
        unsigned = f"{encoded(_json(signer.header, {'alg': spelling}))}.{payload}."
        yield f"alg {spelling!r} without a signature", Hostile(unsigned, MALFORMED)
        yield f"alg {spelling!r} with a signature", Hostile(unsigned + signature, SIGNATURE)
    for name, secret in _public_key_as_secret(signer).items():
        for bits in (256, 384, 512):
            head = encoded(_json(signer.header, {"alg": f"HS{bits}"}))
            digest = hmac.digest(secret, f"{head}.{payload}".encode(), f"sha{bits}")
            yield f"HS{bits} by {name}", Hostile(f"{head}.{payload}.{encoded(digest)}", SIGNATURE)
    attacker = signer._replace(key=type(signer.key).generate_key())
    jwk = attacker.key.as_dict(private=False)
    yield "another key of the same id", Hostile(good_token(attacker), SIGNATURE)
    yield "another key, in the header", Hostile(attacker.with_header(jwk=jwk), SIGNATURE)
    yield "another key, in the header, without an id", Hostile(attacker.with_header(jwk=jwk, kid=...), SIGNATURE)
    yield "another key, at an address", Hostile(attacker.with_header(jku="http://127.0.0.1:9/keys"), SIGNATURE)
    yield "another key, in a certificate", Hostile(attacker.with_header(x5c=["MIIB"], x5t="AAAA"), SIGNATURE)
    yield "a certificate at an address", Hostile(attacker.with_header(x5u="http://127.0.0.1:9/chain"), SIGNATURE)


def _public_key_as_secret(signer: Signer) -> dict[str, bytes]:
    pem, jwk = signer.key.as_pem(private=False), signer.key.as_dict(private=False)
    return {
        "the public key in PEM": pem,
        "the public key in PEM, stripped": pem.strip(),
        "the public key in PEM, without its lines": b"".join(pem.splitlines()[1:-1]),
        "the public key in DER": signer.key.as_der(private=False),
        "the public key as JWK": json.dumps(jwk).encode(),
        "the public key as JWK, sorted": json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode(),
        "its id": str(signer.header.get("kid")).encode(),
        "an empty secret": b"",
    }


def _signatures(signer: Signer) -> Iterator[tuple[str, Hostile]]:
    """Good but for the signature."""
    signed, _, signature = good_token(signer).rpartition(".")
    length = len(signature) * 3 // 4
    other = signer.with_claims(sub="somebody else").rpartition(".")[2]
    for name, raw in {
        "of zeros": bytes(length),
        "of a one": bytes(length - 1) + b"\1",
        "of ones": b"\xff" * length,
        "of one byte": b"\0",
        "a byte too short": b"\x30" * (length - 1),
        "a byte too long": b"\x30" * (length + 1),
        "of another form": b"\x30\x06\x02\x01\x01\x02\x01\x01",
        "of four kilobytes": b"\x30" * 4096,
    }.items():
        yield f"a signature {name}", Hostile(f"{signed}.{encoded(raw)}", SIGNATURE)
    yield "the signature of another token", Hostile(f"{signed}.{other}", SIGNATURE)
    first = "B" if signature[0] == "A" else "A"
    yield "a signature with another first character", Hostile(f"{signed}.{first}{signature[1:]}", SIGNATURE)
    head, _, payload = signed.partition(".")
    claims = encoded(_json(signer.claims, {"sub": "root"}))
    yield "other claims under the signature", Hostile(f"{head}.{claims}.{signature}", SIGNATURE)
    more = encoded(_json(signer.header, {"cty": "x"}))
    yield "another header over the signature", Hostile(f"{more}.{payload}.{signature}", SIGNATURE)


def _forms(signer: Signer) -> Iterator[tuple[str, Hostile]]:
    """Not three segments of base64url, or more than anybody reads."""
    good = good_token(signer)
    head, payload, signature = good.split(".")
    last = signature[-1]
    spelt = signature[:-1] + chr(ord(last) + 1) if len(signature) % 4 else signature + "A"
    for name, token in {
        "nothing": "",
        "a word": "opaque",
        "one dot": f"{head}.{payload}",
        "three dots": f"{good}.",
        "five segments": f"{head}.{payload}.{signature}.{payload}.{signature}",
        "only dots": "..",
        "ten thousand dots": "." * 10_000,
        "a thousand dots": "." * 1_000,
        "no header": f".{payload}.{signature}",
        "no payload": f"{head}..{signature}",
        "no signature": f"{head}.{payload}.",
        "cut in the header": good[: len(head) // 2],
        "cut in the payload": good[: len(head) + len(payload) // 2],
        "padded": f"{head}=.{payload}=.{signature}==",
        "a plus sign": f"{head}.+{payload[1:]}.{signature}",
        "a slash": f"{head}./{payload[1:]}.{signature}",
        "a space before it": f" {good}",
        "a space after it": f"{good} ",
        "a line end after it": f"{good}\n",
        "a line end within": f"{head}.{payload[:8]}\r\n{payload[8:]}.{signature}",
        "a NUL after it": f"{good}\0",
        "quotes around it": f'"{good}"',
        "a scheme before it": f"Bearer {good}",
        "a letter that looks like one": good.replace("e", "\u0435", 1),
        "a full-width dot": good.replace(".", "\uff0e", 1),
        "bits that stand for nothing": f"{head}.{payload}.{spelt}",
        "four characters too many, less three": f"{head}.{payload}.AAAAA",
        "a segment of one character": f"{head}.{payload}.A",
        "the header as it is": f"{json.dumps(dict(signer.header))}.{payload}.{signature}",
        "100 KB of signature": f"{head}.{payload}.{'A' * 100_000}",
        "a megabyte of letters": "A" * 1_000_000,
    }.items():
        yield name, Hostile(token, MALFORMED)
    yield "100 KB, well signed", Hostile(signer.with_claims(pad="x" * 100_000), MALFORMED)
    yield "nine kilobytes, well signed", Hostile(signer.with_claims(pad="x" * 6_500), MALFORMED)


def _headers(signer: Signer) -> Iterator[tuple[str, Hostile]]:
    """Well signed, under a header that nobody should believe."""
    good, claims = _json(signer.header, {}), _json(signer.claims, {})
    for name, header in {
        "empty": b"{}",
        "no object": b"[]",
        "a text": b'"alg"',
        "null": b"null",
        "no JSON": b"{alg:ES256}",
        "with something after it": good + b"{}",
        "with a mark of byte order": b"\xef\xbb\xbf" + good,
        "not UTF-8": good[:-1] + b',"x":"\xff"}',
        "with half a surrogate pair": good[:-1] + b',"x":"\\ud800"}',
        "with alg twice": b'{"alg":"none",' + good[1:],
        "with kid twice": good[:-1] + b',"kid":"other"}',
        "with alg twice, once in disguise": b'{"\\u0061lg":"none",' + good[1:],
        "with NaN": good[:-1] + b',"x":NaN}',
        "nested too deep": good[:-1] + b',"x":' + b"[" * 500 + b"]" * 500 + b"}",
    }.items():
        yield f"a header {name}", Hostile(signer.sign(header, claims), MALFORMED)
    algs: dict[str, Any] = {"absent": ..., "null": None, "a list": [signer.alg], "a number": 256, "an object": {}}
    for name, wrong in algs.items():
        yield f"alg {name}", Hostile(signer.with_header(alg=wrong), MALFORMED)
    for alg in ("HS256", "RS1", "ES256K", "RSA-OAEP", "dir"):
        yield f"alg {alg!r}, but well signed", Hostile(signer.with_header(alg=alg), SIGNATURE)
    yield "alg in small letters", Hostile(signer.with_header(alg=signer.alg.lower()), SIGNATURE)
    yield "alg with a space", Hostile(signer.with_header(alg=f"{signer.alg} "), SIGNATURE)
    spoilt: dict[str, dict[str, Any]] = {
        "crit of a known name": {"crit": ["exp"], "exp": 1},
        "crit of an unknown name": {"crit": ["x"], "x": 1},
        "crit that is empty": {"crit": []},
        "crit that is null": {"crit": None},
        "b64 that is false": {"b64": False, "crit": ["b64"]},
        "b64 alone": {"b64": True},
        "typ as a number": {"typ": 1},
        "typ as a list": {"typ": ["at+jwt"]},
        "typ that is null": {"typ": None},
    }
    for name, members in spoilt.items():
        yield name, Hostile(signer.with_header(**members), MALFORMED)
    for typ in (..., "", "JWT", "id+jwt", "refresh+jwt", "logout+jwt", "secevent+jwt", "at+jwt ", "text/at+jwt"):
        name = "absent" if typ is ... else repr(typ)
        yield f"typ {name}", Hostile(signer.with_header(typ=typ), TYPE)


def _key_ids(signer: Signer) -> Iterator[tuple[str, Hostile]]:
    """A kid that asks for something to be opened, fetched or looked up."""
    for kid in (
        "../../../../dev/null",
        "/etc/passwd",
        "file:///dev/null",
        "http://127.0.0.1:9/key.pem",
        "key' OR '1'='1",
        "$(id)",
        "unknown",
        "x" * 256,
    ):
        yield f"kid {kid[:24]!r}", Hostile(signer.with_header(kid=kid), SIGNATURE, unknown_key=True)
    for name, value in {
        "null": None,
        "a list": [signer.header.get("kid")],
        "an object": {"kid": signer.header.get("kid")},
        "a number": 1,
        "true": True,
        "with a NUL": "key\0",
        "with a line end": "key\r\nX-Evil: 1",
        "of 257 characters": "x" * 257,
        "of a megabyte": "x" * 1_000_000,
    }.items():
        yield f"kid {name}", Hostile(signer.with_header(kid=value), MALFORMED)


def _payloads(signer: Signer) -> Iterator[tuple[str, Hostile]]:
    """Well signed, and no set of claims."""
    good = _json(signer.claims, {})
    for name, payload in {
        "of text": b"hello",
        "that is a list": b"[" + good + b"]",
        "that is null": b"null",
        "that is a number": b"1",
        "that is cut": good[:-1],
        "with something after it": good + b" 1",
        "that is not UTF-8": good[:-1] + b',"x":"\xff"}',
        "with half a surrogate pair": good[:-1] + b',"x":"\\udfff"}',
        "nested too deep": good[:-1] + b',"x":' + b'{"a":' * 400 + b"1" + b"}" * 400 + b"}",
        "with sub twice": good[:-1] + b',"sub":"root"}',
        "with exp twice": b'{"exp":1,' + good[1:],
        "with iss twice, once in disguise": good[:-1] + b',"i\\u0073s":"https://evil.example"}',
        "with NaN": good[:-1] + b',"x":NaN}',
        "with an infinity": good[:-1] + b',"x":-Infinity}',
        "with a number beyond all": good[:-1] + b',"x":1e400}',
        "with a number of five thousand digits": good[:-1] + b',"x":' + b"9" * 5_000 + b"}",
    }.items():
        yield f"a payload {name}", Hostile(signer.with_payload(payload), MALFORMED)


def _times(signer: Signer) -> Iterator[tuple[str, Hostile]]:
    """Well signed, at a time that is wrong or none."""
    now = int(signer.claims["iat"])
    good = _json(signer.claims, {"exp": ...})[:-1]
    for name, exp in {
        "as text": b'"%d"' % (now + 600),
        "as a date": b'"2099-01-01T00:00:00Z"',
        "NaN": b"NaN",
        "Infinity": b"Infinity",
        "1e400": b"1e400",
        "negative": b"-1",
        "10^20": b"100000000000000000000",
        "1e20": b"1e20",
        "above 2^53": b"9007199254740994",
        "true": b"true",
        "null": b"null",
        "a list": b"[%d]" % (now + 600),
        "an object": b"{}",
        "of a thousand digits": b"9" * 1_000,
    }.items():
        yield f"exp {name}", Hostile(signer.with_payload(good + b',"exp":' + exp + b"}"), MALFORMED)
    yield "exp absent", Hostile(signer.with_claims(exp=...), MALFORMED)
    yield "exp zero", Hostile(signer.with_claims(exp=0), EXPIRED)
    yield "exp long ago", Hostile(signer.with_claims(exp=now - 3_600), EXPIRED)
    yield "exp as a fraction, long ago", Hostile(signer.with_claims(exp=now - 3_600.5), EXPIRED)
    for claim in ("nbf", "iat"):
        yield f"{claim} in an hour", Hostile(signer.with_claims(**{claim: now + 3_600}), EARLY)
        for name, value in {"text": str(now), "true": True, "null": None, "negative": -1, "10^20": 10**20}.items():
            yield f"{claim} {name}", Hostile(signer.with_claims(**{claim: value}), MALFORMED)


def _identities(signer: Signer) -> Iterator[tuple[str, Hostile]]:
    """Well signed, by somebody else, for somebody else, or about nobody."""
    issuer, audience = signer.claims["iss"], signer.claims["aud"]
    for name, iss in {"absent": ..., "null": None, "empty": "", "another": "https://evil.example"}.items():
        yield f"iss {name}", Hostile(signer.with_claims(iss=iss), ISSUER)
    for name, iss in {"slash": f"{issuer}/", "capital": issuer.upper(), "suffix": f"{issuer}.evil.example"}.items():
        yield f"iss with a {name}", Hostile(signer.with_claims(iss=iss), ISSUER)
    yield "iss as a list", Hostile(signer.with_claims(iss=[issuer]), MALFORMED)
    for name, aud in {
        "absent": ...,
        "empty": "",
        "another": "another",
        "an empty list": [],
        "a list of others": ["another", f"{audience}2"],
        "a prefix": audience[:-1],
        "in capitals": audience.swapcase(),
        "two in one text": f"{audience} another",
    }.items():
        yield f"aud {name}", Hostile(signer.with_claims(aud=aud), AUDIENCE)
    for name, value in {"null": None, "a number": 1, "an object": {audience: 1}, "a mixed list": [audience, 1]}.items():
        yield f"aud {name}", Hostile(signer.with_claims(aud=value), MALFORMED)
    for name, sub in {"absent": ..., "null": None, "empty": "", "blank": " ", "a number": 0, "a list": ["u"]}.items():
        yield f"sub {name}", Hostile(signer.with_claims(sub=sub), MALFORMED)
    yield "sub of two thousand characters", Hostile(signer.with_claims(sub="u" * 2_000), MALFORMED)
    for claim in ("jti", "sid"):
        for name, wrong in {"a number": 1, "empty": "", "a list": ["x"]}.items():
            yield f"{claim} {name}", Hostile(signer.with_claims(**{claim: wrong}), MALFORMED)
