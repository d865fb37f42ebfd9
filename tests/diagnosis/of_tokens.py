"""Set-ups in which tokens cannot be judged: keys that are not there, or not those that sign.

They must never hold a token: what is asked for are keys.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from netra.core.findings import Severity
from netra.doctor.diagnosis import Hop
from netra.lab.scripts import html, json_reply
from tests.diagnosis.bringing import lab
from tests.diagnosis.means import PATIENT, Means
from tests.diagnosis.setup import Brought, Environ, Setup
from tests.support.issuers import AUDIENCE, ISSUER, KEYS
from tests.support.places import free_port

DISCOVERY: Final = "/.well-known/openid-configuration"
_TOKENS: Final = {"NETRA_TOKEN_ISSUER": ISSUER, "NETRA_TOKEN_AUDIENCE": AUDIENCE}
_SYMMETRIC: Final = {"kty": "oct", "kid": "key-1", "k": "c3dvcmRmaXNoLWFuZC1jaGlwcw", "alg": "HS256"}
_SAYS: Final[dict[str, Any]] = {"issuer": ISSUER, "audience": AUDIENCE}


def provider(*, document: Any = None, keys: Any = None, path: str = "", told: str = "{url}") -> Brought:
    """A gateway that only verifies the tokens of an OpenID provider.

    `document` takes the place of the good discovery document, or is merged into it when it is a mapping; `{closed}` in
    it is an address where nobody listens. `told` is what OIDC_ISSUER says, with the provider's address put in.
    """

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        async with means.lab() as service:
            closed = f"http://127.0.0.1:{free_port()}"
            good = {"issuer": service.url + path, "jwks_uri": f"{service.url}{KEYS}"}
            said = {
                name: value.format(closed=closed, url=service.url) if isinstance(value, str) else value
                for name, value in (document if isinstance(document, dict) else {}).items()
            }
            whole = json_reply(200, {**good, **said})
            service.answer(path + DISCOVERY, document if callable(document) else whole)
            if keys is not None:
                service.answer(KEYS, keys)
            yield {
                "ENVIRONMENT": "test", "NETRA_ONLY": "verify", "NETRA_TOKEN_AUDIENCE": AUDIENCE,
                "NETRA_PLAINTEXT_HOSTS": "127.0.0.1", "OIDC_ISSUER": told.format(url=service.url, closed=closed),
                **PATIENT,
            }  # fmt: skip

    return bring


def _keys(name: str, cause: str, code: str, bring: Brought, *says: str, severity: Severity = Severity.ERROR) -> Setup:
    return Setup(name, cause, Hop.KEYS, code, bring, says, severity)


TOKENS: Final = (
    Setup("keys-gone", "A release has dropped the route of the keys.", Hop.CONTRACT, "endpoint_not_found",
          lab("status-404", on=KEYS, how={"says": _SAYS}), (KEYS,)),
    Setup("keys-in-html", "The route of the keys shows a page.", Hop.CONTRACT, "invalid_response",
          lab("html-with-200", on=KEYS, how={"says": _SAYS}), (KEYS,)),
    _keys("no-keys", "The published set of keys is empty.", "keys_unavailable",
          lab(how={"keys": (), "says": _SAYS})),
    _keys("keys-unusable", "The only key published is a shared secret.", "keys_unavailable",
          lab(how={"keys": (_SYMMETRIC,), "says": _SAYS})),
    _keys("keys-of-before", "It signs with a key that it has not published.", "key_ids_differ",
          lab(how={"says": {**_SAYS, "key_ids": ["key-2"]}}), "key-1", "key-2"),
    Setup("provider-not-there", "The OpenID provider is not running.", Hop.TCP, "connection_refused",
          provider(told="{closed}")),
    Setup("provider-without-discovery", "The issuer's address lacks its path, so there is no discovery document.",
          Hop.HTTP, "endpoint_not_found", provider(path="/realms/shop"), (DISCOVERY, "OIDC_ISSUER")),
    _keys("provider-of-another-name", "The provider calls itself otherwise than OIDC_ISSUER.",
          "proxy_configuration_error", provider(document={"issuer": "https://id.elsewhere.test"}), "OIDC_ISSUER"),
    _keys("provider-with-a-slash", "OIDC_ISSUER lacks the slash that the provider's name ends with.",
          "proxy_configuration_error", provider(document={"issuer": "{url}/"}), "slash"),
    Setup("provider-shows-a-page", "The discovery document is a page of the provider.", Hop.HTTP, "invalid_response",
          provider(document=html(200, "<h1>Welcome</h1>"))),
    _keys("provider-keys-not-there", "The host of the provider's keys is down.", "connection_refused",
          provider(document={"jwks_uri": "{closed}/keys"})),
    _keys("provider-keys-in-plain", "The provider's keys are at a host without TLS.", "proxy_configuration_error",
          provider(document={"jwks_uri": "http://keys.shop.test/keys"}), "NETRA_PLAINTEXT_HOSTS"),
    _keys("provider-without-keys", "The provider publishes no key that can be used.", "keys_unavailable",
          provider(keys=json_reply(200, {"keys": [_SYMMETRIC]}))),
)  # fmt: skip
