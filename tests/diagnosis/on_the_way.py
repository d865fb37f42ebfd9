"""Set-ups that are broken on the way: names, ports, and TLS.

They must never reach beyond this machine, and every certificate is made for the occasion.
"""

import contextlib
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from netra.core.findings import Severity
from netra.doctor.diagnosis import Hop
from tests.diagnosis.bringing import TRUSTED, at, over_tls, variables
from tests.diagnosis.means import IMPATIENT, Means
from tests.diagnosis.setup import Brought, Environ, Setup
from tests.support.places import UNRESOLVABLE, UNROUTABLE, free_port, full_port


@asynccontextmanager
async def nobody() -> AsyncIterator[str]:
    """An address where nothing listens."""
    yield f"http://127.0.0.1:{free_port()}"


@asynccontextmanager
async def a_full_queue() -> AsyncIterator[str]:
    """An address that lets nobody in, and says nothing."""
    with full_port() as port:
        yield f"http://127.0.0.1:{port}"


def old_tls() -> Brought:
    """A server that speaks TLS 1.1 at most."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        context = means.authority.good()
        with warnings.catch_warnings(), contextlib.suppress(ssl.SSLError):
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
        async with means.lab(tls=context) as service:
            trust = {TRUSTED: str(means.authority.file)}
            yield variables(means, **{"AUTH_SERVICE_URL": service.url, **trust})

    return bring


def certificate_ending_soon() -> Brought:
    """A good certificate that is to be renewed."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        async with means.lab(tls=means.authority.ending_soon()) as service:
            yield variables(means, **{"AUTH_SERVICE_URL": service.url, TRUSTED: str(means.authority.file)})

    return bring


def plain_to_tls() -> Brought:
    """A server of TLS that is spoken to in plain HTTP."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        async with means.lab(authority=means.authority) as service:
            yield variables(means, AUTH_SERVICE_URL=service.url.replace("https", "http", 1))

    return bring


def private_authority() -> Brought:
    """A server whose authority is nobody's but the company's, and the gateway was not told of it."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        async with means.lab(authority=means.authority) as service:
            yield variables(means, AUTH_SERVICE_URL=service.url)

    return bring


def _bad_certificate(name: str, cause: str, fault: str, says: str) -> Setup:
    return Setup(name, cause, Hop.TLS, "tls_certificate_error", over_tls(fault), (says,))


def _no_tls(name: str, cause: str, fault: str) -> Setup:
    return Setup(name, cause, Hop.TLS, "tls_protocol_error", over_tls(fault))


ON_THE_WAY: Final = (
    Setup(
        "name-unknown", "The host's name is misspelt.", Hop.DNS, "dns_error",
        at(UNRESOLVABLE),
        ("auth.invalid",),
    ),
    Setup("port-closed", "The auth service is not running.", Hop.TCP, "connection_refused", at(nobody), ("running",)),
    Setup(
        "packets-dropped", "A firewall drops what is sent.", Hop.TCP, "connection_timeout",
        at(a_full_queue, **IMPATIENT),
    ),
    Setup("no-route", "There is no way to the address.", Hop.TCP, "destination_unroutable", at(UNROUTABLE)),
    Setup(
        "closed-behind-tls-url", "The auth service is not running, and would speak TLS.", Hop.TCP, "connection_refused",
        over_tls("connection-refused"),
    ),
    _bad_certificate("certificate-expired", "The certificate expired yesterday.", "certificate-expired", "expired"),
    _bad_certificate(
        "certificate-not-yet-valid", "The certificate is valid from tomorrow on.", "certificate-not-yet-valid",
        "not valid yet",
    ),
    _bad_certificate(
        "certificate-of-another-name", "The certificate is for another host.", "certificate-other-name", "another",
    ),
    _bad_certificate(
        "certificate-of-a-stranger", "Somebody in between shows a certificate of his own.",
        "certificate-other-authority", "Elsewhere Ltd",
    ),
    Setup(
        "private-authority-not-told", "The company's own authority was not given to the gateway.", Hop.TLS,
        "tls_certificate_error", private_authority(), ("AUTH_SERVICE_CA_FILE",),
    ),
    Setup(
        "certificate-ends-soon", "Nobody has renewed the certificate, which has ten days left.", Hop.TLS,
        "certificate_expires_soon", certificate_ending_soon(), severity=Severity.WARNING,
    ),
    Setup("tls-too-old", "The auth service knows TLS 1.1 at most.", Hop.TLS, "tls_protocol_error", old_tls()),
    _no_tls("tls-on-a-plain-port", "https is set, and the port speaks plain HTTP.", "tls-plain-http"),
    _no_tls("tls-reset", "Somebody in between resets TLS handshakes.", "tls-reset"),
    _no_tls("tls-closed", "The connection ends inside the handshake.", "tls-close"),
    Setup(
        "tls-stalls", "The port is open, and no TLS handshake is answered.", Hop.TLS, "connection_timeout",
        over_tls("tls-stall", **IMPATIENT),
    ),
    Setup(
        "client-certificate-wanted", "The auth service wants a certificate of the gateway, which has none.", Hop.TLS,
        "connection_terminated", over_tls("certificate-demanded"), ("AUTH_SERVICE_CLIENT_CERT_FILE",),
    ),
    Setup(
        "plain-http-on-a-tls-port", "http is set, and the port speaks TLS.", Hop.HTTP, "connection_terminated",
        plain_to_tls(), ("https://",),
    ),
)  # fmt: skip
