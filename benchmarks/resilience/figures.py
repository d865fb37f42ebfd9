"""What was seen in a run, and the figures that are made of it: series over time, and one row for each phase.

It must never leave an attempt out: whoever got no answer is in the figures as somebody who got none.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from auth_service import LOGIN_PATH, Call
from gateways import Changed, Kind
from load import Ended

STEP_S: Final = 0.25
MOST_OTHERS_RATIO: Final = 0.2
MOST_LATE_MS: Final = 30.0
"""Beyond these a run says more of the machine than of the gateway."""
_WINDOW_S: Final = 1.0


class Span(NamedTuple):
    """A phase as it was played; times from the begin of the run."""

    name: str
    begin_s: float
    end_s: float
    shaded: bool
    cpu_ratio: float
    """How much of one processor the gateway took."""

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.end_s - self.begin_s

    def holds(self, at_s: float) -> bool:
        """Is an instant within it?"""
        return self.begin_s <= at_s < self.end_s


@dataclass(frozen=True, slots=True)
class Seen:
    """One run of one gateway through one scene; all times from its begin."""

    label: str
    kind: Kind
    spans: tuple[Span, ...]
    ended: tuple[Ended, ...]
    """By the time they were due."""
    calls: tuple[Call, ...]
    changes: tuple[Changed, ...]
    others_ratio: float
    """The share of the machine that was taken by programs that have nothing to do with the run."""

    def span(self, name: str) -> Span:
        """The phase of that name."""
        return next(each for each in self.spans if each.name == name)

    def users(self, span: Span) -> list[Ended]:
        """Logins with a right password that were due in a phase."""
        return [each for each in self.ended if not each.guess and span.holds(each.due_s)]

    def logins_seen(self, begin_s: float, end_s: float) -> int:
        """How many logins reached the auth service between two instants."""
        return sum(call.path == LOGIN_PATH and begin_s <= call.at_s < end_s for call in self.calls)

    @property
    def late_p99_ms(self) -> float:
        """By how much attempts were made later than they were due: what the machine adds to every figure."""
        return 1000 * percentile([each.sent_s - each.due_s for each in self.ended], 0.99)

    @property
    def disturbed(self) -> bool:
        """Was the machine too busy with something else?"""
        return self.others_ratio > MOST_OTHERS_RATIO or self.late_p99_ms > MOST_LATE_MS


def percentile(values: Iterable[float], ratio: float) -> float:
    """The smallest value that is not exceeded by this share of the values; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(ratio * len(ordered)))] if ordered else 0.0


def recovered_at_s(seen: Seen, ratio: float, span: Span) -> float | None:
    """From when on this share of logins is right in every second up to the end of the phase; None when never."""
    users = seen.users(span)
    due = [each.due_s for each in users]
    wrong = [0]
    for each in users:
        wrong.append(wrong[-1] + (not each.right))
    found: float | None = None
    at_s = span.end_s - _WINDOW_S
    while at_s >= span.begin_s - STEP_S / 2:
        first, last = bisect_left(due, at_s), bisect_left(due, at_s + _WINDOW_S)
        if wrong[last] - wrong[first] > (1 - ratio) * (last - first):
            break
        found = max(at_s, span.begin_s)
        at_s -= STEP_S
    return found


def series(seen: Seen) -> dict[str, Any]:
    """Rates and latencies in steps of `STEP_S`; a latency is None where nobody was answered."""
    steps_count = round(max(seen.spans[-1].end_s, *(each.ended_s for each in seen.ended)) / STEP_S) + 1
    users = [each for each in seen.ended if not each.guess]
    right = [each for each in users if each.right]
    failed = [each for each in users if not each.right]
    answers = {name: _rates(_at_end(group), steps_count) for name, group in _by_answer(seen.ended).items()}
    return {
        "step_s": STEP_S,
        "users_offered_per_s": _rates((each.due_s for each in users), steps_count),
        "guesses_offered_per_s": _rates((each.due_s for each in seen.ended if each.guess), steps_count),
        "right_per_s": _rates(_at_end(right), steps_count),
        "answers_per_s": answers,
        "right_p50_ms": _latencies(right, 0.5, steps_count),
        "right_p99_ms": _latencies(right, 0.99, steps_count),
        "failed_p50_ms": _latencies(failed, 0.5, steps_count),
        "failed_p99_ms": _latencies(failed, 0.99, steps_count),
        "upstream_per_s": _rates((call.at_s for call in seen.calls), steps_count),
    }


def _by_answer(ended: Sequence[Ended]) -> dict[str, list[Ended]]:
    groups: dict[str, list[Ended]] = {}
    for each in ended:
        groups.setdefault(f"{'guess' if each.guess else 'user'} {each.status or 'none'}", []).append(each)
    return dict(sorted(groups.items()))


def _at_end(ended: Iterable[Ended]) -> list[float]:
    return [each.ended_s for each in ended]


def _rates(instants: Iterable[float], steps_count: int) -> list[float]:
    counted = Counter(int(at_s / STEP_S) for at_s in instants)
    return [counted[step] / STEP_S for step in range(steps_count)]


def _latencies(ended: Iterable[Ended], ratio: float, steps_count: int) -> list[float | None]:
    groups: dict[int, list[float]] = {}
    for each in ended:
        groups.setdefault(int(each.ended_s / STEP_S), []).append(1000 * each.elapsed_s)
    return [round(percentile(groups[step], ratio), 2) if step in groups else None for step in range(steps_count)]


def rows(seen: Seen) -> list[dict[str, Any]]:
    """One row for each phase."""
    return [_row(seen, span) for span in seen.spans]


def _row(seen: Seen, span: Span) -> dict[str, Any]:
    users = seen.users(span)
    elapsed_ms = [1000 * each.elapsed_s for each in users if each.right]
    failures = Counter(str(each.status or "none") for each in users if not each.right)
    guesses = Counter(str(each.status or "none") for each in seen.ended if each.guess and span.holds(each.due_s))
    return {
        "phase": span.name,
        "seconds": span.seconds,
        "users_offered_per_s": len(users) / span.seconds,
        "goodput_per_s": sum(each.right and not each.guess and span.holds(each.ended_s) for each in seen.ended)
        / span.seconds,
        "right_ratio": sum(each.right for each in users) / max(1, len(users)),
        "right_p50_ms": percentile(elapsed_ms, 0.5),
        "right_p99_ms": percentile(elapsed_ms, 0.99),
        "failures": dict(sorted(failures.items())),
        "guesses": dict(sorted(guesses.items())),
        "upstream_per_s": sum(span.holds(call.at_s) for call in seen.calls) / span.seconds,
        "cpu_ratio": span.cpu_ratio,
    }
