"""The questions that can be put to an auth service, and the shape of a usable answer to each.

They must never know a path, a field or a code of an auth service: a wire says where each place is found.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import IntEnum
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar

from netra.core.secret import Secret
from netra.core.value import Value

T = TypeVar("T")
Places = dict[str, Any]
"""What a wire's row found in a reply: place name to JSON value; absent and null places are left out."""

Kind = Literal["login", "token", "upkeep"]


class Urgency(IntEnum):
    """Who goes first when not everybody can: many depend on a token check, one on a login. In this order."""

    CHECK = 0
    RENEWAL = 1
    LOGIN = 2


MAX_TOKEN_CHARS: Final = 32 * 1024
MAX_TEXT_CHARS: Final = 1024
MAX_KEYS_COUNT: Final = 100
MAX_PAGE_COUNT: Final = 1000
MAX_LIFETIME_S: Final = 10 * 366 * 24 * 3600
MAX_EPOCH_S: Final = 2**53
_ONLY_VISIBLE: Final = bytes(code if 0x21 <= code <= 0x7E else 0x21 for code in range(256))
"""For `translate`: what is visible stays what it is."""
_USER_PLACES: Final = frozenset({"user_id", "user_email", "user_name"})
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:]{8}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})")


class User(NamedTuple):
    """Who the auth service says this is."""

    id: str
    email: str | None
    name: str | None


class Session(Value, frozen=True):
    """What a login or a refresh yields."""

    access_token: Secret
    refresh_token: Secret | None
    expires_in_s: int | None
    user: User | None


Source = Literal["jwt", "cache", "auth_service", "stale"]
"""How it is known whom a token stands for: checked here, remembered, asked, or remembered for want of an answer."""


class Identity(NamedTuple):
    """Whom a token stands for, and until when (epoch seconds)."""

    user: User
    expires_at: int | None
    source: Source = "auth_service"
    token_id: str | None = None
    """`jti`: what a revocation of this token alone names."""
    session_id: str | None = None
    """`sid`: what a revocation of the whole session names."""


class Vouched(NamedTuple):
    """What an auth service answers that is asked about a token: whom it stands for, who made it, and for whom."""

    identity: Identity
    issuer: str | None
    """None when it did not say; likewise an empty audience."""
    audience: tuple[str, ...]


class Offer(NamedTuple):
    """What the auth service lets people do."""

    registration_enabled: bool | None
    password_min_length: int | None
    password_max_length: int | None
    access_token_ttl_s: int | None
    oauth_providers: tuple[str, ...]


class Handshake(NamedTuple):
    """What the auth service knows of us, and promises."""

    service_id: str | None
    environment: str | None
    version: str | None
    idempotency: bool
    issuer: str | None
    audience: str | None
    secret_fingerprints: tuple[str, ...]
    server_time: int | None = None
    """Epoch seconds, by the auth service's clock."""
    key_ids: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    """The calls that it answers, e.g. `POST /auth/login`; nothing where it does not list them."""


class Jwks(NamedTuple):
    """Published keys as they came: nothing in them is believed yet. Source: RFC 7517, section 5."""

    keys: tuple[Mapping[str, Any], ...]


class Discovery(NamedTuple):
    """What an issuer says of itself. Source: OpenID Connect Discovery 1.0, section 3."""

    issuer: str
    jwks_uri: str
    introspection_endpoint: str | None


class Revoked(NamedTuple):
    """A token or a session that has ended before its time; `expires_at` is when nobody needs to know any more."""

    token_id: str | None
    session_id: str | None
    expires_at: int


class RevocationPage(NamedTuple):
    """Some of what was revoked, and where to go on."""

    cursor: str
    items: tuple[Revoked, ...]


class Done(NamedTuple):
    """It was done; there is nothing more to say."""


class Operation(NamedTuple, Generic[T]):
    """One kind of question."""

    name: str
    kind: Kind
    repeatable: bool
    """May it be sent twice without harm, whatever the auth service promises?"""
    places: frozenset[str]
    """What a wire may say the place of."""
    shape: Callable[[Places], T | None]
    """The answer, or None when a place is missing or of the wrong form."""
    urgency: Urgency = Urgency.CHECK


def _text(value: Any, limit_chars: int = MAX_TEXT_CHARS) -> str | None:
    return value if isinstance(value, str) and value.strip() and len(value) <= limit_chars else None


def _whole(value: Any, limit: int = MAX_LIFETIME_S) -> int | None:
    return value if type(value) is int and 0 <= value <= limit else None


