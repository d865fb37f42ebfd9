"""Published key sets, good and bad: which keys of them are used, for what, and whether a signature holds."""

import json
from collections.abc import Mapping
from itertools import permutations
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from netra.core.token.jwt import Header, read_header
from netra.core.verdict.operations import Jwks
from netra.upkeep.keyset import KeySet, read_keys
from tests.core.support import json_values, quick
from tests.house.source import imports, sources
from tests.support.hostile_tokens import Key, encoded
from tests.support.published_tokens import GOOD, PRIVATE_KEY, REFUSED, SYMMETRIC_KEY

P256: Final = ECKey.generate_key("P-256")
P384: Final = ECKey.generate_key("P-384")
P521: Final = ECKey.generate_key("P-521")
ED: Final = OKPKey.generate_key("Ed25519")
RSA: Final = RSAKey.generate_key(2048)

FITS: Final[Mapping[str, tuple[Key, tuple[str, ...]]]] = {
    "P-256": (P256, ("ES256",)),
    "P-384": (P384, ("ES384",)),
    "P-521": (P521, ("ES512",)),
    "Ed25519": (ED, ("EdDSA", "Ed25519")),
    "RSA": (RSA, ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
}
ALL: Final = tuple(alg for _, algs in FITS.values() for alg in algs)


def published(key: Key, kid: str | None = "k", **said: Any) -> dict[str, Any]:
    """A key as it stands in a set."""
    return {**key.as_dict(private=False), **({} if kid is None else {"kid": kid}), **said}


def key_set(*keys: Mapping[str, Any]) -> KeySet:
    """A set that is not refused."""
    read = read_keys(Jwks(keys))
    assert isinstance(read, KeySet), read
    return read


def refusal(*keys: Mapping[str, Any]) -> str:
    """Why a set is refused."""
    read = read_keys(Jwks(keys))
    assert isinstance(read, str), read
    return read


def token(key: Key, alg: str, kid: str | None = "k", payload: bytes = b'{"sub":"u"}') -> str:
    """A token that this key signed by this algorithm."""
    header = {"alg": alg} if kid is None else {"alg": alg, "kid": kid}
    signed = f"{encoded(json.dumps(header).encode())}.{encoded(payload)}"
    name = "Ed25519" if alg == "EdDSA" else alg
    return f"{signed}.{encoded(JWSRegistry(algorithms=[name]).get_alg(name).sign(signed.encode(), key))}"


def judged(text: str, keys: KeySet) -> bytes | str | None:
    """What a set says to a token."""
    header = read_header(text)
    assert isinstance(header, Header), header
    return keys.signed(text, header)


@pytest.mark.parametrize("name", GOOD)
def test_a_published_example_holds_with_its_published_key(name: str) -> None:
    example = GOOD[name]
    assert judged(example.token, key_set(example.key)) == example.payload


@pytest.mark.parametrize(("name", "other"), tuple(permutations(GOOD, 2)))
def test_a_published_example_holds_with_no_other_key(name: str, other: str) -> None:
    if GOOD[name].key != GOOD[other].key:
        key = {**GOOD[other].key, "kid": GOOD[name].key.get("kid")}
        assert judged(GOOD[name].token, key_set(key)) == "token_signature_invalid"


@pytest.mark.parametrize("name", REFUSED)
def test_a_published_example_that_nobody_should_accept_is_refused_before_any_key(name: str) -> None:
    text, code = REFUSED[name]
    assert read_header(text) == code


@pytest.mark.parametrize("kind", FITS)
def test_a_key_checks_the_algorithms_that_fit_it_and_no_other(kind: str) -> None:
    key, fitting = FITS[kind]
    keys = key_set(published(key))
    for alg in fitting:
        assert judged(token(key, alg), keys) == b'{"sub":"u"}'
    for other, algs in FITS.values():
        for alg in algs:
            if alg not in fitting:
                assert judged(token(other, alg), keys) == "token_signature_invalid"


@pytest.mark.parametrize(("signed_by", "claimed"), tuple(permutations(FITS["RSA"][1], 2)))
def test_a_signature_by_another_algorithm_of_the_same_key_does_not_hold(signed_by: str, claimed: str) -> None:
    payload, signature = token(RSA, signed_by).split(".")[1:]
    head = encoded(json.dumps({"alg": claimed, "kid": "k"}).encode())
    assert judged(f"{head}.{payload}.{signature}", key_set(published(RSA))) == "token_signature_invalid"


def test_what_a_key_says_of_its_algorithm_narrows_it() -> None:
    keys = key_set(published(RSA, alg="PS256"))
    assert judged(token(RSA, "PS256"), keys) == b'{"sub":"u"}'
    assert judged(token(RSA, "RS256"), keys) == "token_signature_invalid"


@pytest.mark.parametrize("own", ["EdDSA", "Ed25519"])
def test_the_two_names_of_the_same_algorithm_mean_the_same(own: str) -> None:
    keys = key_set(published(ED, alg=own))
    assert judged(token(ED, "EdDSA"), keys) == judged(token(ED, "Ed25519"), keys) == b'{"sub":"u"}'


def test_a_key_that_is_not_there_is_not_a_wrong_signature() -> None:
    keys = key_set(published(P256), published(RSA, None))
    assert judged(token(P256, "ES256", "other"), keys) is None
    assert not keys.knows(Header("ES256", "other", None))
    assert keys.knows(Header("ES256", "k", None))
    assert keys.knows(Header("ES256", None, None))


def test_a_token_that_names_no_key_is_judged_by_those_that_fit() -> None:
    second = ECKey.generate_key("P-256")
    keys = key_set(published(P256), published(second, "k2"), published(RSA, "k3"))
    assert judged(token(P256, "ES256", None), keys) == b'{"sub":"u"}'
    assert judged(token(second, "ES256", None), keys) == b'{"sub":"u"}'
    assert judged(token(ECKey.generate_key("P-256"), "ES256", None), keys) == "token_signature_invalid"
    assert judged(token(P384, "ES384", None), keys) == "token_signature_invalid"


def test_a_token_that_names_no_key_is_not_tried_against_many() -> None:
    many = [ECKey.generate_key("P-256") for _ in range(5)]
    keys = key_set(*(published(key, str(number)) for number, key in enumerate(many)))
    assert judged(token(many[0], "ES256", None), keys) is None, "nobody can say: it may be one of them"
    assert judged(token(many[0], "ES256", "0"), keys) == b'{"sub":"u"}'


def test_keys_of_one_name_are_each_tried() -> None:
    second = ECKey.generate_key("P-256")
    keys = key_set(published(P256), published(second), published(RSA))
    for key, alg in ((P256, "ES256"), (second, "ES256"), (RSA, "RS256")):
        assert judged(token(key, alg), keys) == b'{"sub":"u"}'
    assert judged(token(ECKey.generate_key("P-256"), "ES256"), keys) == "token_signature_invalid"
    assert keys.key_ids == ("k",)


def test_many_keys_of_one_name_refuse_the_set_and_one_key_many_times_does_not() -> None:
    assert key_set(*(published(P256) for _ in range(50))).key_ids == ("k",)
    assert "more than 4" in refusal(*(published(ECKey.generate_key("P-256")) for _ in range(5)))


def test_the_same_key_for_two_algorithms_is_used_for_both() -> None:
    keys = key_set(published(RSA, alg="RS256"), published(RSA, alg="PS256"))
    assert judged(token(RSA, "RS256"), keys) == judged(token(RSA, "PS256"), keys) == b'{"sub":"u"}'
    assert judged(token(RSA, "RS512"), keys) == "token_signature_invalid"


@pytest.mark.parametrize(
    "key",
    [
        PRIVATE_KEY,
        SYMMETRIC_KEY,
        RSA.as_dict(private=True),
        ED.as_dict(private=True),
        {**PRIVATE_KEY, "use": "enc"},
        {"kty": "oct"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "priv": "AA"},
        {**published(RSA), "p": "AA"},
        {**published(P256), "k": "AA"},
        {"kty": "unheard of", "d": "AA"},
    ],
    ids=["EC", "oct", "RSA", "OKP", "for encryption", "oct without k", "AKP", "a part of RSA", "EC with k", "unknown"],
)
def test_a_private_or_shared_key_refuses_the_whole_set_without_being_quoted(key: Mapping[str, Any]) -> None:
    why = refusal(published(P256), key)
    assert "private or a symmetric" in why
    assert not any(isinstance(value, str) and len(value) > 8 and value in why for value in key.values())


def test_a_private_member_that_is_null_tells_nothing() -> None:
    assert key_set(published(P256, d=None)).key_ids == ("k",)


UNUSABLE: Final[Mapping[str, Mapping[str, Any]]] = {
    "for encryption": published(RSA, use="enc"),
    "for something unheard of": published(RSA, use="other"),
    "with a list for its use": published(RSA, use=["sig"]),
    "to sign, not to verify": published(P256, key_ops=["sign"]),
    "with a text for its operations": published(P256, key_ops="verify"),
    "with an algorithm for encryption": published(RSA, alg="RSA-OAEP"),
    "with an algorithm of another kind": published(P256, alg="RS256"),
    "with an algorithm of another curve": published(P256, alg="ES384"),
    "with a symmetric algorithm": published(RSA, alg="HS256"),
    "with the algorithm none": published(RSA, alg="none"),
    "with a list of algorithms": published(RSA, alg=["RS256"]),
    "of an unknown type": {"kty": "AKP", "kid": "k", "alg": "ML-DSA-44", "pub": "AA"},
    "of a type in small letters": published(P256, kty="ec"),
    "of no type": {"kid": "k"},
    "with a list for its type": {**published(P256), "kty": ["EC"]},
    "of a curve that we don't use": published(ECKey.generate_key("secp256k1")),
    "of a curve for agreement": published(OKPKey.generate_key("X25519")),
    "of a larger Edwards curve": published(OKPKey.generate_key("Ed448")),
    "of no curve": {name: value for name, value in published(P256).items() if name != "crv"},
    "with a number for its id": {**published(P256), "kid": 1},
    "with a list for its id": {**published(P256), "kid": ["k"]},
    "with a long id": published(P256, "k" * 257),
    "with a line end in its id": published(P256, "k\n"),
    "without y": {name: value for name, value in published(P256).items() if name != "y"},
    "with a number for x": {**published(P256), "x": 1},
    "with an empty x": {**published(P256), "x": ""},
    "with an x that is not base64url": {**published(P256), "x": "a+b/"},
    "with a line end in x": {**published(P256), "x": published(P256)["x"] + "\n"},
    "with something between the characters of x": {**published(P256), "x": "!".join(published(P256)["x"])},
    "with a point that is not on its curve": {**published(P256), "y": published(P256)["x"]},
    "with a point of another curve": {**published(P256), "x": published(P384)["x"], "y": published(P384)["y"]},
    "with the point at infinity": {**published(P256), "x": "AA", "y": "AA"},
    "with a short Edwards point": {**published(ED), "x": "AAAA"},
    "with a long member": {**published(RSA), "n": "x" * 3000},
    "with an empty modulus": {**published(RSA), "n": ""},
    "with an even modulus": {**published(RSA), "n": encoded(b"\xf0" * 256)},
    "with an exponent of one": {**published(RSA), "e": "AQ"},
    "with an exponent of zero": {**published(RSA), "e": "AA"},
    "with an even exponent": {**published(RSA), "e": "BA"},
    "with a huge exponent": {**published(RSA), "e": encoded(b"\x01" * 64)},
    "with one character of base64": {**published(RSA), "e": "A"},
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_unusable_key_is_passed_over_and_the_others_stay(name: str) -> None:
    assert refusal(UNUSABLE[name]) == "none of its keys can be used to check a signature"
    keys = key_set(UNUSABLE[name], published(P384, "good"))
    assert keys.key_ids == ("good",)
    assert judged(token(P384, "ES384", "good"), keys) == b'{"sub":"u"}'


@pytest.mark.parametrize(("bits", "good"), [(1024, False), (2047, False), (2048, True), (8192, True), (8200, False)])
def test_an_rsa_key_is_neither_weak_nor_a_burden(bits: int, good: bool) -> None:
    modulus = ((1 << bits - 1) | 1).to_bytes((bits + 7) // 8, "big")
    read = read_keys(Jwks(({"kty": "RSA", "kid": "k", "n": encoded(modulus), "e": "AQAB"},)))
    assert isinstance(read, KeySet) is good


def test_a_modulus_that_is_no_product_of_two_primes_lets_no_signature_hold() -> None:
    for modulus in (b"\xff" * 256, b"\x80" + b"\0" * 254 + b"\1"):
        keys = key_set({"kty": "RSA", "kid": "k", "n": encoded(modulus), "e": "Aw"})
        for alg in FITS["RSA"][1]:
            head = encoded(json.dumps({"alg": alg, "kid": "k"}).encode())
            for signature in (b"\0" * 256, b"\0" * 255 + b"\1", modulus, b"\xff" * 300, b"\1"):
                assert judged(f"{head}.e30.{encoded(signature)}", keys) == "token_signature_invalid"


def test_a_small_odd_exponent_is_an_exponent() -> None:
    key = RSAKey.import_key(rsa.generate_private_key(3, 2048))
    assert judged(token(key, "RS256"), key_set(published(key))) == b'{"sub":"u"}'


def test_members_that_say_nothing_change_nothing() -> None:
    said: dict[str, Any] = {
        "use": None,
        "key_ops": None,
        "alg": None,
        "x5c": ["rubbish"],
        "x5u": "http://127.0.0.1:9/",
        "ext": 1,
    }
    keys = key_set(published(P256, **said))
    assert judged(token(P256, "ES256"), keys) == b'{"sub":"u"}'
    assert keys.version == key_set(published(P256)).version


def test_a_set_is_as_large_as_it_may_be_and_no_larger() -> None:
    keys = [published(P256, str(number)) for number in range(101)]
    assert len(key_set(*keys[:100]).key_ids) == 100
    assert refusal(*keys) == "more than 100 keys"
    assert refusal(*(published(P256) for _ in range(10_000))) == "more than 100 keys"


def test_a_set_without_keys_is_refused() -> None:
    assert refusal() == "none of its keys can be used to check a signature"


def test_the_version_changes_with_what_could_be_accepted_and_with_nothing_else() -> None:
    one, two = published(P256, "1"), published(P384, "2")
    version = key_set(one, two).version
    assert len(version) == 16
    assert set(version) <= set("0123456789abcdef")
    assert key_set(two, one).version == version
    assert key_set(one, two, UNUSABLE["for encryption"]).version == version
    others = [
        key_set(one),
        key_set({**one, "kid": "3"}, two),
        key_set(published(ECKey.generate_key("P-256"), "1"), two),
        key_set(one, two, published(RSA, "3")),
        key_set(one, two, published(RSA, "3", alg="RS256")),
        key_set(one, {name: value for name, value in two.items() if name != "kid"}),
        key_set(one, {**two, "kid": "None"}),
    ]
    assert len({version, *(each.version for each in others)}) == 8


def test_neither_a_set_nor_its_refusal_shows_more_than_is_public() -> None:
    private = RSA.as_dict(private=True)
    assert str(private["d"])[:16] not in repr(key_set(published(RSA))) + refusal(private)


def test_no_other_file_of_the_gateway_knows_the_library_for_signatures() -> None:
    found = {
        source.path
        for source in sources("src/netra")
        for each in imports(source)
        if each.module.partition(".")[0] in ("joserfc", "cryptography") and "/authd/" not in source.path
    }
    assert found == {"src/netra/upkeep/keyset.py"}


members = st.sampled_from(
    ["kty", "kid", "use", "alg", "key_ops", "crv", "x", "y", "n", "e", "d", "k", "p", "x5c", "x5u", "oth"]
)
said = st.dictionaries(members, st.sampled_from(["RSA", "EC", "OKP", "P-256", "sig", "AQAB"]) | json_values, max_size=8)


@quick
@given(st.lists(said, max_size=5), st.sampled_from([P256, ED, RSA]))
def test_no_set_at_all_makes_the_reader_fail(keys: list[dict[str, Any]], key: Key) -> None:
    for jwks in (keys, [{**published(key), **each} for each in keys]):
        read = read_keys(Jwks(tuple(jwks)))
        assert isinstance(read, KeySet | str)
        if isinstance(read, KeySet):
            for alg in ALL:
                assert not isinstance(read.signed("eyJh.e30.AAAA", Header(alg, None, None)), bytes)
