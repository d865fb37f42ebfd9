"""A published key set, read once: which keys may sign tokens, and by which algorithms; whether a signature holds.

It must never let a token choose how it is checked: what a key may do is fixed when its set is read. The only file of
the gateway that imports a library for signatures.
"""

from base64 import urlsafe_b64decode
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from netra.core.token.jwt import MAX_KEY_ID_CHARS, SIGNATURE_INVALID, Header, read_segments
from netra.core.verdict.operations import MAX_KEYS_COUNT, Jwks

MAX_SAME_ID_COUNT: Final = 4
"""So many keys are tried for one token at most: of one id, or fitting a token that names none."""
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
MAX_RSA_EXPONENT_BITS: Final = 31
"""Larger exponents are of no use but to make checks slow."""

_PRIVATE: Final = frozenset({"d", "k", "priv"})
_PRIVATE_OF_RSA: Final = frozenset({"p", "q", "dp", "dq", "qi", "oth"})
_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_OF_ED25519: Final = ("EdDSA", "Ed25519")
"""The former, general name and the present one: on a key of this curve they mean the same."""
_CURVES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): _OF_ED25519,
}
"""Source: RFC 7518, section 3.4; RFC 8037, section 3.1; RFC 9864, section 2.2."""
_MEMBERS: Final = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}

_Key = RSAKey | ECKey | OKPKey
_Verify = Callable[[bytes, bytes, Any], bool]


class _Usable:
    """A key that may check signatures, and by which algorithms."""

    __slots__ = ("key", "kid", "thumbprint", "verify")

    def __init__(self, kid: str | None, thumbprint: str, verify: dict[str, _Verify], key: _Key) -> None:
        self.kid: Final = kid
        self.thumbprint: Final = thumbprint
        self.verify: Final = verify
        self.key: Final = key

    def holds(self, alg: str, signed: bytes, signature: bytes) -> bool:
        """Is this the signature of what was signed, by this key?"""
        verify = self.verify.get(alg)
        return verify is not None and verify(signed, signature, self.key)


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """The keys of one issuer that may sign tokens, as they were published at some instant."""

    key_ids: tuple[str, ...]
    """The names of its keys, in order; a key may have none."""
    version: str
    """Sixteen hexadecimal digits: others as soon as another token could be accepted."""
    _keys: tuple[_Usable, ...]
    _by_id: dict[str, tuple[_Usable, ...]]

    def knows(self, header: Header) -> bool:
        """Is there a key by which such a token can be judged? If not, a newer set may have it.

        A token that names no key is judged by the keys that fit its algorithm.
        """
        return header.kid is None or header.kid in self._by_id

    def signed(self, token: str, header: Header) -> bytes | str | None:
        """The payload, if the signature holds; a code, if it does not; None, if nobody can say.

        That is so where no key has the token's key id, or too many could have signed a token that names none.
        `header` is what was read from this very token. Source: RFC 7515, sections 4.1.4, 5.2 and appendix D.
        """
        keys = self._candidates(header)
        if keys is None:
            return None
        segments = read_segments(token)
        for key in keys:
            if key.holds(header.alg, segments.signed, segments.signature):
                return segments.payload
        return SIGNATURE_INVALID

    def _candidates(self, header: Header) -> tuple[_Usable, ...] | None:
        if header.kid is not None:
            return self._by_id.get(header.kid)
        fitting = tuple(key for key in self._keys if header.alg in key.verify)
        return fitting if len(fitting) <= MAX_SAME_ID_COUNT else None


