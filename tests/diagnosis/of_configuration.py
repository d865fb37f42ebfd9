"""Set-ups that are broken before anything is asked: what variables and files say.

They must never leave the auth service broken as well: it is good, and its address is the right one unless that is it.
"""

from typing import Final

from netra.core.findings import Severity
from netra.doctor.diagnosis import Hop
from tests.diagnosis.bringing import Value, set_up
from tests.diagnosis.means import SECRET, Means
from tests.diagnosis.setup import Setup

_CLIENT_SECRET: Final = "GOCSPX-9vQ2mWc5YkUe2NsHbP7dGfAo"


def _set(
    name: str, cause: str, code: str, *unset: str, says: tuple[str, ...], mild: bool = False, **changes: Value
) -> Setup:
    severity = Severity.WARNING if mild else Severity.ERROR
    return Setup(name, cause, Hop.CONFIGURATION, code, set_up(*unset, **changes), says, severity)


def _empty(means: Means) -> str:
    return str(means.file(b""))


def _not_there(means: Means) -> str:
    return f"{means.file('x')}-that-nobody-mounted"


CONFIGURATION: Final = (
    _set("url-not-set", "AUTH_SERVICE_URL was forgotten.", "missing", "AUTH_SERVICE_URL", says=("AUTH_SERVICE_URL",)),
    _set(
        "url-under-another-name", "The address was set under a name with a wrong letter.", "missing",
        "AUTH_SERVICE_URL", says=("AUTH_SERVICE_URI",), AUTH_SERVICE_URI="http://auth.shop.test",
    ),
    _set(
        "url-without-scheme", "The address lacks its http:// or https://.", "url_scheme_missing",
        says=("AUTH_SERVICE_URL",), AUTH_SERVICE_URL="auth.shop.test:8081",
    ),
    _set(
        "url-of-the-gateway", "The address is that of the gateway itself.", "points_at_itself",
        says=("AUTH_SERVICE_URL",), AUTH_SERVICE_URL="http://127.0.0.1:8000",
    ),
    _set(
        "switched-off", "AUTH_SERVICE_ENABLED=false was left behind after maintenance.", "auth_service_disabled",
        says=("AUTH_SERVICE_ENABLED",), AUTH_SERVICE_ENABLED="false",
    ),
    _set(
        "environment-unknown", "The environment's name is misspelt.", "not_a_choice",
        says=("ENVIRONMENT",), ENVIRONMENT="prodution",
    ),
    _set(
        "plain-http-in-production", "Production speaks plain HTTP to its auth service.", "plaintext_refused",
        says=("AUTH_SERVICE_URL",), ENVIRONMENT="production", AUTH_SERVICE_URL="http://auth.shop.test",
    ),
    _set(
        "loopback-in-production", "The address of a developer's machine went to production.", "loopback_refused",
        says=("AUTH_SERVICE_URL",), ENVIRONMENT="production",
    ),
    _set(
        "secret-not-set", "A deploy lost SERVICE_SECRET.", "missing", "SERVICE_SECRET",
        says=("SERVICE_SECRET",), ENVIRONMENT="staging",
    ),
    _set(
        "secret-is-a-placeholder", "Nobody has filled in the secret of the template.", "placeholder",
        says=("SERVICE_SECRET",), SERVICE_SECRET="REPLACE_WITH_THE_SECRET_OF_THIS_SERVICE",
    ),
    _set(
        "secret-is-a-name", "The name under which the secret is kept was set as its value.", "name_as_value",
        says=("SERVICE_SECRET",), SERVICE_SECRET="netra-backend-service-secret-production",
    ),
    _set(
        "secret-too-short", "Somebody has thought of a secret.", "short_secret",
        says=("SERVICE_SECRET",), SERVICE_SECRET="swordfish",
    ),
    _set(
        "secret-file-empty", "The secret is mounted as a file of zero bytes.", "empty", "SERVICE_SECRET",
        says=("SERVICE_SECRET",), SERVICE_SECRET_FILE=_empty,
    ),
    _set(
        "secret-file-not-mounted", "The file of the secret is not there.", "unreadable", "SERVICE_SECRET",
        says=("SERVICE_SECRET_FILE",), SERVICE_SECRET_FILE=_not_there,
    ),
    _set(
        "id-is-shell-text", "The id is a command that nobody ran.", "shell_text",
        says=("SERVICE_ID",), SERVICE_ID="$(whoami)",
    ),
    _set(
        "id-with-time-stamp", "The deploy appends the time to the id.", "time_stamp_in_id",
        says=("SERVICE_ID",), SERVICE_ID="netra-backend-1757000000",
    ),
    _set(
        "id-in-quotes", "The quotation marks of an env file belong to the id.", "quotes",
        says=("SERVICE_ID",), SERVICE_ID='"netra-backend"',
    ),
    _set(
        "id-with-line-end", "The id ends with a line feed.", "surrounding_white_space",
        says=("SERVICE_ID",), mild=True, SERVICE_ID="netra-backend\n",
    ),
    _set(
        "same-secret-twice", "The former secret is the present one.", "same_secret_twice",
        says=("SERVICE_SECRET_PREVIOUS",), mild=True, SERVICE_SECRET_PREVIOUS=SECRET,
    ),
    _set(
        "setting-misspelt", "A variable of Netra has a letter too few.", "unknown_variable",
        says=("NETRA_LOGIN_BUDGET_S",), mild=True, NETRA_LOGIN_BUGET_S="9",
    ),
    _set(
        "budget-too-small", "Connecting may take longer than the whole login.", "budget_connect",
        says=("NETRA_CONNECT_TIMEOUT_S",), NETRA_CONNECT_TIMEOUT_S="9",
    ),
    _set(
        "wire-misspelt", "The name of the preset is misspelt.", "wire_unusable",
        says=("NETRA_WIRE",), NETRA_WIRE="sprnig",
    ),
    _set(
        "ca-file-not-mounted", "The file of the private authority is not there.", "unreadable",
        says=("AUTH_SERVICE_CA_FILE",), AUTH_SERVICE_URL="https://auth.shop.test", AUTH_SERVICE_CA_FILE=_not_there,
    ),
    _set(
        "oauth-half-a-pair", "Of an OAuth client only the id is set.", "oauth_credential_missing",
        says=("Missing OAuth credential: OAUTH_GOOGLE_CLIENT_SECRET",), mild=True,
        OAUTH_GOOGLE_CLIENT_ID="1234-abcd.apps.shop.test",
    ),
    _set(
        "oauth-doubled-word", "The secret of an OAuth client has a name with a doubled word.",
        "oauth_variable_misspelt", says=("OAUTH_GOOGLE_CLIENT_SECRET", "OAUTH_GOOGLE_CLIENT_CLIENT_SECRET"), mild=True,
        OAUTH_GOOGLE_CLIENT_ID="1234-abcd.apps.shop.test",
        OAUTH_GOOGLE_CLIENT_CLIENT_SECRET=_CLIENT_SECRET,
    ),
    _set(
        "oauth-words-swapped", "The variables of an OAuth client have their words in another order.",
        "oauth_variable_misspelt", says=("OAUTH_GOOGLE_CLIENT_ID", "GOOGLE_OAUTH_CLIENT_ID"), mild=True,
        GOOGLE_OAUTH_CLIENT_ID="1234-abcd.apps.shop.test", GOOGLE_OAUTH_CLIENT_SECRET=_CLIENT_SECRET,
    ),
    _set(
        "oauth-redirect-in-plain", "The redirect URI of an OAuth client has http.", "oauth_redirect_uri",
        says=("OAUTH_GOOGLE_REDIRECT_URI",), mild=True, OAUTH_GOOGLE_CLIENT_ID="1234-abcd.apps.shop.test",
        OAUTH_GOOGLE_CLIENT_SECRET=_CLIENT_SECRET, OAUTH_GOOGLE_REDIRECT_URI="http://shop.test/auth/callback",
    ),
    _set(
        "issuer-without-audience", "Tokens of a provider are taken whomever they are for.", "audience_missing",
        "AUTH_SERVICE_URL", "SERVICE_ID", "SERVICE_SECRET",
        says=("NETRA_TOKEN_AUDIENCE",), NETRA_ONLY="verify", OIDC_ISSUER="https://id.shop.test",
    ),
)  # fmt: skip
