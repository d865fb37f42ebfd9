"""How many calls may be under way at once: a fixed number, lowered for a while when they are more than can be done.

It must never fall below its least share of what was set, nor stay low: it grows back by itself. Not safe for threads;
one event loop owns it.
"""

from typing import Final

LOWERED_TO_RATIO: Final = 0.9
"""What is left of what was under way when the auth service shed load: a step, and another if that was not enough."""
HOLD_S: Final = 0.2
"""One wave of refusals lowers the limit once."""
LEAST_RATIO: Final = 0.1
"""What is always left: an auth service may shed a lonely call for the load that others put on it."""
LATE_RATIO: Final = 2 / 3
"""A call that takes so much of its budget is late: what waits behind it will not be answered in time."""
LATE_COUNT: Final = 10
"""So many late calls in a row are a queue; a slow one among quick ones is not."""
REGROWTH_S: Final = 20.0
"""How long it takes from nothing back to the whole."""


class Limiter:
    """The number of calls that may be under way, as of some instant."""

    __slots__ = ("_late_count", "_least_count", "_lowered_at_s", "_lowered_count", "most_count")

    def __init__(self, most_count: int, least_ratio: float = LEAST_RATIO) -> None:
        self.most_count = most_count
        """What was set: it is never exceeded."""
        self._least_count = max(1, int(least_ratio * most_count))
        self._late_count = 0
        self._lowered_count = most_count
        self._lowered_at_s = 0.0

    @property
    def lowered(self) -> bool:
        """Is it below what was set?"""
        return self._lowered_count < self.most_count

    def count(self, now_s: float) -> int:
        """How many calls may be under way now; at least 1, at most `most_count`."""
        if not self.lowered:
            return self.most_count
        regrown = self._lowered_count + int(self.most_count * max(0.0, now_s - self._lowered_at_s) / REGROWTH_S)
        if regrown >= self.most_count:
            self._lowered_count = self.most_count
        return min(self.most_count, regrown)

    def took(self, budget_ratio: float, under_way_count: int, now_s: float) -> None:
        """A call has ended that took this share of its budget while so many, this one included, were under way."""
        if budget_ratio < LATE_RATIO:
            self._late_count = 0
            return
        self._late_count += 1
        if self._late_count >= LATE_COUNT:
            self._late_count = 0
            self.overloaded(under_way_count, now_s)

    def overloaded(self, under_way_count: int, now_s: float) -> None:
        """The auth service shed a call while so many, this one included, were under way."""
        now_count = self.count(now_s)
        if now_count < self.most_count and now_s - self._lowered_at_s < HOLD_S:
            return
        self._lowered_count = max(self._least_count, int(LOWERED_TO_RATIO * min(now_count, under_way_count)))
        self._lowered_at_s = now_s
