"""Counts what has happened, event by event, in plain numbers that are put into words when somebody asks.

It must never take a label from what a stranger sent: what is not in the closed sets is `other`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family

from netra.core.events import AttemptEnded, CircuitChanged, Event, TryEnded
from netra.core.verdict.causes import TABLE
from netra.core.verdict.outcomes import UNTIMED, Accepted, code_of, verdict_of
from netra.observe.metrics.definitions import (
    ATTEMPT_SECONDS,
    ATTEMPTS,
    CALLS,
    CIRCUIT_CHANGES,
    LOGIN_TRIES,
    OTHER,
    PHASE_SECONDS,
    Metric,
)

OK: Final = "ok"
_NOBODY: Final = "none"
"""Who has to mend what is not broken."""
_PHASES: Final = tuple(field.removesuffix("_s") for field in UNTIMED._fields)

_FROM_THE_START: Final = (
    *((journey, "accepted", OK) for journey in ("login", "verify")),
    ("login", "rejected", "invalid_credentials"),
    *(
        (journey, "unknown", row.code)
        for journey in ("login", "verify")
        for row in TABLE.values()
        if row.verdict == "unknown"
    ),
)
"""What alerts look at is there before it happens: an increase from nothing is none."""


class Counting:
    """A listener to events, and a collector for a registry of Prometheus's. One event loop owns it."""

    def __init__(self) -> None:
        # Plain numbers in plain dictionaries: this is counted several times a login.
        self._attempts: dict[tuple[str, str, str], int] = dict.fromkeys(_FROM_THE_START, 0)
        self._calls: dict[tuple[str, str, str], int] = {}
        self._changes: dict[tuple[str, ...], int] = {}
        self._seconds: dict[str, Buckets] = {}
        self._phases = tuple(Buckets(PHASE_SECONDS.buckets) for _ in _PHASES)
        self._add_phases = tuple(each.add for each in self._phases)
        self._tries = Buckets(LOGIN_TRIES.buckets)

    def __call__(self, event: Event) -> None:
        """Count one event."""
        if isinstance(event, TryEnded):
            operation, verdict, (_, _, code, _, spent) = event
            key = operation, verdict, code
            self._calls[key] = self._calls.get(key, 0) + 1
            for add, spent_s in zip(self._add_phases, spent, strict=True):
                if spent_s is not None:
                    add(spent_s)
        elif isinstance(event, AttemptEnded):
            journey, _, outcome, elapsed_s, _, _ = event
            accepted = isinstance(outcome, Accepted)
            key = (journey, "accepted", OK) if accepted else (journey, verdict_of(outcome), code_of(outcome))
            self._attempts[key] = self._attempts.get(key, 0) + 1
            seconds = self._seconds.get(journey)
            if seconds is None:
                seconds = self._seconds[journey] = Buckets(ATTEMPT_SECONDS.buckets)
            seconds.add(elapsed_s)
            if journey == "login":
                self._tries.add(len(outcome.tried))
        elif isinstance(event, CircuitChanged):
            changed = event.kind, event.circuit.state
            self._changes[changed] = self._changes.get(changed, 0) + 1

    def describe(self) -> Iterator[Family]:
        """The names, by which a registry knows what it has already."""
        return self.collect()

    def collect(self) -> Iterator[Family]:
        """What was counted so far, as Prometheus asks for it: of a host program's registry, on any thread.

        What is gone through is copied first, in one step, because counting goes on meanwhile.
        """
        attempts: Counter[tuple[str, ...]] = Counter()
        for (journey, verdict, code), count in self._attempts.copy().items():
            attempts[journey, verdict, known(code), _owner(code)] += count
        yield _counted(ATTEMPTS, attempts)
        yield _distributed(ATTEMPT_SECONDS, (((journey,), each) for journey, each in self._seconds.copy().items()))
        yield _distributed(LOGIN_TRIES, [((), self._tries)])
        calls: Counter[tuple[str, ...]] = Counter()
        for (operation, verdict, code), count in self._calls.copy().items():
            calls[operation, verdict, known(code)] += count
        yield _counted(CALLS, calls)
        yield _distributed(PHASE_SECONDS, (((phase,), each) for phase, each in zip(_PHASES, self._phases, strict=True)))
        yield _counted(CIRCUIT_CHANGES, self._changes.copy())


class Buckets:
    """How many values fell between which bounds, and their sum."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """`bounds`: upper ones, rising; a value equal to one belongs below it."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def so_far(self) -> list[tuple[str, float]]:
        """Each bound with how many values are not above it."""
        return list(zip((*map(str, self._bounds), "+Inf"), accumulate(self._counts.copy()), strict=True))

    @property
    def sum(self) -> float:
        """Of all values."""
        return self._sum


def known(code: str) -> str:
    """A code as a label."""
    return code if code == OK or code in TABLE else OTHER


def _owner(code: str) -> str:
    cause = TABLE.get(code)
    return _NOBODY if cause is None else cause.owner.value


def _counted(metric: Metric, counts: Mapping[tuple[str, ...], int]) -> CounterMetricFamily:
    family = CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for labels, count in counts.items():
        family.add_metric(labels, count)
    return family


def _distributed(metric: Metric, values: Iterable[tuple[tuple[str, ...], Buckets]]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for labels, buckets in values:
        family.add_metric(labels, buckets.so_far(), buckets.sum)
    return family
