"""Users: who they are, how they are added, listed, disabled and enabled.

It must never return or log a password hash to anyone but the check of a password.
"""

import re
import unicodedata
import uuid
from typing import Final, NamedTuple

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from netra.authd.idempotency import ACCEPTED, Clock, Deliveries, Delivery, KeyReused, Refused, Verdict, remember
from netra.authd.passwords import Passwords
from netra.authd.store.database import Store
from netra.authd.store.revocations import end_sessions
from netra.authd.store.tables import SESSIONS, USERS
from netra.core.secret import Secret

MAX_EMAIL_CHARS: Final = 320
MAX_NAME_CHARS: Final = 200
EMAIL_TAKEN: Final = Verdict("email_taken")

_LABEL: Final = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_EMAIL: Final = re.compile(rf"[^\s@\"(),:;<>\[\\\]]{{1,255}}@{_LABEL}(?:\.{_LABEL})*")


class User(NamedTuple):
    """A user as the world sees one."""

    user_id: str
    email: str
    name: str | None


class Account(NamedTuple):
    """A user with what a login needs to know."""

    user: User
    password_hash: str
    disabled: bool


class Registrations:
    """Registers users who come by themselves."""

    def __init__(
        self, store: Store, passwords: Passwords, deliveries: Deliveries, password_min_chars: int, clock: Clock
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._deliveries = deliveries
        self._min_chars = password_min_chars
        self._clock = clock

    async def register(
        self, email: str, password: Secret, name: str | None, delivery: Delivery | None
    ) -> User | Refused | KeyReused:
        """The new user, or why there is none.

        Raises: Overloaded, StoreUnavailable; there is no new user then.
        """

        async def judge() -> User | Refused:
            verdict = await self._judged(email, password, name, delivery)
            return await replay(verdict) or Refused("email_taken")

        async def replay(verdict: Verdict) -> User | Refused | None:
            if verdict.code != ACCEPTED:
                return Refused(verdict.code, detail=password_objection(email, password, self._min_chars))
            async with self._store.read() as db:
                return await _by_id(db, str(verdict.user_id))

        return await self._deliveries.once(delivery, self._now_ms(), judge, replay)

    async def _judged(self, email: str, password: Secret, name: str | None, delivery: Delivery | None) -> Verdict:
        verdict: Verdict | None = None
        if password_objection(email, password, self._min_chars):
            verdict = Verdict("password_rejected")
        else:
            async with self._store.read() as db:
                verdict = EMAIL_TAKEN if await find(db, email) else None
        password_hash = await self._passwords.hashed(password) if verdict is None else ""
        now_ms = self._now_ms()
        async with self._store.write() as db:
            if verdict is None:
                user = await add(db, email, name, password_hash, now_ms)
                verdict = Verdict(ACCEPTED, user_id=user.user_id) if user else EMAIL_TAKEN
            await remember(db, delivery, verdict, now_ms)
        return verdict

    def _now_ms(self) -> int:
        return int(self._clock() * 1_000)


class Listed(NamedTuple):
    """A user as an operator sees one."""

    user: User
    created_at_ms: int
    disabled: bool


def email_key(email: str) -> str:
    """The one spelling under which an e-mail is found: stripped, NFC, case-folded."""
    return unicodedata.normalize("NFC", email.strip()).casefold()


def is_email(text: str) -> bool:
    """Does it look like an e-mail address? Deliberately generous: whether it exists, only a mail can tell."""
    return len(text) <= MAX_EMAIL_CHARS and _EMAIL.fullmatch(text) is not None


def password_objection(email: str, password: Secret, min_chars: int) -> str | None:
    """Why the policy turns a new password down, in a sentence; None when it does not."""
    if len(password.reveal()) < min_chars:
        return f"The password must have at least {min_chars} characters."
    if email_key(password.reveal()) == email_key(email):
        return "The password must not be the e-mail address."
    return None


async def find(db: AsyncConnection, email: str) -> Account | None:
    """The account of an e-mail, in any spelling."""
    row = (await db.execute(select(USERS).where(USERS.c.email_key == email_key(email)))).first()
    if row is None:
        return None
    return Account(User(row.user_id, row.email, row.name), row.password_hash, row.disabled_at_ms is not None)


async def _by_id(db: AsyncConnection, user_id: str) -> User | None:
    row = (await db.execute(select(USERS).where(USERS.c.user_id == user_id))).first()
    return None if row is None else User(row.user_id, row.email, row.name)


async def add(db: AsyncConnection, email: str, name: str | None, password_hash: str, now_ms: int) -> User | None:
    """The new user, or None when the e-mail is taken."""
    if await find(db, email) is not None:
        return None
    user = User(str(uuid.uuid4()), email.strip(), name)
    await db.execute(
        insert(USERS).values(
            **user._asdict(), email_key=email_key(email), password_hash=password_hash, created_at_ms=now_ms
        )
    )
    return user


async def keep_hash(db: AsyncConnection, account: Account, password_hash: str) -> None:
    """Replace the hash of an unchanged password, unless it was replaced meanwhile."""
    same = (USERS.c.user_id == account.user.user_id) & (USERS.c.password_hash == account.password_hash)
    await db.execute(update(USERS).where(same).values(password_hash=password_hash))


async def disable(db: AsyncConnection, email: str, now_ms: int) -> bool:
    """Close an account and end its sessions; False when there is none."""
    account = await find(db, email)
    if account is None:
        return False
    user_id = account.user.user_id
    if not account.disabled:
        await db.execute(update(USERS).where(USERS.c.user_id == user_id).values(disabled_at_ms=now_ms))
    await end_sessions(db, SESSIONS.c.user_id == user_id, now_ms)
    return True


async def enable(db: AsyncConnection, email: str) -> bool:
    """Open an account again, without its old sessions; False when there is none."""
    row = USERS.c.email_key == email_key(email)
    return (await db.execute(update(USERS).where(row).values(disabled_at_ms=None))).rowcount > 0


async def listed(db: AsyncConnection) -> list[Listed]:
    """Every user, by e-mail."""
    rows = await db.execute(select(USERS).order_by(USERS.c.email_key))
    return [Listed(User(r.user_id, r.email, r.name), r.created_at_ms, r.disabled_at_ms is not None) for r in rows]
