"""Runs the diagnosis of a set-up in this process, and says what it named first.

It must never compare with what is expected before the diagnosis has ended.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from netra.core.findings import Finding
from netra.doctor.debugger import AuthServiceDebugger
from netra.doctor.diagnosis import Diagnosis, Hop
from tests.diagnosis.means import Means
from tests.diagnosis.setup import PATIENCE_S, Setup

AT_ONCE: Final = 4
"""Most of the time a diagnosis of something broken waits."""


class Seen(NamedTuple):
    """What a diagnosis said of a set-up."""

    setup: Setup
    diagnosis: Diagnosis

    @property
    def first(self) -> Finding | None:
        """What an operator reads first; None when all is well."""
        return self.diagnosis.first

    @property
    def hop(self) -> Hop | None:
        """Where that was found."""
        checks = self.diagnosis.checks
        return next((check.hop for check in checks if self.first in check.findings), None)

    @property
    def code(self) -> str:
        """Its code; empty when all is well."""
        return self.first.code if self.first else ""

    @property
    def wrong(self) -> tuple[str, ...]:
        """In what the first finding is not the true cause, in words; nothing when it is."""
        setup, first = self.setup, self.first
        if first is None:
            return () if setup.heals else ("nothing was found",)
        said = f"{first.subject} {first.what} {first.why} {first.fix}"
        found = [(self.hop, setup.hop), (first.code, setup.code), (first.severity, setup.severity)]
        missed = [f"{name!r} is not named" for name in setup.names if name not in said]
        return (*(f"{was} instead of {true}" for was, true in found if was != true), *missed)

    def line(self) -> str:
        """All of it in one line."""
        first = f"{self.hop}: {self.first.line()} [{self.first.code}]" if self.first else "nothing found"
        verdict = f" <- {'; '.join(self.wrong)}" if self.wrong else ""
        return f"{self.setup.name} ({self.diagnosis.elapsed_s:.2f} s): {first}{verdict}"


async def diagnosed(setup: Setup, means: Means) -> Seen:
    """Bring it about, and have it diagnosed as an operator would."""
    async with setup.bring(means) as environ:
        debugger = AuthServiceDebugger(environ, timeout_s=PATIENCE_S)
        return Seen(setup, await debugger.run(**setup.wanted))


@asynccontextmanager
async def means_for_a_run() -> AsyncIterator[Means]:
    """What set-ups are made of, in a folder that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="diagnosis-") as folder:
        means = Means(Path(folder))
        try:
            yield means
        finally:
            await asyncio.to_thread(means.close)


async def all_diagnosed(setups: Sequence[Setup]) -> list[Seen]:
    """All of these, a few at a time, in their order."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(setup: Setup, means: Means) -> Seen:
        async with room:
            return await diagnosed(setup, means)

    async with means_for_a_run() as means:
        return await asyncio.gather(*(one(setup, means) for setup in setups))
