"""The board: how attempts of the last fifteen minutes ended and how long they took, counted as they end.

It must never grow with what strangers send, nor cost a login more than a few microseconds.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Any, Final, NamedTuple

from netra.core.events import (
    AttemptEnded,
    Changed,
    CircuitChanged,
    ConnectivityChecked,
    Crashed,
    Event,
    HandshakeEnded,
    KeysChanged,
    RevocationFeed,
    Stage,
    TryEnded,
)
from netra.core.verdict.outcomes import Accepted, Rejected, Spent, Tried, Unknown
from netra.observe.tally import Counted, Tally

HISTORY_COUNT: Final = 100
_SAMPLES_COUNT: Final = 64
_LONGEST_CHARS: Final = 200
"""So much of what something has become is kept: an issuer may publish a hundred keys with long names."""


class Seen:
    """What came of the newest try of one operation. Changed in place: it is told with every login."""

    __slots__ = ("at_s", "code", "since_s")

    def __init__(self, code: str | None, at_s: float) -> None:
        self.code = code
        """Of an unknown outcome; None when there was a verdict."""
        self.at_s = at_s
        self.since_s = at_s
        """When it began to end like this."""

    def again(self, code: str | None, now_s: float) -> None:
        """One more has ended."""
        if code != self.code:
            self.code, self.since_s = code, now_s
        self.at_s = now_s


class Dated(NamedTuple):
    """Something that has changed: when (epoch seconds), what, and from what to what."""

    at: float
    what: str
    now: str
    before: str | None = None
    code: str | None = None


class Board:
    """A listener to events. Belongs to one event loop; what it is asked is computed when it is asked."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic, wall_s: Callable[[], float] = time.time) -> None:
        self._now_s = now_s
        self._wall_s = wall_s
        self._tally = Tally()
        self._spent: deque[Spent] = deque(maxlen=_SAMPLES_COUNT)
        """Of exchanges on connections that were there."""
        self._spent_anew: deque[Spent] = deque(maxlen=_SAMPLES_COUNT)
        """Of exchanges that made their connection."""
        self._own_s: deque[float] = deque(maxlen=_SAMPLES_COUNT)
        """What attempts took besides their one exchange."""
        self.revision = 0
        """Grows with everything that is told."""
        self.refused_count = 0
        """Attempts that were not accepted, since the start, and bugs of ours."""
        self.began_at_s = now_s()
        self.tries: dict[str, Seen] = {}
        """By operation."""
        self.kept_out: Seen | None = None
        """The newest attempt that ended before anything was sent; None once another one got through."""
        self.recovered_at_s = 0.0
        """When the probe last succeeded after it had failed."""
        self.facts: dict[str, Mapping[str, str]] = {}
        """By code: what the newest failure of its kind lets its page say."""
        self.circuits: deque[Dated] = deque(maxlen=HISTORY_COUNT)
        self.changes: deque[Dated] = deque(maxlen=HISTORY_COUNT)
        self.addresses: Mapping[str, str] = {}
        """By listener: where it answers, once it does."""
        self._newest: dict[str, str] = {}
        self._of_kind: dict[type[Any], Callable[[Any], None]] = {
            AttemptEnded: self._attempt,
            TryEnded: self._try,
            Crashed: self._crash,
            ConnectivityChecked: self._probe,
            CircuitChanged: self._circuit,
            HandshakeEnded: self._handshake,
            KeysChanged: self._keys,
            RevocationFeed: self._feed,
            Changed: self._change,
            Stage: self._stage,
        }

    def __call__(self, event: Event) -> None:
        """Count one event; what is of no interest here is passed by."""
        self.revision += 1
        count = self._of_kind.get(type(event))
        if count is not None:
            count(event)

    # --- told

    def _attempt(self, event: AttemptEnded) -> None:
        outcome, elapsed_s, now_s = event.outcome, event.elapsed_s, self._now_s()
        tried = outcome.tried
        cell = self._tally.cell(event.journey, now_s)
        cell.took(elapsed_s, tried)
        if isinstance(outcome, Accepted):
            cell.accepted += 1
        elif isinstance(outcome, Rejected):
            cell.rejected += 1
            cell.ended("rejected", outcome.cause.code)
            self.refused_count += 1
        else:
            self.refused_count += 1
            cell.unknown += 1
            cell.ended("unknown", outcome.cause.code)
            self._failed(outcome, now_s)
        if tried:
            self.kept_out = None
            if len(tried) == 1 and elapsed_s >= tried[0].elapsed_s:  # who shares an exchange may have come later
                self._own_s.append(elapsed_s - tried[0].elapsed_s)

    def _failed(self, outcome: Unknown, now_s: float) -> None:
        code = outcome.cause.code
        self.facts[code] = outcome.facts
        if not outcome.tried:
            if self.kept_out is None:
                self.kept_out = Seen(code, now_s)
            self.kept_out.again(code, now_s)

    def _try(self, event: TryEnded) -> None:
        operation, tried = event.operation, event.tried
        code = tried.code if event.verdict == "unknown" else None
        seen, now_s, spent = self.tries.get(operation), self._now_s(), tried.spent
        if seen is None:
            self.tries[operation] = Seen(code, now_s)
        else:
            if seen.code is not None and code is None and operation == "health":
                self.recovered_at_s = now_s
            seen.again(code, now_s)
        (self._spent if spent.connect_s is None else self._spent_anew).append(spent)

    def _crash(self, event: Crashed) -> None:
        self.refused_count += 1
        self.kept_out = Seen("internal_error", self._now_s())

    def _probe(self, event: ConnectivityChecked) -> None:
        if event.code is not None:
            self.facts[event.code] = event.facts

    def _circuit(self, event: CircuitChanged) -> None:
        circuit = event.circuit
        self.circuits.append(Dated(self._wall_s(), event.kind, circuit.state, code=circuit.code))

    def _handshake(self, event: HandshakeEnded) -> None:
        self._became("handshake", event.state, event.code)

    def _keys(self, event: KeysChanged) -> None:
        self._became("keys", ", ".join(event.key_ids), event.code)

    def _feed(self, event: RevocationFeed) -> None:
        self._became("revocation_feed", event.state, event.code)

    def _became(self, what: str, now: str, code: str | None) -> None:
        now = now if len(now) <= _LONGEST_CHARS else f"{now[: _LONGEST_CHARS - 1]}…"
        self.changes.append(Dated(self._wall_s(), what, now, self._newest.get(what), code))
        self._newest[what] = now

    def _change(self, event: Changed) -> None:
        self.changes.append(Dated(self._wall_s(), event.what, event.now, event.before))

    def _stage(self, event: Stage) -> None:
        if event.addresses:
            self.addresses = dict(event.addresses)

    def forget_failures(self) -> None:
        """Let bygones be bygones: the auth service is known to be another one than the one that failed."""
        self.tries = {name: seen for name, seen in self.tries.items() if seen.code is None}
        self.kept_out = None
        self.revision += 1

    # --- asked

    def journeys(self) -> tuple[str, ...]:
        """The journeys that were gone within the last fifteen minutes."""
        return self._tally.journeys(self._now_s())

    def counted(self, journeys: Iterable[str]) -> Counted:
        """The last fifteen minutes of these journeys together."""
        return self._tally.counted(journeys, self._now_s())

    def slowest(self, journeys: Iterable[str]) -> list[tuple[float, tuple[Tried, ...]]]:
        """Of each five seconds of the last fifteen minutes the attempt that took the longest: seconds, and tries."""
        return self._tally.slowest(journeys, self._now_s())

    def codes(self, journeys: Iterable[str]) -> list[tuple[str, str, int]]:
        """Verdict, code and count of what was not accepted in the last fifteen minutes, the most frequent first."""
        return self._tally.codes(journeys, self._now_s())

    def series(self, journeys: Iterable[str]) -> list[tuple[int, Counted]]:
        """Step by step, the oldest first: when it began (epoch seconds), and its attempts."""
        now_s = self._now_s()
        offset_s = self._wall_s() - now_s
        return [(round(at_s + offset_s), counted) for at_s, counted in self._tally.series(journeys, now_s)]

    def spent_s(self) -> Spent:
        """What each part of an exchange took, the median of the latest; None for a part that none came to."""
        every = (*self._spent, *self._spent_anew)
        return Spent(*(_median(each for each in part if each is not None) for part in zip(*every, strict=True)))

    def own_s(self) -> float | None:
        """What attempts took besides their exchange, the median of the latest."""
        return _median(self._own_s)


def _median(samples: Iterable[float]) -> float | None:
    kept = tuple(samples)
    return median(kept) if kept else None
