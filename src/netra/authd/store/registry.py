"""The services that may speak to the auth service, and their secrets.

It must never store a secret, nor tell an unknown service from a wrong secret.
"""

import hashlib
import re
import secrets
from hmac import compare_digest
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from netra.authd.store.tables import SERVICE_SECRETS, SERVICES
from netra.core.secret import Secret

_SERVICE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_ENDS_IN_EPOCH: Final = re.compile(r"\d{10}(?:\d{3})?$")
_NO_HASH: Final = bytes(32)


class Service(NamedTuple):
    """A registered service as an operator sees one."""

    service_id: str
    created_at_ms: int
    fingerprints: tuple[str, ...]
    """One for each live secret, oldest first."""


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
    order = (SERVICE_SECRETS.c.created_at_ms, SERVICE_SECRETS.c.fingerprint)
    rows = await db.execute(select(SERVICE_SECRETS.c.fingerprint).where(_of(service_id)).order_by(*order))
    return tuple(rows.scalars().all())


async def add(db: AsyncConnection, service_id: str, now_ms: int, secret: Secret | None = None) -> Secret | None:
    """Register a service and return its secret, the only time that it is seen; None when the id is taken.

    `secret` is made here, 256 random bits, unless the caller brings one that a deployment already holds.
    """
    if (await db.execute(select(SERVICES.c.service_id).where(SERVICES.c.service_id == service_id))).first():
        return None
    given = secret or Secret(secrets.token_urlsafe(32))
    await db.execute(insert(SERVICES).values(service_id=service_id, created_at_ms=now_ms))
    await db.execute(
        insert(SERVICE_SECRETS).values(
            secret_hash=hashlib.sha256(given.reveal().encode()).digest(),
            service_id=service_id,
            fingerprint=fingerprint(given),
            created_at_ms=now_ms,
        )
    )
    return given


async def remove(db: AsyncConnection, service_id: str) -> bool:
    """Forget a service and its secrets at once; False when there is none."""
    return (await db.execute(delete(SERVICES).where(SERVICES.c.service_id == service_id))).rowcount > 0


async def listed(db: AsyncConnection) -> list[Service]:
    """Every registered service, by id."""
    rows = (await db.execute(select(SERVICES).order_by(SERVICES.c.service_id))).all()
    return [Service(r.service_id, r.created_at_ms, await fingerprints(db, r.service_id)) for r in rows]


def _of(service_id: str) -> ColumnElement[bool]:
    return SERVICE_SECRETS.c.service_id == service_id
