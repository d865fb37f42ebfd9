"""A gateway in this very process, on real sockets, with its log lines in hand: for tests of single rows.

It must never replace a part of the gateway: it is opened by the composition root, from settings, as `serve` does.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from typing import Any, Final, NamedTuple, TextIO

from netra.asgi.adapter import App
from netra.asgi.server import Listener, bind, serve
from netra.assemble import Assembled, facts_of, open_gateway
from netra.observe.log.lines import Lines
from netra.observe.log.writing import Logs, logger_for
from netra.observe.tell import Tell
from netra.pages.book import read_book
from netra.settings.read import read
from netra.settings.variables import Settings
from tests.support import wire
from tests.support.wire import LONGEST_S, Answer, Headers

PREFIX: Final = "/api/v1/auth"
LOGIN: Final = f"{PREFIX}/login"
SECRET: Final = "test-only-Jt3vXq8RzL0mWc5YkUe2NsHbP7dGfAo9"
OTHER_SECRET: Final = "test-only-hV6pQeXsR2mTz9LkWc4YbNuJd8GfAo0i"
SERVICE_ID: Final = "netra-under-test"
EMAIL: Final = "ada.byron@example.com"
PASSWORD: Final = "Swordfish-and-chips-42"
ENVIRONMENT: Final[Mapping[str, str]] = {
    "ENVIRONMENT": "test",
    "SERVICE_ID": SERVICE_ID,
    "SERVICE_SECRET": SECRET,
    "NETRA_TRIES": "1",
    "NETRA_LOG_FORMAT": "json",
    "NETRA_LOG_LEVEL": "debug",
    # Many logins at once on purpose: each has a line to itself.
    "NETRA_LOG_LINES_PER_S": "0",
    # One probe and one handshake at the start, none in between: journals then hold what the test has caused.
    "NETRA_PROBE_INTERVAL_S": "300",
    "NETRA_REVOCATIONS_INTERVAL_S": "300",
    # Failure after failure on purpose: a circuit that opened would answer in the place of what is tried next.
    "NETRA_BREAKER": "false",
    "NETRA_TOKEN_CACHE_S": "0",
    # Rejection after rejection on purpose, all from one address.
    "NETRA_THROTTLE_ACCOUNT": "off",
    "NETRA_THROTTLE_ADDRESS": "off",
}
"""What a gateway under test is told, unless a test says otherwise."""
IMPATIENT: Final[Mapping[str, str]] = {
    "NETRA_LOGIN_BUDGET_S": "0.6", "NETRA_TOKEN_BUDGET_S": "0.3", "NETRA_CONNECT_TIMEOUT_S": "0.1",
}  # fmt: skip
"""Budgets for tests that wait for their end."""
NEVER_LOGGED: Final = (SECRET, OTHER_SECRET, PASSWORD, EMAIL, EMAIL.encode().hex())
"""None of these may stand in a log line; the last one is a part of every token of the lab."""


class Running(NamedTuple):
    """A gateway that answers."""

    url: str
    assembled: Assembled
    log: BytesIO
    stop: asyncio.Event
    """Set to begin its end; whoever opened it awaits it."""

    @property
    def lines(self) -> list[Any]:
        """Every log line so far."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def lines_of(self, request_id: str) -> list[Any]:
        """The log lines of one request."""
        marked = f'"{request_id}"'.encode()
        lines = [json.loads(line) for line in self.log.getvalue().splitlines() if marked in line]
        return [line for line in lines if line["request_id"] == request_id]

    def events(self) -> list[str]:
        """The events so far."""
        return [line["event"] for line in self.lines]

    async def ask(self, method: str, target: str, headers: Headers = (), body: bytes | None = None) -> Answer:
        """One request to the public listener."""
        return await wire.ask(self.url, method, target, headers, body)

    async def post(self, target: str, document: object, headers: Headers = ()) -> Answer:
        """One JSON document to a route below the prefix."""
        return await wire.post(self.url, PREFIX + target, document, headers)

    async def get(self, target: str, headers: Headers = ()) -> Answer:
        """One GET below the prefix."""
        return await self.ask("GET", PREFIX + target, headers)

    async def log_in(self, email: str = EMAIL, password: str = PASSWORD, headers: Headers = ()) -> Answer:
        """One login."""
        return await self.post("/login", {"email": email, "password": password}, headers)


def settings_for(url: str, environ: Mapping[str, str | None]) -> Settings:
    """The settings of a gateway under test, None for a variable that is not set.

    What the settings object to is the test's mistake.
    """
    given = {**ENVIRONMENT, "AUTH_SERVICE_URL": url, **environ}
    told = {name: value for name, value in given.items() if value is not None}
    loaded = read(told, {"NETRA_PORT": 0, "NETRA_ADMIN_PORT": 0})
    assert loaded.settings is not None, [finding.line() for finding in loaded.findings]
    return loaded.settings


@asynccontextmanager
async def gateway(url: str, **environ: str | None) -> AsyncIterator[Running]:
    """A gateway in front of the auth service at `url`, told `environ` as one would set variables."""
    async with opened(settings_for(url, environ)) as running:
        yield running


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Running]:
    """A gateway with these settings.

    At its end no slot is lost, no listener has failed, no request was a crash, and no log line tells a secret.
    """
    log = BytesIO()
    stream = TextIOWrapper(log)  # held until the end: a stream that is forgotten closes what it wraps
    tell = told_to(settings, stream)
    stop = asyncio.Event()
    async with open_gateway(settings, tell) as assembled, served(assembled.public, stop) as public:
        running = Running(public, assembled, log, stop)
        yield running
    # After the end: until then a round of upkeep may hold one.
    assert assembled.gateway.parts.link.slots.taken_count == 0, "a slot was not given back"
    assert tell.failures_count == 0, "a listener failed"
    stream.flush()
    told = log.getvalue().decode()
    assert [secret for secret in NEVER_LOGGED if secret in told] == [], "a log line tells a secret"
    assert "Internal error" not in running.events(), running.lines


def told_to(settings: Settings, stream: TextIO) -> Tell:
    """Log lines as `serve` writes them, but at once: what a test asks for after an answer is there."""
    logger = logger_for(stream, settings.log_format, settings.log_level)
    return Tell([Logs(Lines(read_book(), facts_of(settings), "run-of-test"), logger)])


@asynccontextmanager
async def served(app: App, stop: asyncio.Event) -> AsyncIterator[str]:
    """One listener on a free port until `stop` is set, at the latest at the end; yields its URL."""
    bound = bind([Listener("listener", app, "127.0.0.1", 0, "--port")])
    started = asyncio.Event()
    serving = asyncio.create_task(serve(bound, on_started=started.set, stop=stop))
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield bound[0].url
    finally:
        stop.set()
        async with asyncio.timeout(LONGEST_S):
            await serving


class Views(NamedTuple):
    """The same auth service seen through two gateways: one tells operators, one the public."""

    operator: Running
    public: Running


@asynccontextmanager
async def both_views(url: str, **environ: str | None) -> AsyncIterator[Views]:
    """Two gateways that differ in nothing but what they disclose."""
    async with both_opened(settings_for(url, environ)) as views:
        yield views


@asynccontextmanager
async def both_opened(settings: Settings) -> AsyncIterator[Views]:
    """The same, with settings made in code."""
    async with AsyncExitStack() as stack:
        operator = await stack.enter_async_context(opened(replace(settings, disclose="operator")))
        public = await stack.enter_async_context(opened(replace(settings, disclose="public")))
        yield Views(operator, public)
        for running in (operator, public):
            running.stop.set()
