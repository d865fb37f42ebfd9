"""Counts what has happened, event by event, in plain numbers that are put into words when somebody asks.

It must never take a label from what a stranger sent: what is not in the closed sets is `other`.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from math import inf
from typing import Any, Final, get_args

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family

from netra.core.events import AttemptEnded, Changed, CircuitChanged, Event, KeysChanged, TryEnded, What
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import OPERATIONS
from netra.core.verdict.outcomes import UNTIMED, in_short
from netra.observe.metrics.definitions import (
    ATTEMPT_SECONDS,
    ATTEMPTS,
    CALLS,
    CHANGES,
    CIRCUIT_CHANGES,
    LOGIN_TRIES,
    NEAR_BUDGET,
    NEAR_BUDGET_RATIO,
    OTHER,
    PHASE_SECONDS,
    Metric,
)

OK: Final = "ok"
_NOBODY: Final = "none"
"""Who has to mend what is not broken."""
_JOURNEYS: Final = frozenset({"login", "register", "refresh", "logout", "me", "verify", "config"})
_WITH_A_LOGINS_BUDGET: Final = frozenset({"login", "register"})
_LOOKED_AT: Final = ("login", "verify")
"""The journeys that alerts look at."""
_CHANGES: Final = (*get_args(What), "keys")
_PHASES: Final = tuple(field.removesuffix("_s") for field in UNTIMED._fields)

_FROM_THE_START: Final = (
    *((journey, "accepted", OK) for journey in _LOOKED_AT),
    ("login", "rejected", "invalid_credentials"),
    *((journey, "unknown", row.code) for journey in _LOOKED_AT for row in TABLE.values() if row.verdict == "unknown"),
)
"""What alerts look at is there before it happens: an increase from nothing is none."""


class Counting:
    """A listener to events, and a collector for a registry of Prometheus's. One event loop owns it."""

    def __init__(self, login_budget_s: float = inf, token_budget_s: float = inf) -> None:
        """How long an attempt may take; without a bound none is near it."""
        # Plain numbers in plain dictionaries: this is counted several times a login.
        self._attempts: dict[tuple[str, str, str], int] = dict.fromkeys(_FROM_THE_START, 0)
        self._calls: dict[tuple[str, str, str], int] = {}
        self._circuit_changes: dict[tuple[str, ...], int] = {}
        self._changes = dict.fromkeys(_CHANGES, 0)
        self._key_ids: tuple[str, ...] | None = None
        self._budgets_s = login_budget_s, token_budget_s
        self._seconds = {journey: self._buckets(journey) for journey in _LOOKED_AT}
        self._phases = tuple(Buckets(PHASE_SECONDS.buckets) for _ in _PHASES)
        self._tries = Buckets(LOGIN_TRIES.buckets)
        self._of_kind: dict[type[Any], Callable[[Any], None]] = {
            TryEnded: self._try,
            AttemptEnded: self._attempt,
            CircuitChanged: self._circuit,
            Changed: self._change,
            KeysChanged: self._keys,
        }

    def __call__(self, event: Event) -> None:
        """Count one event; what is not counted is passed by."""
        count = self._of_kind.get(type(event))
        if count is not None:
            count(event)

    def _try(self, event: TryEnded) -> None:
        tried = event.tried
        key = (event.operation, event.verdict, tried.code)
        count = self._calls.get(key)
        if count is None:
            key = (key[0] if key[0] in OPERATIONS else OTHER, key[1], known(key[2]))
            count = self._calls.get(key, 0)
        self._calls[key] = count + 1
        # One by one: a loop over them takes twice as long, with every try of every login.
        dns_s, connect_s, tls_s, wait_s, read_s = tried.spent
        dns, connect, tls, wait, read = self._phases
        if wait_s is not None:
            wait.add(wait_s)
        if read_s is not None:
            read.add(read_s)
        if dns_s is not None:
            dns.add(dns_s)
        if connect_s is not None:
            connect.add(connect_s)
        if tls_s is not None:
            tls.add(tls_s)

    def _attempt(self, event: AttemptEnded) -> None:
        journey, outcome = event.journey, event.outcome
        verdict, _, code = in_short(outcome)
        key = (journey, verdict, code)
        count = self._attempts.get(key)
        if count is None:
            key = (_journey(journey), key[1], known(key[2]))
            count = self._attempts.get(key, 0)
        self._attempts[key] = count + 1
        seconds = self._seconds.get(journey)
        if seconds is None:
            journey = _journey(journey)
            seconds = self._seconds.setdefault(journey, self._buckets(journey))
        seconds.add(event.elapsed_s)
        if journey == "login":
            self._tries.add(len(outcome.tried))

    def _circuit(self, event: CircuitChanged) -> None:
        changed = event.kind, event.circuit.state
        self._circuit_changes[changed] = self._circuit_changes.get(changed, 0) + 1

    def _change(self, event: Changed) -> None:
        if event.before is not None:
            what = event.what if event.what in self._changes else OTHER
            self._changes[what] = self._changes.get(what, 0) + 1

    def _keys(self, event: KeysChanged) -> None:
        if event.code is None:
            if self._key_ids is not None:
                self._changes["keys"] += 1
            self._key_ids = event.key_ids

    def _buckets(self, journey: str) -> "Buckets":
        return Buckets(ATTEMPT_SECONDS.buckets, self._near_s(journey))

    def _near_s(self, journey: str) -> float:
        """From here on an attempt is near its budget."""
        login_budget_s, token_budget_s = self._budgets_s
        return NEAR_BUDGET_RATIO * (login_budget_s if journey in _WITH_A_LOGINS_BUDGET else token_budget_s)

    def describe(self) -> Iterator[Family]:
        """The names, by which a registry knows what it has already."""
        return self.collect()

    def collect(self) -> Iterator[Family]:
        """What was counted so far, as Prometheus asks for it: of a host program's registry, on any thread.

        What is gone through is copied first, in one step, because counting goes on meanwhile.
        """
        attempts = self._attempts.copy()
        yield _counted(ATTEMPTS, (((*key, _owner(key[2])), count) for key, count in attempts.items()))
        seconds = self._seconds.copy()
        yield _distributed(ATTEMPT_SECONDS, (((journey,), each) for journey, each in seconds.items()))
        near = ((journey, each.above_count(self._near_s(journey))) for journey, each in seconds.items())
        yield _counted(NEAR_BUDGET, (((journey,), count) for journey, count in near))
        yield _distributed(LOGIN_TRIES, [((), self._tries)])
        yield _counted(CALLS, self._calls.copy().items())
        yield _distributed(PHASE_SECONDS, (((phase,), each) for phase, each in zip(_PHASES, self._phases, strict=True)))
        yield _counted(CIRCUIT_CHANGES, self._circuit_changes.copy().items())
        yield _counted(CHANGES, (((what,), count) for what, count in self._changes.copy().items()))


