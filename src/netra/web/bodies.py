"""The bodies of success, as types, and those of requests, as schemas: what is answered and taken, and described.

They must never gain a member that the auth service fills with words of its own choosing.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from netra.gateway.attempts import Field


class UserBody(msgspec.Struct, frozen=True):
    """Who this is."""

    id: str
    email: str | None
    name: str | None


class SessionBody(msgspec.Struct, frozen=True):
    """A session: `expires_in` is the access token's remaining life in seconds, null when unknown."""

    access_token: str
    refresh_token: str | None
    token_type: str
    expires_in: int | None
    user: UserBody | None


class VerifiedBody(msgspec.Struct, frozen=True):
    """Whom a token stands for: `expires_at` is in UTC, null when unknown; `source` is how it is known."""

    valid: bool
    subject: str
    email: str | None
    expires_at: datetime | None
    source: str


class RegisteredBody(msgspec.Struct, frozen=True):
    """A new account."""

    user: UserBody


class LoggedOutBody(msgspec.Struct, frozen=True):
    """The session is over."""

    success: bool
    message: str


class OfferBody(msgspec.Struct, frozen=True):
    """What people may do here; null where nobody said."""

    registration_enabled: bool
    password_min_length: int | None
    password_max_length: int | None
    access_token_ttl_s: int | None
    oauth_providers: tuple[str, ...]


class StateBody(msgspec.Struct, frozen=True):
    """Alive or ready, without any detail."""

    status: str


def object_schema(title: str, fields: Iterable[Field]) -> dict[str, Any]:
    """The JSON Schema of a body that is read by these fields. Source: JSON Schema 2020-12."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    either: list[dict[str, Any]] = []
    for field in fields:
        names = (field.name, *field.aliases)
        properties |= dict.fromkeys(names, _text_schema(field))
        if field.required and field.aliases:
            either.append({"anyOf": [{"required": [name]} for name in names]})
        elif field.required:
            required.append(field.name)
    schema: dict[str, Any] = {"title": title, "type": "object", "properties": properties, "required": required}
    return {**schema, "allOf": either} if either else schema


def _text_schema(field: Field) -> dict[str, Any]:
    """A field as it is read: one that may be left out may be empty or null, too."""
    if field.required:
        return {"type": "string", "minLength": 1, "maxLength": field.max_chars}
    return {"type": ["string", "null"], "maxLength": field.max_chars}


ENCODER = msgspec.json.Encoder()
