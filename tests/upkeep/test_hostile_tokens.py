"""The corpus of attacks against real keys: every token of it is refused for its reason, and the good one is not."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey

from netra.core.token.checks import Expected, check
from netra.core.token.jwt import payload_of, read_header
from netra.core.token.profiles import RFC9068
from netra.core.verdict.operations import Identity, Jwks, User
from netra.core.verdict.outcomes import Rejected
from netra.upkeep.keyset import KeySet, read_keys
from tests.core.support import quick
from tests.support.hostile_tokens import Hostile, Key, Signer, good_token, hostile_tokens

NOW: Final = 1_800_000_000
EXPECTED: Final = Expected("https://issuer.example", frozenset({"app"}), RFC9068.types, RFC9068)
CLAIMS: Final = {
    "iss": "https://issuer.example",
    "aud": "app",
    "sub": "u-1",
    "client_id": "web",
    "iat": NOW,
    "exp": NOW + 600,
    "jti": "t-1",
    "sid": "s-1",
    "email": "ada@example.com",
    "name": "Ada",
}
UNKNOWN_KEY: Final = "unknown key"


MADE: Final[Mapping[str, Callable[[], Key]]] = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "RS256": lambda: RSAKey.generate_key(2048),
    "PS512": lambda: RSAKey.generate_key(2048),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
}
ALGORITHMS: Final = tuple(MADE)


@cache
def signer(alg: str) -> Signer:
    """A real key for each algorithm, made once."""
    return Signer(MADE[alg](), alg, {"alg": alg, "typ": "at+jwt", "kid": "k-1"}, CLAIMS)


@cache
def keys(alg: str) -> KeySet:
    """What its issuer publishes: the key, without a word on its algorithm, so that nothing but our rules narrows it."""
    read = read_keys(Jwks(({**signer(alg).key.as_dict(private=False), "kid": "k-1", "use": "sig"},)))
    assert isinstance(read, KeySet)
    return read


@cache
def corpus(alg: str) -> dict[str, Hostile]:
    """All hostile tokens of a key."""
    return hostile_tokens(signer(alg))


NAMES: Final = tuple(corpus("ES256"))


def judged(token: str, key_set: KeySet) -> Identity | str:
    """What the whole way of a token comes to: header, signature, claims."""
    header = read_header(token)
    if isinstance(header, str):
        return header
    payload = key_set.signed(token, header)
    if not isinstance(payload, bytes):
        return payload or UNKNOWN_KEY
    claims = payload_of(payload)
    if isinstance(claims, str):
        return claims
    found = check(header, claims, EXPECTED, NOW)
    return found.cause.code if isinstance(found, Rejected) else found


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_good_token_of_the_corpus_is_accepted(alg: str) -> None:
    user = User("u-1", "ada@example.com", "Ada")
    assert judged(good_token(signer(alg)), keys(alg)) == Identity(user, NOW + 600, "jwt", "t-1", "s-1")


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_token_is_refused_for_its_reason(name: str) -> None:
    for alg in ALGORITHMS:
        hostile = corpus(alg)[name]
        assert judged(hostile.token, keys(alg)) == (UNKNOWN_KEY if hostile.unknown_key else hostile.code), alg


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_change_of_any_character_is_noticed(alg: str) -> None:
    good, key_set = good_token(signer(alg)), keys(alg)
    for at, was in enumerate(good):
        other = "A" if was != "A" else "B"
        found = judged(f"{good[:at]}{other}{good[at + 1 :]}", key_set)
        assert found in ("token_malformed", "token_signature_invalid", UNKNOWN_KEY), at


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_token_cut_anywhere_is_noticed(alg: str) -> None:
    good, key_set = good_token(signer(alg)), keys(alg)
    for length in range(len(good)):
        assert judged(good[:length], key_set) in ("token_malformed", "token_signature_invalid"), length


segments = st.binary(max_size=60).map(lambda raw: raw.hex()) | st.text(max_size=20) | st.just("eyJhbGciOiJFUzI1NiJ9")


@quick
@given(st.text() | st.lists(segments, min_size=3, max_size=3).map(".".join))
@example("eyJhbGciOiJFUzI1NiJ9.e30.AA")
def test_no_text_at_all_makes_the_way_fail_or_ends_in_an_identity(text: str) -> None:
    assert isinstance(judged(text, keys("ES256")), str)


@quick
@given(st.binary(max_size=80), st.binary(max_size=200))
def test_no_signed_bytes_at_all_make_the_way_fail(header: bytes, payload: bytes) -> None:
    for alg in ("ES256", "EdDSA"):
        by = signer(alg)
        assert isinstance(judged(by.sign(header, payload), keys(alg)), str)
        assert isinstance(judged(by.with_payload(payload), keys(alg)), str)
