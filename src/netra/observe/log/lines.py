"""Events as log lines: the exact event strings that operators watch, and the fields beside them.

It must never name a password, a token, a secret, or an identifier in clear.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

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
)
from netra.core.findings import Severity
from netra.core.pace.window import SPAN_S
from netra.core.verdict.causes import TABLE
from netra.core.verdict.outcomes import NO_FACTS, Accepted, Rejected, Spent, Tried, Unknown
from netra.pages.page import Page

DEBUG: Final = "debug"
INFO: Final = "info"
WARNING: Final = "warning"
ERROR: Final = "error"

_CHECKS: Final = "Token check"
"""Two journeys are called so: their lines say which."""
JOURNEYS: Final = {
    "login": "Login",
    "register": "Registration",
    "refresh": "Refresh",
    "logout": "Logout",
    "me": _CHECKS,
    "verify": _CHECKS,
    "config": "Offer",
}
"""What an attempt of each journey is called in lines."""
SPENT_WORDS: Final = tuple(name.removesuffix("_s") for name in Spent._fields)
_FREQUENT: Final = frozenset({"me", "verify", "config"})
_SHAKES: Final = {"accepted": INFO, "absent": WARNING, "unclear": WARNING, "refused": ERROR}


class Line(NamedTuple):
    """One log line before it is written."""

    level: str
    event: str
    fields: dict[str, Any]


class Lines:
    """Turns events into lines. `facts` name this installation in the pages' sentences."""

    def __init__(self, book: Mapping[str, Page], facts: Mapping[str, str], run_id: str) -> None:
        self._book = book
        self._facts = facts
        self._run_id = run_id
        self._of_kind: dict[type[Event], Callable[[Any], Line]] = {
            AttemptEnded: self._attempt,
            ConnectivityChecked: self._connectivity,
            HandshakeEnded: self._handshake,
            CircuitChanged: self._circuit,
            KeysChanged: self._keys,
            RevocationFeed: self._feed,
            Changed: self._changed,
            ConfigurationProblem: self._finding,
            Stage: self._stage,
            Crashed: _crash,
        }

    def __call__(self, event: Event) -> Line:
        """The line of an event."""
        return self._of_kind[type(event)](event)

    def _stage(self, event: Stage) -> Line:
        return Line(INFO, f"Netra {event.name}", {"request_id": self._run_id, **dict(event.addresses)})

    def _attempt(self, event: AttemptEnded) -> Line:
        kind, request_id, outcome, elapsed_s, account, trace_id = event
        fields: dict[str, Any] = {"request_id": request_id, "elapsed_ms": _ms(elapsed_s)}
        if account:
            fields["account"] = account
        if trace_id:
            fields["trace_id"] = trace_id
        journey = JOURNEYS[kind]
        if journey == _CHECKS:
            fields["journey"] = kind
        if isinstance(outcome, Accepted):
            return Line(DEBUG if kind in _FREQUENT else INFO, f"{journey} succeeded", fields)
        fields["code"] = outcome.cause.code
        if isinstance(outcome, Rejected):
            if outcome.cause.code == "too_many_attempts":
                fields["limited_by"] = "auth_service" if outcome.tried else "gateway"
            return Line(DEBUG if event.journey in _FREQUENT else INFO, f"{journey} rejected", fields)
        fields |= self._why(outcome)
        if outcome.cause.refuses_us:
            return Line(ERROR, f"{journey} failed: Access forbidden", fields)
        if event.journey == "login" and outcome.tried:
            return Line(ERROR, f"All {len(outcome.tried)} login attempts failed", fields)
        return Line(ERROR if event.journey == "login" else WARNING, f"{journey} failed", fields)

    def _why(self, outcome: Unknown) -> dict[str, Any]:
        why: dict[str, Any] = {
            "phase": outcome.phase.value,
            "owner": outcome.cause.owner.value,
            "tries": [_try(each) for each in outcome.tried],
            **self._page(outcome.cause.code, outcome.facts),
        }
        for fact in ("os_error", "answered_by"):
            if fact in outcome.facts:
                why[fact] = outcome.facts[fact]
        return why

    def _page(self, code: str, facts: Mapping[str, str] = NO_FACTS) -> dict[str, Any]:
        """What the page of a code says of this case."""
        page, facts = self._book[code], {**self._facts, **facts}
        return {"why": page.operator_sentence(facts), "check_first": next(iter(page.suggestions(facts)), None)}

    def _connectivity(self, event: ConnectivityChecked) -> Line:
        fields: dict[str, Any] = {"request_id": event.request_id, "elapsed_ms": _ms(event.elapsed_s)}
        if event.code is None:
            return Line(INFO, "Auth service connectivity test succeeded", fields)
        fields |= {"code": event.code, "phase": event.phase, **self._page(event.code, event.facts)}
        return Line(WARNING, "Auth service connectivity test failed", fields)

    def _handshake(self, event: HandshakeEnded) -> Line:
        fields: dict[str, Any] = {"request_id": event.request_id, "elapsed_ms": _ms(event.elapsed_s)}
        if event.code is not None:
            fields |= {"code": event.code, "phase": event.phase, **self._page(event.code)}
        return Line(_SHAKES[event.state], f"Handshake {event.state}", fields)

    def _circuit(self, event: CircuitChanged) -> Line:
        circuit = event.circuit
        fields: dict[str, Any] = {"request_id": self._run_id, "calls": event.kind}
        if circuit.code is None:
            return Line(INFO, "Circuit closed", fields)
        fields |= {"code": circuit.code, "phase": TABLE[circuit.code].phase.value}
        if circuit.state == "half_open":
            return Line(INFO, "Circuit half-open", fields)
        fields["next_try_in_s"] = round(circuit.next_try_in_s, 1)
        if circuit.calls_count:
            fields["failed"] = f"{circuit.failures_count} of {circuit.calls_count} calls in {SPAN_S} s"
        return Line(ERROR, "Circuit opened", fields | self._page(circuit.code))

    def _keys(self, event: KeysChanged) -> Line:
        fields: dict[str, Any] = {"request_id": self._run_id, "key_ids": list(event.key_ids)}
        if event.code is None:
            return Line(INFO, "Key set changed", fields)
        fields["code"] = event.code
        if event.reason:
            fields["reason"] = event.reason
        if event.code in self._book:
            fields |= self._page(event.code)
        return Line(WARNING, "Key set not renewed", fields)

    def _changed(self, event: Changed) -> Line:
        fields: dict[str, Any] = {"request_id": self._run_id, "what": event.what, "now": event.now}
        if event.before is None:
            return Line(INFO, "In use", fields)
        return Line(INFO, "Changed", {**fields, "before": event.before})

    def _feed(self, event: RevocationFeed) -> Line:
        fields: dict[str, Any] = {"request_id": self._run_id}
        if event.state == "up":
            return Line(INFO, "Revocation feed up", fields)
        if event.code is not None:
            fields |= {"code": event.code, **self._page(event.code)}
        return Line(WARNING, "Revocation feed down", fields)

    def _finding(self, event: ConfigurationProblem) -> Line:
        finding = event.finding
        fields = {"request_id": self._run_id, "code": finding.code, "variable": finding.subject}
        fields |= {"what": finding.what, "why": finding.why, "check_first": finding.fix}
        if finding.severity is Severity.NOTE:
            return Line(INFO, "Configuration read again", fields)
        text = "Missing OAuth credential" if finding.code == "oauth_credential_missing" else "Configuration problem"
        return Line(ERROR if finding.severity is Severity.ERROR else WARNING, text, fields)


def _ms(elapsed_s: float) -> float:
    return int(elapsed_s * 1e4 + 0.5) / 10


def _try(tried: Tried) -> str:
    """A try in words: what came of it, how long it took, and where its time went as far as is known."""
    parts = [
        f"{word} {_ms(each_s)}" for word, each_s in zip(SPENT_WORDS, tried.spent, strict=True) if each_s is not None
    ]
    return f"{tried.code} {_ms(tried.elapsed_s)} ms" + (f" ({', '.join(parts)})" if parts else "")


def _crash(event: Crashed) -> Line:
    return Line(
        ERROR,
        "Internal error",
        {
            "request_id": event.request_id,
            "code": "internal_error",
            "phase": "maybe_sent",
            "elapsed_ms": _ms(event.elapsed_s),
            "error_type": event.error_type,
            "places": list(event.places),
        },
    )
