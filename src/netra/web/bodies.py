"""The bodies of success, as types: what is answered, and what the API description says.

They must never gain a member that the auth service fills with words of its own choosing.
"""

import msgspec


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


class LoginRequest(msgspec.Struct, frozen=True):
    """Who wants to log in."""

    email: str
    password: str


class RegisterRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who wants an account."""

    email: str
    password: str
    confirm_password: str | None = None
    name: str | None = None


class RefreshRequest(msgspec.Struct, frozen=True):
    """Which session goes on."""

    refresh_token: str


class LogoutRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which session ends; the bearer token alone suffices."""

    refresh_token: str | None = None


ENCODER = msgspec.json.Encoder()
