"""The tokens of well-known issuers, made after their documents: access tokens pass, nothing else they sign does."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from netra.core.token.checks import Expected, check
from netra.core.token.jwt import Header
from netra.core.token.profiles import PROFILES
from netra.core.verdict.operations import Identity
from netra.core.verdict.outcomes import Rejected

NOW: Final = 1_800_000_000
COMMON: Final[Mapping[str, Any]] = {
    "iss": "https://issuer.example",
    "sub": "f81d4fae",
    "iat": NOW,
    "exp": NOW + 300,
}

KEYCLOAK: Final[Mapping[str, Any]] = {
    **COMMON, "typ": "Bearer", "jti": "onrtac:1", "sid": "s-1", "aud": "account", "azp": "app", "acr": "1",
    "scope": "openid email profile", "email_verified": True, "email": "ada@example.com", "name": "Ada Lovelace",
    "realm_access": {"roles": ["offline_access"]},
}  # fmt: skip
AUTH0: Final[Mapping[str, Any]] = {
    **COMMON, "sub": "auth0|6553da60", "aud": ["app", "https://issuer.example/userinfo"], "azp": "web",
    "scope": "openid profile",
}  # fmt: skip
COGNITO: Final[Mapping[str, Any]] = {
    **COMMON, "token_use": "access", "client_id": "app", "scope": "openid", "auth_time": NOW, "origin_jti": "o-1",
    "jti": "t-1", "event_id": "e-1", "version": 2, "username": "ada", "cognito:groups": ["admins"],
}  # fmt: skip
ENTRA: Final[Mapping[str, Any]] = {
    **COMMON, "aud": "app", "azp": "web", "azpacr": "0", "oid": "0000", "tid": "1111", "scp": "access", "ver": "2.0",
    "nbf": NOW, "uti": "AAA_bbb", "name": "Ada Lovelace", "preferred_username": "ada@example.com",
}  # fmt: skip
ZITADEL: Final[Mapping[str, Any]] = {
    **COMMON, "aud": ["app", "299"], "client_id": "app", "jti": "V2_1-at_1", "nbf": NOW,
}  # fmt: skip
STANDARD: Final[Mapping[str, Any]] = {**COMMON, "aud": "app", "client_id": "web", "jti": "t-1"}


def found(profile: str, typ: str | None, claims: Mapping[str, Any], audience: str = "app", **said: Any) -> Any:
    """What a token comes to: a code, or an identity; a claim that is `...` is left out."""
    expected = Expected("https://issuer.example", frozenset({audience}), PROFILES[profile].types, PROFILES[profile])
    kept = {name: value for name, value in {**claims, **said}.items() if value is not ...}
    answer = check(Header("RS256", "k", typ), kept, expected, NOW)
    return answer.cause.code if isinstance(answer, Rejected) else answer


def test_every_profile_is_found_by_its_name_and_the_standard_one_accepts_one_type() -> None:
    assert list(PROFILES) == ["rfc9068", "keycloak", "auth0", "cognito", "entra", "zitadel"]
    assert all(name == profile.name for name, profile in PROFILES.items())
    assert PROFILES["rfc9068"].types == {"at+jwt"}
    assert {name for name, profile in PROFILES.items() if "" in profile.types} == {"cognito"}


@pytest.mark.parametrize(
    ("profile", "typ", "claims"),
    [
        ("rfc9068", "at+jwt", STANDARD),
        ("keycloak", "JWT", KEYCLOAK),
        ("keycloak", "at+jwt", KEYCLOAK),
        ("auth0", "JWT", AUTH0),
        ("auth0", "at+jwt", STANDARD),
        ("cognito", None, COGNITO),
        ("entra", "JWT", ENTRA),
        ("zitadel", "JWT", ZITADEL),
        ("zitadel", "at+jwt", ZITADEL),
    ],
)
def test_an_access_token_passes(profile: str, typ: str | None, claims: Mapping[str, Any]) -> None:
    answer = found(profile, typ, claims)
    assert isinstance(answer, Identity)
    assert answer.user.id == claims["sub"]
    assert answer.expires_at == NOW + 300


ID_TOKEN: Final[Mapping[str, Any]] = {**COMMON, "aud": "app", "auth_time": NOW, "at_hash": "x", "name": "Ada"}


@pytest.mark.parametrize(
    ("profile", "typ", "claims"),
    [
        ("rfc9068", "JWT", ID_TOKEN),
        ("rfc9068", None, ID_TOKEN),
        ("keycloak", "JWT", {**KEYCLOAK, "typ": "ID", "aud": "app"}),
        ("keycloak", "JWT", {**KEYCLOAK, "typ": "Refresh", "aud": "app"}),
        ("keycloak", "JWT", {**KEYCLOAK, "typ": "Offline"}),
        ("keycloak", "JWT", {**KEYCLOAK, "typ": "Logout"}),
        ("keycloak", "JWT", {**KEYCLOAK, "typ": "DPoP"}),
        ("keycloak", "JWT", {**KEYCLOAK, "typ": ["Bearer"]}),
        ("keycloak", "JWT", {**KEYCLOAK, "typ": None}),
        ("keycloak", "at+jwt", ID_TOKEN),
        ("auth0", "JWT", {**COMMON, "aud": "app", "nonce": "n", "azp": "app"}),
        ("auth0", "JWT", {**COMMON, "aud": "app", "name": "Ada", "sid": "s-1"}),
        ("cognito", None, {**COMMON, "aud": "app", "token_use": "id", "email": "ada@example.com"}),
        ("cognito", None, {**COGNITO, "token_use": ...}),
        ("entra", "JWT", {**COMMON, "aud": "app", "ver": "2.0", "oid": "0000", "name": "Ada"}),
        ("entra", "JWT", {**ENTRA, "nonce": "n"}),
        ("zitadel", "JWT", {**COMMON, "aud": ["app"], "azp": "app", "client_id": "app"}),
        ("zitadel", "JWT", {**ZITADEL, "amr": ["pwd"], "auth_time": NOW}),
        ("zitadel", "JWT", {**ZITADEL, "events": {}}),
    ],
)
def test_an_id_token_or_a_token_for_another_purpose_does_not(
    profile: str, typ: str | None, claims: Mapping[str, Any]
) -> None:
    assert found(profile, typ, claims) == "token_wrong_type"


@pytest.mark.parametrize("profile", ["rfc9068", "keycloak", "auth0", "entra", "zitadel"])
def test_a_token_without_a_type_passes_nowhere_by_default_but_where_none_has_one(profile: str) -> None:
    assert found(profile, None, STANDARD) == "token_wrong_type"


def test_keycloaks_own_audiences_say_nothing_and_others_bind() -> None:
    assert isinstance(found("keycloak", "JWT", KEYCLOAK, aud=...), Identity)
    assert isinstance(found("keycloak", "JWT", KEYCLOAK, aud=["account", "broker"]), Identity)
    assert isinstance(found("keycloak", "JWT", KEYCLOAK, aud=["account", "app"], azp="web"), Identity)
    assert found("keycloak", "JWT", KEYCLOAK, aud=["account", "other"]) == "token_wrong_audience"
    assert found("keycloak", "JWT", KEYCLOAK, azp="web") == "token_wrong_audience"
    assert found("keycloak", "JWT", KEYCLOAK, azp=["app", 1]) == "token_malformed"
    assert isinstance(found("keycloak", "JWT", KEYCLOAK, audience="account"), Identity)


def test_keycloaks_access_tokens_had_a_nonce_once() -> None:
    assert isinstance(found("keycloak", "JWT", KEYCLOAK, nonce="n"), Identity)


def test_cognitos_client_is_the_audience_unless_a_resource_is() -> None:
    assert found("cognito", None, COGNITO, client_id="web") == "token_wrong_audience"
    assert found("cognito", None, COGNITO, client_id=...) == "token_wrong_audience"
    assert isinstance(found("cognito", None, COGNITO, aud="app", client_id="web"), Identity)
    assert found("cognito", None, COGNITO, aud="https://other.example") == "token_wrong_audience"


@pytest.mark.parametrize("profile", ["rfc9068", "auth0", "entra", "zitadel"])
def test_the_client_is_no_audience_anywhere_else(profile: str) -> None:
    claims = {**STANDARD, "azp": "app", "client_id": "app", "aud": "other"}
    assert found(profile, "at+jwt", claims) == "token_wrong_audience"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({}, False),
        ({"email_verified": True}, False),
        ({"xms_edov": True}, True),
        ({"xms_edov": "1"}, True),
        ({"xms_edov": 0}, False),
        ({"xms_edov": ["1"]}, False),
    ],
)
def test_entras_addresses_count_when_the_owner_of_their_domain_is_known(said: dict[str, Any], kept: bool) -> None:
    answer = found("entra", "JWT", ENTRA, email="ada@example.com", **said)
    assert answer.user.email == ("ada@example.com" if kept else None)


def test_entra_has_another_name_for_the_id_of_a_token() -> None:
    assert found("entra", "JWT", ENTRA).token_id == "AAA_bbb"
    assert isinstance(found("entra", "JWT", ENTRA, azp=..., appid="web"), Identity)
