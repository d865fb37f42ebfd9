"""What a row of the fault catalogue is: a fault in words, the answer that it gets, and the ways to bring it about.

It must never know how a way is arranged: that is a scene's business.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from tests.faults.scenes import SceneMaker
from tests.support.gateways import IMPATIENT

Section = Literal["Reaching it", "Waiting for it", "Reading it", "Ourselves", "Under load"]
Again = Literal["yes", "no", "pointless", "-"]

SECTIONS: Final[tuple[Section, ...]] = ("Reaching it", "Waiting for it", "Reading it", "Ourselves", "Under load")
PROMPT_S: Final = 1.0
"""For what fails at once: the back-off before a third try, and room to breathe."""
UNREACHED: Final[Mapping[str, str]] = MappingProxyType({**IMPATIENT, "NETRA_LOGIN_BUDGET_S": "1.2"})
"""Three attempts to connect, each to its end, and the waits between them fit in this."""
UNREACHED_S: Final = 0.7
"""Three of them, with the longest waits between them, and room to breathe."""
DEADLINE_S: Final = float(IMPATIENT["NETRA_LOGIN_BUDGET_S"]) + 0.1
"""For what only the deadline ends: the budget and what it may be missed by."""
NOTHING_TOLD: Final[Mapping[str, str]] = MappingProxyType({})


class Way(NamedTuple):
    """One way to bring a fault about, and what it must come to."""

    name: str
    scene: SceneMaker
    status: int
    code: str
    kept: bool | None = None
    """Does the connection that carried the fault serve the next request? None where there was none."""
    deliveries: int = 1
    """How often a login arrives, whatever the number of tries, at an auth service that promises nothing."""
    keyed: int | None = 1
    """How often with three tries and idempotency keys; None where no delivery can be counted."""
    within_s: float = PROMPT_S
    told: Mapping[str, str] = NOTHING_TOLD
    """Settings that make the fault quick to show."""
    waits: frozenset[int] | None = None
    """What `Retry-After` may say, in seconds; None for anything from 1 to 3600."""
    owner: str | None = None
    answered_by: str | None = None
    tried_again: bool = False
    """Is a login that failed so sent again, without idempotency?"""
    lab: str | None = None
    """The name under which the lab plays it."""


class Row(NamedTuple):
    """One row: every way it can happen gets the promised answer, and so does the next good login."""

    section: Section
    slug: str
    fault: str
    answer: str
    """What users get, with every status and code of its ways."""
    again: Again
    """May a login be sent again without idempotency?"""
    ways: tuple[Way, ...] = ()
    """Shown by the runner for all; a row without ways has tests of its own that name it."""
    try_it: tuple[str, ...] = ()
    """Faults of the lab that bring it about, beside those of its ways."""
    by_hand: str = ""
    """How else to bring it about, in Markdown."""
    not_yet: str = ""
    """Why it is not counted; empty for a row that holds."""
