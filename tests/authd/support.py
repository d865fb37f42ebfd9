"""What the tests of the auth service share: a clock that can be moved, a server on a real socket, a client.

It must never stand in for a part of the service: database, hashes and sockets are real.
"""

import asyncio
import dataclasses
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp

from netra.asgi.server import Listener, bind, serve
from netra.authd.app import Authd, opened
from netra.authd.routes import Tell
from netra.core.secret import Secret
from netra.settings.authd_variables import AuthdSettings
from netra.settings.read import load_authd

SERVICE_ID: Final = "netra-backend"
SERVICE_SECRET: Final = "test-only-" + "k7Qz" * 10
EMAIL: Final = "ada@example.com"
LIMIT: Final = 4
"""Rejections before a lock in most tests; fewer than the default, because each costs a hash."""
PASSWORD: Final = "correct horse battery staple"


class MovableClock:
    """Wall time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s

    def move(self, seconds: float) -> None:
        self.now_s += seconds


class Reply(NamedTuple):
    """An answer, read."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str | None:
        return str(self.body["code"]) if "code" in self.body else None


class Client:
    """A service that asks the auth service."""

    def __init__(self, session: aiohttp.ClientSession, url: str, service_id: str, service_secret: str) -> None:
        self.session = session
        self.url = url
        self.service_id = service_id
        self.service_secret = service_secret

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        seal: bool = True,
    ) -> Reply:
        """One request with the service's credentials; `raw` is sent as it is."""
        sent = {"X-Service-ID": self.service_id, "X-Service-Secret": self.service_secret} if seal else {}
        content = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if content is not None:
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        async with self.session.request(
            method, self.url + path, data=content, headers=sent, allow_redirects=False
        ) as answer:
            return Reply(answer.status, answer.headers, await answer.text())

    async def get(self, path: str, **how: Any) -> Reply:
        return await self.ask("GET", path, **how)

    async def post(self, path: str, body: object = None, **how: Any) -> Reply:
        return await self.ask("POST", path, body, **how)

    async def log_in(self, email: str = EMAIL, password: str = PASSWORD, key: str | None = None) -> Reply:
        return await self.post("/auth/login", {"email": email, "password": password}, headers=keyed(key))

    async def refresh(self, token: str, key: str | None = None) -> Reply:
        return await self.post("/auth/refresh", {"refresh_token": token}, headers=keyed(key))

    async def validate(self, token: str) -> Any:
        reply = await self.post("/auth/validate", {"token": token})
        assert reply.status == 200, reply
        return reply.body

    async def log_out(self, access_token: str | None = None, refresh_token: str | None = None) -> Reply:
        headers = {"Authorization": f"Bearer {access_token}"} if access_token is not None else {}
        body = {"refresh_token": refresh_token} if refresh_token is not None else None
        return await self.post("/auth/logout", body, headers=headers)


def keyed(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Idempotency-Key": key}


def new_key() -> str:
    return secrets.token_hex(16)


class Running(NamedTuple):
    """An auth service that answers on a real socket, and a client of it."""

    service: Authd
    client: Client
    clock: MovableClock
    url: str


def settings_in(folder: Path, **changes: Any) -> AuthdSettings:
    """The defaults, on a database in the folder, with a queue that no test fills by accident."""
    settings = load_authd({"NETRA_AUTHD_DATABASE_URL": f"sqlite:///{folder}/authd.db", "ENVIRONMENT": "test"})
    return dataclasses.replace(settings, **{"hash_queue": 200, "drain_delay_s": 0.0, **changes})


@asynccontextmanager
async def client_of(url: str, service_id: str = SERVICE_ID, secret: str = SERVICE_SECRET) -> AsyncIterator[Client]:
    """A client with a connection pool of its own."""
    connector = aiohttp.TCPConnector(limit=200)
    patience = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=patience
    ) as session:
        yield Client(session, url, service_id, secret)


@asynccontextmanager
async def served(service: Authd) -> AsyncIterator[str]:
    """The service on a free port; yields its URL."""
    bound = bind([Listener("authd", service.app, "127.0.0.1", 0, "--port")])
    stop, started = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(bound, on_started=started.set, stop=stop))
    await asyncio.wait({serving, asyncio.create_task(started.wait())}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield bound[0].url
    finally:
        stop.set()
        await serving


@asynccontextmanager
async def running(
    settings: AuthdSettings, clock: MovableClock | None = None, tell: Tell | None = None
) -> AsyncIterator[Running]:
    """A served auth service that knows one service and one user; a second start finds them again."""
    moved = clock or MovableClock()
    async with opened(settings, clock=moved, tell=tell) as service:
        await service.add_service(SERVICE_ID, Secret(SERVICE_SECRET))
        await service.add_user(EMAIL, Secret(PASSWORD), "Ada Lovelace")
        async with served(service) as url, client_of(url) as client:
            yield Running(service, client, moved, url)


class Target(NamedTuple):
    """An auth service to be held to the contract."""

    url: str
    service_id: str
    service_secret: str


class User(NamedTuple):
    """A user that was registered for one test."""

    email: str
    user_id: str


def is_problem(reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.code) == (status, code)
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.body["status"] == status
    assert reply.body["title"]
    assert reply.body["request_id"] == reply.headers["X-Request-ID"]
    assert ("WWW-Authenticate" in reply.headers) == (status == 401)
    assert ("Retry-After" in reply.headers) == (status in {423, 429, 503})
