"""A diagnosis for programs: one JSON document, with a version that changes when a member does.

It must never hold more than people are shown.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from netra.core.findings import Finding, Severity
from netra.doctor.diagnosis import Check, Diagnosis, Hop, Measured, State
from netra.doctor.report.text import target

FORMAT_VERSION: Final = 2
_MOST_LATENCIES_COUNT: Final = 8
_LONGEST_CHARS: Final = 1_000
_WORST_FIRST: Final = (State.FAIL, State.WARN, State.PASS, State.SKIP)


def as_json(diagnosis: Diagnosis) -> str:
    """The document, in ASCII."""
    return json.dumps(document(diagnosis), indent=2)


def document(diagnosis: Diagnosis) -> dict[str, Any]:
    """The whole diagnosis."""
    first = diagnosis.first
    return {
        "version": FORMAT_VERSION,
        "ok": diagnosis.ok,
        "target": target(diagnosis.settings),
        "elapsed_ms": _ms(diagnosis.elapsed_s),
        "request_id": diagnosis.request_id,
        "first": None if first is None else finding_document(first),
        "hops": [_hop(hop, diagnosis) for hop in Hop if any(each.hop is hop for each in diagnosis.checks)],
        "checks": [check_document(each) for each in diagnosis.checks],
        "findings": [finding_document(each) for each in diagnosis.findings],
        "settings": [each._asdict() for each in diagnosis.settings],
        "sockets": [each._asdict() for each in diagnosis.sockets],
    }


def check_document(check: Check) -> dict[str, Any]:
    """One check, as it is also sent on its own while a diagnosis is under way."""
    return {
        "hop": str(check.hop),
        "name": check.name,
        "state": str(check.state),
        "what": check.what,
        "elapsed_ms": _ms(check.elapsed_s),
        "findings": [finding_document(each) for each in check.findings],
    }


def finding_document(finding: Finding) -> dict[str, str]:
    """One finding."""
    return {name: str(value) for name, value in finding._asdict().items()}


def measured_of(body: bytes) -> tuple[Measured, ...] | None:
    """What a console's state says of how long attempts take; None for what is no such state."""
    try:
        latencies = json.loads(body)["latency"]
        return tuple(_measured(each) for each in latencies[:_MOST_LATENCIES_COUNT])
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def not_measured(why: str, fix: str) -> Measured:
    """What to say of a gateway that could not be asked."""
    return Measured(
        "in_use",
        f"not measured: {why}",
        Finding(
            Severity.WARNING, "gateway_not_asked", Hop.BUDGET, f"The gateway in use could not be asked: {why}.",
            "How long users wait is not known here.", fix,
        ),
    )  # fmt: skip


def _measured(told: Any) -> Measured:
    """Raises: ValueError, TypeError, KeyError."""
    name, advice = _line(told["what"]).replace(" ", "_"), told["advice"]
    if advice is None:
        return Measured(name, _line(told["text"]))
    severity = Severity(advice["severity"])
    words = (_line(advice[name]) for name in Finding._fields[1:])
    return Measured(name, _line(told["text"]), Finding(severity, *words))


def _line(text: Any) -> str:
    """A text of somebody else's as one line to show. Raises: ValueError."""
    if not isinstance(text, str) or not text.isprintable() or len(text) > _LONGEST_CHARS:
        raise ValueError("no line of text")
    return text


def _hop(hop: Hop, diagnosis: Diagnosis) -> dict[str, Any]:
    state = _worst([each.state for each in diagnosis.checks if each.hop is hop])
    return {"hop": str(hop), "state": str(state), "elapsed_ms": _ms(diagnosis.hop_s.get(hop))}


def _worst(states: Sequence[State]) -> State:
    return next(each for each in _WORST_FIRST if each in states)


def _ms(elapsed_s: float | None) -> float | None:
    return None if elapsed_s is None else round(elapsed_s * 1e3, 1)
