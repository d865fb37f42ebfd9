"""Sessions: a family of refresh tokens of which one at a time is good, and the access tokens signed for it.

They must never outlive their end: a token used twice, a logout or a disabled user closes all that was signed.
"""

import uuid
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from netra.authd.accounts import User
from netra.authd.idempotency import (
    ACCEPTED,
    Clock,
    Deliveries,
    Delivery,
    KeyReused,
    Refused,
    Verdict,
    refusal,
    remember,
)
from netra.authd.store.database import Store
from netra.authd.store.tables import REFRESH_TOKENS, SESSIONS, USERS
from netra.authd.tokens import AccessTokens, new_refresh_token, refresh_digest
from netra.core.secret import Secret

REFUSED_REFRESH: Final = Verdict("refresh_rejected")

_REUSED: Final = "This refresh token was used before; the session has ended."


class Issued(NamedTuple):
    """What a login or a refresh hands out."""

    user: User
    sid: str
    access_token: Secret
    refresh_token: Secret
    expires_in_s: int


class Identity(NamedTuple):
    """Whom a good access token speaks for."""

    user: User
    expires_at_s: int


class Sessions:
    """Opens, refreshes, checks and ends sessions."""

    def __init__(
        self, store: Store, tokens: AccessTokens, deliveries: Deliveries, refresh_token_s: int, clock: Clock
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._deliveries = deliveries
        self._refresh_token_s = refresh_token_s
        self._clock = clock

    def now_ms(self) -> int:
        """Wall time in milliseconds since 1970, as the store keeps it."""
        return int(self._clock() * 1_000)

    async def open(self, db: AsyncConnection, user: User, client_id: str) -> Issued:
        """Begin a session for a user whose password was right, in the caller's transaction."""
        now_ms = self.now_ms()
        sid = str(uuid.uuid4())
        await db.execute(
            insert(SESSIONS).values(
                sid=sid, user_id=user.user_id, client_id=client_id, created_at_ms=now_ms, expires_at_ms=now_ms
            )
        )
        return await self._issue(db, user, sid, client_id)

    async def reissue(self, verdict: Verdict) -> Issued | Refused | None:
        """Fresh tokens of the session that a remembered verdict speaks of; None when that session has ended.

        They stand beside the ones of the lost answer, which nobody can repeat: whichever is used first voids the rest.
        """
        if verdict.code != ACCEPTED:
            return refusal(verdict, self.now_ms())
        async with self._store.write() as db:
            row = (await db.execute(_live_session().where(SESSIONS.c.sid == verdict.sid))).first()
            return None if row is None else await self._issue(db, _user(row), row.sid, row.client_id)

    async def refresh(self, token: Secret, client_id: str, delivery: Delivery | None) -> Issued | Refused | KeyReused:
        """Exchange a refresh token for its successor. A used one ends the whole session: somebody has a copy."""
        return await self._deliveries.once(
            delivery, self.now_ms(), lambda: self._rotate(token, client_id, delivery), self.reissue
        )

    async def _rotate(self, token: Secret, client_id: str, delivery: Delivery | None) -> Issued | Refused:
        now_ms = self.now_ms()
        async with self._store.write() as db:
            held = REFRESH_TOKENS.c.token_hash == refresh_digest(token.reveal())
            row = (await db.execute(_refreshable().where(held))).first()
            if row is None or row.client_id != client_id or row.token_expires_at_ms <= now_ms:
                await remember(db, delivery, REFUSED_REFRESH, now_ms)
                return Refused(REFUSED_REFRESH.code)
            if row.used_at_ms is not None:
                await end(db, row.sid, now_ms)
                await remember(db, delivery, REFUSED_REFRESH, now_ms)
                return Refused(REFUSED_REFRESH.code, detail=_REUSED)
            await _void_unused(db, row.sid, now_ms)
            issued = await self._issue(db, _user(row), row.sid, row.client_id)
            await remember(db, delivery, Verdict(ACCEPTED, row.sid, row.user_id), now_ms)
            return issued

    async def _issue(self, db: AsyncConnection, user: User, sid: str, client_id: str) -> Issued:
        now_ms = self.now_ms()
        refresh_token = new_refresh_token()
        expires_at_ms = now_ms + self._refresh_token_s * 1_000
        await db.execute(
            insert(REFRESH_TOKENS).values(
                token_hash=refresh_digest(refresh_token), sid=sid, issued_at_ms=now_ms, expires_at_ms=expires_at_ms
            )
        )
        kept_until_ms = max(expires_at_ms, now_ms + self._tokens.lifetime_s * 1_000)
        await db.execute(update(SESSIONS).where(SESSIONS.c.sid == sid).values(expires_at_ms=kept_until_ms))
        access_token = self._tokens.issue(user, sid, client_id, now_ms / 1_000)
        return Issued(user, sid, Secret(access_token), Secret(refresh_token), self._tokens.lifetime_s)

    async def validate(self, token: Secret) -> Identity | Refused:
        """Whom an access token speaks for, or why it is no good."""
        claims = self._tokens.read(token.reveal(), self._clock())
        if isinstance(claims, str):
            return Refused(claims)
        async with self._store.read() as db:
            mine = (SESSIONS.c.sid == claims.sid) & (SESSIONS.c.user_id == claims.user_id)
            row = (await db.execute(_live_session().where(mine))).first()
        return Refused("token_revoked") if row is None else Identity(_user(row), claims.expires_at_s)

    async def log_out(self, access_token: Secret | None, refresh_token: Secret | None) -> Refused | None:
        """End the session of either token. Expired, ended and forgotten sessions are ended: that is success.

        Only an access token that was never ours, alone, is refused: nothing tells which session was meant.
        """
        sids: set[str | None] = set()
        if access_token is not None:
            claims = self._tokens.genuine(access_token.reveal())
            if isinstance(claims, str) and refresh_token is None:
                return Refused(claims)
            sids.add(None if isinstance(claims, str) else claims.sid)
        async with self._store.write() as db:
            if refresh_token is not None:
                held = REFRESH_TOKENS.c.token_hash == refresh_digest(refresh_token.reveal())
                sids.add((await db.execute(select(REFRESH_TOKENS.c.sid).where(held))).scalar())
            for sid in filter(None, sids):
                await end(db, sid, self.now_ms())
        return None


async def end(db: AsyncConnection, sid: str, now_ms: int) -> None:
    """End a session, once: the first end is the one that is kept."""
    live = (SESSIONS.c.sid == sid) & SESSIONS.c.ended_at_ms.is_(None)
    await db.execute(update(SESSIONS).where(live).values(ended_at_ms=now_ms))


async def _void_unused(db: AsyncConnection, sid: str, now_ms: int) -> None:
    """Mark every unused token of a session as used: the one presented, and those of answers that were repeated."""
    unused = (REFRESH_TOKENS.c.sid == sid) & REFRESH_TOKENS.c.used_at_ms.is_(None)
    await db.execute(update(REFRESH_TOKENS).where(unused).values(used_at_ms=now_ms))


_SESSION_COLUMNS: Final = (SESSIONS.c.sid, SESSIONS.c.client_id, USERS.c.user_id, USERS.c.email, USERS.c.name)


def _live_session() -> Select[Any]:
    joined = SESSIONS.join(USERS, USERS.c.user_id == SESSIONS.c.user_id)
    live = (SESSIONS.c.ended_at_ms.is_(None), USERS.c.disabled_at_ms.is_(None))
    return select(*_SESSION_COLUMNS).select_from(joined).where(*live)


def _refreshable() -> Select[Any]:
    token = (REFRESH_TOKENS.c.used_at_ms, REFRESH_TOKENS.c.expires_at_ms.label("token_expires_at_ms"))
    return _live_session().add_columns(*token).join(REFRESH_TOKENS, REFRESH_TOKENS.c.sid == SESSIONS.c.sid)


def _user(row: Row[Any]) -> User:
    return User(row.user_id, row.email, row.name)
