"""Netra in an application made with Starlette: the auth routes, and who is asking.

It must never answer an outage as if somebody had been refused: what a route or a check says is the listener's word.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import Any, Final, NamedTuple, TypedDict, Unpack

from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route

from netra.assemble import Tell
from netra.core.verdict.operations import Identity, User
from netra.embed.gate import Gate, ProblemResponse
from netra.integrations.front import Answered, Front, open_front
from netra.integrations.places import PREFIX, Placed, names, placed
from netra.web.bodies import ENCODER

__all__ = ["Auth", "AuthProblem", "Places", "Success", "current_identity", "current_user", "gate_of", "names"]

_STATE: Final = "netra"
_NOT_OPEN: Final = (
    "No gateway is open here. Give the application that your server runs a lifespan that opens one: "
    "lifespan=Auth().lifespan, or a lifespan of your own that enters auth.lifespan(app) and yields its state."
)
_TOLD_BY_HOSTS: Final = frozenset({"content-type", "content-length"})
_ON_EVERY: Final = frozenset({b"x-request-id", b"cache-control"})

Answering = Callable[[Request], Awaitable[Response]]


class Success(NamedTuple):
    """A route's good answer before it goes out."""

    route: str
    """The route's name, such as `login`."""
    body: dict[str, Any]
    """What the listener would answer; tokens are in it."""
    request: Request


Shape = Callable[[Success], Any]
"""Makes of a success what is answered: JSON, or a response; at once, or awaited."""


class Places(TypedDict, total=False):
    """Which routes there are, where, and what they answer; nothing of it is required."""

    prefix: str
    """Before every path but the problems'; `/api/v1/auth` when it is not given."""
    only: Collection[str] | None
    """The names of the routes that there shall be; see `names`."""
    paths: Mapping[str, str] | None
    """Other paths by name, such as `{"login": "/sign-in"}`."""
    success: Shape | None
    """What is answered instead of the listener's body where all went well."""


class AuthProblem(HTTPException):
    """Nobody vouches for this request: refused (401), or nobody knows (503 and its like)."""

    def __init__(self, response: ProblemResponse) -> None:
        told = {name: value for name, value in response.headers if name not in _TOLD_BY_HOSTS}
        super().__init__(response.status, str(json.loads(response.body)["detail"]), told)
        self.response = response
        """What the listener answers."""


class Auth:
    """Netra in one application. Nothing is read or opened before its lifespan begins.

    `environ` holds settings by the names of their variables, the environment when it is not given; `tell` hears every
    event instead of the logger `netra`; `registry` of Prometheus's has our metrics. See `open_gate`.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        tell: Tell | None = None,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._environ = environ
        self._tell = tell
        self._registry = registry
        self._front: Front | None = None

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncIterator[dict[str, Any]]:
        """A gateway from the start of the application to its end; yields the state in which requests find it.

        Raises: SettingsProblem, with everything that is wrong.
        """
        async with open_front(self._environ, self._tell, self._registry) as front:
            self._front = front
            yield {_STATE: front}

    def routes(self, **places: Unpack[Places]) -> list[Route]:
        """The auth routes for `Starlette(routes=…)`. Raises: ValueError, for a route that cannot be."""
        return [route for each in self._placed(places) for route in self._both(each, places.get("success"))]

    @property
    def exception_handlers(self) -> dict[Any, Callable[[Request, Exception], Awaitable[Response]]]:
        """For `Starlette(exception_handlers=…)`: whoever is not let through is answered as the listener does."""
        return {AuthProblem: _problem}

    def _placed(self, places: Places) -> tuple[Placed, ...]:
        return placed(places.get("prefix", PREFIX), places.get("only"), places.get("paths"))

    def _both(self, one: Placed, shape: Shape | None) -> list[Route]:
        """A route with and without a slash at its end: a framework's redirect would send passwords a second time."""
        answering = self._answering(one, shape)
        return [
            Route(one.path, answering, methods=[one.endpoint.method], name=f"auth_{one.name}"),
            Route(f"{one.path}/", answering, methods=[one.endpoint.method], include_in_schema=False),
        ]

    def _answering(self, one: Placed, shape: Shape | None) -> Answering:
        shaped = shape if not one.endpoint.bare else None

        async def answer(request: Request) -> Response:
            path = one.asked(request.path_params.get("code"))
            try:
                answered = await _front_of(request).answer(path, request.scope, request.stream())
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it
            if shaped is None or answered.status >= 300 or request.method == "HEAD":
                return _response(answered)
            return await self._shaped(answered, shaped, one.name, request)

        return answer

    async def _shaped(self, answered: Answered, shape: Shape, name: str, request: Request) -> Response:
        made = shape(Success(name, json.loads(answered.body), request))
        if isawaitable(made):
            made = await made
        if not isinstance(made, Response):
            made = Response(self._encoded(made), answered.status, media_type="application/json")
        present = {key for key, _ in made.raw_headers}
        made.raw_headers += [each for each in answered.headers if each[0] in _ON_EVERY - present]
        return made

    def _encoded(self, body: object) -> bytes:
        return ENCODER.encode(body)


async def current_identity(connection: HTTPConnection) -> Identity:
    """Whom the bearer token of this request stands for, and until when.

    Raises: AuthProblem; RuntimeError, where no gateway is open.
    """
    vouched = await _front_of(connection).identity(connection.scope)
    if isinstance(vouched, ProblemResponse):
        raise AuthProblem(vouched)
    return vouched


async def current_user(connection: HTTPConnection) -> User:
    """Who is asking: `id`, `email`, `name`. Raises: as `current_identity`."""
    return (await current_identity(connection)).user


def gate_of(connection: HTTPConnection) -> Gate:
    """The open gate, for what the routes don't do. Raises: RuntimeError, where no gateway is open."""
    return _front_of(connection)


def _front_of(connection: HTTPConnection) -> Front:
    front = connection.scope.get("state", {}).get(_STATE)
    if not isinstance(front, Front):
        raise RuntimeError(_NOT_OPEN)  # noqa: TRY004 - it is the application that is not set up
    return front


def _response(answered: Answered) -> Response:
    response = Response(answered.body, answered.status)
    response.raw_headers = answered.headers
    return response


async def _problem(request: Request, problem: Exception) -> Response:
    if not isinstance(problem, AuthProblem):
        raise problem
    status, told, body = problem.response
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in told]
    return _response(Answered(status, headers, body))
