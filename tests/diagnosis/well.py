"""Set-ups with which nothing is wrong: whoever finds something there cries wolf.

They must never be made good by leaving things out: each is a whole gateway in front of a whole auth service.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from netra.core.secret import Secret
from tests.diagnosis.bringing import lab, over_tls, real, set_up, variables
from tests.diagnosis.means import OTHER_SECRET, SECRET, Means
from tests.diagnosis.of_tokens import provider
from tests.diagnosis.setup import Brought, Environ, Setup
from tests.incidents.operators import EMAIL, PASSWORD

_EVERYTHING: Final = {
    "origin": "https://shop.test",
    "rejection_check": True,
    "canary": (EMAIL, Secret(PASSWORD)),
}


def by_name() -> Brought:
    """`localhost` is 127.0.0.1, where somebody listens, and often ::1, where nobody does."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        async with means.lab() as service:
            yield variables(means, AUTH_SERVICE_URL=service.url.replace("127.0.0.1", "localhost"))

    return bring


def both_secrets() -> Brought:
    """In the middle of a rotation: the auth service knows the former secret and the next."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        async with means.lab() as service:
            yield variables(means, AUTH_SERVICE_URL=service.url, SERVICE_SECRET_PREVIOUS=OTHER_SECRET)

    return bring


def _well(name: str, cause: str, bring: Brought, **wanted: Any) -> Setup:
    return Setup(name, cause, None, "", bring, wanted=wanted)


WELL: Final = (
    _well("all-well", "A gateway and its auth service are well.", real()),
    _well("all-well-to-the-login", "They are, and so are logins, refusals and the page of the shop.",
          real(NETRA_CORS_ORIGINS="https://shop.test"), **_EVERYTHING),
    _well("all-well-over-tls", "The same over TLS.", over_tls()),
    _well("by-name", "The auth service listens on one of the two addresses of its name.", by_name()),
    _well("rotated-there", "A second secret is set, and both are known.", both_secrets()),
    _well("without-handshake", "The auth service has no handshake.", lab(how={"handshake": False})),
    _well("verifying-only", "Only tokens of an OpenID provider are checked.", provider()),
    _well("file-with-line-end", "The secret's file ends with a line feed, as editors leave it.",
          set_up("SERVICE_SECRET", SERVICE_SECRET_FILE=lambda means: str(means.file(f"{SECRET}\n")))),
)  # fmt: skip
