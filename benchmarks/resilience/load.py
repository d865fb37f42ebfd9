"""Users who log in at a fixed rate, whether or not anybody answers: an open loop, so that a slow server is no relief.

It must never wait for one answer before the next attempt is made; what is late is counted from when it was due.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, NamedTuple

import httptools
from auth_service import WRONG_PASSWORD, Fault

PATIENCE_S: Final = 10.0
"""How long a user waits: what browsers' and phones' clients are commonly set to."""
_KEPT_S: Final = 2.0
"""How long an idle connection is kept; less than any server keeps it."""
_ACCOUNTS_COUNT: Final = 200
_GUESSERS_COUNT: Final = 5
_PASSWORD: Final = "correct horse battery"  # noqa: S105 - of users who do not exist


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of time; the same rates and the same fault from its begin to its end."""

    name: str
    seconds: float
    users_per_s: float
    guesses_per_s: float = 0.0
    fault: Fault = "none"
    shaded: bool = False
    """Is it the disturbance that the scene is about?"""


class Attempt(NamedTuple):
    """Somebody wants to log in."""

    due_s: float
    """From the begin of the run."""
    number: int
    guess: bool
    """With a wrong password?"""


class Ended(NamedTuple):
    """What became of an attempt; times from the begin of the run."""

    due_s: float
    sent_s: float
    ended_s: float
    guess: bool
    status: int
    """0 when the user gave up, or the connection broke."""
    right: bool
    """Is it the answer that these credentials deserve?"""
    elapsed_s: float
    """From when it was due."""


def attempts(phases: Iterable[Phase]) -> list[Attempt]:
    """All attempts of a run, evenly spaced within each phase, in the order in which they are due."""
    return sorted(_attempts(phases))


def _attempts(phases: Iterable[Phase]) -> Iterator[Attempt]:
    begin_s, numbers = 0.0, {False: 0, True: 0}
    for phase in phases:
        for guess, rate in ((False, phase.users_per_s), (True, phase.guesses_per_s)):
            for index in range(round(phase.seconds * rate)):
                yield Attempt(begin_s + (index + 0.5) / rate, numbers[guess], guess)
                numbers[guess] += 1
        begin_s += phase.seconds


class Load:
    """Makes attempts at one gateway. Owned by one event loop."""

    def __init__(self, port: int, path: str, patience_s: float = PATIENCE_S) -> None:
        self.ended: list[Ended] = []
        self._port = port
        self._path = path
        self._patience_s = patience_s
        self._idle: list[_Connection] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, planned: Iterable[Attempt], begin_s: float) -> None:
        """Make every attempt when it is due, then wait for the last answers. `begin_s`: monotonic."""
        for attempt in planned:
            wait_s = begin_s + attempt.due_s - monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            task = asyncio.create_task(self._make(attempt, begin_s))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        await asyncio.gather(*self._under_way)
        for connection in self._idle:
            connection.close()

    async def _make(self, attempt: Attempt, begin_s: float) -> None:
        sent_s = monotonic() - begin_s
        email, request = self._request(attempt)
        status, body = 0, b""
        try:
            async with asyncio.timeout(attempt.due_s + self._patience_s - sent_s):
                connection = self._kept(monotonic()) or await self._connected()
                status, body = await connection.ask(request)
        except OSError:  # TimeoutError is one
            pass
        else:
            if connection.reusable:
                connection.idle_since_s = monotonic()
                self._idle.append(connection)
        right = status in (401, 429) if attempt.guess else status == 200 and f"access-of-{email}".encode() in body
        ended_s = monotonic() - begin_s
        self.ended.append(Ended(attempt.due_s, sent_s, ended_s, attempt.guess, status, right, ended_s - attempt.due_s))

    def _request(self, attempt: Attempt) -> tuple[str, bytes]:
        """Users come from addresses of their own; the guessers are few, and try the accounts one after the other."""
        who = attempt.number % _ACCOUNTS_COUNT
        email = f"user-{who}@example.test"
        # Addresses for documentation. Source: RFC 5737.
        address = f"203.0.113.{attempt.number % _GUESSERS_COUNT}" if attempt.guess else f"198.51.100.{who}"
        said = {"email": email, "password": WRONG_PASSWORD if attempt.guess else _PASSWORD}
        body = json.dumps(said).encode()
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
            f"X-Forwarded-For: {address}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return email, head.encode() + body

    def _kept(self, now_s: float) -> "_Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and now_s - connection.idle_since_s < _KEPT_S:
                return connection
            connection.close()
        return None

    async def _connected(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, "127.0.0.1", self._port)
        return connection


class _Connection(asyncio.Protocol):
    """One connection of one user at a time."""

    def __init__(self) -> None:
        self.idle_since_s = 0.0
        self._parser = httptools.HttpResponseParser(self)
        self._transport: Any = None
        self._waiter: asyncio.Future[tuple[int, bytes]] | None = None
        self._body = b""

    @property
    def reusable(self) -> bool:
        return self._waiter is None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer. Raises: ConnectionError."""
        self._waiter = asyncio.get_running_loop().create_future()
        self._body = b""
        self._transport.write(request)
        try:
            return await self._waiter
        finally:
            if not self._waiter.done() or self._waiter.cancelled():
                self._transport.abort()
            self._waiter = None

    def close(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionResetError("closed before an answer"))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self._transport.close()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result((self._parser.get_status_code(), self._body))
