"""Faults before a byte of a request is read: the port, TLS, and connections that lead nowhere.

It must never read from a connection: whoever connects may not even have begun to speak.
"""

import asyncio
from typing import Final

from netra.lab.catalogue.fault import Certificate, Fault
from netra.lab.connection import Connection
from netra.lab.scripts import raw_then_close, raw_then_reset, silence

_MOMENT_S: Final = 0.02
"""Until the peer has taken note that it is connected: a reset before that would be a refusal to connect."""

_PROTOCOL_VERSION_ALERT: Final = bytes.fromhex("15030200020246")
"""As a server says it that knows TLS 1.1 at most. Source: RFC 5246, section 7.2.2."""


async def _reset(connection: Connection) -> None:
    await asyncio.sleep(_MOMENT_S)
    connection.reset()


async def _close(connection: Connection) -> None:
    await asyncio.sleep(_MOMENT_S)
    connection.close()


async def _refuse_version(connection: Connection) -> None:
    await asyncio.sleep(_MOMENT_S)
    await connection.send(_PROTOCOL_VERSION_ALERT)
    connection.close()


async def _say_nothing(connection: Connection) -> None:
    await connection.left()
    connection.close()


def _bad_certificate(name: str, certificate: Certificate, what: str) -> Fault:
    return Fault(name, what, "tls", 503, "tls_certificate_error", certificate=certificate)


REACHING: Final = (
    Fault("connection-refused", "Nothing listens at its port.", "connect", 503, "connection_refused", port="closed"),
    Fault(
        "connection-timeout", "Its port is open, but the queue is full: nobody is let in.",
        "connect", 503, "connection_timeout", port="full",
    ),
    _bad_certificate("certificate-expired", "expired", "Its certificate expired yesterday."),
    _bad_certificate("certificate-not-yet-valid", "not-yet-valid", "Its certificate is valid from tomorrow on."),
    _bad_certificate("certificate-other-name", "other-name", "Its certificate is for another name."),
    _bad_certificate("certificate-other-authority", "other-authority", "An authority that nobody knows signed it."),
    Fault(
        "certificate-demanded", "It wants a certificate from whoever connects.",
        "tls", 502, "connection_terminated", certificate="client-certificate",
    ),
    Fault(
        "tls-plain-http", "It speaks plain HTTP on the port for TLS.",
        "tls", 503, "tls_protocol_error", certificate="no-tls",
    ),
    Fault(
        "tls-too-old", "It knows neither TLS 1.2 nor 1.3, and says so in an alert.",
        "tls", 503, "tls_protocol_error", certificate="no-tls", meeting=_refuse_version,
    ),
    Fault(
        "tls-close", "It closes the connection inside the handshake.",
        "tls", 503, "tls_protocol_error", certificate="no-tls", meeting=_close,
    ),
    Fault(
        "tls-reset", "It resets the connection inside the handshake.",
        "tls", 503, "tls_protocol_error", certificate="no-tls", meeting=_reset,
    ),
    Fault(
        "tls-stall", "It takes the connection and never answers the handshake.",
        "tls", 503, "connection_timeout", certificate="no-tls", meeting=_say_nothing,
    ),
    Fault(
        "close-before-reading", "It closes connections without having read anything.", "before", 502,
        "connection_terminated", lambda _: raw_then_close(), _close,
    ),
    Fault(
        "reset-before-reading", "It resets connections (RST) without having read anything.", "before", 502,
        "connection_terminated", lambda _: raw_then_reset(), _reset,
    ),
    Fault(
        "freeze", "It takes connections and says nothing, as a stopped process does.", "before", 504,
        "response_timeout", lambda _: silence(), _say_nothing,
    ),
)  # fmt: skip