def _instant(value: Any) -> int | None:
    """Epoch seconds, from a number or from text. Source: RFC 3339, section 5.6."""
    if not isinstance(value, str):
        return _whole(value, MAX_EPOCH_S)
    try:
        return max(0, int(datetime.fromisoformat(value.upper()).timestamp())) if _INSTANT.fullmatch(value) else None
    except ValueError:
        return None


def _wrong(places: Places, name: str, read: Any) -> bool:
    """Is the place there, yet of no use? An absent place is no fault."""
    return name in places and read is None


def _secret(value: Any) -> Secret | None:
    """A token, unless it is too long or has characters that no token has."""
    good = isinstance(value, str) and value and len(value) <= MAX_TOKEN_CHARS and visible(value)
    return Secret(value) if good else None


def visible(text: str) -> bool:
    """Is a text of visible ASCII alone, as tokens are? Source: RFC 6749, appendix A.12."""
    if not text.isascii():
        return False
    written = text.encode()
    return written.translate(_ONLY_VISIBLE) == written


def _texts(value: Any, limit_count: int, limit_chars: int = 64) -> bool:
    return isinstance(value, list) and len(value) <= limit_count and all(_text(each, limit_chars) for each in value)


def _user(places: Places) -> User | None:
    given, email, name = places.get("user_id"), places.get("user_email"), places.get("user_name")
    if type(given) is int:
        given = str(given)
    user_id = _text(given)
    if user_id is None or (email is not None and _text(email) is None):
        return None
    if name is not None and not isinstance(name, str):
        return None
    return User(user_id, email, name[:MAX_TEXT_CHARS] if name else None)


def _session(places: Places) -> Session | None:
    access, refresh, expires_in_s = places.get("access_token"), places.get("refresh_token"), places.get("expires_in")
    access, refreshing = _secret(access), None if refresh is None else _secret(refresh)
    if access is None or (refresh is not None and refreshing is None):
        return None
    if expires_in_s is not None and _whole(expires_in_s) is None:
        return None
    kind = places.get("token_type", "Bearer")
    if kind != "Bearer" and (not isinstance(kind, str) or kind.lower() != "bearer"):
        return None
    user = _user(places)
    if user is None and not _USER_PLACES.isdisjoint(places):
        return None
    return Session(access, refreshing, expires_in_s, user)


def _vouched(places: Places) -> Vouched | None:
    identity, issuer, said = _identity(places), _text(places.get("issuer")), places.get("audience", [])
    audience = said if isinstance(said, list) else [said]
    if identity is None or _wrong(places, "issuer", issuer) or not _texts(audience, 64, MAX_TEXT_CHARS):
        return None
    return Vouched(identity, issuer, tuple(audience))


def _identity(places: Places) -> Identity | None:
    user, expires_at = _user(places), _instant(places.get("expires_at"))
    ids = {name: places.get(name) for name in ("token_id", "session_id")}
    if user is None or places.get("valid", True) is not True or _wrong(places, "expires_at", expires_at):
        return None
    if any(_wrong(places, name, _text(value)) for name, value in ids.items()):
        return None
    return Identity(user, expires_at, "auth_service", **ids)


def _offer(places: Places) -> Offer | None:
    flag = places.get("registration_enabled")
    counts = [places.get(name) for name in ("password_min_length", "password_max_length", "access_token_ttl_s")]
    providers = places.get("oauth_providers", [])
    if not isinstance(flag, bool | None) or any(value is not None and _whole(value) is None for value in counts):
        return None
    if not _texts(providers, 100):
        return None
    return Offer(flag, counts[0], counts[1], counts[2], tuple(providers))


def _handshake(places: Places) -> Handshake | None:
    texts = {name: places.get(name) for name in ("service_id", "environment", "version", "issuer", "audience")}
    lists = {name: places.get(name, []) for name in ("secret_fingerprints", "key_ids")}
    promised, server_time = places.get("idempotency", False), _instant(places.get("server_time"))
    endpoints = places.get("endpoints", [])
    if not isinstance(promised, bool) or any(_wrong(places, name, _text(value)) for name, value in texts.items()):
        return None
    if not all(_texts(value, 16) for value in lists.values()) or _wrong(places, "server_time", server_time):
        return None
    return Handshake(
        **texts,
        idempotency=promised,
        secret_fingerprints=tuple(lists["secret_fingerprints"]),
        server_time=server_time,
        key_ids=tuple(lists["key_ids"]),
        # Only read by people: one that cannot be read is no reason to doubt the rest.
        endpoints=tuple(endpoints) if _texts(endpoints, MAX_KEYS_COUNT, MAX_TEXT_CHARS) else (),
    )


