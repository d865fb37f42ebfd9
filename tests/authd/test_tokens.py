"""Access tokens: what they say, that anyone can check them by the published keys, and that nothing else passes."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from netra.authd.accounts import User
from netra.authd.store.keys import ServerKeys, load_or_create
from netra.authd.tokens import AccessTokens, Claims
from tests.authd.support import EMAIL, SERVICE_ID, Running

NOW_S = 1_800_000_000.0
USER = User("u-1", EMAIL, None)


@pytest.fixture
def keys(tmp_path: Path) -> ServerKeys:
    return load_or_create(tmp_path / "x.db")


@pytest.fixture
def tokens(keys: ServerKeys) -> AccessTokens:
    return AccessTokens(keys, "https://auth.example.com", "netra", 900)


def _signed(
    keys: ServerKeys, header: dict[str, Any], claims: dict[str, Any], key: Any = None, alg: str = "ES256"
) -> str:
    full = {"alg": alg, "typ": "at+jwt", "kid": keys.signing.thumbprint(), **header}
    return jws.serialize_compact(full, json.dumps(claims).encode(), key or keys.signing, algorithms=[alg])


def _claims(**changes: Any) -> dict[str, Any]:
    claims = {
        "iss": "https://auth.example.com", "aud": "netra", "sub": "u-1", "client_id": "s", "jti": "j", "sid": "s-1",
        "iat": int(NOW_S), "exp": int(NOW_S) + 900, "email": EMAIL,
    }  # fmt: skip
    return {**claims, **changes}


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_a_third_party_checks_a_token_by_the_published_keys_alone(authd: Running) -> None:
    login = (await authd.client.log_in()).body
    published = KeySet.import_key_set((await authd.client.get("/.well-known/jwks.json", seal=False)).body)
    checked = jwt.decode(login["access_token"], published, algorithms=["ES256"])
    assert checked.header == {"alg": "ES256", "typ": "at+jwt", "kid": published.keys[0].kid}
    claims = checked.claims
    handshake = (await authd.client.get("/auth/handshake")).body
    assert claims["iss"] == handshake["issuer"]
    assert claims["aud"] == handshake["audience"]
    assert handshake["key_ids"] == [checked.header["kid"]]
    assert claims["sub"] == login["user"]["id"]
    assert claims["client_id"] == SERVICE_ID
    assert claims["exp"] - claims["iat"] == 900
    assert (claims["email"], claims["name"]) == (EMAIL, "Ada Lovelace")
    assert claims["jti"]
    assert claims["sid"]


async def test_every_token_has_an_id_of_its_own(authd: Running) -> None:
    issued = [(await authd.client.log_in()).body["access_token"] for _ in range(2)]
    published = KeySet.import_key_set((await authd.client.get("/.well-known/jwks.json", seal=False)).body)
    claims = [jwt.decode(token, published, algorithms=["ES256"]).claims for token in issued]
    assert claims[0]["jti"] != claims[1]["jti"]
    assert claims[0]["sid"] != claims[1]["sid"]


async def test_the_published_keys_hold_nothing_private(authd: Running) -> None:
    for key in (await authd.client.get("/.well-known/jwks.json", seal=False)).body["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_a_token_of_ours_is_read_and_the_name_left_out_when_unknown(tokens: AccessTokens) -> None:
    token = tokens.issue(USER, "s-1", "service", NOW_S)
    read = tokens.read(token, NOW_S)
    said = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert read == Claims("s-1", said["jti"], "u-1", int(NOW_S) + 900)
    assert "name" not in said


@pytest.mark.parametrize(
    ("header", "claims", "code"),
    [
        ({}, {"exp": int(NOW_S)}, "token_expired"),
        ({}, {"aud": "other"}, "token_wrong_audience"),
        ({}, {"iss": "https://elsewhere.example.com"}, "token_wrong_issuer"),
        ({"typ": "JWT"}, {}, "token_wrong_type"),
        ({"kid": "unknown"}, {}, "token_signature_invalid"),
    ],
    ids=["expired", "audience", "issuer", "type", "kid"],
)
def test_each_check_has_its_own_code(
    keys: ServerKeys, tokens: AccessTokens, header: dict[str, Any], claims: dict[str, Any], code: str
) -> None:
    assert tokens.read(_signed(keys, header, _claims(**claims)), NOW_S) == code


def test_a_token_of_another_key_is_refused_even_under_our_key_id(keys: ServerKeys, tokens: AccessTokens) -> None:
    forged = _signed(keys, {}, _claims(), ECKey.generate_key("P-256"))
    assert tokens.read(forged, NOW_S) == "token_signature_invalid"


def test_the_token_never_chooses_the_algorithm(keys: ServerKeys, tokens: AccessTokens) -> None:
    public = keys.signing.as_pem(private=False)
    with_public_key_as_secret = _signed(keys, {}, _claims(), OctKey.import_key(base64.b64encode(public)), "HS256")
    unsigned = f"{_part({'alg': 'none', 'typ': 'at+jwt', 'kid': tokens.kid})}.{_part(_claims())}."
    for token in (with_public_key_as_secret, unsigned):
        assert tokens.read(token, NOW_S) == "token_signature_invalid"


def test_a_changed_claim_breaks_the_signature(tokens: AccessTokens) -> None:
    head, _, signature = tokens.issue(USER, "s-1", "service", NOW_S).split(".")
    assert tokens.read(f"{head}.{_part(_claims(sub='u-2'))}.{signature}", NOW_S) == "token_signature_invalid"


@pytest.mark.parametrize(
    "token",
    [
        "", ".", "..", "...", "a.b.c", "not a token", "nrt_something", "é.é.é", "\x00.\x00.\x00", "=.=.=",
        f"{_part([])}.{_part({})}.x", f"{_part('text')}.e30.x", f"{_part(None)}.e30.x", f"{_part({})}.e30.x",
        f"{_part({'alg': ['ES256']})}.e30.AA", f"{_part({'alg': 'ES256', 'crit': ['b64'], 'b64': False})}.e30.AA",
        "e30.e30", "a." * 4_000, "x" * 8_193, "A" * 4_000 + ".A.A",
        base64.urlsafe_b64encode(b"[" * 5_000).decode().rstrip("=") + ".e30.x",
    ],
    ids=lambda token: ascii(token[:24]) + str(len(token)),
)  # fmt: skip
def test_garbage_is_refused_and_never_raises(tokens: AccessTokens, token: str) -> None:
    assert tokens.read(token, NOW_S) in {"token_malformed", "token_signature_invalid"}
    assert tokens.genuine(token) in {"token_malformed", "token_signature_invalid"}


def test_expired_and_foreign_audiences_are_still_ours_for_a_logout(keys: ServerKeys, tokens: AccessTokens) -> None:
    old = tokens.genuine(_signed(keys, {}, _claims(exp=1, aud="other")))
    assert not isinstance(old, str)
    assert old.sid == "s-1"


async def test_garbage_at_logout_alone_is_refused_by_its_code(authd: Running) -> None:
    malformed = await authd.client.log_out("garbage")
    assert (malformed.status, malformed.code) == (401, "token_malformed")
    login = (await authd.client.log_in()).body
    head, body, _ = login["access_token"].split(".")
    forged = await authd.client.log_out(f"{head}.{body}.{'A' * 86}")
    assert (forged.status, forged.code) == (401, "token_signature_invalid")
    assert (await authd.client.validate(login["access_token"]))["valid"]
    assert (await authd.client.log_out("garbage", login["refresh_token"])).status == 200
    assert (await authd.client.validate(login["access_token"]))["code"] == "token_revoked"