class Buckets:
    """How many values fell between which bounds, and their sum."""

    __slots__ = ("_bounds", "_counts", "_sum", "_told")

    def __init__(self, bounds: tuple[float, ...], *others: float) -> None:
        """`bounds`: upper ones, rising; a value equal to one belongs below it. `others` are asked for by themselves."""
        self._told = frozenset(bounds)
        self._bounds = sorted({*bounds, *others})
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def so_far(self) -> list[tuple[str, float]]:
        """Each bound with how many values are not above it."""
        *below, every = accumulate(self._counts.copy())
        told = zip(self._bounds, below, strict=True)
        return [*((str(bound), count) for bound, count in told if bound in self._told), ("+Inf", every)]

    def above_count(self, bound: float) -> int:
        """How many values are above one of the bounds."""
        return sum(self._counts[bisect_left(self._bounds, bound) + 1 :])

    @property
    def sum(self) -> float:
        """Of all values."""
        return self._sum


def known(code: str) -> str:
    """A code as a label."""
    return code if code == OK or code in TABLE else OTHER


def _journey(name: str) -> str:
    """A journey as a label."""
    return name if name in _JOURNEYS else OTHER


def _owner(code: str) -> str:
    cause = TABLE.get(code)
    return _NOBODY if cause is None else cause.owner.value


def _counted(metric: Metric, counts: Iterable[tuple[tuple[str, ...], int]]) -> CounterMetricFamily:
    family = CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for labels, count in counts:
        family.add_metric(labels, count)
    return family


def _distributed(metric: Metric, values: Iterable[tuple[tuple[str, ...], Buckets]]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for labels, buckets in values:
        family.add_metric(labels, buckets.so_far(), buckets.sum)
    return family
