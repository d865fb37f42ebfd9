"""The rows about tokens: how they are checked, and how much is remembered of them.

It must never hold a value of its own: defaults are words in a table, read when somebody asks.
"""

from typing import Final

from netra.settings import values
from netra.settings.field import Variable
from netra.settings.rows.shared import TOKENS

ONLY: Final = Variable(
    name="NETRA_ONLY", group=TOKENS, kind=values.choice("everything", "verify"), default="everything",
    meaning="With verify, tokens are checked and nothing else is done: there are no routes to log in, register, "
            "refresh or log out.",
    breaks="verify where people log in here: they get 404 `not_found`.",
)  # fmt: skip
OIDC_ISSUER: Final = Variable(
    name="OIDC_ISSUER", group=TOKENS, kind=values.issuer(), default="", empty=None,
    meaning="An OpenID provider whose published keys sign the tokens, exactly as `iss` spells it; its discovery "
            "document says where the keys are. With NETRA_ONLY=verify no AUTH_SERVICE_URL is needed.",
    breaks="Every token is 401 `token_wrong_issuer`, or 503 `keys_unavailable`.",
)  # fmt: skip
TOKEN_ISSUER: Final = Variable(
    name="NETRA_TOKEN_ISSUER", group=TOKENS, kind=values.identifier()._replace(sort="free"), default="", empty=None,
    meaning="Who signs access tokens (`iss`), exactly as they spell it. Not set: OIDC_ISSUER, else what the auth "
            "service said in the first handshake, which is then kept.",
    breaks="Every token is 401 `token_wrong_issuer`.",
)  # fmt: skip
TOKEN_AUDIENCE: Final = Variable(
    name="NETRA_TOKEN_AUDIENCE", group=TOKENS, kind=values.listed(str, "audiences"), default=(),
    meaning="Whom access tokens must be for (`aud`, or what the profile takes for it): one of these is enough. Not "
            "set: what the auth service said in the first handshake. Where issuer or audience is unknown, the auth "
            "service is asked about each token.",
    breaks="Every token is 401 `token_wrong_audience`, or tokens made for others are accepted.",
)  # fmt: skip
TOKEN_PROFILE: Final = Variable(
    name="NETRA_TOKEN_PROFILE", group=TOKENS, default="rfc9068",
    kind=values.choice("rfc9068", "keycloak", "auth0", "cognito", "entra", "zitadel"),
    meaning="How the issuer writes access tokens: their `typ`, where the audience stands, what marks an ID token.",
    breaks="Good tokens are 401 `token_wrong_type` or `token_wrong_audience`.",
)  # fmt: skip
TOKEN_TYPES: Final = Variable(
    name="NETRA_TOKEN_TYPES", group=TOKENS, kind=values.listed(str, "types, none for a token without one"),
    default=(),
    meaning="Which `typ` an access token may have, instead of those of its profile (rfc9068: at+jwt and "
            "application/at+jwt); `none` stands for tokens without a `typ`.",
    breaks="Too few: good tokens are 401 `token_wrong_type`. Too many: an ID token passes for an access token.",
)  # fmt: skip
TOKEN_CACHE: Final = Variable(
    name="NETRA_TOKEN_CACHE_S", group=TOKENS, kind=values.seconds(0, 3600), default=30.0, unit="seconds",
    meaning="For how long a token that was found good is not checked again; never beyond its own end. With 0 "
            "nothing is remembered, and nothing goes on while the auth service cannot be asked.",
    breaks="Too long: where nobody tells of ended sessions, they live on for that long. "
           "Too short: every check costs a signature, or a call.",
)  # fmt: skip
TOKEN_CACHE_ENTRIES: Final = Variable(
    name="NETRA_TOKEN_CACHE_ENTRIES", group=TOKENS, kind=values.whole(1, 10_000_000), default=100_000,
    unit="tokens",
    meaning="How many good tokens are remembered; 100,000 take up to 60 MiB.",
    breaks="Too few: tokens are checked again and again. Too many: memory.",
)  # fmt: skip
REVOCATIONS_INTERVAL: Final = Variable(
    name="NETRA_REVOCATIONS_INTERVAL_S", group=TOKENS, kind=values.seconds(0.1, 300), default=2.0, unit="seconds",
    meaning="How often the auth service is asked which sessions have ended elsewhere.",
    breaks="Too long: somebody who logged out elsewhere is still let in here. Too short: needless load.",
)  # fmt: skip
STALE_WHILE_DOWN: Final = Variable(
    name="NETRA_STALE_WHILE_DOWN_S", group=TOKENS, kind=values.seconds(0, 86_400), default=300.0, unit="seconds",
    meaning="For how long a token that the auth service vouched for stays good while it cannot be asked; never "
            "beyond its own end. Answers then say `stale`.",
    breaks="Too long: a session that ended meanwhile lives on. Too short: an outage logs everybody out.",
)  # fmt: skip
