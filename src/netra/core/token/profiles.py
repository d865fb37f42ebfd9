"""How the access tokens of different issuers look: a table, one row for each kind of issuer.

It must never hold an address of an issuer, nor a rule that lets an ID token pass: that one is made for a client to read
and says nothing about what its bearer may do.

Source, as of November 2026: RFC 9068; OpenID Connect Core 1.0, sections 2 and 3.3.2.11, and Back-Channel Logout 1.0,
section 2.4; Keycloak, Server Administration ("Audience support") and its token types in `org.keycloak.util.TokenUtil`;
Auth0, "Access Token Profiles"; Amazon Cognito, "Understanding the access token" and "Resource binding"; Microsoft
identity platform, "Access token claims reference", "ID token claims reference" and "Optional claims reference";
ZITADEL, "Claims".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

_AT_JWT: Final = frozenset({"at+jwt"})
_AT_JWT_AND_JWT: Final = frozenset({"at+jwt", "jwt"})
_OTHER_PURPOSE: Final = frozenset({"nonce", "at_hash", "c_hash", "s_hash", "events"})
"""Claims of ID tokens, and of tokens that tell of events, such as a logout."""


class Profile(NamedTuple):
    """What to expect of one kind of issuer."""

    name: str
    types: frozenset[str]
    """The values of `typ` that are accepted unless a setting says otherwise, in short; "" for none at all."""
    audience_claims: tuple[str, ...] = ("aud",)
    """Where it says whom the token is for. The first that says anything decides."""
    idle_audiences: frozenset[str] = frozenset()
    """Audiences that every token of such an issuer has, and which therefore say nothing."""
    says_access: tuple[str, frozenset[str]] | None = None
    """A claim that must be there with one of these values: what the issuer itself calls an access token."""
    has_one_of: frozenset[str] = frozenset()
    """Claims of which an access token has at least one, and an ID token none; empty for no such rule."""
    other_purpose: frozenset[str] = _OTHER_PURPOSE
    """Claims of tokens made for something else. A `typ` of `at+jwt` outweighs them: it says the purpose itself."""
    user_id: str = "sub"
    email: str = "email"
    name_of_user: str = "name"
    token_id: str = "jti"  # noqa: S105 - the name of a claim
    session_id: str = "sid"
    email_vouched_by: str = "email_verified"
    """The claim that says whether the address is the user's; an address that it does not vouch for is left out."""
    email_needs_vouching: bool = False
    """Is an address left out as well when nothing is said of it?"""


RFC9068: Final = Profile("rfc9068", _AT_JWT)
"""The standard: `typ` says what the token is for, `aud` for whom."""

# Every token of a realm names `account`, and a client's others unless an audience was added to it; `azp` is the client.
# Access tokens had a `nonce` up to version 23.
_KEYCLOAK: Final = Profile(
    "keycloak",
    _AT_JWT_AND_JWT,
    audience_claims=("aud", "azp"),
    idle_audiences=frozenset({"account", "broker", "realm-management"}),
    says_access=("typ", frozenset({"Bearer"})),
    other_purpose=frozenset(),
)

# The client is `azp` or, in the dialect of RFC 9068, `client_id`.
_AUTH0: Final = Profile("auth0", _AT_JWT_AND_JWT, has_one_of=frozenset({"azp", "client_id"}))

# The header has no `typ`; `aud` is there only when the token was asked for with a resource, and then it binds.
_COGNITO: Final = Profile(
    "cognito",
    frozenset({"", *_AT_JWT_AND_JWT}),
    audience_claims=("aud", "client_id"),
    says_access=("token_use", frozenset({"access"})),
)

# `azp` and `appid` are the client, in tokens of version 2 and 1. Anybody can put any address into his own directory:
# it counts when the owner of its domain is known.
_ENTRA: Final = Profile(
    "entra",
    _AT_JWT_AND_JWT,
    has_one_of=frozenset({"azp", "appid"}),
    token_id="uti",  # noqa: S106 - the name of a claim
    email_vouched_by="xms_edov",
    email_needs_vouching=True,
)

# Only ID tokens say how and when somebody signed in, and they have no `jti`.
_ZITADEL: Final = Profile(
    "zitadel",
    _AT_JWT_AND_JWT,
    has_one_of=frozenset({"jti"}),
    other_purpose=_OTHER_PURPOSE | {"acr", "amr", "auth_time"},
)

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {each.name: each for each in (RFC9068, _KEYCLOAK, _AUTH0, _COGNITO, _ENTRA, _ZITADEL)}
)
"""By the name that a setting has for it."""
