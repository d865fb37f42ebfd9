"""A gateway in this process with both listeners on real sockets: for tests of what operators see and may do.

It must never leave out the rules of the admin listener: every request here passes them.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from netra.assemble import Assembled, open_gateway
from netra.assemble_admin import Shown
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.settings.read import read
from netra.testing.fakes import Recorded
from tests.support import wire
from tests.support.gateways import ENVIRONMENT, PASSWORD, PREFIX, served
from tests.support.wire import LONGEST_S, Answer, Headers

TOKEN: Final = "test-only-admin-token-Hj4Kq9Zs2Wn7Vb1"
BEARER: Final = ("Authorization", f"Bearer {TOKEN}")
HTML: Final = ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")


class Operated(NamedTuple):
    """A gateway whose admin listener answers."""

    public: str
    admin: str
    lab: FaultyAuthService
    assembled: Assembled
    told: Recorded

    async def ask(self, method: str, target: str, *headers: tuple[str, str], body: bytes | None = None) -> Answer:
        """One request to the admin listener."""
        return await wire.ask(self.admin, method, target, headers, body)

    async def state(self, *headers: tuple[str, str]) -> Any:
        """The console's state."""
        answer = await self.ask("GET", "/console/state", *headers)
        assert answer.status == 200, answer
        return answer.json

    async def log_in(self, email: str = "ada@example.com", password: str = PASSWORD) -> Answer:
        """One login by the public listener."""
        return await wire.post(self.public, f"{PREFIX}/login", {"email": email, "password": password})


@asynccontextmanager
async def operated(token: str | None = None, **environ: str | None) -> AsyncIterator[Operated]:
    """Both listeners of a gateway in front of the lab, told `environ` as one would set variables; None unsets one."""
    async with FaultyAuthService() as lab:
        told_of = {**ENVIRONMENT, "AUTH_SERVICE_URL": lab.url, "NETRA_ADMIN_TOKEN": token, **environ}
        given = {name: value for name, value in told_of.items() if value is not None}
        loaded = read(given, {"NETRA_PORT": 0, "NETRA_ADMIN_PORT": 0})
        assert loaded.settings is not None, [each.line() for each in loaded.findings]
        told, stop = Recorded(), asyncio.Event()
        opening = open_gateway(loaded.settings, told, findings=loaded.findings, shown=Shown(loaded.effective))
        async with (
            opening as assembled,
            served(assembled.public, stop) as public,
            served(assembled.admin, asyncio.Event()) as admin,
        ):
            yield Operated(public, admin, lab, assembled, told)


class Watcher:
    """An open page: a stream of events, read as a browser reads it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.head = ""

    async def opened(self, headers: Headers = ()) -> None:
        """Ask for the stream and read its head."""
        said = [("Connection", "keep-alive"), *headers]
        self._writer.write(wire.message("GET", "/console/events", said))
        async with asyncio.timeout(LONGEST_S):
            self.head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")

    @property
    def status(self) -> int:
        """Of the answer."""
        return int(self.head.split(" ")[1])

    async def event(self) -> tuple[str, Any]:
        """The next event: its name and its document; what only sets the pace is passed over."""
        while True:
            async with asyncio.timeout(LONGEST_S):
                block = (await self._reader.readuntil(b"\n\n")).decode()
            fields = dict(line.split(": ", 1) for line in block.splitlines() if line)
            if "data" in fields:
                return fields["event"], json.loads(fields["data"])

    async def until(self, name: str) -> Any:
        """The document of the next event of this name."""
        while True:
            event, document = await self.event()
            if event == name:
                return document

    async def rest(self) -> bytes:
        """Everything until the end."""
        async with asyncio.timeout(LONGEST_S):
            return await self._reader.read()

    def close(self) -> None:
        """Leave."""
        self._writer.close()


@asynccontextmanager
async def watching(admin: str, *headers: tuple[str, str], count: int = 1) -> AsyncIterator[list[Watcher]]:
    """So many open pages."""
    place = urlsplit(admin)
    pages = [Watcher(*await asyncio.open_connection(place.hostname, place.port)) for _ in range(count)]
    try:
        for page in pages:
            await page.opened(headers)
        yield pages
    finally:
        for page in pages:
            page.close()


async def until(true: Any) -> None:
    """Wait for something that has to come."""
    async with asyncio.timeout(LONGEST_S):
        while not true():
            await asyncio.sleep(0.01)


def names(rows: Iterable[Any], member: str) -> list[Any]:
    """One member of each row."""
    return [row[member] for row in rows]
