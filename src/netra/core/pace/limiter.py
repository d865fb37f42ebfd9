"""How many calls may be under way at once: a fixed number, lowered for a while when the auth service says `overloaded`.

It must never fall below a tenth of what was set, nor stay low: it grows back by itself. Not safe for threads; one
event loop owns it.
"""

from typing import Final

LOWERED_TO_RATIO: Final = 0.9
"""What is left of what was under way when the auth service shed load: a step, and another if that was not enough."""
HOLD_S: Final = 0.2
"""One wave of refusals lowers the limit once."""
LEAST_RATIO: Final = 0.1
"""What is always left: an auth service may shed a lonely call for the load that others put on it."""
REGROWTH_S: Final = 20.0
"""How long it takes from nothing back to the whole."""


class Limiter:
    """The number of calls that may be under way, as of some instant."""

    __slots__ = ("_lowered_at_s", "_lowered_count", "most_count")

    def __init__(self, most_count: int) -> None:
        self.most_count = most_count
        """What was set: it is never exceeded."""
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

    def overloaded(self, under_way_count: int, now_s: float) -> None:
        """The auth service shed a call while so many, this one included, were under way."""
        now_count = self.count(now_s)
        if now_count < self.most_count and now_s - self._lowered_at_s < HOLD_S:
            return
        least_count = max(1, int(LEAST_RATIO * self.most_count))
        self._lowered_count = max(least_count, int(LOWERED_TO_RATIO * min(now_count, under_way_count)))
        self._lowered_at_s = now_s
