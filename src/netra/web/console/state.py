"""What the console shows, as one document: made whole each time, out of what was found out before.

It must never ask anybody, nor hold what an operator may not see.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from netra.core.findings import Finding, Severity
from netra.core.pace.breaker import Circuit
from netra.core.verdict.operations import LOGIN
from netra.doctor.report.documents import finding_document
from netra.gateway.gate import Gateway
from netra.observe.board import Board, Dated
from netra.observe.latency import SLOTS, TRIES, Budgets, Latency, advice, latencies
from netra.observe.recorder import Recorder
from netra.observe.stories import Story, rfc3339
from netra.observe.tally import STEP_S, Counted
from netra.settings.field import Effective
from netra.web.admin.health import health_document, instant
from netra.web.console.stations import Evidence, Scene, Station, evidence, stations
from netra.web.view import READY, View

FORMAT_VERSION: Final = 1
FAILURES_COUNT: Final = 50
REJECTIONS_COUNT: Final = 20
_CODES_COUNT: Final = 12
_TOKEN_JOURNEYS: Final = ("verify", "me")
_NOT_SHOWN: Final = "upkeep"
"""A circuit that never opens."""

_STATION_OF_PART: Final = {
    "dns": "dns",
    "connect": "tcp",
    "tls": "tls",
    "read": "http",
    SLOTS: "gateway",
    TRIES: "gateway",
}
"""Where it is slow, by the part of the time that went there; all else is the auth service's own."""

Document = dict[str, Any]
Advised = tuple[Latency, Finding | None]
"""What was measured, and what it asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Everything that the console is drawn from."""

    gateway: Gateway
    view: View
    board: Board
    failures: "Failures"
    version: str
    prefix: str
    findings: Sequence[Finding]
    settings: Callable[[], Sequence[Effective]] = tuple
    """As they are now: credentials that come from files are followed."""
    panels: tuple[str, ...] = ()
    """What else is shown here, e.g. `demo`."""
    sealed: bool = True
    """Does the auth service want credentials of ours?"""
    budgets: Budgets
    """How long attempts may take."""


class Failures:
    """The latest attempts that were not accepted, as rows; told anew only when there are others."""

    def __init__(self, recorder: Recorder, board: Board) -> None:
        self._recorder = recorder
        self._board = board
        self._rows: list[Document] = []
        self._made_of = -1

    def rows(self) -> list[Document]:
        """The newest first: failures, and fewer of what was rejected."""
        if self._made_of != self._board.refused_count:
            self._made_of, latest = self._board.refused_count, self._recorder.latest
            told = [*latest(FAILURES_COUNT, "unknown"), *latest(REJECTIONS_COUNT, "rejected")]
            self._rows = [_failure(each) for each in sorted(told, key=_at, reverse=True)]
        return self._rows


def state_document(sources: Sources, doctor: Mapping[str, Any]) -> Document:
    """The whole state; `doctor` is what is known of the diagnosis under way, and of the last one."""
    gateway, view, board = sources.gateway, sources.view, sources.board
    now_s, link = view.now_s(), gateway.parts.link
    logins = ("login",) if gateway.parts.wire.offers(LOGIN) else _TOKEN_JOURNEYS
    circuits: dict[str, Circuit] = {
        kind: each.seen(now_s) for kind, each in link.circuits.items() if kind != _NOT_SHOWN
    }
    scene = Scene(
        board=board,
        standing=gateway.standing,
        circuits=circuits,
        attempts=board.counted(board.journeys()),
        now_s=now_s,
        base_url=view.auth_service_url,
        enabled=link.enabled,
        draining=view.readiness.draining,
        sealed=sources.sealed,
    )
    found = evidence(scene)
    counted = board.counted(logins)
    advised = [(each, advice(each, sources.budgets)) for each in latencies(board, sources.budgets)]
    health = health_document(gateway, view, sources.version, sources.findings)
    return {
        "version": FORMAT_VERSION,
        "at": instant(view.wall_s()),
        "uptime_s": round(now_s - board.began_at_s, 1),
        "panels": list(sources.panels),
        "gateway": _gateway(sources, health),
        "headline": _headline(sources, scene, found, counted, advised),
        "stations": [_station(each, view) for each in stations(scene, found)],
        "series": _series(board, logins),
        "totals": _totals(board, logins, counted),
        "latency": [_latency(*each) for each in advised],
        "circuits": [_circuit(kind, circuit) for kind, circuit in circuits.items()],
        "circuit_history": [_turn(each) for each in reversed(board.circuits)],
        "failures": sources.failures.rows(),
        "changes": [_change(each) for each in reversed(board.changes)],
        "findings": [
            finding_document(each)
            for each in (*gateway.standing.differences, *(one for _, one in advised if one), *sources.findings)
        ],
        **_known(health),
        "doctor": doctor,
    }


