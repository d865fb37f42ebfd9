"""How a healthy auth service answers in this lab: every route of the default wire, without any memory.

It must never be a model of security: any password but one is right, and a token says in plain whose it is.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from netra.lab.connection import Delivery, Script
from netra.lab.scripts import json_message, problem_message, raw, session

WRONG_PASSWORD: Final = "wrong"  # noqa: S105 - what somebody types in to be refused

HANDSHAKE: Final = "/auth/handshake"
KEYS: Final = "/.well-known/jwks.json"
UNSEALED: Final = frozenset({"/health", KEYS})
"""Routes that ask for no service credentials."""
Members = Mapping[str, Any]
AS_USUAL: Final[Members] = {}


def healthy(delivery: Delivery, *, idempotency: bool) -> Script | None:
    """The healthy answer to a delivery; None when there is no such route."""
    answer = healthy_message(delivery, idempotency=idempotency)
    return None if answer is None else raw(answer)


def healthy_message(
    delivery: Delivery, *, idempotency: bool, says: Members = AS_USUAL, keys: Sequence[Members] = ()
) -> bytes | None:
    """The same as bytes. A body that misses what it needs is refused as one that cannot be read.

    `says`: members of the handshake that differ from what it usually says, None for one that is left out; `keys`: what
    it publishes, as JWK.
    """
    route = (delivery.method, delivery.path)
    if route == ("GET", HANDSHAKE):
        said = {**_handshake(delivery, idempotency=idempotency), **says}
        return json_message(200, {name: value for name, value in said.items() if value is not None})
    if route == ("GET", KEYS):
        return json_message(200, {"keys": list(keys)})
    answering = _ROUTES.get(route)
    try:
        return answering(delivery) if answering else None
    except (LookupError, TypeError, AttributeError):
        return problem_message(422, "invalid_fields")


def owner_of(token: object) -> str | None:
    """The e-mail address that a token of this lab names; None for any other token."""
    return (_email_of(token, "access-") or _email_of(token, "refresh-")) if isinstance(token, str) else None


def _login(delivery: Delivery) -> bytes:
    document = delivery.json
    if document["password"] == WRONG_PASSWORD:
        return problem_message(401, "invalid_credentials")
    return json_message(200, session(document["email"]))


def _register(delivery: Delivery) -> bytes:
    document = delivery.json
    return json_message(201, {"user": {**session(document["email"])["user"], "name": document.get("name")}})


def _refresh(delivery: Delivery) -> bytes:
    email = _email_of(delivery.json["refresh_token"], "refresh-")
    return json_message(200, session(email)) if email else problem_message(401, "refresh_rejected")


def _logout(delivery: Delivery) -> bytes:
    return json_message(200, {"success": True})


def _validate(delivery: Delivery) -> bytes:
    email = _email_of(delivery.json["token"], "access-")
    if email is None:
        return json_message(200, {"valid": False, "code": "token_rejected"})
    user = session(email)["user"]
    known = {"valid": True, "user_id": user["id"], "email": email, "name": user["name"]}
    return json_message(200, {**known, "expires_at": "2099-01-01T00:00:00Z"})


def _email_of(token: str, kind: str) -> str | None:
    try:
        return bytes.fromhex(token.removeprefix(kind)).decode() if token.startswith(kind) else None
    except ValueError:
        return None


def _config(delivery: Delivery) -> bytes:
    return json_message(
        200,
        {
            "registration_enabled": True,
            "password_min_length": 8,
            "password_max_length": 1024,
            "access_token_ttl_s": 900,
            "oauth_providers": [],
        },
    )


def _health(delivery: Delivery) -> bytes:
    return json_message(200, {"status": "ok"})


def _revocations(delivery: Delivery) -> bytes:
    return json_message(200, {"cursor": "0", "items": []})


_ROUTES: Final[Mapping[tuple[str, str], Callable[[Delivery], bytes]]] = {
    ("POST", "/auth/login"): _login,
    ("POST", "/auth/register"): _register,
    ("POST", "/auth/refresh"): _refresh,
    ("POST", "/auth/logout"): _logout,
    ("POST", "/auth/validate"): _validate,
    ("GET", "/auth/config"): _config,
    ("GET", "/health"): _health,
    ("GET", "/auth/revocations"): _revocations,
}


def _handshake(delivery: Delivery, *, idempotency: bool) -> Mapping[str, Any]:
    return {
        "service_id": delivery.header("X-Service-ID"),
        "environment": "test",
        "version": "1",
        "server_time": datetime.now(UTC).isoformat(timespec="seconds"),
        "idempotency": idempotency,
        "secret_fingerprints": [],
        "endpoints": [f"{method} {path}" for method, path in (*_ROUTES, ("GET", KEYS), ("GET", HANDSHAKE))],
    }