def _jwks(places: Places) -> Jwks | None:
    keys = places.get("keys")
    if not isinstance(keys, list) or len(keys) > MAX_KEYS_COUNT or not all(isinstance(each, dict) for each in keys):
        return None
    return Jwks(tuple(keys))


def _discovery(places: Places) -> Discovery | None:
    issuer, jwks_uri = _text(places.get("issuer")), _text(places.get("jwks_uri"))
    introspection = _text(places.get("introspection_endpoint"))
    if issuer is None or jwks_uri is None or _wrong(places, "introspection_endpoint", introspection):
        return None
    return Discovery(issuer, jwks_uri, introspection)


def _revocation_page(places: Places) -> RevocationPage | None:
    cursor, items = _text(places.get("cursor")), places.get("items")
    if cursor is None or not isinstance(items, list) or len(items) > MAX_PAGE_COUNT:
        return None
    read = [_revoked(each) for each in items]
    return RevocationPage(cursor, tuple(each for each in read if each)) if all(read) else None


def _revoked(item: Any) -> Revoked | None:
    if not isinstance(item, dict):
        return None
    token_id, session_id, expires_at = _text(item.get("jti")), _text(item.get("sid")), _instant(item.get("exp"))
    return None if expires_at is None or not (token_id or session_id) else Revoked(token_id, session_id, expires_at)


def _done(places: Places) -> Done:
    return Done()


_GOOD_PLACES: Final[Places] = {
    "access_token": "a", "refresh_token": "r", "token_type": "Bearer", "expires_in": 1,
    "user_id": "u", "user_email": "e", "user_name": "n", "valid": True, "expires_at": 1,
    "keys": [], "cursor": "c", "items": [], "issuer": "i", "jwks_uri": "j",
}  # fmt: skip


def of_no_use(shape: Callable[[Places], Any], places: Places) -> list[str]:
    """Which places would spoil an answer in which all others are good: for sentences, never for decisions."""
    return sorted(name for name, value in places.items() if shape({**_GOOD_PLACES, name: value}) is None)


_VALIDATE_PLACES: Final = _USER_PLACES | {
    "valid", "expires_at", "token_id", "session_id", "issuer", "audience",
}  # fmt: skip
_SESSION_PLACES: Final = _USER_PLACES | {"access_token", "refresh_token", "token_type", "expires_in"}

LOGIN: Final = Operation("login", "login", False, _SESSION_PLACES, _session, Urgency.LOGIN)
REGISTER: Final = Operation("register", "login", False, _USER_PLACES, _user, Urgency.LOGIN)
REFRESH: Final = Operation("refresh", "token", False, _SESSION_PLACES, _session, Urgency.RENEWAL)
LOGOUT: Final = Operation("logout", "token", True, frozenset(), _done, Urgency.RENEWAL)
VALIDATE: Final = Operation("validate", "token", True, _VALIDATE_PLACES, _vouched)
CONFIG: Final = Operation(
    "config",
    "upkeep",
    True,
    frozenset(
        {"registration_enabled", "password_min_length", "password_max_length", "access_token_ttl_s", "oauth_providers"}
    ),
    _offer,
    Urgency.LOGIN,
)
HEALTH: Final = Operation("health", "upkeep", True, frozenset({"status"}), _done)
HANDSHAKE: Final = Operation(
    "handshake",
    "upkeep",
    True,
    frozenset(
        {
            "service_id", "environment", "version", "idempotency", "issuer", "audience", "secret_fingerprints",
            "server_time", "key_ids", "endpoints",
        }
    ),
    _handshake,
)  # fmt: skip
KEYS: Final = Operation("keys", "upkeep", True, frozenset({"keys"}), _jwks)
DISCOVERY: Final = Operation(
    "discovery", "upkeep", True, frozenset({"issuer", "jwks_uri", "introspection_endpoint"}), _discovery
)
REVOCATIONS: Final = Operation("revocations", "upkeep", True, frozenset({"cursor", "items"}), _revocation_page)

OPERATIONS: Final[Mapping[str, Operation[Any]]] = {
    operation.name: operation
    for operation in (
        LOGIN, REGISTER, REFRESH, LOGOUT, VALIDATE, CONFIG, HEALTH, HANDSHAKE, KEYS, DISCOVERY, REVOCATIONS,
    )
}  # fmt: skip
