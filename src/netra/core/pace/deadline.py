"""One deadline for a whole request: everything that happens on its behalf fits in what is left.

It must never be extended, and knows no clock: it is told the time.
"""

from typing import NamedTuple


class Deadline(NamedTuple):
    """The instant (monotonic, seconds) by which an answer must be given."""

    at_s: float
    budget_s: float
    """How much there was in all: for sentences, not for decisions."""

    def left_s(self, now_s: float) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at_s - now_s)
