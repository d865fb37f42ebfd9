"""How much of their time attempts take: a share of the budget, where the slowest spend it, and what to set it to.

It must never advise by what a few quick ones took, nor below what a connection that is yet to be made may need.
"""

from collections.abc import Iterable, Mapping
from math import floor, inf, log10
from typing import Final, NamedTuple

from netra.core.findings import Finding, Severity
from netra.core.verdict.outcomes import Tried
from netra.observe.board import Board
from netra.observe.metrics.definitions import NEAR_BUDGET_RATIO

FAR_RATIO: Final = 0.05
"""Up to this share a shorter budget would do, once many have shown it."""
_GIVEN_UP_RATIO: Final = 0.95
"""From here on it is the budget that is measured where attempts end unjudged: nobody knows what they would take."""
FEW_COUNT: Final = 20
"""Of fewer than so many nothing is concluded."""
MANY_COUNT: Final = 2_000
"""So many have to be quick before less time is advised."""
_A_HUNDRED: Final = 100
"""Of fewer than so many, one in a hundred is the slowest."""
_ALIKE_RATIO: Final = 0.9
"""So close to the quantile an attempt is one of the slow ones."""
_LEAST_S: Final = 1.0
"""No shorter budget than this is advised."""
_MOST_S: Final = 60.0
"""What the settings take at most."""
_ROUND: Final[tuple[float, ...]] = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)

SLOTS: Final = "slot"
TRIES: Final = "tries"
_PARTS: Final[Mapping[str, str]] = {
    "dns": "looking up its name",
    "connect": "connecting to it",
    "tls": "its TLS handshake",
    "wait": "waiting for the auth service to answer",
    "read": "reading its answers",
    SLOTS: "waiting here for a place among the calls under way",
    TRIES: "waiting between tries, and in this gateway itself",
}
"""Where time goes, in words."""
_CURES: Final[Mapping[str, str]] = {
    "dns": "Look at the resolver of this machine: a name has to be found in milliseconds",
    "connect": "Look at the network between, and at what is in front of the auth service",
    "tls": "Look at what ends TLS over there: it is busy, or far away",
    "wait": "Look at what the auth service waits for: its database, the cost of a password hash, too few workers",
    "read": "Look at the network between: answers are small, and come slowly",
    SLOTS: "Calls queue here: the auth service is too slow for so many at once, or NETRA_MAX_IN_FLIGHT is too low",
    TRIES: "See which codes the first tries end with: a longer budget only buys more of them",
}


class Budgets(NamedTuple):
    """How long attempts may take, in seconds, and what else a budget has to hold."""

    login_s: float
    token_s: float
    connect_s: float
    tries: int


class Latency(NamedTuple):
    """How long the attempts of the last fifteen minutes took, of the time they had."""

    what: str
    """One of them, e.g. `login`."""
    variable: str
    """The setting that says how long they may take."""
    budget_s: float
    attempts_count: int
    unknown_count: int
    p99_s: float
    parts: Mapping[str, float]
    """Of the slowest: which share of their time went where, the greatest first; nothing where nobody was asked."""

    @property
    def name(self) -> str:
        """The same as a machine word."""
        return self.what.replace(" ", "_")

    @property
    def ratio(self) -> float:
        """The 99th percentile as a share of the budget, at most 1."""
        return min(1.0, self.p99_s / self.budget_s)

    @property
    def given_up(self) -> bool:
        """Is what was measured the budget itself, because attempts ended with it?"""
        return self.unknown_count > 0 and self.ratio >= _GIVEN_UP_RATIO

    @property
    def text(self) -> str:
        """One line, whatever it comes to."""
        took = "all" if self.given_up else seconds(self.p99_s)
        measured = f"{self.who} takes {took} of the {self.budget_s:g} s of {self.variable} ({self.how_many})"
        return f"p99 is {_percent(self.ratio)} of the budget: {measured}.{self.where}"

    @property
    def who(self) -> str:
        """Whose time the 99th percentile is."""
        return f"one {self.what} in a hundred" if self.attempts_count >= _A_HUNDRED else "the slowest one"

    @property
    def how_many(self) -> str:
        """How many were measured, and since when."""
        plural = "" if self.attempts_count == 1 else "s"
        return f"{self.attempts_count:,} {self.what}{plural} in 15 minutes"

    @property
    def where(self) -> str:
        """Where the time of the slowest went, as a sentence after another one; empty where that is not known."""
        if not self.parts:
            return ""
        part, ratio = next(iter(self.parts.items()))
        return f" Of the slowest, {_percent(ratio)} went into {_PARTS[part]}."


