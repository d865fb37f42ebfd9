"""Every public route, a row each: what it takes, what it gives, who answers it; and the listener made of them.

It must never hold a condition: whether a route exists follows from what the wire offers and the settings allow.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from netra.asgi.adapter import App, Limits, OnCrash
from netra.asgi.callers import Callers
from netra.asgi.cors import Cors
from netra.asgi.words import ANY_METHOD, Answer, AtOnce, Handler, Refusal, Request, Route, Stream
from netra.core.verdict.operations import LOGIN, LOGOUT, REFRESH, REGISTER, VALIDATE, Operation
from netra.gateway.gate import Gateway
from netra.gateway.parts import Parts
from netra.web import about, bodies, sessions, tokens
from netra.web.render import refusal_answer
from netra.web.traced import traced
from netra.web.view import View

A = TypeVar("A")


class Answering(Protocol):
    """Who answers a request, given a gateway and a view."""

    def __call__(self, request: Request, gateway: Gateway, view: View) -> Awaitable[Answer]:
        """The answer."""
        ...


class AnsweringAtOnce(Protocol):
    """The same for whoever need not wait; None when it has to be waited for."""

    def __call__(self, request: Request, gateway: Gateway, view: View) -> Answer | None:
        """The answer, if there is one already."""
        ...


class Endpoint(NamedTuple):
    """One public route."""

    method: str
    path: str
    """Below the prefix, unless it is `bare`."""
    handler: Answering
    summary: str
    success: tuple[int, type]
    operation: Operation[Any] | None = None
    """The call it stands on; the route exists only where the wire offers it."""
    takes: str | None = None
    """The schema of its body."""
    bearer: bool = False
    bare: bool = False
    for_proxies: bool = False
    """Does a proxy ask, which understands 200, 401 and 503 alone?"""
    rejections: tuple[str, ...] = ()
    """Codes below 500 that it can answer, besides those of a request's form."""
    at_once: AnsweringAtOnce | None = None
    """Asked first."""


_TOKEN_CODES: Final = (
    "token_missing", "token_malformed", "token_expired", "token_not_yet_valid", "token_revoked",
    "token_wrong_audience", "token_wrong_issuer", "token_wrong_type", "token_signature_invalid", "token_rejected",
)  # fmt: skip
_LOGIN_CODES: Final = (
    "invalid_credentials", "account_locked", "account_disabled", "too_many_attempts", "second_factor_required",
    "password_change_required", "email_unverified",
)  # fmt: skip

ENDPOINTS: Final = (
    Endpoint(
        "POST", "/login", sessions.login, "Log in", (200, bodies.SessionBody), LOGIN, "LoginRequest",
        rejections=_LOGIN_CODES,
    ),
    Endpoint(
        "POST", "/register", sessions.register, "Open an account", (201, bodies.RegisteredBody), REGISTER,
        "RegisterRequest", rejections=("email_taken", "password_rejected", "too_many_attempts"),
    ),
    Endpoint(
        "POST", "/refresh", sessions.refresh, "Trade a refresh token for new tokens", (200, bodies.SessionBody),
        REFRESH, "RefreshRequest", rejections=("refresh_rejected", "too_many_attempts"),
    ),
    Endpoint(
        "POST", "/logout", sessions.logout, "End a session", (200, bodies.LoggedOutBody), LOGOUT,
        "LogoutRequest", bearer=True, rejections=_TOKEN_CODES,
    ),
    Endpoint(
        ANY_METHOD, "/verify", tokens.verify, "May the request pass whose headers these are?",
        (200, bodies.VerifiedBody), VALIDATE, bearer=True, for_proxies=True, rejections=_TOKEN_CODES,
        at_once=tokens.verify_at_once,
    ),
    Endpoint(
        ANY_METHOD, "/verify/**", tokens.verify, "The same, for proxies that append the path",
        (200, bodies.VerifiedBody), VALIDATE, bearer=True, for_proxies=True, rejections=_TOKEN_CODES,
        at_once=tokens.verify_at_once,
    ),
    Endpoint(
        "GET", "/me", tokens.me, "Who am I?", (200, bodies.UserBody), VALIDATE, bearer=True,
        rejections=_TOKEN_CODES,
    ),
    Endpoint("GET", "/config", about.config, "What people may do here", (200, bodies.OfferBody)),
    Endpoint("GET", "/livez", about.livez, "Does the process answer?", (200, bodies.StateBody), bare=True),
    Endpoint("GET", "/readyz", about.readyz, "Does it want requests?", (200, bodies.StateBody), bare=True),
    Endpoint("GET", "/problems/*", about.problem_page, "What a code means", (200, dict), bare=True),
)  # fmt: skip


def offered(gateway: Gateway) -> tuple[Endpoint, ...]:
    """The endpoints that exist on this gateway."""
    parts = gateway.parts
    return tuple(
        endpoint
        for endpoint in ENDPOINTS
        if (endpoint.operation is None or parts.wire.offers(endpoint.operation) or _checked_here(endpoint, parts))
        and (endpoint.operation is not REGISTER or parts.registration)
    )


def _checked_here(endpoint: Endpoint, parts: Parts) -> bool:
    """Can it be answered by published keys, although the auth service takes no such question?"""
    return endpoint.operation is VALIDATE and parts.tokens.keys is not None


def public_app(  # noqa: PLR0913 - the parts of a listener
    gateway: Gateway, view: View, prefix: str, *, limits: Limits, callers: Callers, cors: Cors, on_crash: OnCrash
) -> App:
    """The application of the public listener."""

    def refuse(refusal: Refusal, request_id: str) -> Answer:
        return refusal_answer(refusal, request_id, view)

    routes = [route_of(endpoint, gateway, view, prefix) for endpoint in offered(gateway)]
    return App(routes, refuse, on_crash, limits=limits, callers=callers, cors=cors)


def route_of(endpoint: Endpoint, gateway: Gateway, view: View, prefix: str) -> Route:
    """An endpoint as a route of a listener."""
    path = endpoint.path if endpoint.bare else prefix + endpoint.path
    handler: Handler = _given(endpoint.handler, gateway, view)
    at_once: AtOnce | None = None if endpoint.at_once is None else _given(endpoint.at_once, gateway, view)
    if view.tracing is not None and not endpoint.bare:
        handler, at_once = traced(_either(at_once, handler), endpoint.path.strip("/*"), path, view.tracing), None
    return Route(endpoint.method, path, handler, endpoint.method == "POST", at_once)


def _given(answering: Callable[[Request, Gateway, View], A], gateway: Gateway, view: View) -> Callable[[Request], A]:
    """Who answers, given a gateway and a view. No `partial`: it copies its keywords for every request."""

    def answered(request: Request) -> A:
        return answering(request, gateway, view)

    return answered


def _either(at_once: AtOnce | None, handler: Handler) -> Handler:
    """A handler that asks another one first."""
    if at_once is None:
        return handler

    async def answered(request: Request) -> Answer | Stream:
        return at_once(request) or await handler(request)

    return answered
