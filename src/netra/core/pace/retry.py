"""May the same call be asked again? One function, the only place that answers this.

It must never allow a second delivery of a call that is not repeatable once the first may have arrived.
"""

from typing import Final, Literal, NamedTuple

from netra.core.verdict.causes import Phase
from netra.core.verdict.outcomes import Unknown

BASE_S: Final = 0.1
CAP_S: Final = 2.0


class After(NamedTuple):
    """Yes, after this wait."""

    wait_s: float


class WithOtherSeal(NamedTuple):
    """Yes, at once, with our other secret: we were refused, nobody was judged."""


class No(NamedTuple):
    """No, and why: for logs and tests."""

    reason: Literal["permanent", "may_have_arrived", "no_tries_left", "no_time_left", "no_budget_left"]


class Attempted(NamedTuple):
    """How far the asking has come."""

    tries: int
    """Made so far, at least 1."""
    allowed_tries: int
    repeatable: bool
    """May this call be delivered twice without harm?"""
    left_s: float
    """Until the deadline."""
    other_seal: bool
    """Is there a second secret that was not tried yet?"""


def again(outcome: Unknown, asked: Attempted, *, budget_allows: bool, rand: float) -> After | WithOtherSeal | No:
    """Whether to ask again, and after how long; a verdict is never asked for twice. `rand` is uniform in [0, 1).

    Full jitter over an exponential back-off; a wait that the auth service asked for is never undercut, and a wait
    that does not fit before the deadline is not begun.
    """
    if outcome.cause.code == "service_credentials_rejected" and asked.other_seal and asked.left_s > 0:
        # A refusal that does not say whose it is may have been a wrong password's, and have been counted.
        return WithOtherSeal() if outcome.nobody_judged or asked.repeatable else No("may_have_arrived")
    if not outcome.transient:
        return No("permanent")
    if outcome.phase is not Phase.NEVER_SENT and not asked.repeatable:
        return No("may_have_arrived")
    if asked.tries >= asked.allowed_tries:
        return No("no_tries_left")
    wait_s = max(rand * min(CAP_S, BASE_S * 2 ** (asked.tries - 1)), float(outcome.retry_after_s or 0))
    if wait_s >= asked.left_s:
        return No("no_time_left")
    return After(wait_s) if budget_allows else No("no_budget_left")