def read_keys(jwks: Jwks) -> KeySet | str:
    """The keys in a set that may sign tokens, or why the set is refused.

    A key that is private or shared refuses the set, for then anybody may be signing. A key that is meant for something
    else, or that we cannot use, is passed over. Source: RFC 7517, sections 4 and 5; RFC 8725, section 3.5.
    """
    if len(jwks.keys) > MAX_KEYS_COUNT:
        return f"more than {MAX_KEYS_COUNT} keys"
    if any(_is_secret(each) for each in jwks.keys):
        return "it holds a private or a symmetric key, which must never be published: replace that key"
    usable = [key for each in jwks.keys if (key := _usable(each)) is not None]
    found = {(key.kid, key.thumbprint, *key.verify): key for key in usable}
    if not found:
        return "none of its keys can be used to check a signature"
    keys, by_id = tuple(found.values()), defaultdict[str, list[_Usable]](list)
    for key in keys:
        if key.kid is not None:
            by_id[key.kid].append(key)
    if any(len(same) > MAX_SAME_ID_COUNT for same in by_id.values()):
        return f"more than {MAX_SAME_ID_COUNT} keys have the same id"
    return KeySet(tuple(by_id), _version(keys), keys, {kid: tuple(same) for kid, same in by_id.items()})


def _is_secret(jwk: Mapping[str, Any]) -> bool:
    """Is it a key by which tokens could be made? Source: RFC 7518, sections 6.2.2, 6.3.2 and 6.4."""
    private = _PRIVATE | _PRIVATE_OF_RSA if jwk.get("kty") == "RSA" else _PRIVATE
    return jwk.get("kty") == "oct" or any(jwk.get(member) is not None for member in private)


def _usable(jwk: Mapping[str, Any]) -> _Usable | None:
    kid, algorithms = jwk.get("kid"), _algorithms(jwk)
    named = isinstance(kid, str) and len(kid) <= MAX_KEY_ID_CHARS and kid.isprintable()
    if not algorithms or not (kid is None or named):
        return None
    try:
        key = _imported(jwk)
        return None if key is None else _Usable(kid, key.thumbprint(), {alg: _verify(alg) for alg in algorithms}, key)
    except (ValueError, JoseError):
        return None


def _algorithms(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """By which algorithms a key may check signatures; none for a key that is meant for something else, or unknown.

    A member that is null says nothing. Source: RFC 7517, sections 4.2 to 4.4.
    """
    operations, use, own = jwk.get("key_ops"), jwk.get("use"), jwk.get("alg")
    if use not in (None, "sig") or not (operations is None or _may_verify(operations)):
        return ()
    kind, curve = jwk.get("kty"), jwk.get("crv")
    fitting = _RSA if kind == "RSA" else next((algs for key, algs in _CURVES.items() if key == (kind, curve)), ())
    allowed = _OF_ED25519 if own in _OF_ED25519 else (own,)
    return tuple(alg for alg in fitting if own is None or alg in allowed)


def _may_verify(operations: object) -> bool:
    return isinstance(operations, list) and "verify" in operations


def _imported(jwk: Mapping[str, Any]) -> _Key | None:
    """The key itself, without what is said of it; None for one that nobody should trust.

    Raises `ValueError` or `JoseError` for what is no key of its kind, e.g. a point that is not on its curve, or a
    member that is not base64url.
    """
    members = _MEMBERS[jwk["kty"]]
    plain: dict[str, Any] = {name: value for name in members if isinstance(value := jwk.get(name), str)}
    if len(plain) < len(members):
        return None
    if jwk["kty"] == "RSA":
        modulus, exponent_bits = _number(plain["n"]), _number(plain["e"]).bit_length()
        sound = modulus % 2 and MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS
        return RSAKey.import_key(plain) if sound and exponent_bits <= MAX_RSA_EXPONENT_BITS else None
    return ECKey.import_key(plain) if jwk["kty"] == "EC" else OKPKey.import_key(plain)


def _number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def _verify(alg: str) -> _Verify:
    name = "Ed25519" if alg in _OF_ED25519 else alg
    return JWSRegistry(algorithms=[name]).get_alg(name).verify


def _version(keys: Sequence[_Usable]) -> str:
    lines = sorted(f"{key.kid!r}\n{key.thumbprint}\n{','.join(key.verify)}\n" for key in keys)
    return sha256("".join(lines).encode()).hexdigest()[:16]
