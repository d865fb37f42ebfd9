"""The live diagnosis as an object: why do logins fail, or will fail, asked from within a program or a shell.

It must never touch what serves logins: it reads a configuration, opens connections of its own, and closes them.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from types import MappingProxyType
from typing import Final

from netra.core.findings import Finding
from netra.core.secret import Secret
from netra.doctor import oauth
from netra.doctor.diagnose import Began, diagnose, nobody
from netra.doctor.diagnosis import Check, Diagnosis, Hop, Measured, Progress
from netra.doctor.offline import Start, begin, followed, settings_check
from netra.doctor.report.text import as_lines
from netra.doctor.sockets import sockets
from netra.doctor.visit import Wanted
from netra.link.resolver import LookUp, system_addresses
from netra.settings.field import Effective
from netra.settings.variables import Settings
from netra.upkeep.asking import label
from netra.wires.load import resolve

_NO_ENVIRONMENT: Final[Mapping[str, str]] = MappingProxyType({})


def unheard(check: Check) -> None:
    """For those who wait for the whole."""


class AuthServiceDebugger:
    """Finds out, hop by hop, why logins through this configuration fail; the first broken hop is the cause."""

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        timeout_s: float = 10.0,
        look_up: LookUp = system_addresses,
        measured: Callable[[], Sequence[Measured]] = tuple,
    ) -> None:
        """`environ` holds settings by the names of their variables; the environment, when it is not given.

        It is read anew at each diagnosis. `timeout_s` bounds the whole of one. `measured` says how long attempts take,
        by a gateway that is in use.

        Raises: ValueError, for a time that is none.
        """
        if not timeout_s > 0:
            raise ValueError("timeout_s must be greater than 0")
        self._environ = environ
        self._timeout_s = timeout_s
        self._look_up = look_up
        self._measured = measured
        self._running: Start | None = None

    @classmethod
    def of(  # noqa: PLR0913 - what a gateway that runs knows of itself
        cls,
        settings: Settings,
        effective: tuple[Effective, ...] = (),
        findings: tuple[Finding, ...] = (),
        *,
        environ: Mapping[str, str] = _NO_ENVIRONMENT,
        timeout_s: float = 10.0,
        look_up: LookUp = system_addresses,
        measured: Callable[[], Sequence[Measured]] = tuple,
    ) -> "AuthServiceDebugger":
        """The diagnosis of a gateway that runs: by the settings that it has, whatever the environment says by now.

        Our own credentials are read anew where they come from files, as the gateway does.

        Raises: WireProblem, for a wire file that broke after the gateway had read it.
        """
        debugger = cls(environ, timeout_s=timeout_s, look_up=look_up, measured=measured)
        told = oauth.without_misspelt(findings, environ)
        checks = (settings_check("settings", told, effective, None), *oauth.checks(environ))
        debugger._running = Start(settings, resolve(settings.wire), environ, effective, checks)
        return debugger

    async def checks(
        self,
        *,
        rejection_check: bool = False,
        canary: tuple[str, Secret] | None = None,
        origin: str | None = None,
        began: Began = nobody,
    ) -> AsyncGenerator[Check, None]:
        """All checks in the order of a login's way, each as it ends; `began` is told each hop as it begins."""
        wanted = Wanted(self._timeout_s, rejection_check, canary, origin=origin, measured=tuple(self._measured()))
        async with aclosing(diagnose(await self._start(), wanted, began=began, look_up=self._look_up)) as checks:
            async for check in checks:
                yield check

    async def run(
        self,
        progress: Progress = unheard,
        *,
        rejection_check: bool = False,
        canary: tuple[str, Secret] | None = None,
        origin: str | None = None,
        with_sockets: bool = False,
        began: Began = nobody,
    ) -> Diagnosis:
        """The whole diagnosis. `progress` is told each check as it ends."""
        started_s = time.monotonic()
        start = await self._start()
        request_id = label("doctor").request_id
        measured = tuple(self._measured())
        wanted = Wanted(self._timeout_s, rejection_check, canary, request_id, origin, measured)
        checks: list[Check] = []
        hop_s = {Hop.CONFIGURATION: time.monotonic() - started_s}
        began_s: dict[Hop, float] = {}

        def hop_began(hop: Hop) -> None:
            began_s[hop] = time.monotonic()
            began(hop)

        async with aclosing(diagnose(start, wanted, began=hop_began, look_up=self._look_up)) as found:
            async for check in found:
                if check.hop in began_s:
                    hop_s[check.hop] = time.monotonic() - began_s[check.hop]
                checks.append(check)
                progress(check)
        used = sockets(start.settings) if with_sockets and start.settings else ()
        asked = request_id if Hop.HTTP in hop_s else None
        return Diagnosis(tuple(checks), start.effective, time.monotonic() - started_s, hop_s, used, asked)

    async def explain(self) -> str:
        """The whole diagnosis in words, the cause in the last line."""
        return "\n".join(line.text for line in as_lines(await self.run()))

    async def _start(self) -> Start:
        """What there is to begin with: files are read on a thread, because logins may be under way in this one."""
        if self._running is not None:
            return await asyncio.to_thread(followed, self._running)
        return await asyncio.to_thread(begin, os.environ if self._environ is None else self._environ)
