"""What tests of host applications share: a host on a real server, and the wishes that are put to it.

It must never ask an application without a server: what a framework does to a request happens on the way.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette

from netra.core.events import AttemptEnded, Event
from netra.integrations import fastapi as for_fastapi
from netra.integrations import starlette as for_starlette
from netra.testing.fakes import Recorded
from tests.support import wire
from tests.support.gateways import ENVIRONMENT
from tests.support.wire import LONGEST_S, Answer, Headers

PREFIX: Final = "/api/v1/auth"
FRAMEWORKS: Final = ("fastapi", "starlette")


def told(url: str, **changes: str | None) -> dict[str, str]:
    """The settings of a host's gateway, None for one that is not given."""
    given = {**ENVIRONMENT, "AUTH_SERVICE_URL": url, **changes}
    return {name: value for name, value in given.items() if value is not None}


class Host:
    """A host that answers."""

    def __init__(self, url: str, recorded: Recorded) -> None:
        self.url = url
        self.recorded = recorded

    @property
    def ended(self) -> list[AttemptEnded]:
        """The attempts that have ended so far."""
        return self.recorded.of(AttemptEnded)

    async def ask(self, method: str, target: str, headers: Headers = (), body: bytes | None = None) -> Answer:
        """One request."""
        return await wire.ask(self.url, method, target, headers, body)

    async def post(self, target: str, document: object, headers: Headers = ()) -> Answer:
        """One JSON document to a route below the prefix."""
        return await wire.post(self.url, PREFIX + target, document, headers)

    async def get(self, target: str, token: str | None = None, headers: Headers = ()) -> Answer:
        """One GET with a bearer token."""
        bearer = [] if token is None else [("Authorization", f"Bearer {token}")]
        return await self.ask("GET", target, [*headers, *bearer])


@contextlib.asynccontextmanager
async def served(app: Any, **options: Any) -> AsyncIterator[str]:
    """An application on a server as its users run it; yields its URL. Its lifespan is awaited at both ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="on", log_config=None, server_header=False, date_header=False, **options)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(_serving(server, listener))
    try:
        async with asyncio.timeout(LONGEST_S):
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
        assert server.started, "the host did not start: see what it has printed"
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        async with asyncio.timeout(LONGEST_S):
            await serving


async def _serving(server: uvicorn.Server, listener: socket.socket) -> None:
    with contextlib.suppress(SystemExit):  # a start that fails would end the tests
        await server.serve(sockets=[listener])


def application(framework: str, environ: Mapping[str, str], tell: Callable[[Event], None], **places: Any) -> Any:
    """A host with all routes, or as `places` say."""
    if framework == "starlette":
        plain = for_starlette.Auth(environ, tell=tell)
        return Starlette(
            routes=plain.routes(**places), lifespan=plain.lifespan, exception_handlers=plain.exception_handlers
        )
    auth = for_fastapi.Auth(environ, tell=tell)
    app = FastAPI(lifespan=auth.lifespan)
    auth.add_to(app, **places)
    return app


Extend = Callable[[Any], None]


@contextlib.asynccontextmanager
async def hosted(
    framework: str, environ: Mapping[str, str], extend: Extend = lambda _: None, **places: Any
) -> AsyncIterator[Host]:
    """A host on a server, in front of an auth service; `extend` adds what it has of its own."""
    recorded = Recorded()
    app = application(framework, environ, recorded, **places)
    extend(app)
    async with served(app) as url:
        yield Host(url, recorded)


Asking = Callable[[Host], Awaitable[Answer]]
