"""What an alert is: a condition, how long it has to hold, and the runbook that goes with it.

It must never know how Prometheus or Alertmanager write it down.
"""

from typing import Final, Literal, NamedTuple

Severity = Literal["high", "medium", "low"]

SEVERITIES: Final[tuple[Severity, ...]] = ("high", "medium", "low")
"""Somebody has to come at once; today; it is good to know."""


class Alert(NamedTuple):
    """One alert. Two of one name are the same trouble, bad and worse: the worse is told."""

    name: str
    severity: Severity
    expr: str
    """Of one job, and with the labels `code` and `owner` where one series has them."""
    lasts: str
    """For how long it has to be so, as Prometheus writes it."""
    summary: str
    users_see: str
    still_works: str
    first_action: str
    concerns: str
    """Which gateways it is about: a condition on series that keep their gateway; `%s` stands for its code."""
    codes: frozenset[str] = frozenset()
    """The codes that it shows."""
    owner: str = ""
    """Who can mend it, where no series says so."""
    hides: tuple[str, ...] = ()
    """Alerts that come of the same cause: none of that severity or a lower one is sent while this one stands."""
    hides_of_its_code: tuple[str, ...] = ()
    """The same, but only those that name the same code."""
    stays: str = ""
    """For how long it stands on when it is no longer so, as Prometheus writes it."""
