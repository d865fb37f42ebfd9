"""The services that may speak to the auth service, and their secrets.

It must never store a secret, nor tell an unknown service from a wrong secret.
"""

import hashlib
import re
import secrets
from enum import Enum
from hmac import compare_digest
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from netra.authd.store.tables import SERVICE_SECRETS, SERVICES
from netra.core.secret import Secret

LIVE_SECRETS: Final = 2
"""How many secrets of a service are live at most: the one in use, and the one that replaces it."""

_SERVICE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_ENDS_IN_EPOCH: Final = re.compile(r"\d{10}(?:\d{3})?$")
_NO_HASH: Final = bytes(32)


class LiveSecret(NamedTuple):
    """A secret that is accepted, as an operator sees one."""

    fingerprint: str
    created_at_ms: int


class Service(NamedTuple):
    """A registered service as an operator sees one."""

    service_id: str
    created_at_ms: int
    secrets: tuple[LiveSecret, ...]
    """Oldest first."""


class Undone(Enum):
    """Why a secret was neither made nor retired."""

    UNKNOWN_SERVICE = "no such service"
    FULL = "as many live secrets as there may be"
    NOT_FOUND = "no such fingerprint"
    LAST_ONE = "the only one that is live"


def id_objection(service_id: str) -> str | None:
    """Why this cannot be a service id, in a sentence; None when it can."""
    if not _SERVICE_ID.fullmatch(service_id):
        return (
            "a service id has 1 to 128 letters, digits, dots, dashes or underscores, and begins with a letter or digit"
        )
    if _ENDS_IN_EPOCH.search(service_id):
        return "it ends in a time stamp, so the next deploy would be another service; use a constant id"
    return None


def fingerprint(secret: Secret) -> str:
    """Eight hexadecimal digits by which people compare a secret without seeing it."""
    return hashlib.sha256(b"netra-fp:" + secret.reveal().encode()).hexdigest()[:8]


async def admits(db: AsyncConnection, service_id: str, secret: Secret) -> bool:
    """Is this secret one of the service's live ones? An unknown service costs the same look and compare."""
    presented = hashlib.sha256(secret.reveal().encode()).digest()
    rows = (await db.execute(select(SERVICE_SECRETS.c.secret_hash).where(_of(service_id)))).scalars().all()
    matches = [compare_digest(presented, stored) for stored in (*rows, _NO_HASH)]
    return any(matches[:-1])


async def fingerprints(db: AsyncConnection, service_id: str) -> tuple[str, ...]:
    """The fingerprints of a service's live secrets, oldest first."""
    return tuple(each.fingerprint for each in await _live(db, service_id))


async def add(db: AsyncConnection, service_id: str, now_ms: int, secret: Secret | None = None) -> Secret | None:
    """Register a service and return its secret, the only time that it is seen; None when the id is taken.

    `secret` is made here, 256 random bits, unless the caller brings one that a deployment already holds.
    """
    if (await db.execute(select(SERVICES.c.service_id).where(SERVICES.c.service_id == service_id))).first():
        return None
    given = secret or _new_secret()
    await db.execute(insert(SERVICES).values(service_id=service_id, created_at_ms=now_ms))
    await _keep(db, service_id, given, now_ms)
    return given


async def rotate(db: AsyncConnection, service_id: str, now_ms: int) -> Secret | Undone:
    """A second secret for a service, the only time that it is seen; the one in use stays live until it is retired."""
    live = await _live(db, service_id)
    if not live:
        return Undone.UNKNOWN_SERVICE
    if len(live) >= LIVE_SECRETS:
        return Undone.FULL
    secret = _new_secret()
    # Which one is older must not hang on a clock that was set back, nor on two commands in one millisecond.
    await _keep(db, service_id, secret, max(now_ms, live[-1].created_at_ms + 1))
    return secret


async def retire(db: AsyncConnection, service_id: str, retired: str | None) -> str | Undone:
    """Refuse a secret from now on, by its fingerprint, or the oldest for None; returns its fingerprint.

    The last one stays: without it the service would be shut out, which is what removing it is for.
    """
    live = await _live(db, service_id)
    named = [each for each in live if retired in (None, each.fingerprint)]
    if not live:
        return Undone.UNKNOWN_SERVICE
    if not named:
        return Undone.NOT_FOUND
    if len(live) == 1:
        return Undone.LAST_ONE
    oldest = named[0]
    it = (SERVICE_SECRETS.c.fingerprint == oldest.fingerprint, SERVICE_SECRETS.c.created_at_ms == oldest.created_at_ms)
    await db.execute(delete(SERVICE_SECRETS).where(_of(service_id), *it))
    return oldest.fingerprint


async def remove(db: AsyncConnection, service_id: str) -> bool:
    """Forget a service and its secrets at once; False when there is none."""
    return (await db.execute(delete(SERVICES).where(SERVICES.c.service_id == service_id))).rowcount > 0


async def listed(db: AsyncConnection) -> list[Service]:
    """Every registered service, by id."""
    rows = (await db.execute(select(SERVICES).order_by(SERVICES.c.service_id))).all()
    return [Service(row.service_id, row.created_at_ms, await _live(db, row.service_id)) for row in rows]


async def _live(db: AsyncConnection, service_id: str) -> tuple[LiveSecret, ...]:
    shown = (SERVICE_SECRETS.c.fingerprint, SERVICE_SECRETS.c.created_at_ms)
    rows = await db.execute(select(*shown).where(_of(service_id)).order_by(*reversed(shown)))
    return tuple(LiveSecret(*row) for row in rows)


async def _keep(db: AsyncConnection, service_id: str, secret: Secret, now_ms: int) -> None:
    await db.execute(
        insert(SERVICE_SECRETS).values(
            secret_hash=hashlib.sha256(secret.reveal().encode()).digest(),
            service_id=service_id,
            fingerprint=fingerprint(secret),
            created_at_ms=now_ms,
        )
    )


def _new_secret() -> Secret:
    return Secret(secrets.token_urlsafe(32))


def _of(service_id: str) -> ColumnElement[bool]:
    return SERVICE_SECRETS.c.service_id == service_id
