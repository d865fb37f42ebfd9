"""Netra in an application made with FastAPI: the auth routes, who is asking, and the description of both.

It must never let the framework answer for these routes: its own refusals repeat what was sent, passwords and all.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Unpack

from fastapi import APIRouter, FastAPI, Security
from fastapi.encoders import jsonable_encoder
from fastapi.openapi.models import HTTPBearer
from fastapi.requests import HTTPConnection
from fastapi.security.base import SecurityBase
from prometheus_client import CollectorRegistry

from netra.assemble import Tell
from netra.core.verdict.operations import Identity, User
from netra.integrations import starlette
from netra.integrations.described import BEARER, Operation, described
from netra.integrations.places import names
from netra.integrations.starlette import AuthProblem, Places, Success, gate_of

__all__ = [
    "Auth", "AuthProblem", "CurrentIdentity", "CurrentUser", "Identity", "Places", "Success", "User",
    "current_identity", "current_user", "gate_of", "names",
]  # fmt: skip


class BearerToken(SecurityBase):
    """The bearer token of a request, as the application's description shows it, and who stands behind it."""

    def __init__(self) -> None:
        self.model = HTTPBearer()
        self.scheme_name = BEARER

    async def __call__(self, connection: HTTPConnection) -> Identity:
        """Whom the token stands for, and until when. Raises: AuthProblem; RuntimeError, where no gateway is open."""
        return await starlette.current_identity(connection)


current_identity: Final = BearerToken()
CurrentIdentity = Annotated[Identity, Security(current_identity)]
"""A parameter of a path operation: whom its caller's token stands for, and until when."""


async def current_user(identity: CurrentIdentity) -> User:
    """Who is asking: `id`, `email`, `name`."""
    return identity.user


CurrentUser = Annotated[User, Security(current_user)]
"""A parameter of a path operation: who its caller is. Nobody comes in whom nobody vouches for."""


class Auth(starlette.Auth):
    """Netra in one FastAPI application; see `netra.integrations.starlette.Auth`."""

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        tell: Tell | None = None,
        registry: CollectorRegistry | None = None,
    ) -> None:
        super().__init__(environ, tell=tell, registry=registry)
        self._operations: dict[str, Operation] = {}

    def add_to(self, app: FastAPI, **places: Unpack[Places]) -> None:
        """The auth routes in an application, problems and description included; its lifespan is given to FastAPI."""
        app.include_router(self.router(**places))
        self.add_problems(app)

    def router(self, **places: Unpack[Places]) -> APIRouter:
        """The auth routes as a router. Raises: ValueError, for a route that cannot be."""
        router = APIRouter()
        for one in self._placed(places):
            shape = places.get("success")
            answering = self._answering(one, shape)
            router.add_api_route(
                one.path,
                answering,
                methods=[one.endpoint.method],
                name=f"auth_{one.name}",
                operation_id=self._operation_id(Operation(one, shape is not None and not one.endpoint.bare)),
                summary=one.endpoint.summary,
                status_code=one.endpoint.success[0],
                response_description="Success",
                tags=["auth"],
            )
            silent = [*([one.path] if one.endpoint.method == "GET" else []), f"{one.path}/"]
            for path in silent:
                router.add_route(path, answering, methods=[one.endpoint.method], include_in_schema=False)
        return router

    def add_problems(self, app: FastAPI) -> None:
        """Whoever is not let through is answered as the listener does; and the description says so."""
        for kind, answer in self.exception_handlers.items():
            app.add_exception_handler(kind, answer)
        app.openapi = self._describing(app.openapi)  # type: ignore[method-assign] # FastAPI's way to extend it

    def _describing(self, plain: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
        def openapi() -> dict[str, Any]:
            document = plain()
            return described(document, self._front, self._operations) if self._front else document

        return openapi

    def _operation_id(self, operation: Operation) -> str:
        """A name for an operation that no other one of ours has."""
        name = f"auth_{operation.placed.name}"
        taken_count = sum(each.placed.name == operation.placed.name for each in self._operations.values())
        name += f"_{taken_count + 1}" if taken_count else ""
        self._operations[name] = operation
        return name

    def _encoded(self, body: object) -> bytes:
        return super()._encoded(jsonable_encoder(body))