def latencies(board: Board, budgets: Budgets) -> tuple[Latency, ...]:
    """What was measured of logins and of token checks; nothing of what nobody did."""
    wanted = (
        ("login", ("login",), "NETRA_LOGIN_BUDGET_S", budgets.login_s),
        ("token check", ("verify", "me"), "NETRA_TOKEN_BUDGET_S", budgets.token_s),
    )
    return tuple(
        Latency(
            what, variable, budget_s, counted.attempts_count, counted.unknown, counted.p99_s,
            parts(board.slowest(journeys), counted.p99_s),
        )
        for what, journeys, variable, budget_s in wanted
        if (counted := board.counted(journeys)).p99_s is not None
    )  # fmt: skip


def parts(slowest: Iterable[tuple[float, tuple[Tried, ...]]], p99_s: float) -> Mapping[str, float]:
    """Where the time of attempts about as slow as this went, as shares, the greatest first. Those: (seconds, tries)."""
    known = [each for each in slowest if each[1]]
    slow = [each for each in known if each[0] >= _ALIKE_RATIO * p99_s] or sorted(known)[-1:]
    sums_s = dict.fromkeys(_PARTS, 0.0)
    for elapsed_s, tries in slow:
        for tried in tries:
            spent_s = dict(zip(_PARTS, (each or 0.0 for each in tried.spent), strict=False))
            for part, part_s in spent_s.items():
                sums_s[part] += part_s
            sums_s[SLOTS] += max(0.0, tried.elapsed_s - sum(spent_s.values()))
        sums_s[TRIES] += max(0.0, elapsed_s - sum(each.elapsed_s for each in tries))
    whole_s = sum(sums_s.values())
    in_order = sorted(sums_s.items(), key=lambda each: -each[1])
    return {part: part_s / whole_s for part, part_s in in_order if part_s} if whole_s else {}


def advice(latency: Latency, budgets: Budgets) -> Finding | None:
    """What to set the budget to, or to mend; None while it fits, while too little is known, and in an outage."""
    outage = 2 * latency.unknown_count > latency.attempts_count
    if latency.attempts_count < FEW_COUNT or outage:  # more time mends no outage
        return None
    if latency.ratio >= NEAR_BUDGET_RATIO:
        return _near(latency)
    if latency.ratio <= FAR_RATIO and latency.attempts_count >= MANY_COUNT and not latency.unknown_count:
        return _far(latency, budgets)
    return None


def _near(latency: Latency) -> Finding:
    variable, enough_s = latency.variable, rounded_up(2 * min(latency.p99_s, latency.budget_s))
    used, took = ("used up", "all of it") if latency.given_up else ("nearly used up", seconds(latency.p99_s))
    if enough_s <= latency.budget_s:
        raising = f"more than {variable}={_MOST_S:g} cannot be had"
    elif latency.given_up:
        raising = f"they are cut off, so nobody knows how long they would take: {variable}={enough_s:g} shows it"
    else:
        raising = f"if it has to take so long, set {variable}={enough_s:g}"
    return Finding(
        Severity.WARNING,
        "budget_nearly_used",
        variable,
        f"is {latency.budget_s:g} s and {used}: {latency.who} takes {took} ({latency.how_many})",
        f"{'They' if latency.given_up else 'A little more load, and they'} are given up: 504 `response_timeout`."
        f"{latency.where}",
        f"{_CURES[next(iter(latency.parts), 'wait')]}; {raising}.",
    )


def _far(latency: Latency, budgets: Budgets) -> Finding | None:
    took = seconds(latency.p99_s)
    enough_s = rounded_up(max(10 * latency.p99_s, (budgets.tries + 0.5) * budgets.connect_s, _LEAST_S))
    if enough_s > latency.budget_s / 2:
        return None
    return Finding(
        Severity.NOTE,
        "budget_generous",
        latency.variable,
        f"is {latency.budget_s:g} s, far more than is used: {latency.who} takes {took} ({latency.how_many})",
        f"Whenever the auth service hangs, each {latency.what} waits for all of it.",
        f"Nothing has to be done; {latency.variable}={enough_s:g} would do, and not less: it has room for connections "
        "that are yet to be made, and for an auth service that has just been started.",
    )


def rounded_up(value_s: float) -> float:
    """The next number of seconds that somebody would set, at most what may be set."""
    power = 10.0 ** floor(log10(value_s)) if value_s > 0 else 1.0
    steps = (round(each * power, 6) for each in _ROUND)
    return min(_MOST_S, next((each for each in steps if each >= value_s * (1 - 1e-9)), inf))


def seconds(value_s: float) -> str:
    """A time as people read it, as finely as it was counted."""
    rounded_s = float(f"{value_s:.2g}")
    return f"{1e3 * rounded_s:g} ms" if rounded_s < 1 else f"{rounded_s:g} s"


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.0f} %" if ratio >= 0.01 else f"{100 * ratio:.1g} %"
