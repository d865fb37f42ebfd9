"""One delivery, one verdict: a call that is sent again with its `Idempotency-Key` is answered, not judged, again.

It must never store a token, a body or an unkeyed hash of one, nor remember a call that ended without a verdict.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from netra.authd import Overloaded
from netra.authd.store.database import Store
from netra.authd.store.tables import VERDICTS

KEPT_S: Final = 600
MAX_KEY_CHARS: Final = 255

ACCEPTED: Final = "accepted"

_WAIT_S: Final = 5.0

Clock = Callable[[], float]
"""Wall time in epoch seconds; injected, so that tests can move it."""

T = TypeVar("T")


class Verdict(NamedTuple):
    """How a call was judged, in the form that is remembered."""

    code: str
    """`ACCEPTED`, or the code of the refusal."""
    sid: str | None = None
    user_id: str | None = None
    until_ms: int | None = None
    """When a lock ends; only for locks."""


class Refused(NamedTuple):
    """A refusal, by the code of the wire."""

    code: str
    retry_after_s: int | None = None
    detail: str | None = None
    """Replaces the sentence that belongs to the code."""


class Delivery(NamedTuple):
    """One arrival of a call that names a key."""

    service_id: str
    route: str
    key_hash: bytes
    body_mac: bytes

    @property
    def slot(self) -> tuple[str, str, bytes]:
        """What makes two deliveries the same attempt."""
        return self.service_id, self.route, self.key_hash


class KeyReused(NamedTuple):
    """The key came before, with another body."""


def refusal(verdict: Verdict, now_ms: int) -> Refused:
    """A verdict's refusal in the form that is answered; a lock says how long it still lasts, at least a second."""
    if verdict.until_ms is None:
        return Refused(verdict.code)
    return Refused(verdict.code, max(1, -((now_ms - verdict.until_ms) // 1_000)))


def is_key(text: str) -> bool:
    """Is it a key we accept: 1 to 255 visible ASCII characters?"""
    return 0 < len(text) <= MAX_KEY_CHARS and all("!" <= each <= "~" for each in text)


class Deliveries:
    """Remembers verdicts by key. One server owns the database, so turns are taken in memory and records outlive it."""

    def __init__(self, store: Store, mac_key: bytes, wait_s: float = _WAIT_S) -> None:
        self._store = store
        self._wait_s = wait_s
        self._mac_key = mac_key
        self._turns: dict[tuple[str, str, bytes], tuple[asyncio.Lock, int]] = {}

    def arrived(self, service_id: str, route: str, key: str, body: Mapping[str, Any]) -> Delivery:
        """What is known of a delivery: the key as a digest, the body as a keyed one."""
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":")).encode("ascii")
        message = b"\0".join((service_id.encode(), route.encode(), canonical))
        return Delivery(
            service_id,
            route,
            hashlib.sha256(key.encode("ascii")).digest(),
            hmac.digest(self._mac_key, message, "sha256"),
        )

    async def once(
        self,
        delivery: Delivery | None,
        now_ms: int,
        judge: Callable[[], Awaitable[T]],
        replay: Callable[[Verdict], Awaitable[T | None]],
    ) -> T | KeyReused:
        """Judge a call, or replay the verdict that an earlier delivery got; without a key, judge.

        `replay` answers None when a verdict can no longer be acted on; the call is then judged anew.
        `judge` has to `remember` its verdict in the transaction that counts it, so that a crash leaves both or none.

        Raises: Overloaded when an earlier delivery runs for too long.
        """
        if delivery is None:
            return await judge()
        async with self._turn(delivery):
            async with self._store.read() as db:
                found = await _recorded(db, delivery, now_ms)
            if isinstance(found, KeyReused):
                return found
            answer = await replay(found) if found is not None else None
            return await judge() if answer is None else answer

    @asynccontextmanager
    async def _turn(self, delivery: Delivery) -> AsyncIterator[None]:
        """Deliveries of one attempt pass one at a time; the entry goes with the last of them."""
        lock, sharing = self._turns.get(delivery.slot, (asyncio.Lock(), 0))
        self._turns[delivery.slot] = (lock, sharing + 1)
        try:
            try:
                async with asyncio.timeout(self._wait_s):
                    await lock.acquire()
            except TimeoutError:
                raise Overloaded from None
            try:
                yield
            finally:
                lock.release()
        finally:
            _, sharing = self._turns.pop(delivery.slot)
            if sharing > 1:
                self._turns[delivery.slot] = (lock, sharing - 1)


async def remember(db: AsyncConnection, delivery: Delivery | None, verdict: Verdict, now_ms: int) -> None:
    """Keep a verdict for ten minutes, in the caller's transaction; nothing without a key."""
    if delivery is None:
        return
    await db.execute(delete(VERDICTS).where(*_same(delivery)))
    await db.execute(
        insert(VERDICTS).values(**delivery._asdict(), **verdict._asdict(), expires_at_ms=now_ms + KEPT_S * 1_000)
    )


async def _recorded(db: AsyncConnection, delivery: Delivery, now_ms: int) -> Verdict | KeyReused | None:
    row = (await db.execute(select(VERDICTS).where(*_same(delivery), VERDICTS.c.expires_at_ms > now_ms))).first()
    if row is None:
        return None
    if not hmac.compare_digest(row.body_mac, delivery.body_mac):
        return KeyReused()
    return Verdict(row.code, row.sid, row.user_id, row.until_ms)


def _same(delivery: Delivery) -> tuple[Any, ...]:
    return (
        VERDICTS.c.service_id == delivery.service_id,
        VERDICTS.c.route == delivery.route,
        VERDICTS.c.key_hash == delivery.key_hash,
    )
