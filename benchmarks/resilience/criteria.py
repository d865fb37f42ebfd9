"""What must hold, as data: a sentence, a measure, and its limit.

It must never judge what could not be measured: a measure without a figure does not hold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from figures import Seen, percentile, recovered_at_s

Measure = Callable[[Seen], float | None]
"""A figure of one run: infinite when it never came to be, None when the run has nothing of the kind."""

_LOG_LINE_S = 0.05
"""By how much a log line may be later than what it tells."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """What is measured, and between which limits it must be for Netra."""

    what: str
    measure: Measure
    unit: str
    at_most: float = inf
    at_least: float = -inf
    only: tuple[str, ...] = ()
    """The labels for which it is measured; empty for all."""

    @property
    def limit(self) -> str:
        """The limit in words; nothing when it is only measured."""
        if self.at_most == inf and self.at_least == -inf:
            return ""
        return f"at most {self.at_most:g}" if self.at_most < inf else f"at least {self.at_least:g}"


class Judged(NamedTuple):
    """A criterion, measured in one run."""

    what: str
    limit: str
    unit: str
    label: str
    figure: float
    holds: bool
    counts: bool
    """Is it about Netra, and is there a limit? All else is measured for comparison."""


def judge(criterion: Criterion, seen: Seen) -> Judged | None:
    """What came of it in a run; None when it is not about this one."""
    figure = None if criterion.only and seen.label not in criterion.only else criterion.measure(seen)
    if figure is None:
        return None
    holds = criterion.at_least <= figure <= criterion.at_most
    return Judged(
        criterion.what,
        criterion.limit,
        criterion.unit,
        seen.label,
        figure,
        holds,
        seen.kind == "netra" and bool(criterion.limit),
    )


def recovered_after(ratio: float, phase: str) -> Measure:
    """Seconds from the begin of a phase until, in every second from then on, this share of logins is right."""

    def measure(seen: Seen) -> float:
        span = seen.span(phase)
        at_s = recovered_at_s(seen, ratio, span)
        return inf if at_s is None else at_s - span.begin_s

    return measure


def recovered_by_open_time(ratio: float, phase: str) -> Measure:
    """The same time, as a multiple of how long the circuit was open last."""
    recovered = recovered_after(ratio, phase)

    def measure(seen: Seen) -> float | None:
        last_s = next((end_s - begin_s for begin_s, end_s in reversed(_open_times(seen))), None)
        after_s = recovered(seen)
        return None if last_s is None or after_s is None else after_s / last_s

    return measure


def right_ratio(phase: str) -> Measure:
    """The share of users who were let in."""

    def measure(seen: Seen) -> float:
        users = seen.users(seen.span(phase))
        return sum(each.right for each in users) / max(1, len(users))

    return measure


def used_ratio(phase: str, capacity_per_s: float) -> Measure:
    """Right answers in a phase, as a share of what the auth service can give in that time."""

    def measure(seen: Seen) -> float:
        span = seen.span(phase)
        right = sum(each.right and not each.guess and span.holds(each.ended_s) for each in seen.ended)
        return right / (capacity_per_s * span.seconds)

    return measure


def kept_out_p99_ms(phase: str, *, from_due: bool = False) -> Measure:
    """How long an answer takes, in milliseconds, while the circuit is open.

    From when it was asked for; or, with what the load itself was late by, from when it was due.
    """

    def measure(seen: Seen) -> float | None:
        if seen.kind == "naive":
            return None
        span = seen.span(phase)
        within = [
            1000 * (each.elapsed_s if from_due else each.ended_s - each.sent_s)
            for begin_s, end_s in _open_times(seen)
            for each in seen.users(span)
            if begin_s + _LOG_LINE_S <= each.due_s < end_s
        ]
        return percentile(within, 0.99) if within else inf

    return measure


def _open_times(seen: Seen) -> list[tuple[float, float]]:
    ends = [change.at_s for change in seen.changes[1:]] + [seen.spans[-1].end_s]
    return [(change.at_s, end_s) for change, end_s in zip(seen.changes, ends, strict=False) if change.state == "open"]


def calls_a_trial(phase: str) -> Measure:
    """Logins that reach an auth service that is unwell, once the circuit has opened, for each turn to half-open."""

    def measure(seen: Seen) -> float | None:
        if seen.kind == "naive":
            return None
        span = seen.span(phase)
        opened = [each.at_s for each in seen.changes if each.state == "open" and span.holds(each.at_s)]
        if not opened:
            return inf
        begin_s = opened[0] + _LOG_LINE_S
        trials = sum(each.state == "half_open" and begin_s <= each.at_s < span.end_s for each in seen.changes)
        return seen.logins_seen(begin_s, span.end_s) / max(1, trials)

    return measure


def calls_a_login(phase: str, *, free_per_s: float, free_count: int = 0) -> Measure:
    """Calls of any kind that reach the auth service for each login that users make, some of them left out."""

    def measure(seen: Seen) -> float:
        span = seen.span(phase)
        calls = sum(span.holds(call.at_s) for call in seen.calls)
        return max(0.0, calls - free_count - free_per_s * span.seconds) / max(1, len(seen.users(span)))

    return measure


def openings_count(seen: Seen) -> float | None:
    """How often the circuit has opened."""
    return None if seen.kind == "naive" else sum(change.state == "open" for change in seen.changes)


def longer_p99_ms(phase: str, than: str) -> Measure:
    """By how many milliseconds one right login of a hundred takes longer than in another phase."""

    def measure(seen: Seen) -> float:
        now_s, before_s = (
            percentile([each.elapsed_s for each in seen.users(seen.span(name)) if each.right], 0.99)
            for name in (phase, than)
        )
        return 1000 * (now_s - before_s)

    return measure


def guesses_passed_per_s(phase: str) -> Measure:
    """Wrong passwords that reach the auth service."""

    def measure(seen: Seen) -> float:
        span = seen.span(phase)
        return sum(call.guess and span.holds(call.at_s) for call in seen.calls) / span.seconds

    return measure
