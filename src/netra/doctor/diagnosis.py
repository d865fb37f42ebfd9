"""The words of a diagnosis: hops in the order of a login's way, what was seen at each, and the first that is broken.

It must never hold a secret: every word of it is printed.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from netra.core.findings import Finding, Severity
from netra.doctor.sockets import Socket
from netra.settings.field import Effective

FORMAT_VERSION: Final = 2


WHOLE_HOP: Final = "hop"
"""The name of the one check of a hop that was not looked at."""


class Hop(StrEnum):
    """A part of a login's way, in the order in which it is gone."""

    CONFIGURATION = "configuration"
    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"
    HTTP = "http"
    SERVICE_CREDENTIALS = "service_credentials"
    CONTRACT = "contract"
    CLOCK = "clock"
    KEYS = "keys"
    ORIGIN = "origin"
    LOGIN = "login"
    BUDGET = "budget"


class State(StrEnum):
    """What came of a check."""

    PASS = "pass"  # noqa: S105 - a state
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    """It could not be looked at, and is told why; no warning."""


class Check(NamedTuple):
    """One thing that was looked at."""

    hop: Hop
    name: str
    """A stable machine word, e.g. `certificate` or `route_login`; unique within its hop."""
    state: State
    what: str
    """One line: what was seen, or why it was not looked at."""
    elapsed_s: float | None = None
    """How long it took; None for what takes no time."""
    findings: tuple[Finding, ...] = ()
    """The cause first. A failed check has one with severity error at least."""


class Measured(NamedTuple):
    """What a gateway in use has measured of the time that attempts take."""

    name: str
    """A stable machine word for what was measured, e.g. `login`."""
    text: str
    """One line."""
    finding: Finding | None = None
    """What it asks for; None when the budget fits."""


NOT_TIMED: Final[Mapping[Hop, float]] = MappingProxyType({})


class Diagnosis(NamedTuple):
    """All that was looked at, in order."""

    checks: tuple[Check, ...]
    settings: tuple[Effective, ...]
    elapsed_s: float
    hop_s: Mapping[Hop, float] = NOT_TIMED
    """How long each hop took that was looked at."""
    sockets: tuple[Socket, ...] = ()
    """What is listened on and dialled, if that was asked for."""
    request_id: str | None = None
    """By which its questions are found in the auth service's log; None where nobody was asked."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, in the order of the way."""
        return tuple(each for check in self.checks for each in check.findings)

    @property
    def first(self) -> Finding | None:
        """The cause: the first error in the order of the way, else the first warning; None when all is well."""
        for severity in (Severity.ERROR, Severity.WARNING):
            for each in self.findings:
                if each.severity is severity:
                    return each
        return None

    @property
    def ok(self) -> bool:
        """Would logins get through?"""
        return all(check.state is not State.FAIL for check in self.checks)


Checks = AsyncIterator[Check]
Progress = Callable[[Check], None]
"""Is told each check as it ends."""
