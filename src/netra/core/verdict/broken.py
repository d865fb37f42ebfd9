"""The standard library's exceptions as causes: for every exchange, and for the diagnosis.

It must never read the text of an error: types and numbers decide.
"""

import errno
import os
import socket
import ssl
from collections.abc import Mapping
from typing import Final

from netra.core.verdict.outcomes import NO_FACTS
from netra.core.verdict.reply import Broken

_LOCAL: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EADDRINUSE, errno.EAGAIN}
)
_CUT: Final = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})


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
        return Broken("tls_certificate_error")
    if isinstance(error, ssl.SSLError):
        return Broken("tls_protocol_error")
    if isinstance(error, TimeoutError):
        return Broken("connection_timeout", _os_facts(error))
    if not isinstance(error, OSError):
        return Broken("internal_error")
    return Broken(_unsent(error.errno, tls=tls), _os_facts(error))


def _unsent(number: int | None, *, tls: bool) -> str:
    if number in _LOCAL:
        return "local_resource_exhausted"
    if number in _CUT:
        return "tls_protocol_error" if tls else "connection_refused"
    # Several addresses that failed in different ways have no number of their own.
    return "connection_refused" if number in (errno.ECONNREFUSED, None) else "destination_unroutable"


def _after(error: BaseException) -> Broken:
    """Even for want of a resource of ours: what may have arrived is never said to be unsent."""
    if isinstance(error, TimeoutError):
        return Broken("response_timeout")
    return Broken("connection_terminated", _os_facts(error)) if isinstance(error, OSError) else Broken("internal_error")


def _os_facts(error: BaseException) -> Mapping[str, str]:
    """The operating system's own words for the error's number; none for the numbers of TLS and of resolvers."""
    number = None if isinstance(error, ssl.SSLError | socket.gaierror) else getattr(error, "errno", None)
    return {"os_error": os.strerror(number)} if isinstance(number, int) and number > 0 else NO_FACTS
