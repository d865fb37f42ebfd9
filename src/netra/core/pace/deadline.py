"""One deadline for a whole request: everything that happens on its behalf fits in what is left.

It must never be extended, and knows no clock: it is told the time.
"""

from typing import Final


class Deadline:
    """The instant (monotonic, seconds) by which an answer must be given."""

    __slots__ = ("at_s", "budget_s")

    def __init__(self, at_s: float, budget_s: float) -> None:
        self.at_s: Final = at_s
        self.budget_s: Final = budget_s
        """How much there was in all: for sentences, not for decisions."""

    def left_s(self, now_s: float) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at_s - now_s)
