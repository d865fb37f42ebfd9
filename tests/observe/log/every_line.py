"""One line of every kind that a gateway writes.

It must never leave out a kind of event: a test compares it with all that there are.
"""

from typing import Any, Final, get_args

from netra.core.events import (
    AttemptEnded,
    Changed,
    CircuitChanged,
    ConfigurationProblem,
    ConnectivityChecked,
    Crashed,
    Event,
    HandshakeEnded,
    KeysChanged,
    RevocationFeed,
    Stage,
    TryEnded,
)
from netra.core.findings import Finding, Severity
from netra.core.pace.breaker import Circuit
from netra.core.verdict.outcomes import Rejected, unknown
from netra.observe.log.lines import JOURNEYS, Line
from tests.observe.support import ACCEPTED, LINES, REJECTIONS, UNKNOWNS, failed, tried

_FINDING: Final = Finding(Severity.ERROR, "placeholder", "SERVICE_SECRET", "a placeholder", "Nobody can.", "Set it.")
_HASH, _TRACE, _SPAN = "0123456789abcdef", "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

EVENTS: Final[tuple[Event, ...]] = (
    *(
        AttemptEnded(journey, "request-1", outcome, 0.1, _HASH, _TRACE, _SPAN)
        for journey in JOURNEYS
        for outcome in (
            ACCEPTED,
            *(Rejected(cause, tried=tried(cause.code)) for cause in REJECTIONS),
            *(failed(cause.code, 2, os_error="x", answered_by="nginx") for cause in UNKNOWNS),
            *(unknown(cause, {"os_error": "x", "answered_by": "nginx"}) for cause in UNKNOWNS),
        )
    ),
    ConnectivityChecked("probe-1", "dns_error", "never_sent", 0.1, changed=True),
    ConnectivityChecked("probe-1", None, None, 0.1, changed=True),
    HandshakeEnded("probe-1", "accepted", None, None, 0.1),
    HandshakeEnded("probe-1", "refused", "service_credentials_rejected", "answered", 0.1),
    HandshakeEnded("probe-1", "absent", "endpoint_not_found", "answered", 0.1),
    HandshakeEnded("probe-1", "unclear", "invalid_response", "answered", 0.1),
    CircuitChanged("login", Circuit("open", "response_timeout", 5.0, 20, 20)),
    CircuitChanged("login", Circuit("half_open", "response_timeout", 0.0, 0, 0)),
    CircuitChanged("login", Circuit("closed", None, 0.0, 0, 0)),
    KeysChanged(("k1",)),
    KeysChanged(("k1",), "connection_refused"),
    KeysChanged((), "keys_refused", "it holds a private key"),
    RevocationFeed("up"),
    RevocationFeed("down", "response_timeout"),
    Changed("configuration", "0a1b2c3d4e5f"),
    Changed("service_secret", "0a1b2c3d", "4e5f6a7b"),
    ConfigurationProblem(_FINDING),
    ConfigurationProblem(_FINDING._replace(severity=Severity.WARNING)),
    ConfigurationProblem(_FINDING._replace(severity=Severity.NOTE)),
    *(
        ConfigurationProblem(_FINDING._replace(severity=each, code="oauth_credential_missing"))
        for each in (Severity.ERROR, Severity.WARNING)
    ),
    Stage("started", (("public", "http://127.0.0.1:1"), ("admin", "http://127.0.0.1:2"))),
    Stage("draining"),
    Stage("stopped"),
    Crashed("request-1", "KeyError", ("a.py:1 f",)),
)
EVERY_LINE: Final[tuple[Line, ...]] = tuple(LINES(event) for event in EVENTS)


def kinds_missing() -> set[Any]:
    """Events of which there is no line here; tries are counted and never written."""
    return set(get_args(Event)) - {TryEnded} - {type(each) for each in EVENTS}