def settings_document(settings: Sequence[Effective]) -> Document:
    """Every setting as it may be shown, with where it came from."""
    return {"settings": [each._asdict() for each in settings]}


def _gateway(sources: Sources, health: Document) -> Document:
    view = sources.view
    readiness = view.readiness_word(enabled=sources.gateway.parts.link.enabled)
    return {
        "version": sources.version,
        "environment": view.environment,
        "disclose": "operator" if view.operator else "public",
        "auth_service_url": view.auth_service_url,
        "prefix": sources.prefix,
        "ready": readiness == READY,
        "readiness": readiness,
        "draining": view.readiness.draining,
        "health": health["status"],
        "listens": dict(sources.board.addresses),
    }


def _headline(
    sources: Sources, scene: Scene, found: Evidence | None, counted: Counted, advised: Sequence[Advised]
) -> Document:
    if found is not None:
        return _broken(sources, found)
    nothing: Document = {"code": None, "hop": None, "first": None, "since": None}
    if scene.draining:
        return {"state": "warning", "text": "Draining: this gateway is about to stop.", **nothing}
    differing = next((each for each in scene.standing.differences if each.severity is not Severity.NOTE), None)
    if differing is not None:
        return _doubt(differing, "service_credentials")
    slow = next(((each, one) for each, one in advised if one and one.severity is Severity.WARNING), None)
    if slow is not None:
        return _doubt(slow[1], _STATION_OF_PART.get(next(iter(slow[0].parts), ""), "auth_service"))
    if counted.attempts_count:
        return {"state": "ok", "text": _well(counted), **nothing}
    if any(seen.code is None for seen in scene.board.tries.values()):
        return {"state": "idle", "text": "All is well. Nobody has logged in for 15 minutes.", **nothing}
    return {"state": "unknown", "text": "Nothing is known yet: nobody has asked the auth service.", **nothing}


def _doubt(finding: Finding, hop: str) -> Document:
    """Logins get through, and something may stand in their way soon."""
    return {
        "state": "warning",
        "text": f"{finding.subject} {finding.what}.",
        "code": finding.code,
        "hop": hop,
        "first": finding.fix,
        "since": None,
    }


def _well(counted: Counted) -> str:
    told = [f"{counted.accepted} accepted", f"{counted.rejected} rejected"]
    if counted.unknown:
        told.append(f"{counted.unknown} failed")
    return f"Logins get through: {', '.join(told)} in 15 minutes."


def _broken(sources: Sources, found: Evidence) -> Document:
    page, view = sources.view.book[found.code], sources.view
    facts = {**view.facts, **sources.board.facts.get(found.code, {})}
    if sources.gateway.standing.probe_code == found.code:
        facts |= sources.gateway.standing.probe_facts
    sentence = page.operator_sentence(facts)
    text = sentence if found.state == "failing" else f"{_but(found)} {sentence}"
    return {
        "state": found.state,
        "text": text,
        "code": found.code,
        "hop": found.station,
        "first": next(iter(page.suggestions(facts)), None),
        "since": instant(view.wall_s() - view.now_s() + found.since_s),
    }


