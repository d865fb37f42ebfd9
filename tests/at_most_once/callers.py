"""Many callers at once: logins over kept connections, and what each of them was answered.

It must never send a login again: every number is one wish, sent once.
"""

import asyncio
import contextlib
import json
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from tests.support.gateways import LOGIN, Running

CALLERS_COUNT: Final = 40
PATIENCE_S: Final = 15.0
"""No login may take longer: three times the budget of a gateway."""


class Wish(NamedTuple):
    """A login that somebody wishes."""

    email: str
    password: str
    right: bool
    """Is it the right password?"""


class Answered(NamedTuple):
    """A wish, and what became of it."""

    wish: Wish
    status: int
    document: Any

    @property
    def code(self) -> str:
        """What it came to, in a word."""
        return "accepted" if self.status == 200 else str(self.document["code"])

    @property
    def phases(self) -> list[str]:
        """How far each try got, where the gateway says so."""
        tries = self.document.get("debug_info", {}).get("attempts", [])
        return [each["phase"] for each in tries]


class _Line:
    """One caller's connection, made anew when the gateway has closed it."""

    def __init__(self, url: str) -> None:
        self._place = urlsplit(url)
        self._streams: tuple[StreamReader, StreamWriter] | None = None

    async def log_in(self, wish: Wish) -> Answered:
        async with asyncio.timeout(PATIENCE_S):
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._place.hostname, self._place.port)
            reader, writer = self._streams
            body = json.dumps({"email": wish.email, "password": wish.password}).encode()
            writer.write(
                b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                % (LOGIN.encode(), len(body), body)
            )
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            document = json.loads(await reader.readexactly(length))
        if b"connection: close" in head:
            self.close()
        return Answered(wish, int(head[9:12]), document)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def all_answered(
    url: str, wishes: Sequence[Wish], callers_count: int = CALLERS_COUNT, pause_s: float = 0.0
) -> list[Answered]:
    """Send every wish once, so many at a time; every one has to be answered."""
    waiting, answers = iter(wishes), list[Answered]()

    async def call() -> None:
        with contextlib.closing(_Line(url)) as line:
            for wish in waiting:
                answers.append(await line.log_in(wish))
                await asyncio.sleep(pause_s)

    await asyncio.gather(*(call() for _ in range(callers_count)))
    assert len(answers) == len(wishes)
    return answers


async def shaken_hands(running: Running) -> None:
    """Wait until the gateway knows what the auth service promises."""
    link = running.assembled.gateway.parts.link
    async with asyncio.timeout(PATIENCE_S):
        while link.standing.handshake == "not_yet":
            await asyncio.sleep(0.01)
    assert link.standing.handshake == "accepted"


def tally(answers: Iterable[Answered]) -> Counter[str]:
    """How often each answer was given."""
    return Counter(f"{each.status} {each.code}" for each in answers)
