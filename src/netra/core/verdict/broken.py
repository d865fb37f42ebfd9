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
    if type(error) is not socket.gaierror and getattr(error, "errno", None) in _LOCAL and isinstance(error, OSError):
        return Broken("local_resource_exhausted", _os_facts(error))
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
    if error.errno in _CUT:
        return Broken("tls_protocol_error" if tls else "connection_refused", _os_facts(error))
    return Broken(
        "connection_refused" if error.errno == errno.ECONNREFUSED else "destination_unroutable", _os_facts(error)
    )


def _after(error: BaseException) -> Broken:
    if isinstance(error, TimeoutError):
        return Broken("response_timeout")
    return Broken("connection_terminated", _os_facts(error)) if isinstance(error, OSError) else Broken("internal_error")


def _os_facts(error: BaseException) -> Mapping[str, str]:
    """The operating system's own words for the error's number; none when it has no number."""
    number = getattr(error, "errno", None)
    return {"os_error": os.strerror(number)} if isinstance(number, int) and number > 0 else NO_FACTS
