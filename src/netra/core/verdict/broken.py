"""The standard library's exceptions as causes: for every exchange, and for the diagnosis.

It must never read the text of an error: types and numbers decide.
"""

import errno
import os
import socket
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from netra.core.verdict.outcomes import NO_FACTS
from netra.core.verdict.reply import Broken

_LOCAL: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EADDRINUSE, errno.EAGAIN}
)
_CUT: Final = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})

_UNKNOWN_ISSUER: Final = frozenset({2, 18, 19, 20, 21, 24, 27})
_CERTIFICATE_FAULTS: Final[Mapping[int, str]] = MappingProxyType(
    {
        9: "it is not valid yet",
        10: "it or one of its authorities has expired",
        23: "it has been revoked",
        26: "it is not one for servers",
        62: "it is for another name",
        64: "it is for another address",
        66: "its key is too weak",
        67: "an authority's key is too weak",
        68: "an authority's signature is too weak",
        **dict.fromkeys(_UNKNOWN_ISSUER, "nothing here trusts its issuer"),
        **dict.fromkeys(
            range(79, 95), "it or one of its authorities breaks a rule of RFC 5280, which Python checks from 3.13 on"
        ),
    }
)
"""By OpenSSL's number of a verification's error. Source: openssl/x509_vfy.h, X509_V_ERR_*."""
SOMEBODY: Final = "an unknown authority"
"""The issuer of a certificate, while nobody has looked who it is."""

_TLS_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it asks for a client certificate",
        "TLSV1_ALERT_UNKNOWN_CA": "it does not know the authority of our client certificate",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED": "our client certificate has expired",
        "SSLV3_ALERT_CERTIFICATE_REVOKED": "our client certificate has been revoked",
        "SSLV3_ALERT_BAD_CERTIFICATE": "it refuses our client certificate",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it refuses our client certificate",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "it refuses our client certificate",
        "TLSV1_ALERT_PROTOCOL_VERSION": "it refuses TLS 1.2 and 1.3",
        "UNSUPPORTED_PROTOCOL": "it speaks no TLS 1.2 or 1.3",
        "WRONG_VERSION_NUMBER": "it speaks something else, such as plain HTTP",
        "HTTP_REQUEST": "it speaks plain HTTP",
    }
)
"""By OpenSSL's reason. What is not here is left to the page's general words."""


class NameTimeout(OSError):
    """A resolver gave no answer in its time. Raised by resolvers of ours, read here."""


def broken(error: BaseException, *, sent: bool, tls: bool = False) -> Broken:
    """Why an exchange broke. `sent`: may the auth service have got the request? `tls`: was TLS being spoken?"""
    return _after(error) if sent else _before(error, tls=tls)


def _before(error: BaseException, *, tls: bool) -> Broken:
    if isinstance(error, NameTimeout):
        return Broken("dns_timeout")
    if isinstance(error, socket.gaierror):
        return Broken("local_resource_exhausted" if error.errno == socket.EAI_MEMORY else "dns_error")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Broken("tls_certificate_error", _certificate_facts(error))
    if isinstance(error, ssl.SSLError):
        return Broken("tls_protocol_error", _tls_facts(error))
    if isinstance(error, TimeoutError):
        return Broken("connection_timeout", _os_facts(error))
    if not isinstance(error, OSError):
        return Broken("internal_error")
    return Broken(_unsent(error, tls=tls), _os_facts(error))


def _unsent(error: OSError, *, tls: bool) -> str:
    number = error.errno
    if number in _LOCAL:
        return "local_resource_exhausted"
    # An end of the stream inside a handshake has no number: asyncio itself raises that.
    if number in _CUT or (number is None and isinstance(error, ConnectionResetError)):
        return "tls_protocol_error" if tls else "connection_refused"
    # Several addresses that failed in different ways have no number of their own.
    return "connection_refused" if number in (errno.ECONNREFUSED, None) else "destination_unroutable"


def _after(error: BaseException) -> Broken:
    """Even for want of a resource of ours: what may have arrived is never said to be unsent."""
    if isinstance(error, TimeoutError):
        return Broken("response_timeout")
    if isinstance(error, ssl.SSLError):
        return Broken("connection_terminated", _tls_facts(error))
    return Broken("connection_terminated", _os_facts(error)) if isinstance(error, OSError) else Broken("internal_error")


def _certificate_facts(error: ssl.SSLCertVerificationError) -> Mapping[str, str]:
    # Errors that no handshake has raised carry no number.
    number = getattr(error, "verify_code", 0)
    if number not in _CERTIFICATE_FAULTS:
        return NO_FACTS
    fault = {"certificate_fault": _CERTIFICATE_FAULTS[number]}
    return {**fault, "issuer": SOMEBODY} if number in _UNKNOWN_ISSUER else fault


def _tls_facts(error: ssl.SSLError) -> Mapping[str, str]:
    fault = _TLS_FAULTS.get(getattr(error, "reason", None) or "")
    return {"tls_fault": fault} if fault else NO_FACTS


def _os_facts(error: BaseException) -> Mapping[str, str]:
    """The operating system's own words for the error's number; none for the numbers of TLS and of resolvers."""
    number = None if isinstance(error, ssl.SSLError | socket.gaierror) else getattr(error, "errno", None)
    return {"os_error": os.strerror(number)} if isinstance(number, int) and number > 0 else NO_FACTS
