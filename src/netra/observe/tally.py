"""The attempts of the last fifteen minutes, counted in steps of five seconds as they end.

It must never count anew what has been counted: whoever asks waits for no more than the newest step.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from itertools import accumulate
from math import ceil, floor, log2
from typing import Final, NamedTuple, TypeVar

from netra.core.verdict.outcomes import Tried

K = TypeVar("K")

STEP_S: Final = 5
STEPS_COUNT: Final = 180
_PER_OCTAVE: Final = 8
"""Latencies are told apart when one is 9 % longer than the other."""
_LEAST_S: Final = 1e-5
_LEAST_PLACE: Final = floor(log2(_LEAST_S) * _PER_OCTAVE)


class Counted(NamedTuple):
    """Attempts of some time: how they ended, and how long they took, in seconds (None without any)."""

    accepted: int
    rejected: int
    unknown: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None

    @property
    def attempts_count(self) -> int:
        """All of them."""
        return self.accepted + self.rejected + self.unknown


NOBODY: Final = Counted(0, 0, 0, None, None, None)


class Cell:
    """The attempts of one journey in some time."""

    __slots__ = ("accepted", "codes", "lasted", "rejected", "slowest", "slowest_s", "unknown")

    def __init__(self) -> None:
        self.accepted = self.rejected = self.unknown = 0
        self.slowest_s = 0.0
        self.slowest: tuple[Tried, ...] = ()
        """What was tried by the one that took the longest; of one cell alone, never of a sum."""
        self.codes: dict[tuple[str, str], int] = {}
        """By verdict and code."""
        self.lasted: dict[int, int] = {}
        """By the logarithm of how long they took."""

    def took(self, elapsed_s: float, tried: tuple[Tried, ...] = ()) -> None:
        """An attempt took so long, with these tries."""
        if elapsed_s > self.slowest_s:
            self.slowest_s, self.slowest = elapsed_s, tried
        place = floor(log2(elapsed_s) * _PER_OCTAVE) if elapsed_s > _LEAST_S else _LEAST_PLACE
        self.lasted[place] = self.lasted.get(place, 0) + 1

    def ended(self, verdict: str, code: str) -> None:
        """An attempt was not accepted."""
        key = (verdict, code)
        self.codes[key] = self.codes.get(key, 0) + 1

    def add(self, other: "Cell", sign: int = 1) -> None:
        """Put the attempts of another cell to these, or take them away again."""
        self.accepted += sign * other.accepted
        self.rejected += sign * other.rejected
        self.unknown += sign * other.unknown
        _add(self.codes, other.codes, sign)
        _add(self.lasted, other.lasted, sign)


class Tally:
    """Cells by step and journey. `now_s` never goes back."""

    def __init__(self) -> None:
        self._step = -1
        self._step_ends_s = 0.0
        self._newest: dict[str, Cell] = {}
        """Of the step that is not over yet."""
        self._over: deque[tuple[int, dict[str, Cell]]] = deque()
        self._sums: dict[str, Cell] = {}
        """Of all steps that are over."""
        self._told: dict[int, Counted] = {}
        self._told_of: frozenset[str] = frozenset()

    def __len__(self) -> int:
        """How many steps are kept."""
        return len(self._over) + 1

    def cell(self, journey: str, now_s: float) -> Cell:
        """Where an attempt that ends now is counted."""
        if now_s >= self._step_ends_s:
            self._turn(now_s)
        cell = self._newest.get(journey)
        if cell is None:
            cell = self._newest[journey] = Cell()
        return cell

    def _turn(self, now_s: float) -> None:
        """A step is over; what is too old is forgotten."""
        if self._newest:
            for journey, cell in self._newest.items():
                self._sums.setdefault(journey, Cell()).add(cell)
            self._over.append((self._step, self._newest))
            self._newest = {}
        self._step = int(now_s // STEP_S)
        self._step_ends_s = (self._step + 1.0) * STEP_S
        while self._over and self._over[0][0] <= self._step - STEPS_COUNT:
            step, cells = self._over.popleft()
            self._told.pop(step, None)
            for journey, cell in cells.items():
                self._sums[journey].add(cell, -1)
                if not self._sums[journey].lasted:
                    del self._sums[journey]

    def _cells(self, journeys: Iterable[str], now_s: float) -> list[Cell]:
        if now_s >= self._step_ends_s:
            self._turn(now_s)
        return [cells[name] for cells in (self._sums, self._newest) for name in journeys if name in cells]

    def journeys(self, now_s: float) -> tuple[str, ...]:
        """The journeys that were gone."""
        self._cells((), now_s)
        return tuple(sorted({*self._sums, *self._newest}))

    def counted(self, journeys: Iterable[str], now_s: float) -> Counted:
        """All attempts of these journeys."""
        return _counted(self._cells(journeys, now_s))

    def slowest(self, journeys: Iterable[str], now_s: float) -> list[tuple[float, tuple[Tried, ...]]]:
        """Of each step the attempt that took the longest: its seconds, and its tries."""
        self._cells((), now_s)
        wanted = frozenset(journeys)
        steps = (*(cells for _, cells in self._over), self._newest)
        kept = (cell for cells in steps for name, cell in cells.items() if name in wanted)
        return [(cell.slowest_s, cell.slowest) for cell in kept]

    def codes(self, journeys: Iterable[str], now_s: float) -> list[tuple[str, str, int]]:
        """Verdict, code and count of what was not accepted, the most frequent first."""
        counts = Counter[tuple[str, str]]()
        for cell in self._cells(journeys, now_s):
            counts.update(cell.codes)
        return [(verdict, code, count) for (verdict, code), count in counts.most_common()]

    def series(self, journeys: Iterable[str], now_s: float) -> list[tuple[int, Counted]]:
        """Step by step, the oldest first: when it began (seconds of the same clock), and its attempts."""
        wanted = frozenset(journeys)
        newest = _of(self._newest, wanted) if now_s < self._step_ends_s else None
        self._cells((), now_s)
        if wanted != self._told_of:
            self._told_of, self._told = wanted, {}
        for step, cells in self._over:
            if step not in self._told:
                self._told[step] = _of(cells, wanted)
        first = self._step - STEPS_COUNT + 1
        told = [(step * STEP_S, self._told.get(step, NOBODY)) for step in range(first, self._step)]
        return [*told, (self._step * STEP_S, newest or NOBODY)]


def _add(counts: dict[K, int], more: Mapping[K, int], sign: int) -> None:
    for key, count in more.items():
        total = counts.get(key, 0) + sign * count
        if total:
            counts[key] = total
        else:
            del counts[key]


def _of(cells: Mapping[str, Cell], wanted: Iterable[str]) -> Counted:
    return _counted([cells[name] for name in wanted if name in cells])


def _counted(cells: list[Cell]) -> Counted:
    if not cells:
        return NOBODY
    lasted = Counter[int]()
    for cell in cells:
        lasted.update(cell.lasted)
    places = sorted(lasted.items())
    return Counted(
        sum(cell.accepted for cell in cells),
        sum(cell.rejected for cell in cells),
        sum(cell.unknown for cell in cells),
        *(_quantile(places, ratio) for ratio in (0.5, 0.95, 0.99)),
    )


def _quantile(places: list[tuple[int, int]], ratio: float) -> float:
    """The middle of the place in which the quantile lies. `places` is not empty, and in order."""
    so_far = list(accumulate(count for _, count in places))
    place, _ = places[bisect_left(so_far, ceil(so_far[-1] * ratio))]
    return float(2.0 ** ((place + 0.5) / _PER_OCTAVE))
