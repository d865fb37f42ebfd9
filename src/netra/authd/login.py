"""The verdict of a login: right, wrong, locked or disabled, and its count, fixed in one transaction after the hash.

It must never say of an unknown identifier anything that it would not say of a known one.
"""

import hmac
from typing import Final, NamedTuple

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from netra.authd import accounts
from netra.authd.accounts import Account, email_key
from netra.authd.idempotency import ACCEPTED, Deliveries, Delivery, KeyReused, Refused, Verdict, refusal, remember
from netra.authd.passwords import Passwords
from netra.authd.sessions import Issued, Sessions
from netra.authd.store.database import Store
from netra.authd.store.tables import REJECTIONS
from netra.core.secret import Secret

_HASH_BYTES_LOGGED: Final = 8


class Lockout:
    """Counts rejections of an identifier, from everywhere; at the limit it is locked until the oldest has aged.

    A sliding window: whatever the pace, no more than `limit` guesses are judged in any `window_s` seconds.
    A success does not clear it: the owner's login would hand whoever else is guessing a new allowance.
    """

    def __init__(self, limit: int, window_s: int, key: bytes) -> None:
        self._limit = limit
        self._window_ms = window_s * 1_000
        self._key = key

    def identifier_hash(self, email: str) -> bytes:
        """A keyed digest of the normalised identifier: what was typed may be a password in the wrong field."""
        return hmac.digest(self._key, email_key(email).encode(), "sha256")

    def label(self, email: str) -> str:
        """How logs speak of an identifier."""
        return self.identifier_hash(email)[:_HASH_BYTES_LOGGED].hex()

    async def until_ms(self, db: AsyncConnection, identifier_hash: bytes, now_ms: int) -> int | None:
        """When the lock ends, or None when there is none."""
        counted = (REJECTIONS.c.identifier_hash == identifier_hash) & (
            REJECTIONS.c.rejected_at_ms > now_ms - self._window_ms
        )
        newest_first = select(REJECTIONS.c.rejected_at_ms).where(counted).order_by(REJECTIONS.c.rejected_at_ms.desc())
        oldest = (await db.execute(newest_first.offset(self._limit - 1).limit(1))).scalar()
        return None if oldest is None else min(int(oldest), now_ms) + self._window_ms

    async def count(self, db: AsyncConnection, identifier_hash: bytes, now_ms: int) -> None:
        """Count one rejection, in the caller's transaction."""
        await db.execute(insert(REJECTIONS).values(identifier_hash=identifier_hash, rejected_at_ms=now_ms))


class Checked(NamedTuple):
    """What was found out before the verdict, without holding the database."""

    account: Account | None
    right: bool = False
    new_hash: str | None = None
    locked_until_ms: int | None = None
    """Set when the lock made the hash unnecessary."""


class Logins:
    """Judges logins."""

    def __init__(
        self, store: Store, passwords: Passwords, lockout: Lockout, sessions: Sessions, deliveries: Deliveries
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._lockout = lockout
        self._sessions = sessions
        self._deliveries = deliveries

    async def log_in(
        self, email: str, password: Secret, client_id: str, delivery: Delivery | None
    ) -> Issued | Refused | KeyReused:
        """A session for the right password, or the refusal.

        Raises: Overloaded, StoreUnavailable; nobody was judged then and nothing was counted.
        """

        async def judge() -> Issued | Refused:
            checked = await self._check(email, password)
            if checked.locked_until_ms is not None and delivery is None:
                return refusal(Verdict("account_locked", until_ms=checked.locked_until_ms), self._sessions.now_ms())
            return await self._settle(email, checked, client_id, delivery)

        return await self._deliveries.once(delivery, self._sessions.now_ms(), judge, self._sessions.reissue)

    async def _check(self, email: str, password: Secret) -> Checked:
        identifier_hash = self._lockout.identifier_hash(email)
        async with self._store.read() as db:
            locked_until_ms = await self._lockout.until_ms(db, identifier_hash, self._sessions.now_ms())
            account = await accounts.find(db, email)
        if locked_until_ms is not None:
            return Checked(account, locked_until_ms=locked_until_ms)
        stored = account.password_hash if account else None
        right = await self._passwords.matches(stored, password)
        renewed = await self._passwords.renewed(stored, password) if right and stored else None
        return Checked(account, right, renewed)

    async def _settle(
        self, email: str, checked: Checked, client_id: str, delivery: Delivery | None
    ) -> Issued | Refused:
        now_ms = self._sessions.now_ms()
        identifier_hash = self._lockout.identifier_hash(email)
        async with self._store.write() as db:
            locked = checked.locked_until_ms or await self._lockout.until_ms(db, identifier_hash, now_ms)
            account = await accounts.find(db, email) if checked.right and not locked else None
            if locked:
                verdict = Verdict("account_locked", until_ms=locked)
            elif account is None:
                await self._lockout.count(db, identifier_hash, now_ms)
                verdict = Verdict("invalid_credentials")
            elif account.disabled:
                verdict = Verdict("account_disabled")
            else:
                issued = await self._sessions.open(db, account.user, client_id)
                if checked.account is not None and checked.new_hash is not None:
                    await accounts.keep_hash(db, checked.account, checked.new_hash)
                await remember(db, delivery, Verdict(ACCEPTED, issued.sid, account.user.user_id), now_ms)
                return issued
            await remember(db, delivery, verdict, now_ms)
        return refusal(verdict, now_ms)
