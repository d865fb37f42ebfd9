"""The ends of sessions, and the list from which others learn of them while an access token could still be shown.

It must never lose an end between two pages: a cursor that is not certain begins the list anew.
"""

import re
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from netra.authd.store.tables import REVOCATIONS, SESSIONS

PAGE_ROWS: Final = 500
"""Some 33 KB of JSON: half of what the gateway reads of an answer."""
KEPT_MS: Final = 120_000
"""How long an end is told beyond the last access token: a minute of leeway, and one of clocks that differ."""
BEGINNING: Final = "0"
"""The cursor before the first end."""

_CURSOR: Final = re.compile(r"([0-9]{1,18})-([0-9a-f-]{36})", re.ASCII)


class Ended(NamedTuple):
    """A session that ended before its access tokens did."""

    sid: str
    expires_at_s: int
    """When the last of its access tokens expires, in epoch seconds."""


class Page(NamedTuple):
    """Some ends, oldest first, and the cursor that asks for what came after them."""

    cursor: str
    items: tuple[Ended, ...]


async def end_sessions(db: AsyncConnection, which: ColumnElement[bool], now_ms: int) -> None:
    """End the sessions that match and are live, and list them, in the caller's transaction. A first end is kept."""
    live = which & SESSIONS.c.ended_at_ms.is_(None)
    told = select(SESSIONS.c.sid, SESSIONS.c.access_expires_at_ms).where(
        live, SESSIONS.c.access_expires_at_ms > now_ms - KEPT_MS
    )
    await db.execute(insert(REVOCATIONS).from_select(["sid", "expires_at_ms"], told))
    await db.execute(update(SESSIONS).where(live).values(ended_at_ms=now_ms))


async def page(db: AsyncConnection, after: str | None, now_ms: int) -> Page:
    """What ended after a cursor, at most `PAGE_ROWS`; everything from the beginning when the cursor says nothing here.

    An empty page repeats the cursor.
    """
    known = await _sequence(db, after)
    rows = (
        await db.execute(
            select(REVOCATIONS)
            .where(REVOCATIONS.c.sequence > (known or 0), REVOCATIONS.c.expires_at_ms > now_ms - KEPT_MS)
            .order_by(REVOCATIONS.c.sequence)
            .limit(PAGE_ROWS)
        )
    ).all()
    if not rows:
        return Page(after if known is not None and after else BEGINNING, ())
    cursor = f"{rows[-1].sequence}-{rows[-1].sid}"
    return Page(cursor, tuple(Ended(row.sid, -(-row.expires_at_ms // 1_000)) for row in rows))


async def _sequence(db: AsyncConnection, cursor: str | None) -> int | None:
    """The number that a cursor stands for, while its row is there.

    A number alone would be believed by a database that was lost or restored and has counted on with other sessions.
    """
    said = _CURSOR.fullmatch(cursor or "")
    if said is None:
        return None
    same = (REVOCATIONS.c.sequence == int(said[1])) & (REVOCATIONS.c.sid == said[2])
    found: int | None = (await db.execute(select(REVOCATIONS.c.sequence).where(same))).scalar()
    return found
