"""The circuit breaker of one kind of call: it stops asking what keeps failing, and always asks again.

It must never open for a refusal or for a fault of ours, never stay open for good, and never let a result of an earlier
era, or a call that was cancelled, teach it anything. Not safe for threads; one event loop owns it.
"""

from collections.abc import Callable
from math import ceil
from typing import Any, Final, Literal, NamedTuple

from netra.core.pace.window import Window
from netra.core.verdict.outcomes import Outcome, Unknown

State = Literal["closed", "open", "half_open"]
Permit = int
"""The era in which a call was let through; `REFUSED` is none."""

REFUSED: Final[Permit] = 0
MIN_CALLS_COUNT: Final = 20
"""So many calls must have ended within the window before it can open."""
FAILURE_RATIO: Final = 0.5
"""At this share of failures among them it opens."""
MAX_OPEN_S: Final = 60.0
"""However often it opened before, it is never open for longer."""
JITTER_RATIO: Final = 0.2
"""So that many gateways do not come back in the same instant."""
TRIALS_COUNT: Final = 3
"""So many calls must succeed, one after another, before it closes."""


class Circuit(NamedTuple):
    """What a breaker looks like from outside."""

    state: State
    code: str | None
    """The cause of what keeps it from being closed, or of the latest failure that counted; None without one."""
    next_try_in_s: float
    """Until a call is let through again; 0 unless it is open."""
    calls_count: int
    failures_count: int
    """Of the last ten seconds, while it is closed."""

    @property
    def retry_after_s(self) -> int:
        """Whole seconds, at least 1, until a call may be let through."""
        return max(1, ceil(self.next_try_in_s))


class Breaker:
    """Closed, every call passes; open, none does; half-open, one at a time does, and decides.

    `open_s`: how long it is open at first, with jitter; each failed trial doubles that, up to `MAX_OPEN_S`.
    `on_change` hears of every change of state, after it has happened. With `min_calls_count` infinite it never opens.
    """

    __slots__ = (
        "_code", "_min_calls_count", "_next_try_at_s", "_on_change", "_open_s", "_opened_at_s", "_openings_count",
        "_successes_count", "_trial_under_way", "_well_meanwhile", "_window", "era", "state",
    )  # fmt: skip

    def __init__(
        self,
        open_s: float,
        on_change: Callable[[Circuit], None] = lambda _: None,
        *,
        min_calls_count: float = MIN_CALLS_COUNT,
    ) -> None:
        self.state: State = "closed"
        self.era: Permit = 1
        """Grows with every change of state."""
        self._open_s = open_s
        self._on_change = on_change
        self._min_calls_count = min_calls_count
        self._window = Window()
        self._code: str | None = None
        self._opened_at_s = 0.0
        self._next_try_at_s = 0.0
        self._openings_count = 0
        self._successes_count = 0
        self._trial_under_way = False
        self._well_meanwhile = False

    def refuses(self, now_s: float) -> bool:
        """Would a call be refused now? Asking takes nothing."""
        if self.state == "closed":
            return False
        return self._trial_under_way if self.state == "half_open" else now_s < self._next_try_at_s

    def admit(self, now_s: float) -> Permit:
        """A permit for one call, or REFUSED; whoever gets one settles it or gives it back."""
        if self.state == "closed":
            return self.era
        if self.refuses(now_s):
            return REFUSED
        if self.state == "open":
            self._turn("half_open", now_s)
        self._trial_under_way, self._well_meanwhile = True, False
        return self.era

    def give_back(self, permit: Permit) -> None:
        """The call of this permit ended without any result: it was cancelled, or not made after all."""
        if permit == self.era:
            self._trial_under_way = False

    def settle(self, permit: Permit, outcome: Outcome[Any], now_s: float, rand: float) -> None:
        """The call of this permit has ended. `rand` is uniform in [0, 1).

        A verdict is a success, whichever it is. An unknown outcome that says nothing about the auth service's health
        is neither a success nor a failure.
        """
        if permit != self.era:
            return
        self._trial_under_way = False
        if not isinstance(outcome, Unknown):
            self._succeeded(now_s)
        elif outcome.counts:
            self._code = outcome.cause.code
            self._failed(now_s, rand)
        elif self.state == "half_open":
            self._code = outcome.cause.code

    def recovered(self, now_s: float) -> None:
        """Something else saw the auth service come back: the next call is let through as a trial.

        A trial that is under way was sent before, and may never be answered: if it fails, another one follows at once.
        """
        if self.state == "open":
            self._next_try_at_s = min(self._next_try_at_s, now_s)
        self._well_meanwhile = self._trial_under_way

    def still_down(self, now_s: float, rand: float) -> None:
        """Something else saw that it still is unwell: a trial would fail, so it waits, within `MAX_OPEN_S`."""
        self._well_meanwhile = False
        if self.state == "open":
            longest_s = self._opened_at_s + MAX_OPEN_S
            self._next_try_at_s = min(longest_s, max(self._next_try_at_s, now_s + _jittered(self._open_s, rand)))

    def forget(self, now_s: float) -> None:
        """Begin anew, closed: what was learnt was learnt of an auth service that is another one now."""
        self._openings_count = 0
        self._code = None
        if self.state == "closed":
            self._window.clear()
        else:
            self._turn("closed", now_s)

    def seen(self, now_s: float) -> Circuit:
        """What it looks like from outside."""
        self._window.roll(now_s)
        left_s = min(MAX_OPEN_S, max(0.0, self._next_try_at_s - now_s)) if self.state == "open" else 0.0
        calls_count, failures_count = self._window.calls_count, self._window.failures_count
        code = self._code if failures_count or self.state != "closed" else None
        return Circuit(self.state, code, left_s, calls_count, failures_count)

    def _succeeded(self, now_s: float) -> None:
        if self.state == "closed":
            self._window.record(now_s, failed=False)
            return
        self._successes_count += 1
        if self._successes_count >= TRIALS_COUNT:
            self.forget(now_s)

    def _failed(self, now_s: float, rand: float) -> None:
        window = self._window
        if self.state == "closed":
            window.record(now_s, failed=True)
            enough = window.calls_count >= self._min_calls_count
            if not enough or window.failures_count < FAILURE_RATIO * window.calls_count:
                return
        self._opened_at_s = now_s
        if self._well_meanwhile:
            self._next_try_at_s = now_s
        else:
            self._openings_count += 1
            longest_s = min(MAX_OPEN_S, self._open_s * 2.0 ** min(self._openings_count - 1, 32))
            self._next_try_at_s = now_s + _jittered(longest_s, rand)
        self._turn("open", now_s)

    def _turn(self, state: State, now_s: float) -> None:
        self.state = state
        self.era += 1
        self._successes_count = 0
        self._well_meanwhile = False
        self._on_change(self.seen(now_s))
        self._window.clear()


def _jittered(wait_s: float, rand: float) -> float:
    return min(MAX_OPEN_S, wait_s * (1 - JITTER_RATIO + 2 * JITTER_RATIO * rand))
