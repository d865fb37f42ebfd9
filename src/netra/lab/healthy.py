"""How a healthy auth service answers in this lab: every route of the default wire, without any memory.

It must never be a model of security: any password but one is right, and a token says in plain whose it is.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from netra.lab.connection import Delivery, Script
from netra.lab.scripts import json_reply, problem, session

WRONG_PASSWORD: Final = "wrong"  # noqa: S105 - what somebody types in to be refused

HANDSHAKE: Final = "/auth/handshake"
UNSEALED: Final = frozenset({"/health", "/.well-known/jwks.json"})
"""Routes that ask for no service credentials."""


def healthy(delivery: Delivery, *, idempotency: bool) -> Script | None:
    """The healthy answer to a delivery; None when there is no such route."""
    if (delivery.method, delivery.path) == ("GET", HANDSHAKE):
        return json_reply(200, _handshake(delivery, idempotency=idempotency))
    answering = _ROUTES.get((delivery.method, delivery.path))
    return answering(delivery) if answering else None


def _login(delivery: Delivery) -> Script:
    document = delivery.json
    if document["password"] == WRONG_PASSWORD:
        return problem(401, "invalid_credentials")
    return json_reply(200, session(document["email"]))


def _register(delivery: Delivery) -> Script:
    document = delivery.json
    return json_reply(201, {"user": {**session(document["email"])["user"], "name": document.get("name")}})


def _refresh(delivery: Delivery) -> Script:
    email = _email_of(delivery.json["refresh_token"], "refresh-")
    return json_reply(200, session(email)) if email else problem(401, "refresh_rejected")


def _logout(delivery: Delivery) -> Script:
    return json_reply(200, {"success": True})


def _validate(delivery: Delivery) -> Script:
    email = _email_of(delivery.json["token"], "access-")
    if email is None:
        return json_reply(200, {"valid": False, "code": "token_rejected"})
    user = session(email)["user"]
    known = {"valid": True, "user_id": user["id"], "email": email, "name": user["name"]}
    return json_reply(200, {**known, "expires_at": "2099-01-01T00:00:00Z"})


def _email_of(token: str, kind: str) -> str | None:
    try:
        return bytes.fromhex(token.removeprefix(kind)).decode() if token.startswith(kind) else None
    except ValueError:
        return None


def _config(delivery: Delivery) -> Script:
    return json_reply(
        200,
        {
            "registration_enabled": True,
            "password_min_length": 8,
            "password_max_length": 1024,
            "access_token_ttl_s": 900,
            "oauth_providers": [],
        },
    )


def _health(delivery: Delivery) -> Script:
    return json_reply(200, {"status": "ok"})


def _jwks(delivery: Delivery) -> Script:
    return json_reply(200, {"keys": []})


_ROUTES: Final[Mapping[tuple[str, str], Callable[[Delivery], Script]]] = {
    ("POST", "/auth/login"): _login,
    ("POST", "/auth/register"): _register,
    ("POST", "/auth/refresh"): _refresh,
    ("POST", "/auth/logout"): _logout,
    ("POST", "/auth/validate"): _validate,
    ("GET", "/auth/config"): _config,
    ("GET", "/health"): _health,
    ("GET", "/.well-known/jwks.json"): _jwks,
}


def _handshake(delivery: Delivery, *, idempotency: bool) -> Mapping[str, Any]:
    return {
        "service_id": delivery.header("X-Service-ID"),
        "environment": "test",
        "version": "1",
        "server_time": "2026-01-01T00:00:00Z",
        "idempotency": idempotency,
        "issuer": "https://auth.test",
        "audience": "netra",
        "key_ids": [],
        "secret_fingerprints": [],
        "endpoints": [f"{method} {path}" for method, path in _ROUTES],
    }
