"""The demo's auth service as the demo holds it: started, killed, frozen, thawed and told what to do.

It must never be left behind: it is killed, frozen or not, when its context ends.
"""

import asyncio
import json
import os
import secrets
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from netra.core.secret import Secret
from netra.demo.ports import AUTHD_OPTIONS, port_message

_START_S: Final = 30.0
_ORDER_S: Final = 10.0
_END_S: Final = 3.0
_FREEZE_LOOK_S: Final = 0.01
_FREEZE_LOOKS: Final = 500
_COMMAND: Final = (sys.executable, "-P", "-m", "netra.demo.service")


class DemoFailed(Exception):
    """The demo cannot go on; the message says why and what to do, in one line."""


class Credentials(NamedTuple):
    """Who may log in, and who the gateway is to the auth service. New for each demo but for the user."""

    email: str
    password: Secret
    name: str
    service_id: str
    service_secret: Secret


def new_credentials() -> Credentials:
    """The demo's user, always the same so that it can be written down, and a service with a fresh secret."""
    return Credentials(
        "demo@netra.test", Secret("open-sesame-42"), "Demo User", "netra-demo-backend", Secret(secrets.token_hex(32))
    )


class AuthService:
    """One auth service in a program of its own. Belongs to one event loop; its methods are not to overlap."""

    def __init__(self, folder: Path, port: int, credentials: Credentials) -> None:
        self.port = port
        """Where it listens; once started, the port that it got."""
        self.log_file = folder / "auth-service.log"
        self._database = folder / "auth-service.db"
        self._credentials = credentials
        self._program: Process | None = None
        self._listens = False
        """Does it hear its orders? Not while it starts, nor while it is frozen."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_alive(self) -> bool:
        """Has it been started, and not ended since?"""
        return self._program is not None and self._program.returncode is None

    @property
    def pid(self) -> int | None:
        """Its process id while it is alive."""
        return self._program.pid if self._program is not None and self.is_alive else None

    async def launch(self) -> None:
        """Start it without waiting until it answers; see `ready`."""
        await self._buried()
        with self.log_file.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal is the demo's to hear, which ends it in good order.
            self._program = await asyncio.create_subprocess_exec(
                *_COMMAND, stdin=PIPE, stdout=PIPE, stderr=log, start_new_session=True
            )
        self._listens = False
        known = self._credentials
        await self._send(
            port=self.port,
            database=str(self._database),
            email=known.email,
            password=known.password.reveal(),
            name=known.name,
            service_id=known.service_id,
            service_secret=known.service_secret.reveal(),
        )

    async def ready(self) -> None:
        """Wait until it answers.

        Raises: DemoFailed, with the reason in its own words.
        """
        said = await self._heard(_START_S)
        if "cannot" in said:
            if "errno" in said:
                raise DemoFailed(port_message("auth service", self.port, AUTHD_OPTIONS, said["errno"]))
            raise DemoFailed(f"The auth service cannot start: {said['cannot']}")
        self.port = said["port"]
        self._listens = True

    async def kill(self) -> None:
        """End it as a crash would, without a word."""
        if self._program is not None and self.is_alive:
            with suppress(ProcessLookupError):
                self._program.kill()
            await self._program.wait()

    async def freeze(self) -> None:
        """Stop it where it stands, and wait until it does.

        Raises: DemoFailed, when it is not there any more.
        """
        pid = self.pid
        if pid is None:
            raise DemoFailed("The auth service has ended by itself.")
        self._listens = False
        os.kill(pid, signal.SIGSTOP)
        for _ in range(_FREEZE_LOOKS):
            if _has_stopped(pid):
                return
            await asyncio.sleep(_FREEZE_LOOK_S)
        raise DemoFailed("The auth service could not be frozen.")

    def thaw(self) -> None:
        """Let it go on, whoever froze it; nothing happens when it is not frozen."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGCONT)
        self._listens = True

    async def turn_door(self, fault: str) -> None:
        """Have its door misbehave, or with `none` let everything pass. Raises: DemoFailed."""
        await self._order(door=fault)

    async def register(self, secret: Secret) -> None:
        """Have its registry hold this secret for the gateway, and no other. Raises: DemoFailed."""
        await self._order(service_id=self._credentials.service_id, service_secret=secret.reveal())

    async def end(self) -> None:
        """End it in good order where it can, by force where it cannot."""
        if self._program is not None and self.is_alive and self._listens:
            self._close_orders()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._program.wait(), _END_S)
        await self.kill()
        await self._buried()

    async def _order(self, **order: str) -> None:
        await self._send(**order)
        await self._heard(_ORDER_S)

    async def _send(self, **order: Any) -> None:
        orders = self._program.stdin if self._program is not None else None
        if orders is None:
            raise DemoFailed("The auth service is not running.")
        with suppress(ConnectionError):
            # What it did not get is noticed when it does not answer.
            orders.write(json.dumps(order).encode() + b"\n")
            await orders.drain()

    async def _heard(self, at_most_s: float) -> dict[str, Any]:
        words = self._program.stdout if self._program is not None else None
        line = b""
        if words is not None:
            with suppress(TimeoutError):
                line = await asyncio.wait_for(words.readline(), at_most_s)
        if not line:
            raise DemoFailed(f"The auth service does not answer. {self._last_words()}")
        said: dict[str, Any] = json.loads(line)
        return said

    def _last_words(self) -> str:
        with suppress(OSError):
            lines = self.log_file.read_text("utf-8", "replace").split("\n")
            last = next((line for line in reversed(lines) if line.strip()), None)
            if last:
                return f"Its last words were: {last.strip()}"
        return "It left no word why."

    async def _buried(self) -> None:
        """Close what is left of the one before."""
        self._close_orders()
        if self._program is not None:
            await self._program.wait()
            if self._program.stdout is not None:
                await self._program.stdout.read()

    def _close_orders(self) -> None:
        if self._program is not None and self._program.stdin is not None:
            self._program.stdin.close()


def _has_stopped(pid: int) -> bool:
    """Asks for a stop only, and does not wait: the news of an end is the event loop's."""
    return os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG) is not None


@asynccontextmanager
async def launched(folder: Path, port: int, credentials: Credentials) -> AsyncIterator[AuthService]:
    """An auth service that is starting, ended with the block."""
    service = AuthService(folder, port, credentials)
    try:
        await service.launch()
        yield service
    finally:
        await service.end()
