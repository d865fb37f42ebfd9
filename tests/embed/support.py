"""What tests of an embedded gateway share: its settings, and an ear for what it tells.

It must never open anything but a gate: listeners belong to the tests that compare with them.
"""

import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from netra.core.events import AttemptEnded
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Unknown
from netra.embed import Gate, ProblemResponse, open_gate
from netra.testing.fakes import Recorded
from tests.incidents.operators import AuthService
from tests.support.gateways import ENVIRONMENT

LOGGER: Final = "netra"


def told(url: str, **changes: str | None) -> dict[str, str]:
    """The settings of an embedded gateway, None for one that is not given."""
    given = {**ENVIRONMENT, "AUTH_SERVICE_URL": url, **changes}
    return {name: value for name, value in given.items() if value is not None}


def known_to(service: AuthService, **changes: str | None) -> dict[str, str]:
    """The settings of an embedded gateway that a real auth service knows."""
    return told(service.url, **{**service.credentials, **changes})


class Opened:
    """A gate with everything that it has told."""

    def __init__(self, gate: Gate, recorded: Recorded) -> None:
        self.gate = gate
        self.recorded = recorded

    @property
    def ended(self) -> list[AttemptEnded]:
        """The attempts that have ended so far."""
        return self.recorded.of(AttemptEnded)


@asynccontextmanager
async def opened(environ: Mapping[str, str]) -> AsyncIterator[Opened]:
    """A gate with its own listener to events. No slot is lost at its end."""
    recorded = Recorded()
    async with open_gate(environ, tell=recorded) as gate:
        yield Opened(gate, recorded)
    assert gate._gateway.parts.link.slots.taken_count == 0, "a slot was not given back"


@contextmanager
def heard(name: str = LOGGER, level: int = logging.DEBUG) -> Iterator[list[logging.LogRecord]]:
    """Every record of one logger, as a program's own handler would get it."""
    records: list[logging.LogRecord] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    logger, ear = logging.getLogger(name), Ear()
    before = logger.level
    logger.addHandler(ear)
    logger.setLevel(level)
    try:
        yield records
    finally:
        logger.setLevel(before)
        logger.removeHandler(ear)


def code_of(outcome: Outcome[Any]) -> str:
    """The kind of an outcome and its code, e.g. `rejected invalid_credentials`."""
    match outcome:
        case Accepted():
            return "accepted"
        case Rejected(cause):
            return f"rejected {cause.code}"
        case Unknown(cause):
            return f"unknown {cause.code}"


def header(response: ProblemResponse, name: str) -> str:
    """The one value of a header."""
    (value,) = [value for key, value in response.headers if key == name]
    return value
