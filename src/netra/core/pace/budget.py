"""The retry budget: retries may add a tenth to the load, and three a second; at most ten of them are saved up.

It must never let a storm of failures become a storm of retries. Not safe for threads; one event loop owns it.
"""

from typing import Final

RATIO: Final = 0.1
FLOOR_PER_S: Final = 3.0
BURST: Final = 10.0


class RetryBudget:
    """A bucket that every call fills by a tenth and every second by three; a retry takes one."""

    __slots__ = ("_at_s", "_tokens")

    def __init__(self, now_s: float) -> None:
        self._tokens = FLOOR_PER_S
        self._at_s = now_s

    def called(self, now_s: float) -> None:
        """A first try was made."""
        self._refill(now_s, RATIO)

    def allows(self, now_s: float) -> bool:
        """Is there room for one more retry?"""
        return self.left(now_s) >= 1.0

    def left(self, now_s: float) -> float:
        """How many retries there is room for at once, 0 to `BURST`."""
        self._refill(now_s)
        return self._tokens

    def spend(self) -> None:
        """A retry is being made."""
        self._tokens -= 1.0

    def _refill(self, now_s: float, more: float = 0.0) -> None:
        if now_s > self._at_s:
            more += FLOOR_PER_S * (now_s - self._at_s)
            self._at_s = now_s
        self._tokens = min(BURST, self._tokens + more)
