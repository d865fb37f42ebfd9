"""What is played, as data: load and faults, what the auth service can do, who is compared, and what must hold.

It must never hold a measure that only one of the gateways can meet by its nature.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import criteria
from auth_service import Capacity
from criteria import Criterion
from gateways import Kind
from load import Phase


@dataclass(frozen=True, slots=True)
class Contender:
    """One gateway with its settings: a column of figures."""

    label: str
    kind: Kind = "netra"
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scene:
    """One experiment."""

    name: str
    title: str
    capacity: Capacity
    phases: tuple[Phase, ...]
    contenders: tuple[Contender, ...]
    criteria: tuple[Criterion, ...]


OPEN_S: Final = 5.0
"""NETRA_BREAKER_OPEN_S, as it is when nobody sets it."""
TIMES_S: Final = {
    "NETRA_BREAKER_OPEN_S": OPEN_S,
    "NETRA_PROBE_INTERVAL_S": 5.0,
    "NETRA_LOGIN_BUDGET_S": 5.0,
    "NETRA_TOKEN_BUDGET_S": 2.0,
    "NETRA_CONNECT_TIMEOUT_S": 1.0,
}
"""Times of the product, as they are when nobody sets them: they shrink with the phases when a run is shortened."""

_THREE_TRIES: Final = {"NETRA_TRIES": "3"}
_NO_THROTTLE: Final = {"NETRA_THROTTLE_ACCOUNT": "off", "NETRA_THROTTLE_ADDRESS": "off"}
_NETRA: Final = Contender("Netra, three tries", variables=_THREE_TRIES)
_NAIVE: Final = Contender("naive gateway", "naive")
_ROOMY: Final = Capacity(workers_count=8, work_s=0.05, queue_count=500)

_RECOVERED: Final = Criterion(
    "until 99 % of the logins are right again, once the auth service is well",
    criteria.recovered_after(0.99, "after"),
    "s",
    at_most=2 * OPEN_S,
)


def _kept_out(phase: str) -> tuple[Criterion, Criterion]:
    what = "how long 99 of 100 wait who are kept out by an open circuit"
    return (
        Criterion(what, criteria.kept_out_p99_ms(phase), "ms", at_most=10),
        Criterion("the same from when they were due", criteria.kept_out_p99_ms(phase, from_due=True), "ms"),
    )


def _one_at_a_time(phase: str) -> Criterion:
    what = "logins that reach the auth service each time that the circuit is half-open"
    return Criterion(what, criteria.calls_a_trial(phase), "calls", at_most=1, only=(_NETRA.label,))


_OUTAGES: Final = (
    Scene(
        "outage-frozen",
        "Outage: for 12 s the auth service takes calls and never answers them",
        _ROOMY,
        (Phase("before", 5, 40), Phase("frozen", 12, 40, fault="frozen", shaded=True), Phase("after", 20, 40)),
        (_NETRA, _NAIVE),
        (_RECOVERED, *_kept_out("frozen"), _one_at_a_time("frozen")),
    ),
    Scene(
        "outage-refused",
        "Outage: for 12 s the auth service refuses connections",
        _ROOMY,
        (Phase("before", 5, 40), Phase("refusing", 12, 40, fault="refusing", shaded=True), Phase("after", 20, 40)),
        (_NETRA, _NAIVE),
        (_RECOVERED, *_kept_out("refusing")),
    ),
    Scene(
        "outage-logins",
        "Outage: for 24 s every login is answered with 500, while health is well",
        _ROOMY,
        (
            Phase("before", 5, 40),
            Phase("logins failing", 24, 40, fault="logins failing", shaded=True),
            Phase("after", 30, 40),
        ),
        (_NETRA, _NAIVE),
        (
            # The circuit has been open for longer each time by then, and no probe tells it that logins are well again.
            Criterion(_RECOVERED.what, _RECOVERED.measure, _RECOVERED.unit),
            Criterion(
                "the same time, by how long the circuit was open last",
                criteria.recovered_by_open_time(0.99, "after"),
                "x",
                at_most=2,
            ),
            *_kept_out("logins failing"),
            _one_at_a_time("logins failing"),
        ),
    ),
)

_STORM: Final = Scene(
    "storm",
    "Retry storm: for 15 s the auth service answers every call with 503 or a reset",
    _ROOMY,
    (Phase("before", 5, 20), Phase("failing", 15, 20, fault="failing", shaded=True), Phase("after", 15, 20)),
    (_NETRA, Contender("Netra, no breaker", variables={**_THREE_TRIES, "NETRA_BREAKER": "false"}), _NAIVE),
    (
        Criterion(
            "calls that reach the auth service for each login, three a second left out",
            criteria.calls_a_login("failing", free_per_s=3),
            "calls",
            at_most=1.1,
            only=(_NETRA.label, _NAIVE.label),
        ),
        Criterion(
            "the same by the retry budget alone, ten that it has saved up and four of upkeep left out",
            criteria.calls_a_login("failing", free_per_s=3, free_count=14),
            "calls",
            at_most=1.1,
            only=("Netra, no breaker",),
        ),
        _RECOVERED,
        _one_at_a_time("failing"),
    ),
)


def _overloaded(rate_per_s: float) -> tuple[Criterion, Criterion]:
    return (
        Criterion(
            "until 95 % of the logins are right again, once the load is normal",
            criteria.recovered_after(0.95, "after"),
            "s",
            at_most=10,
        ),
        Criterion(
            "right logins under twice the load, by what the auth service can do",
            criteria.used_ratio("twice the capacity", capacity_per_s=rate_per_s),
            "x",
            at_least=0.9,
        ),
    )


def _twice_forty(name: str, how: str, *, queue_count: int, sheds: bool) -> Scene:
    return Scene(
        name,
        f"Overload: for 10 s twice what the auth service can do, which {how}",
        Capacity(workers_count=4, work_s=0.1, queue_count=queue_count, sheds=sheds),
        (Phase("before", 5, 30), Phase("twice the capacity", 10, 80, shaded=True), Phase("after", 20, 30)),
        (_NETRA, _NAIVE),
        _overloaded(40),
    )


def _twice_thirteen() -> Scene:
    recovered, used = _overloaded(4 / 0.3)
    fitting = Contender("Netra, limit 40", variables={**_THREE_TRIES, "NETRA_MAX_IN_FLIGHT": "40"})
    return Scene(
        "overload-slow",
        "Overload: for 15 s twice what a slow auth service can do: 13 logins a second",
        Capacity(workers_count=4, work_s=0.3, queue_count=500),
        (Phase("before", 5, 10), Phase("twice the capacity", 15, 27, shaded=True), Phase("after", 20, 10)),
        (_NETRA, fitting, _NAIVE),
        (
            recovered,
            # A hundred at once, the default, take it longer than the five seconds that a login has.
            Criterion(used.what, used.measure, used.unit, at_least=used.at_least, only=(fitting.label, _NAIVE.label)),
        ),
    )


_FLOOD: Final = Scene(
    "flood",
    "Wrong passwords: 1,200 guesses in 20 s beside users who log in",
    _ROOMY,
    (Phase("before", 5, 20), Phase("guesses", 20, 20, guesses_per_s=60, shaded=True), Phase("after", 5, 20)),
    (Contender("Netra, throttle off", variables=_NO_THROTTLE), Contender("Netra"), _NAIVE),
    (
        Criterion("how often the circuit opens", criteria.openings_count, "times", at_most=0),
        Criterion("users who are let in beside the guesses", criteria.right_ratio("guesses"), "x", at_least=0.999),
        Criterion(
            "how much longer than before one login in a hundred takes",
            criteria.longer_p99_ms("guesses", "before"),
            "ms",
            at_most=50,
        ),
        Criterion(
            "guesses that reach the auth service, a second",
            criteria.guesses_passed_per_s("guesses"),
            "calls",
            # Five addresses with 60 a minute each, in 20 s, and what is under way when an address has had them.
            at_most=16,
            only=("Netra", _NAIVE.label),
        ),
    ),
)

SCENES: Final[Mapping[str, tuple[Scene, ...]]] = {
    "outage": _OUTAGES,
    "storm": (_STORM,),
    "overload": (
        _twice_forty("overload-queue", "lets up to 500 logins wait", queue_count=500, sheds=False),
        _twice_forty("overload-shed", "sheds what it cannot do", queue_count=8, sheds=True),
        _twice_thirteen(),
    ),
    "flood": (_FLOOD,),
}
