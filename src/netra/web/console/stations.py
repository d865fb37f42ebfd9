"""The way of a login as stations, and the one line above them: which part is broken, by what was seen last.

It must never ask anybody, nor find a cause of its own: the code is the one that the newest try ended with.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

from netra.core.pace.breaker import Circuit
from netra.core.verdict.causes import TABLE
from netra.core.verdict.reply import Standing
from netra.observe.board import Board, Seen
from netra.observe.tally import Counted

State = Literal["ok", "warning", "failing", "unknown", "unused"]

_FRESH_S: Final = 60.0
"""A failure that nothing has contradicted since is news for so long; later it is only a warning."""
_LOGINS_FIRST_S: Final = 10.0
"""Of two failures of about the same time, the login's is the one to tell."""
_USERS: Final = frozenset({"login", "register", "refresh", "logout", "validate"})
"""What users wait for; everything else is upkeep, without which they can do for a while."""
_UNSEALED: Final = frozenset({"health", "keys", "discovery"})
"""Questions that carry no credentials of ours, and say nothing of them."""
_LINES: Final = frozenset({"dns", "tcp", "tls"})
"""Hops that all questions have in common: one that gets through has shown them to be well."""
_STATION_OF_HOP: Final = {"intermediary": "http"}


class Evidence(NamedTuple):
    """What is wrong, by the newest that was seen."""

    state: Literal["failing", "warning"]
    code: str
    operation: str
    since_s: float
    at_s: float

    @property
    def station(self) -> str:
        """Where on the way it is."""
        hop = TABLE[self.code].hop
        return _STATION_OF_HOP.get(hop, hop)


class Station(NamedTuple):
    """One part of the way."""

    id: str
    title: str
    state: State
    latency_s: float | None
    detail: str
    """Empty where a code says it."""
    code: str | None = None


class Scene(NamedTuple):
    """All that the stations are drawn from."""

    board: Board
    standing: Standing
    circuits: Mapping[str, Circuit]
    attempts: Counted
    now_s: float
    base_url: str
    enabled: bool = True
    draining: bool = False
    sealed: bool = True
    """Does the auth service want credentials of ours?"""


TITLES: Final = {
    "client": "Client",
    "gateway": "Gateway",
    "dns": "DNS",
    "tcp": "TCP",
    "tls": "TLS",
    "http": "HTTP",
    "service_credentials": "Service credentials",
    "auth_service": "Auth service",
}


def evidence(scene: Scene) -> Evidence | None:
    """What is wrong now; None when nothing speaks against the next login."""
    if not scene.enabled:
        began_s = scene.board.began_at_s
        return Evidence("failing", "auth_service_disabled", "login", began_s, began_s)
    found = [*_failed_tries(scene), *_kept_out(scene)]
    if not found:
        return None
    return max(found, key=lambda one: (one.state == "failing", one.at_s + _LOGINS_FIRST_S * (one.operation in _USERS)))


def _failed_tries(scene: Scene) -> Iterable[Evidence]:
    tries = scene.board.tries
    for operation, seen in tries.items():
        if seen.code is None or _contradicted(operation, seen, scene):
            continue
        well = (other.at_s for name, other in tries.items() if name in _USERS and other.code is None)
        outlived = operation not in _USERS and any(at_s > seen.since_s for at_s in well)
        stale = operation in _USERS and scene.now_s - seen.at_s > _FRESH_S
        yield Evidence("warning" if outlived or stale else "failing", seen.code, operation, seen.since_s, seen.at_s)


def _contradicted(operation: str, seen: Seen, scene: Scene) -> bool:
    """Has something got through since that could not have, if it still were so?"""
    if operation in _USERS and scene.board.recovered_at_s > seen.at_s:
        return True
    hop = TABLE[seen.code or ""].hop
    for name, other in scene.board.tries.items():
        if other.code is not None or other.at_s <= seen.at_s:
            continue
        if hop in _LINES or (hop == "service_credentials" and name not in _UNSEALED):
            return True
    return False


def _kept_out(scene: Scene) -> Iterable[Evidence]:
    """Attempts that ended here, and open circuits: behind both, what made them so."""
    seen = scene.board.kept_out
    if seen is not None and seen.code not in (None, "destination_unavailable") and scene.now_s - seen.at_s < _FRESH_S:
        yield Evidence("failing", seen.code or "", "login", seen.since_s, seen.at_s)
    for kind, circuit in scene.circuits.items():
        if circuit.state != "closed" and circuit.code is not None:
            kept_out = circuit.state == "open" and circuit.next_try_in_s > 0
            alike = (seen.since_s for seen in scene.board.tries.values() if seen.code == circuit.code)
            since_s = min(alike, default=scene.now_s)
            yield Evidence("failing" if kept_out else "warning", circuit.code, kind, since_s, scene.now_s)


def stations(scene: Scene, found: Evidence | None) -> list[Station]:
    """The stations in the order of the way: those before the broken one are well, those behind it unknown."""
    broken = found.station if found is not None else None
    behind = False
    lasted_s = _lasted_s(scene.board)
    drawn = []
    for name, title in TITLES.items():
        state, detail = _seen_at(name, scene)
        code = None
        if found is not None and name == broken:
            state, code, detail = found.state, found.code, ""
            behind = found.state == "failing"
        elif behind and state != "unused":
            state, detail = "unknown", "behind what is broken"
        drawn.append(Station(name, title, state, None if state == "unused" else lasted_s.get(name), detail, code))
    return drawn


def _lasted_s(board: Board) -> Mapping[str, float | None]:
    """By station: what is measured there."""
    spent = board.spent_s()
    return {
        "gateway": board.own_s(),
        "dns": spent.dns_s,
        "tcp": spent.connect_s,
        "tls": spent.tls_s,
        "http": spent.read_s,
        "auth_service": spent.wait_s,
    }


def _seen_at(name: str, scene: Scene) -> tuple[State, str]:
    """State and detail of a station at which nothing is known to be broken."""
    reached = any(seen.code is None for seen in scene.board.tries.values())
    answers: State = "ok" if reached else "unknown"
    address = urlsplit(scene.base_url)
    host = address.hostname or ""
    match name:
        case "client":
            count = scene.attempts.attempts_count
            return ("ok", f"{count} attempts in 15 min") if count else ("unknown", "nobody has asked yet")
        case "gateway":
            return ("warning", "draining: it is about to stop") if scene.draining else ("ok", "ready")
        case "dns":
            return ("unused", "no name to look up") if _is_numeric(host) else (answers, host)
        case "tcp":
            return answers, f"port {address.port or (443 if address.scheme == 'https' else 80)}"
        case "tls":
            return (answers, "encrypted") if address.scheme == "https" else ("unused", "plain HTTP")
        case "http":
            return answers, "HTTP/1.1" if reached else "not asked yet"
        case "service_credentials":
            return _credentials(scene)
    return answers, "answers" if reached else "not asked yet"


def _credentials(scene: Scene) -> tuple[State, str]:
    if not scene.sealed:
        return "unused", "this auth service wants none"
    state: State = "ok" if scene.standing.handshake == "accepted" else "unknown"
    words = {
        "accepted": "accepted",
        "absent": "no handshake: a login shows",
        "not_yet": "a handshake that is of no use" if scene.standing.handshake_code else "not asked yet",
        "refused": "refused",
    }
    if scene.standing.handshake == "absent" and any(
        seen.code is None for name, seen in scene.board.tries.items() if name not in _UNSEALED
    ):
        state = "ok"
    return state, words[scene.standing.handshake]


def _is_numeric(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
