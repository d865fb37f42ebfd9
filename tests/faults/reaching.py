"""Rows of faults on the way to the auth service: nothing was sent, so a login may be sent again.

It must never hold a fault of an auth service that was reached.
"""

import socket
from collections.abc import Mapping
from typing import Final

from tests.faults.row import NOTHING_TOLD, PROMPT_S, UNREACHED, UNREACHED_S, Row, Section, Way
from tests.faults.scenes import UNROUTABLE, SceneMaker, played, unnamed

HERE: Final[Section] = "Reaching it"


def _unreached(
    name: str,
    scene: SceneMaker,
    code: str,
    owner: str = "auth_service",
    *,
    again: bool = True,
    told: Mapping[str, str] = NOTHING_TOLD,
) -> Way:
    """A way in which nothing arrives."""
    within_s = UNREACHED_S if told is UNREACHED else PROMPT_S
    return Way(
        name, scene, 503, code, deliveries=0, keyed=None, within_s=within_s, told=told, owner=owner, tried_again=again
    )


def _tls(name: str, code: str) -> Way:
    return _unreached(name, played(name, tls=True), code, again=False)._replace(lab=name)


ROWS: Final = (
    Row(
        HERE,
        "name-unknown",
        "The name of the auth service does not exist, its name server fails, or it has no address.",
        "503 `dns_error`",
        "yes",
        (
            _unreached("does not exist", unnamed(lambda names: names.lead_to()), "dns_error", "us"),
            _unreached("server fails", unnamed(lambda names: names.fail(socket.EAI_AGAIN)), "dns_error", "us"),
            _unreached("no address", unnamed(lambda names: names.fail(socket.EAI_NODATA)), "dns_error", "us"),
        ),
        by_hand="`AUTH_SERVICE_URL=http://auth.invalid`",
    ),
    Row(
        HERE,
        "resolver-hangs",
        "The resolver does not answer; forty lookups that hang starve no name that is good.",
        "503 `dns_timeout`",
        "yes",
        (_unreached("no answer", unnamed(lambda names: names.hang()), "dns_timeout", "network", told=UNREACHED),),
    ),
    Row(
        HERE,
        "address-changes",
        "The name leads to another address while connections to the old one are kept.",
        "no failed login; the new address is used within a minute",
        "-",
        by_hand="a name of your own that you move",
    ),
    Row(
        HERE,
        "first-address-dead",
        "The first of several addresses is dead, or IPv6 is a black hole.",
        "the login succeeds, at most 0.3 s later",
        "yes",
    ),
    Row(
        HERE,
        "port-closed",
        "Nobody listens on the port.",
        "503 `connection_refused`",
        "yes",
        (
            _unreached("connection-refused", played("connection-refused"), "connection_refused")._replace(
                lab="connection-refused"
            ),
        ),
    ),
    Row(
        HERE,
        "black-hole",
        "Attempts to connect are not answered at all.",
        "503 `connection_timeout` after `NETRA_CONNECT_TIMEOUT_S`",
        "yes",
        (
            _unreached(
                "connection-timeout", played("connection-timeout"), "connection_timeout", "network", told=UNREACHED
            )._replace(lab="connection-timeout"),
        ),
    ),
    Row(
        HERE,
        "no-route",
        "There is no way to the address.",
        "503 `destination_unroutable`",
        "yes",
        (_unreached("no way", unnamed(lambda names: names.lead_to(UNROUTABLE)), "destination_unroutable", "network"),),
        by_hand="`AUTH_SERVICE_URL=http://224.0.0.1`",
    ),
    Row(
        HERE,
        "certificate",
        "The certificate has expired, is not valid yet, is of an authority that nobody trusts, or for another name.",
        "503 `tls_certificate_error`, and never a connection without the check",
        "pointless",
        (
            _tls("certificate-expired", "tls_certificate_error"),
            _tls("certificate-not-yet-valid", "tls_certificate_error"),
            _tls("certificate-other-authority", "tls_certificate_error"),
            _tls("certificate-other-name", "tls_certificate_error"),
        ),
    ),
    Row(
        HERE,
        "not-tls",
        "The TLS port speaks plain HTTP, or only TLS 1.1 and older, or cuts the handshake off, or never begins it.",
        "503 `tls_protocol_error`; 503 `connection_timeout` where it never begins",
        "-",
        (
            _tls("tls-plain-http", "tls_protocol_error"),
            _tls("tls-too-old", "tls_protocol_error"),
            _tls("tls-reset", "tls_protocol_error"),
            _tls("tls-stall", "connection_timeout")._replace(
                owner="network", told=UNREACHED, within_s=UNREACHED_S, tried_again=True
            ),
        ),
    ),
    Row(
        HERE,
        "breaker-open",
        "The circuit breaker is open.",
        "503 `destination_unavailable` at once; `Retry-After` is the time until it is tried again",
        "-",
        try_it=("close-without-a-byte",),
    ),
    Row(
        HERE,
        "too-many-at-once",
        "More logins are under way than may be.",
        "503 `connection_limit_reached` after a tenth of a second of waiting",
        "-",
        by_hand="`NETRA_MAX_IN_FLIGHT=1` and `netra lab auth-service --fault slow`",
    ),
    Row(
        HERE,
        "no-descriptors",
        "The gateway has no file descriptor left.",
        "503 `local_resource_exhausted`; it lives, answers its health checks, and the breaker stays closed",
        "-",
        by_hand="`ulimit -n 24` before `netra serve`, and thirty users at once",
    ),
)
