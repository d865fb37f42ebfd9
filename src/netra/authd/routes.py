"""The wire of the auth service: what each route reads, whom it asks, and how the answer is worded.

It must never word a refusal with anything that was sent, nor answer a service that it does not know.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from time import monotonic
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from netra.asgi.body import json_object
from netra.asgi.words import Answer, Handler, Refusal, Request, Route
from netra.authd import Overloaded, StoreUnavailable, fields
from netra.authd.accounts import Registrations, User
from netra.authd.answers import (
    code_of,
    identity_answer,
    json_answer,
    revocations_answer,
    rfc3339,
    session_answer,
    shown,
    worded,
)
from netra.authd.idempotency import Deliveries, Delivery, KeyReused, Refused, is_key
from netra.authd.login import Lockout, Logins
from netra.authd.passwords import MAX_PASSWORD_BYTES
from netra.authd.sessions import Issued, Sessions, TokenReused
from netra.authd.store import registry, revocations
from netra.authd.store.database import Store
from netra.authd.tokens import AccessTokens
from netra.core.secret import Secret
from netra.settings.authd_variables import AuthdSettings

Tell = Callable[[int, str, Mapping[str, object]], None]
"""Logs an event: level, exact event, fields."""

_UNAVAILABLE_RETRY_S: Final = 1
_MAX_SERVICE_ID_CHARS: Final = 128


class Parts(NamedTuple):
    """Whom the routes ask."""

    settings: AuthdSettings
    version: str
    store: Store
    deliveries: Deliveries
    lockout: Lockout
    logins: Logins
    registrations: Registrations
    sessions: Sessions
    tokens: AccessTokens
    tell: Tell


class Call(NamedTuple):
    """A request of a known service, read."""

    request: Request
    service_id: str
    values: Mapping[str, str | None]
    delivery: Delivery | None

    def text(self, name: str) -> str:
        """A required field."""
        return str(self.values[name])

    def secret(self, name: str) -> Secret:
        """A required field that nobody may print."""
        return Secret(self.text(name))


Outcome = Answer | Refusal | Refused | KeyReused | TokenReused
Act = Callable[[Call], Awaitable[Outcome]]


class Endpoint(NamedTuple):
    """A route for services, as a row."""

    method: str
    path: str
    act: Act
    reads: tuple[fields.Field, ...] = ()
    keyed: bool = False
    """Does it honour `Idempotency-Key`?"""
    events: tuple[str, str] | None = None
    """What is logged when it succeeds and when it is rejected; None logs failures alone."""


class Served(NamedTuple):
    """A request and what became of it, for the log."""

    endpoint: Endpoint
    request: Request
    call: Call | None
    """None when it was refused before it could be asked of anyone."""
    outcome: Outcome
    status: int
    elapsed_s: float


class Routes:
    """The handlers, and the table that says who handles what."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store

    def table(self) -> tuple[Route, ...]:
        """All routes. Registration is offered only where the settings allow it."""
        return (
            Route("GET", "/health", self._health),
            Route("GET", "/.well-known/jwks.json", self._jwks),
            *(Route(each.method, each.path, self._guarded(each), each.method == "POST") for each in self._endpoints()),
        )

    def _endpoints(self) -> tuple[Endpoint, ...]:
        rows = (
            Endpoint("POST", "/auth/login", self._login, fields.LOGIN, True, ("Login succeeded", "Login rejected")),
            Endpoint(
                "POST",
                "/auth/register",
                self._register,
                fields.REGISTER,
                True,
                ("Registration succeeded", "Registration rejected"),
            ),
            Endpoint(
                "POST", "/auth/refresh", self._refresh, fields.REFRESH, True, ("Session refreshed", "Refresh rejected")
            ),
            Endpoint("POST", "/auth/logout", self._logout, fields.LOGOUT, False, ("Session ended", "Logout rejected")),
            Endpoint("POST", "/auth/validate", self._validate, fields.VALIDATE),
            Endpoint("GET", "/auth/revocations", self._revocations),
            Endpoint("GET", "/auth/config", self._config),
            Endpoint("GET", "/auth/handshake", self._handshake),
        )
        return tuple(row for row in rows if row.path != "/auth/register" or self._parts.settings.registration)

    def _guarded(self, endpoint: Endpoint) -> Handler:
        async def handler(request: Request) -> Answer:
            started_at_s = monotonic()
            call: Call | None = None
            try:
                read = await self._read(endpoint, request)
                call = read if isinstance(read, Call) else None
                outcome = await endpoint.act(read) if isinstance(read, Call) else read
            except Overloaded:
                outcome = Refused("overloaded", _UNAVAILABLE_RETRY_S)
            except StoreUnavailable as unavailable:
                shown = {"request_id": request.request_id, "reason": str(unavailable)}
                self._parts.tell(logging.ERROR, "Store unavailable", shown)
                outcome = Refused("store_unavailable", _UNAVAILABLE_RETRY_S)
            answer = outcome if isinstance(outcome, Answer) else worded(outcome, request.request_id)
            self._told(Served(endpoint, request, call, outcome, answer.status, monotonic() - started_at_s))
            return answer

        return handler

    def _told(self, served: Served) -> None:
        failed = served.status >= HTTPStatus.INTERNAL_SERVER_ERROR or served.call is None
        if served.endpoint.events is None and not failed:
            return
        succeeded, rejected = served.endpoint.events or ("", "")
        event = "Request not served" if failed else rejected if served.status >= HTTPStatus.BAD_REQUEST else succeeded
        shown: dict[str, object] = {
            "request_id": served.request.request_id,
            "route": f"{served.endpoint.method} {served.endpoint.path}",
            "elapsed_ms": round(served.elapsed_s * 1_000, 1),
        }
        if served.call is not None:
            shown["service_id"] = served.call.service_id
            if served.call.values.get("email"):
                shown["identifier"] = self._parts.lockout.label(served.call.text("email"))
        if not isinstance(served.outcome, Answer):
            shown["code"] = code_of(served.outcome)
        if isinstance(served.outcome, TokenReused):
            event = "Refresh token reused"
            shown |= served.outcome._asdict()
        level = logging.WARNING if failed or isinstance(served.outcome, TokenReused) else logging.INFO
        self._parts.tell(level, event, shown)

    async def _read(self, endpoint: Endpoint, request: Request) -> Call | Refusal | Refused:
        service_id = await self._service(request)
        if isinstance(service_id, Refused):
            return service_id
        if endpoint.method == "GET":
            return Call(request, service_id, {}, None)
        optional = not request.body and not any(field.required for field in endpoint.reads)
        body: dict[str, Any] | Refusal = {} if optional else json_object(request)
        if isinstance(body, Refusal):
            return body
        values = fields.read(body, endpoint.reads)
        if isinstance(values, Refusal):
            return values
        delivery = self._delivery(request, service_id, endpoint.path, body) if endpoint.keyed else None
        return delivery if isinstance(delivery, Refusal) else Call(request, service_id, values, delivery)

    async def _service(self, request: Request) -> str | Refused:
        service_id, secret = request.header(b"x-service-id"), request.header(b"x-service-secret")
        if not service_id or not secret:
            return Refused("service_credentials_missing")
        once = request.count(b"x-service-id") == 1 and request.count(b"x-service-secret") == 1
        async with self._store.read() as db:
            known = await registry.admits(db, service_id[:_MAX_SERVICE_ID_CHARS], Secret(secret))
        return (
            service_id
            if known and once and len(service_id) <= _MAX_SERVICE_ID_CHARS
            else Refused("service_credentials_rejected")
        )

    def _delivery(
        self, request: Request, service_id: str, route: str, body: Mapping[str, Any]
    ) -> Delivery | Refusal | None:
        key = request.header(b"idempotency-key")
        if key is None:
            return None
        if request.count(b"idempotency-key") > 1 or not is_key(key):
            return Refusal(400, "malformed_request", "Idempotency-Key must be sent once, 1 to 255 visible characters.")
        return self._parts.deliveries.arrived(service_id, route, key, body)

    async def _login(self, call: Call) -> Outcome:
        outcome = await self._parts.logins.log_in(
            call.text("email"), call.secret("password"), call.service_id, call.delivery
        )
        return session_answer(outcome) if isinstance(outcome, Issued) else outcome

    async def _register(self, call: Call) -> Outcome:
        name = (call.values["name"] or "").strip() or None
        outcome = await self._parts.registrations.register(
            call.text("email"), call.secret("password"), name, call.delivery
        )
        return json_answer({"user": shown(outcome)}, 201) if isinstance(outcome, User) else outcome

    async def _refresh(self, call: Call) -> Outcome:
        outcome = await self._parts.sessions.refresh(call.secret("refresh_token"), call.service_id, call.delivery)
        return session_answer(outcome) if isinstance(outcome, Issued) else outcome

    async def _logout(self, call: Call) -> Outcome:
        if call.request.count(b"authorization") > 1:
            return Refused("token_malformed")
        scheme, _, credentials = (call.request.header(b"authorization") or "").partition(" ")
        access_token = Secret(credentials.strip()) if scheme.lower() == "bearer" and credentials.strip() else None
        refresh_token = Secret(call.text("refresh_token")) if call.values["refresh_token"] else None
        if access_token is None and refresh_token is None:
            return Refused("token_missing")
        refused = await self._parts.sessions.log_out(access_token, refresh_token)
        return refused or json_answer({"success": True})

    async def _validate(self, call: Call) -> Outcome:
        outcome = await self._parts.sessions.validate(call.secret("token"))
        if isinstance(outcome, Refused):
            return json_answer({"valid": False, "code": outcome.code})
        return identity_answer(outcome)

    async def _revocations(self, call: Call) -> Outcome:
        async with self._store.read() as db:
            page = await revocations.page(db, _after(call.request.query), self._parts.sessions.now_ms())
        return revocations_answer(page)

    async def _config(self, _: Call) -> Outcome:
        settings = self._parts.settings
        return json_answer(
            {
                "registration_enabled": settings.registration,
                "password_min_length": settings.password_min_length,
                "password_max_length": MAX_PASSWORD_BYTES,
                "access_token_ttl_s": settings.access_token_s,
                "oauth_providers": [],
            }
        )

    async def _handshake(self, call: Call) -> Outcome:
        settings = self._parts.settings
        async with self._store.read() as db:
            fingerprints = await registry.fingerprints(db, call.service_id)
        return json_answer(
            {
                "service_id": call.service_id,
                "environment": settings.environment,
                "version": self._parts.version,
                "server_time": rfc3339(self._parts.sessions.now_ms() / 1_000),
                "idempotency": True,
                "issuer": settings.issuer,
                "audience": settings.audience,
                "key_ids": [self._parts.tokens.kid],
                "secret_fingerprints": list(fingerprints),
                "endpoints": [f"{route.method} {route.path}" for route in self.table()],
            }
        )

    async def _health(self, request: Request) -> Answer:
        try:
            async with self._store.read() as db:
                await db.exec_driver_sql("SELECT 1")
        except (Overloaded, StoreUnavailable):
            return worded(Refused("store_unavailable", _UNAVAILABLE_RETRY_S), request.request_id)
        return json_answer({"status": "ok"})

    async def _jwks(self, _: Request) -> Answer:
        return json_answer(self._parts.tokens.jwks())


def _after(query: bytes) -> str | None:
    """The cursor that a request names; None when there is not exactly one: the list then begins anew."""
    said = [value for name, value in parse_qsl(query.decode("latin-1")) if name == "after"]
    return said[0] if len(said) == 1 else None
