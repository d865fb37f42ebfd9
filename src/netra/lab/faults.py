"""The closed table of named faults: every way in which the lab's auth service can misbehave.

It must never hold a fault that a gateway's answer to is not known: each row says what it must be.
"""

from difflib import get_close_matches
from typing import Final

from netra.lab.catalogue.between import BETWEEN
from netra.lab.catalogue.content import CONTENT, SHAPE
from netra.lab.catalogue.fault import Fault, Stage
from netra.lab.catalogue.framing import FRAMING
from netra.lab.catalogue.reaching import REACHING
from netra.lab.catalogue.refusals import REFUSALS
from netra.lab.catalogue.statuses import STATUSES
from netra.lab.catalogue.waiting import WAITING

__all__ = ["BY_NAME", "FAULTS", "Fault", "Stage", "UnknownFault", "find", "lookup", "near", "of_code", "spelled"]

FAULTS: Final = (*REFUSALS, *STATUSES, *WAITING, *FRAMING, *CONTENT, *SHAPE, *BETWEEN, *REACHING)
"""All of them; of those with one code, the plainest comes first."""
BY_NAME: Final = {fault.name: fault for fault in FAULTS}

_MOST_NEAR: Final = 5


class UnknownFault(ValueError):
    """There is no fault of that name; the message says which ones may have been meant."""

    def __init__(self, name: str) -> None:
        self.near = near(name)
        hint = f"Did you mean {' or '.join(self.near)}?" if self.near else "`netra lab faults` lists all."
        super().__init__(f"There is no such fault. {hint}")


def spelled(name: str) -> str:
    """A name as the table spells it: lower case, dashes for underscores."""
    return name.strip().lower().replace("_", "-")


def find(name: str) -> Fault:
    """The fault of this name, or the plainest one that a gateway answers with this code.

    Raises: UnknownFault.
    """
    fault = lookup(name)
    if fault is None:
        raise UnknownFault(name)
    return fault


def lookup(name: str) -> Fault | None:
    """The same, or None when there is no such fault."""
    return BY_NAME.get(spelled(name)) or of_code(name)


def of_code(code: str) -> Fault | None:
    """The plainest fault that a gateway answers with this code, one that can be played for one user first."""
    wanted = spelled(code).replace("-", "_")
    found = [fault for fault in FAULTS if fault.code and fault.code == wanted]
    return next((fault for fault in found if fault.for_one), found[0] if found else None)


def near(name: str) -> list[str]:
    """The names that this one may have been meant for, best first."""
    wanted = spelled(name)[:64]
    close = get_close_matches(wanted, BY_NAME, n=_MOST_NEAR, cutoff=0.6)
    inside = [each for each in BY_NAME if len(wanted) > 2 and wanted in each]
    return list(dict.fromkeys([*close, *inside]))[:_MOST_NEAR]
