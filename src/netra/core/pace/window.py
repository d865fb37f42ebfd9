"""How many of the latest calls failed: a window that rolls on second by second, of the same size at any load.

It must never grow, and knows no clock: it is told the time. Not safe for threads; one event loop owns it.
"""

from typing import Final

SPAN_S: Final = 10
"""How far back it looks, in seconds."""


class Window:
    """Calls and failures of the last `SPAN_S` seconds, kept by the second."""

    __slots__ = ("_calls", "_failures", "_second", "calls_count", "failures_count")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._calls = [0] * SPAN_S
        self._failures = [0] * SPAN_S
        self._second = 0
        self.calls_count = 0
        self.failures_count = 0

    def record(self, now_s: float, *, failed: bool) -> None:
        """A call has ended. A time before the latest one counts as the latest."""
        self.roll(now_s)
        place = self._second % SPAN_S
        self._calls[place] += 1
        self.calls_count += 1
        if failed:
            self._failures[place] += 1
            self.failures_count += 1

    def roll(self, now_s: float) -> None:
        """Let go of what has become too old."""
        if now_s < self._second + 1:
            return
        second = int(now_s)
        for passed in range(max(self._second + 1, second - SPAN_S + 1), second + 1):
            place = passed % SPAN_S
            self.calls_count -= self._calls[place]
            self.failures_count -= self._failures[place]
            self._calls[place] = self._failures[place] = 0
        self._second = second
