"""All alerts, those that users notice first: what has to be so, for how long, and the runbook that goes with it.

It must never name an alert of somebody else: what is hidden, shown or routed is in this list.
"""

from typing import Final

from netra.observe.metrics.alerting.alert import Alert
from netra.observe.metrics.alerting.of_upkeep import OF_UPKEEP
from netra.observe.metrics.alerting.of_users import OF_USERS

__all__ = ["ALERTS", "Alert", "shown_by"]

ALERTS: Final[tuple[Alert, ...]] = (*OF_USERS, *OF_UPKEEP)


def shown_by(code: str) -> tuple[str, ...]:
    """The alerts that a code brings about, by name; none for what is nobody's fault."""
    return tuple(dict.fromkeys(each.name for each in ALERTS if code in each.codes))
