"""Set-ups with two things wrong: what a login meets first is named first, and an error before a mere doubt.

They must never be one fault with two names: either of the two can be mended without the other.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from netra.core.findings import Severity
from netra.doctor.diagnosis import Hop
from tests.diagnosis.bringing import TRUSTED, at, lab, real, set_up, variables
from tests.diagnosis.means import OTHER_SECRET, Means
from tests.diagnosis.on_the_way import nobody
from tests.diagnosis.setup import Brought, Environ, Setup

_HALF_A_CLIENT: Final = {"OAUTH_GOOGLE_CLIENT_ID": "1234-abcd.apps.shop.test"}


def expired_and_unknown() -> Brought:
    """TLS is broken, and the secret is wrong as well."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        authority = means.authority
        async with means.lab(tls=authority.expired(), secret=OTHER_SECRET) as service:
            yield variables(means, **{"AUTH_SERVICE_URL": service.url, TRUSTED: str(authority.file)})

    return bring


SEVERAL: Final = (
    Setup("doubt-and-closed-port", "Half an OAuth client is set, and the auth service is not running.", Hop.TCP,
          "connection_refused", at(nobody, **_HALF_A_CLIENT)),
    Setup("expired-and-wrong-secret", "The certificate has expired, and the secret is wrong.", Hop.TLS,
          "tls_certificate_error", expired_and_unknown(), ("expired",)),
    Setup("wrong-secret-and-lost-route", "The secret is wrong, and a release has dropped the refresh.",
          Hop.SERVICE_CREDENTIALS, "service_credentials_rejected",
          lab("status-404", on="/auth/refresh", how={"secret": OTHER_SECRET}), ("SERVICE_SECRET",)),
    Setup("other-environment-and-line-end", "The id ends with a line feed, and the environments differ.",
          Hop.CONFIGURATION, "surrounding_white_space", real(ENVIRONMENT="staging", SERVICE_ID="netra-backend\n"),
          ("SERVICE_ID",), Severity.WARNING),
    Setup("placeholder-and-misspelt", "A placeholder is left, and a variable is misspelt.", Hop.CONFIGURATION,
          "placeholder", set_up(SERVICE_SECRET="changeme-changeme-changeme-changeme", NETRA_LOGIN_BUGET_S="9"),
          ("SERVICE_SECRET",)),
)  # fmt: skip