def _but(found: Evidence) -> str:
    match found.operation:
        case "login" | "register" | "refresh" | "logout" | "validate" | "token":
            return "The last attempt failed, and none has come since:"
        case "health":
            return "Logins get through, but the probe does not:"
        case operation:
            return f"Logins get through, but the call for {operation} does not:"


def _station(station: Station, view: View) -> Document:
    return {
        "id": station.id,
        "title": station.title,
        "state": station.state,
        "latency_ms": _ms(station.latency_s),
        "detail": station.detail if station.code is None else view.book[station.code].title,
        "code": station.code,
    }


def _series(board: Board, journeys: Sequence[str]) -> Document:
    steps = board.series(journeys)
    return {
        "step_s": STEP_S,
        "journeys": list(journeys),
        "t": [at for at, _ in steps],
        "accepted": [each.accepted for _, each in steps],
        "rejected": [each.rejected for _, each in steps],
        "unknown": [each.unknown for _, each in steps],
        "p50_ms": [_ms(each.p50_s) for _, each in steps],
        "p95_ms": [_ms(each.p95_s) for _, each in steps],
        "p99_ms": [_ms(each.p99_s) for _, each in steps],
    }


def _totals(board: Board, journeys: Sequence[str], counted: Counted) -> Document:
    codes = [{"code": code, "count": count, "verdict": verdict} for verdict, code, count in board.codes(journeys)]
    by_journey = [{"journey": name, **_count(board.counted((name,)))} for name in board.journeys()]
    return {**_count(counted), "codes": codes[:_CODES_COUNT], "journeys": by_journey}


def _latency(latency: Latency, advised: Finding | None) -> Document:
    return {
        "what": latency.what,
        "variable": latency.variable,
        "budget_ms": _ms(latency.budget_s),
        "p99_ms": _ms(latency.p99_s),
        "ratio": round(latency.ratio, 4),
        "attempts": latency.attempts_count,
        "parts": {part: round(ratio, 4) for part, ratio in latency.parts.items()},
        "text": latency.text,
        "advice": None if advised is None else finding_document(advised),
    }


def _count(counted: Counted) -> Document:
    return {
        "accepted": counted.accepted,
        "rejected": counted.rejected,
        "unknown": counted.unknown,
        "p50_ms": _ms(counted.p50_s),
        "p95_ms": _ms(counted.p95_s),
        "p99_ms": _ms(counted.p99_s),
    }


def _circuit(kind: str, circuit: Circuit) -> Document:
    return {
        "kind": kind,
        "state": circuit.state,
        "code": circuit.code,
        "next_try_in_s": round(circuit.next_try_in_s, 1),
        "calls": circuit.calls_count,
        "failures": circuit.failures_count,
    }


def _turn(turned: Dated) -> Document:
    return {"at": instant(turned.at), "kind": turned.what, "state": turned.now, "code": turned.code}


def _change(changed: Dated) -> Document:
    return {**changed._asdict(), "at": instant(changed.at)}


def _at(story: Story) -> datetime:
    return story.at


def _failure(story: Story) -> Document:
    return {
        "request_id": story.request_id,
        "at": rfc3339(story.at),
        "journey": story.journey,
        "verdict": story.verdict,
        "code": story.code,
        "status": story.status,
        "title": story.title,
        "elapsed_ms": story.elapsed_ms,
        "tries": len(story.tries),
        "first": next(iter(story.check_first), None),
    }


def _known(health: Document) -> Document:
    """What upkeep knows, as `/health` says it."""
    checks = health["checks"]

    def first(name: str) -> Document | None:
        return next(iter(checks.get(name, ())), None)

    return {
        "probe": first("auth_service:connectivity"),
        "handshake": first("auth_service:handshake"),
        "slots": health["in_flight"],
        "tokens": {
            "remembered": health["remembered_tokens"],
            "keys": first("tokens:keys"),
            "revocations": first("tokens:revocations"),
        },
    }


def _ms(elapsed_s: float | None) -> float | None:
    return None if elapsed_s is None else round(elapsed_s * 1e3, 1)
