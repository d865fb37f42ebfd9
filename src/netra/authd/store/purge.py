"""Forgetting what is out of date, a bounded batch at a time, so that no table grows without end.

It must never hold the writer for long: a login is waiting behind it.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from sqlalchemy import Column, Table, delete, select, tuple_

from netra.authd import Overloaded, StoreUnavailable
from netra.authd.store.database import Store
from netra.authd.store.revocations import KEPT_MS
from netra.authd.store.tables import REFRESH_TOKENS, REJECTIONS, REVOCATIONS, SESSIONS, VERDICTS

BATCH_ROWS: Final = 500
EVERY_S: Final = 30.0

_BETWEEN_BATCHES_S: Final = 0.05


class Perishable(NamedTuple):
    """A table whose rows go out of date."""

    table: Table
    dated: Column[int]
    kept_ms: int
    """How long after that date a row is still of use."""


def perishables(lockout_window_s: int) -> tuple[Perishable, ...]:
    """What is purged. Rejections number at most one a hash, for one window: the hash pool bounds them."""
    return (
        Perishable(REJECTIONS, REJECTIONS.c.rejected_at_ms, lockout_window_s * 1_000),
        Perishable(VERDICTS, VERDICTS.c.expires_at_ms, 0),
        Perishable(REFRESH_TOKENS, REFRESH_TOKENS.c.expires_at_ms, 0),
        Perishable(SESSIONS, SESSIONS.c.expires_at_ms, 0),
        Perishable(REVOCATIONS, REVOCATIONS.c.expires_at_ms, KEPT_MS),
    )


async def purge(store: Store, perishable: Perishable, now_ms: int) -> int:
    """Delete one batch of rows that are out of date; returns how many."""
    table, dated, kept_ms = perishable
    keys = tuple(table.primary_key.columns)
    old = select(*keys).where(dated <= now_ms - kept_ms).limit(BATCH_ROWS)
    async with store.write() as db:
        return (await db.execute(delete(table).where(tuple_(*keys).in_(old)))).rowcount


async def purge_all(store: Store, perishable: Perishable, now_ms: int) -> None:
    """Delete every row that is out of date, batch by batch, letting others write in between."""
    while True:
        if await purge(store, perishable, now_ms) < BATCH_ROWS:
            return
        await asyncio.sleep(_BETWEEN_BATCHES_S)


async def keep_purging(store: Store, rows: tuple[Perishable, ...], now_ms: Callable[[], int]) -> None:
    """Purge until cancelled. A round that fails is left to the next one."""
    while True:
        for each in rows:
            try:
                await purge_all(store, each, now_ms())
            except (Overloaded, StoreUnavailable):
                break
        await asyncio.sleep(EVERY_S)
