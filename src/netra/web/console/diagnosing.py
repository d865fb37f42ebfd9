"""A diagnosis on demand: one at a time, its progress told to every open page.

It must never delay a login, nor be started so often that it is a load of its own.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from math import ceil
from time import monotonic, time
from typing import Any, Final

from netra.asgi.words import Refusal
from netra.core.events import Crashed
from netra.doctor.diagnosis import Check, Diagnosis, Progress
from netra.doctor.report.documents import check_document, document
from netra.upkeep.crashes import crashed
from netra.web.admin.health import instant
from netra.web.bodies import ENCODER

PAUSE_S: Final = 2.0
"""From the beginning of one to that of the next."""

Diagnose = Callable[[Progress], Awaitable[Diagnosis]]
Tell = Callable[[str, bytes], None]
"""Tells every open page: (event, document)."""


def _nobody(event: str, document: bytes) -> None:
    """For as long as no page is open."""


class Diagnosing:
    """The diagnosis under way, if there is one, and the last one. Belongs to one event loop."""

    def __init__(self, diagnose: Diagnose, on_crash: Callable[[Crashed], None]) -> None:
        self._diagnose = diagnose
        self._on_crash = on_crash
        self._task: asyncio.Task[None] | None = None
        self._began_at_s = -PAUSE_S
        self._began_at = 0.0
        self._checks: list[dict[str, Any]] = []
        self._last: dict[str, Any] | None = None
        self.tell: Tell = _nobody
        self.revision = 0
        """Grows with everything that changes here."""

    @property
    def running(self) -> bool:
        """Is one under way?"""
        return self._task is not None and not self._task.done()

    def known(self) -> dict[str, Any]:
        """What there is to show of it."""
        running = self.running
        return {
            "running": running,
            "began_at": instant(self._began_at) if running else None,
            "checks": list(self._checks) if running else [],
            "last": self._last,
        }

    def begin(self, request_id: str) -> Refusal | None:
        """Begin one; why not, when another one is under way or has only just begun."""
        if self.running:
            since = instant(self._began_at)
            detail = f"A diagnosis is under way since {since}; its progress is told on /console/events."
            return Refusal(409, "malformed_request", detail)
        wait_s = self._began_at_s + PAUSE_S - monotonic()
        if wait_s > 0:
            detail = "The last diagnosis has only just begun."
            return Refusal(429, "too_many_attempts", detail, retry_after_s=max(1, ceil(wait_s)))
        self._began_at_s, self._began_at, self._checks = monotonic(), time(), []
        self._task = asyncio.get_running_loop().create_task(self._run(request_id))
        self.revision += 1
        return None

    async def _run(self, request_id: str) -> None:
        try:
            diagnosis = await self._diagnose(self._checked)
            told = document(diagnosis)
            del told["settings"]  # they have a route of their own
            self._last = {**told, "at": instant(self._began_at)}
            self.tell("diagnosis", ENCODER.encode(self._last))
        except Exception as crash:  # noqa: BLE001 - a bug of ours is told, and whoever watches need not wait for more
            self._on_crash(crashed(request_id, crash, monotonic() - self._began_at_s))
            self.tell("diagnosis", ENCODER.encode(None))
        finally:
            self.revision += 1

    def _checked(self, check: Check) -> None:
        told = check_document(check)
        self._checks.append(told)
        self.tell("check", ENCODER.encode(told))

    async def close(self) -> None:
        """End the one that is under way."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
