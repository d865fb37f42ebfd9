"""Which certificate a server presents, for people who are to decide whether to trust it: a diagnosis, off the path.

It must never send a byte of a request, and nothing it returns has been verified: it is what the other side says.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from aiohappyeyeballs import start_connection

from netra.link.resolver import LookUp, Resolver, system_addresses

MOST_NAMES: Final = 20
LONGEST_TEXT: Final = 120

_ANY_TIME: Final = 0x20_0000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python has no name for: dates are shown here, not judged."""
_NAMING: Final = ("commonName", "organizationalUnitName")
_ORGANISATION: Final = "organizationName"


class PeerCertificate(NamedTuple):
    """What a server's certificate says of itself; texts are printable and short, and empty where it says nothing."""

    subject: str
    issuer: str
    """Common name and organisation of whoever signed it, e.g. `Internal CA (Shop Ltd)`."""
    names: tuple[str, ...]
    """The hosts and addresses that it is for."""
    not_after: datetime | None
    """When it expires, aware UTC."""


async def peer_certificate(
    host: str, port: int, timeout_s: float, look_up: LookUp = system_addresses
) -> PeerCertificate | None:
    """The certificate that a server presents, trusted or not; None when it cannot be had in `timeout_s`.

    Two handshakes and nothing after them. The first takes whatever comes; the second trusts exactly that certificate,
    because the standard library describes none that it does not trust.
    """
    try:
        async with asyncio.timeout(timeout_s):
            found = await Resolver(timeout_s, look_up).addresses(host, port, socket.AF_UNSPEC)
            addresses = [(to.family, socket.SOCK_STREAM, to.proto, "", (to.host, to.port)) for to in found]
            encoded = await _presented(addresses, host, _trusting_anything(), binary=True)
            if not encoded:
                return None
            return described(await _presented(addresses, host, _trusting_only(encoded), binary=False))
    except (OSError, ValueError, OverflowError):
        return None


def _trusting_anything() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _trusting_only(encoded: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(_ANY_TIME)
    context.load_verify_locations(cadata=encoded)
    return context


async def _presented(addresses: list[Any], host: str, context: ssl.SSLContext, *, binary: bool) -> Any:
    """What one handshake brings to light; the connection ends with it. Raises: OSError."""
    opened = await start_connection(addresses)
    try:
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol, sock=opened, ssl=context, server_hostname=host.rstrip(".")
        )
    except BaseException:
        opened.close()
        raise
    try:
        return transport.get_extra_info("ssl_object").getpeercert(binary_form=binary)
    finally:
        transport.abort()


def described(certificate: Mapping[str, Any]) -> PeerCertificate:
    """What a certificate says, from how the standard library describes it."""
    names = tuple(_plain(str(name)) for _, name in certificate.get("subjectAltName", ())[:MOST_NAMES])
    ends = certificate.get("notAfter")
    return PeerCertificate(
        subject=_who(certificate.get("subject", ())),
        issuer=_who(certificate.get("issuer", ())),
        names=names,
        not_after=datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None,
    )


def _who(parts: Iterable[Iterable[tuple[str, str]]]) -> str:
    """A distinguished name as people say it: the name, and in parentheses the organisation."""
    said = {key: value for part in parts for key, value in part}
    name = next((said[key] for key in _NAMING if said.get(key)), "")
    organisation = said.get(_ORGANISATION, "")
    return _plain(f"{name} ({organisation})" if name and organisation else name or organisation)


def _plain(text: str) -> str:
    """A stranger's text as something that can be shown anywhere."""
    shown = "".join(each if each.isprintable() else "?" for each in text)
    return shown if len(shown) <= LONGEST_TEXT else f"{shown[: LONGEST_TEXT - 1]}…"
