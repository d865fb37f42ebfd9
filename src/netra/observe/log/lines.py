"""Events as log lines: the exact event strings that operators watch, and the fields beside them.

It must never name a password, a token, a secret, or an identifier in clear.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from netra.core.verdict.outcomes import NO_FACTS, Accepted, Outcome, Rejected, Spent, Tried, Unknown
from netra.observe.log.vocabulary import word_of
from netra.pages.page import FACT, Page

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
_KEPT_ALIVE: Final = "%s %.1f ms (wait %.1f, read %.1f)"
"""Filled in all at once, which takes half as long as an f-string does number by number."""
_FACTS_NAMED: Final = ("os_error", "answered_by")
"""Facts that are fields of their own."""
_MOST_FAILURES_COUNT: Final = 500
"""How many different ones are kept to be told again."""
_FREQUENT: Final = frozenset({"me", "verify", "config"})
_SHAKES: Final = {"accepted": INFO, "absent": WARNING, "unclear": WARNING, "refused": ERROR}


class Line(NamedTuple):
    """One log line before it is written."""

    level: str
    event: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heading:
    """What is the same in every line of one kind."""

    level: str
    event: str
    code: str | None
    owasp: str | None
    """The word by which security people know the event; None when they have none for it."""
    said: dict[str, Any]
    """Fields that all of them have, these included, with room for those that begin every line."""


class Lines:
    """Turns events into lines. `facts` name this installation in the pages' sentences."""

    def __init__(self, book: Mapping[str, Page], facts: Mapping[str, str], run_id: str) -> None:
        self._book = book
        self._facts = facts
        self.run_id = run_id
        """Labels what belongs to no request."""
        self._headings: dict[tuple[str, str | None, int], Heading] = {}
        self._told = {code: _facts_told(page) for code, page in book.items()}
        self._failures: dict[tuple[str, str, tuple[str | None, ...]], dict[str, Any]] = {}
        self._of_kind: dict[type[Event], Callable[[Any], Line]] = {
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
        if isinstance(event, AttemptEnded):
            heading = self.heading(event)
            return Line(heading.level, heading.event, self.fields(event, heading))
        line = self._of_kind[type(event)](event)
        word = word_of(line.event, line.fields.get("code"))
        if word is not None:
            line.fields["owasp"] = word
        return line

    def heading(self, event: AttemptEnded) -> Heading:
        """What the line of an attempt has in common with others of its kind, so that one can tell before it is made."""
        outcome = event.outcome
        key: tuple[str, str | None, int]
        if isinstance(outcome, Accepted):
            key = event.journey, None, 0
        elif isinstance(outcome, Rejected):
            key = event.journey, outcome.cause.code, 0
        else:
            key = event.journey, outcome.cause.code, len(outcome.tried)
        heading = self._headings.get(key)
        if heading is None:
            heading = self._headings[key] = _heading(event.journey, outcome)
        return heading

    def fields(self, event: AttemptEnded, heading: Heading) -> dict[str, Any]:
        """What the line of an attempt says beside its heading, and with it."""
        outcome, account, trace_id, span_id = event.outcome, event.account, event.trace_id, event.span_id
        failed = outcome if isinstance(outcome, Unknown) else None
        said = heading.said if failed is None else self._failure(event.journey, heading, failed)
        fields = said.copy()  # and filled in: several times as fast as a new one with the old one's fields
        fields["request_id"], fields["elapsed_ms"] = event.request_id, _ms(event.elapsed_s)
        if account:
            fields["account"] = account
        if trace_id:
            fields["trace_id"] = trace_id
        if span_id:
            fields["span_id"] = span_id
        if failed is not None:
            fields["tries"] = [_try(each) for each in failed.tried]
        elif heading.code == "too_many_attempts":
            fields["limited_by"] = "auth_service" if outcome.tried else "gateway"
        return fields

    def _failure(self, journey: str, heading: Heading, outcome: Unknown) -> dict[str, Any]:
        """The heading's fields with what its page says, kept to be said again: of a flood, few have different facts."""
        code, facts = outcome.cause.code, outcome.facts
        key = journey, code, tuple(map(facts.get, self._told[code])) if facts else ()
        said = self._failures.get(key)
        if said is None:
            if len(self._failures) >= _MOST_FAILURES_COUNT:
                self._failures.clear()
            named = {name: facts[name] for name in _FACTS_NAMED if name in facts}
            said = self._failures[key] = {**heading.said, **self._page(code, facts), **named}
        return said

    def _page(self, code: str, facts: Mapping[str, str] = NO_FACTS) -> dict[str, Any]:
        """What the page of a code says of this case."""
        page, facts = self._book[code], {**self._facts, **facts}
        return {"why": page.operator_sentence(facts), "check_first": next(iter(page.suggestions(facts)), None)}

    def _stage(self, event: Stage) -> Line:
        return Line(INFO, f"Netra {event.name}", {"request_id": self.run_id, **dict(event.addresses)})

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
        fields: dict[str, Any] = {"request_id": self.run_id, "calls": event.kind}
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
        fields: dict[str, Any] = {"request_id": self.run_id, "key_ids": list(event.key_ids)}
        if event.code is None:
            return Line(INFO, "Key set changed", fields)
        fields["code"] = event.code
        if event.reason:
            fields["reason"] = event.reason
        if event.code in self._book:
            fields |= self._page(event.code)
        return Line(WARNING, "Key set not renewed", fields)

    def _changed(self, event: Changed) -> Line:
        fields: dict[str, Any] = {"request_id": self.run_id, "what": event.what, "now": event.now}
        if event.before is None:
            return Line(INFO, "In use", fields)
        return Line(INFO, "Changed", {**fields, "before": event.before})

    def _feed(self, event: RevocationFeed) -> Line:
        fields: dict[str, Any] = {"request_id": self.run_id}
        if event.state == "up":
            return Line(INFO, "Revocation feed up", fields)
        if event.code is not None:
            fields |= {"code": event.code, **self._page(event.code)}
        return Line(WARNING, "Revocation feed down", fields)

    def _finding(self, event: ConfigurationProblem) -> Line:
        finding = event.finding
        fields = {"request_id": self.run_id, "code": finding.code, "variable": finding.subject}
        fields |= {"what": finding.what, "why": finding.why, "check_first": finding.fix}
        if finding.severity is Severity.NOTE:
            return Line(INFO, "Configuration read again", fields)
        text = "Missing OAuth credential" if finding.code == "oauth_credential_missing" else "Configuration problem"
        return Line(ERROR if finding.severity is Severity.ERROR else WARNING, text, fields)


def _facts_told(page: Page) -> tuple[str, ...]:
    """The facts that can make a difference to what a line says of a code."""
    lines = (*page.operator, *page.check_first)
    return (*_FACTS_NAMED, *sorted({name for line in lines for name in FACT.findall(line)} - set(_FACTS_NAMED)))


def _heading(journey: str, outcome: Outcome[Any]) -> Heading:
    """The heading of the attempts of a journey that ended like this one."""
    words, frequent = JOURNEYS[journey], journey in _FREQUENT
    said: dict[str, Any] = {"request_id": "", "elapsed_ms": 0.0}
    if words == _CHECKS:
        said["journey"] = journey
    code = None
    if isinstance(outcome, Accepted):
        level, event = DEBUG if frequent else INFO, f"{words} succeeded"
    else:
        cause = outcome.cause
        said["code"] = code = cause.code
        if isinstance(outcome, Rejected):
            level, event = DEBUG if frequent else INFO, f"{words} rejected"
        else:
            said |= {"phase": cause.phase.value, "owner": cause.owner.value}
            level = ERROR if cause.refuses_us or journey == "login" else WARNING
            if cause.refuses_us:
                event = f"{words} failed: Access forbidden"
            elif journey == "login" and outcome.tried:
                event = f"All {len(outcome.tried)} login attempts failed"
            else:
                event = f"{words} failed"
    word = word_of(event, code)
    return Heading(level, event, code, word, said if word is None else {**said, "owasp": word})


def _ms(elapsed_s: float) -> float:
    return int(elapsed_s * 1e4 + 0.5) / 10


def _try(tried: Tried) -> str:
    """A try in words: what came of it, how long it took, and where its time went as far as is known."""
    code, elapsed_s, spent = tried.code, tried.elapsed_s, tried.spent
    dns_s, connect_s, tls_s, wait_s, read_s = spent
    if dns_s is None and connect_s is None and tls_s is None and wait_s is not None and read_s is not None:
        # On a connection that was there already, as most are.
        return _KEPT_ALIVE % (code, elapsed_s * 1e3, wait_s * 1e3, read_s * 1e3)
    parts = [
        f"{word} {each_s * 1e3:.1f}" for word, each_s in zip(SPENT_WORDS, spent, strict=True) if each_s is not None
    ]
    took = f"{code} {elapsed_s * 1e3:.1f} ms"
    return f"{took} ({', '.join(parts)})" if parts else took


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
