"""What is known of each dependency, since when, and how: the document behind `/health`.

It must never ask anybody: all it says was found out before.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from netra.core.findings import Finding, Severity
from netra.core.pace.breaker import Circuit
from netra.core.token.cache import TokenCache
from netra.core.token.revoked import Revocations
from netra.core.verdict.reply import Standing
from netra.gateway.gate import Gateway
from netra.gateway.tokens import Tokens
from netra.observe.recorder import Recorder
from netra.observe.stories import rfc3339
from netra.web.view import READY, View

_STATES: Final = {"success": "pass", "failed": "fail", "not_run": "warn"}
_CIRCUIT_STATES: Final = {"closed": "pass", "half_open": "warn", "open": "fail"}

Check = dict[str, Any]


class Ourselves(NamedTuple):
    """What health can say of this process besides its gateway."""

    recorder: Recorder | None = None
    lines_lost_count: Callable[[], int] | None = None
    """How many log lines nobody took."""
    listener_failures_count: Callable[[], int] | None = None
    """How often an observer failed; logins go on without it."""


NOTHING_KNOWN: Final = Ourselves()


def health_document(
    gateway: Gateway, view: View, version: str, findings: Sequence[Finding], ourselves: Ourselves = NOTHING_KNOWN
) -> dict[str, Any]:
    """What is known of each dependency, in the style of health+json: state, evidence, and how old it is."""
    now_s, link = view.now_s(), gateway.parts.link
    checks = {
        "auth_service:connectivity": [_connectivity(gateway.standing, view, now_s, enabled=link.enabled)],
        "auth_service:handshake": [_handshake(gateway.standing, view, now_s)],
        "auth_service:circuit": [
            _circuit(kind, breaker.seen(now_s)) for kind, breaker in link.circuits.items() if kind != "upkeep"
        ],
        **_tokens(gateway.parts.tokens, now_s),
        "gateway:readiness": [_readiness(view, enabled=link.enabled)],
    }
    states = {each["status"] for check in checks.values() for each in check}
    return {
        "status": next(state for state in ("fail", "warn", "pass") if state in states),
        "version": version,
        "serviceId": view.service_id,
        "environment": view.environment,
        "auth_service_url": view.auth_service_url,
        "time": instant(view.wall_s()),
        "checks": checks,
        "in_flight": {
            "taken": link.slots.taken_count,
            "limit": link.slots.limit_count,
            "logins": link.slots.logins_count,
            "logins_limit": link.slots.logins_limit_count,
        },
        "remembered_tokens": _remembered(gateway.parts.tokens.cache),
        **_ourselves(ourselves),
        "findings": [_finding(each) for each in findings],
    }


def _connectivity(standing: Standing, view: View, now_s: float, *, enabled: bool) -> Check:
    code = standing.probe_code if enabled else "auth_service_disabled"
    return {
        "componentType": "component",
        "status": _STATES[standing.connectivity] if enabled else "fail",
        "observedValue": standing.connectivity if enabled else "disabled",
        "code": code,
        **_evidence(code, {**view.facts, **standing.probe_facts}, view),
        **_since(standing.probed_at_s, view, now_s),
        "next_probe_in_s": max(0.0, round((standing.next_probe_at_s or now_s) - now_s, 1)),
    }


def _handshake(standing: Standing, view: View, now_s: float) -> Check:
    """How we stand with the auth service; where both do not mean the same, that is a reason to look."""
    status = {"accepted": "pass", "refused": "fail"}.get(standing.handshake, "warn")
    if status == "pass" and any(each.severity is not Severity.NOTE for each in standing.differences):
        status = "warn"
    return {
        "componentType": "component",
        "status": status,
        "observedValue": standing.handshake,
        "code": standing.handshake_code,
        **_evidence(standing.handshake_code, view.facts, view),
        **_since(standing.shaken_at_s, view, now_s),
        "ever_accepted": standing.ever_accepted,
        "service_id": view.service_id,
        "idempotency": standing.idempotency,
        "auth_service_environment": standing.environment,
        "auth_service_version": standing.version,
        "skew_s": None if standing.their_clock_s is None else round(standing.skew_s(now_s, view.wall_s()), 1),
        "differences": [_finding(each) for each in standing.differences],
    }


def _readiness(view: View, *, enabled: bool) -> Check:
    """Whether this instance wants requests; that it stops is no illness."""
    word = view.readiness_word(enabled=enabled)
    status = {READY: "pass", "draining": "warn"}.get(word, "fail")
    return {"componentType": "system", "status": status, "observedValue": word}


def _evidence(code: str | None, facts: Mapping[str, str], view: View) -> Check:
    """What a failure means, and the likeliest cure; nothing for what is well."""
    page = view.book.get(code or "")
    if page is None:
        return {}
    return {"output": page.operator_sentence(facts), "check_first": next(iter(page.suggestions(facts)), None)}


def _since(at_s: float | None, view: View, now_s: float) -> Check:
    """When it was found out: an age, and an instant as health+json has it."""
    if at_s is None:
        return {"age_s": None}
    return {"age_s": round(now_s - at_s, 1), "time": instant(view.wall_s() - now_s + at_s)}


def _tokens(tokens: Tokens, now_s: float) -> dict[str, list[Check]]:
    """What tokens are judged by, where they are judged here."""
    checks: dict[str, list[Check]] = {}
    current, code = (tokens.keys.current, tokens.keys.last_code) if tokens.keys is not None else (None, None)
    age_s = tokens.keys.age_s(now_s) if tokens.keys is not None else None
    if current is not None or code is not None:  # else nobody has said yet whose keys they would be
        checks["tokens:keys"] = [
            {
                "componentType": "component",
                "status": "pass" if code is None else "warn",
                "observedValue": 0 if current is None else len(current.key_ids),
                "key_ids": [] if current is None else list(current.key_ids),
                "age_s": None if age_s is None else round(age_s, 1),
                "code": code,
            }
        ]
    if tokens.feed is not None:
        up = tokens.feed.up
        state = {"status": "pass" if up else "warn", "observedValue": "up" if up else "down"}
        checks["tokens:revocations"] = [{"componentType": "component", **state}]
    lost_count = tokens.revoked.lost_count if isinstance(tokens.revoked, Revocations) else 0
    if lost_count:
        lost = {"status": "warn", "observedValue": lost_count, "observedUnit": "revocations forgotten too early"}
        checks["tokens:revoked"] = [{"componentType": "system", **lost}]
    return checks


def _remembered(cache: TokenCache) -> dict[str, int]:
    return {
        "good": cache.kept_count,
        "refused": cache.refused_count,
        "hits": cache.hits_count,
        "misses": cache.misses_count,
        "stale": cache.stale_count,
    }


def _ourselves(ourselves: Ourselves) -> dict[str, Any]:
    """What this process remembers, and what it could not tell anybody."""
    recorder, lost, failures = ourselves
    members: dict[str, Any] = {}
    if recorder is not None:
        members["recorded_requests"] = {"kept": recorder.kept_count, "limit_of_each_sort": recorder.size_count}
    if lost is not None and failures is not None:
        members["observers"] = {"log_lines_lost": lost(), "failures": failures()}
    return members


def _circuit(kind: str, circuit: Circuit) -> Check:
    # An open circuit whose time has come lets the next call through: nobody must be kept away from making it.
    due = circuit.state == "open" and not circuit.next_try_in_s
    return {
        "componentId": kind,
        "componentType": "component",
        "status": "warn" if due else _CIRCUIT_STATES[circuit.state],
        "observedValue": circuit.state,
        "code": circuit.code,
        "next_try_in_s": round(circuit.next_try_in_s, 1),
        "calls": circuit.calls_count,
        "failures": circuit.failures_count,
    }


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "severity": finding.severity.value,
        "code": finding.code,
        "subject": finding.subject,
        "what": finding.what,
        "fix": finding.fix,
    }


def instant(epoch_s: float) -> str:
    """An instant of the wall clock as RFC 3339 writes it, in UTC."""
    return rfc3339(datetime.fromtimestamp(epoch_s, UTC))
