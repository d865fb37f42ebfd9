"""Sessions: a family of refresh tokens of which one at a time is good, and the access tokens signed for it.

They must never outlive their end: a copied refresh token, a logout or a disabled user closes all that was signed.
"""

import uuid
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, Select, case, insert, select, update
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
from netra.authd.store import refresh_tokens
from netra.authd.store.database import Store
from netra.authd.store.refresh_tokens import Seals, refresh_digest
from netra.authd.store.revocations import end_sessions
from netra.authd.store.tables import REFRESH_TOKENS, SESSIONS, USERS
from netra.authd.tokens import AccessTokens
from netra.core.secret import Secret

GRACE_S: Final = 10
"""How long an exchanged token is answered with the very successor that it got: for requests that cross."""
REFUSED_REFRESH: Final = Verdict("refresh_rejected")


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
    sid: str
    jti: str
    expires_at_s: int


class TokenReused(NamedTuple):
    """A refresh token was shown that somebody else has gone on from: its session has ended."""

    sid: str
    user_id: str


class Sessions:
    """Opens, refreshes, checks and ends sessions."""

    def __init__(
        self,
        store: Store,
        tokens: AccessTokens,
        deliveries: Deliveries,
        seals: Seals,
        refresh_token_s: int,
        clock: Clock,
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._deliveries = deliveries
        self._seals = seals
        self._refresh_token_ms = refresh_token_s * 1_000
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
        return await self._issue(db, user, sid, client_id, await self._new_token(db, sid, now_ms))

    async def reissue(self, verdict: Verdict) -> Issued | Refused | None:
        """Fresh tokens of the session that a remembered verdict speaks of; None when that session has ended.

        They stand beside the ones of the lost answer, which nobody can repeat: whichever is used first voids the rest.
        """
        if verdict.code != ACCEPTED:
            return refusal(verdict, self.now_ms())
        async with self._store.write() as db:
            row = (await db.execute(_live_session().where(SESSIONS.c.sid == verdict.sid))).first()
            if row is None:
                return None
            return await self._issue(
                db, _user(row), row.sid, row.client_id, await self._new_token(db, row.sid, self.now_ms())
            )

    async def refresh(
        self, token: Secret, client_id: str, delivery: Delivery | None
    ) -> Issued | Refused | TokenReused | KeyReused:
        """Exchange a refresh token for its successor; one that was gone on from ends the session: there is a copy."""

        async def judge() -> Issued | Refused | TokenReused:
            return await self._exchange(token, client_id, delivery)

        async def replay(verdict: Verdict) -> Issued | Refused | TokenReused | None:
            again = await self._continued(token, client_id) if verdict.code == ACCEPTED else None
            return again or await self.reissue(verdict)

        return await self._deliveries.once(delivery, self.now_ms(), judge, replay)

    async def _exchange(
        self, token: Secret, client_id: str, delivery: Delivery | None
    ) -> Issued | Refused | TokenReused:
        now_ms = self.now_ms()
        async with self._store.write() as db:
            row = await _presented(db, token, client_id, now_ms)
            issued = None if row is None else await self._successor(db, row, token.reveal(), now_ms)
            if issued is not None:
                await remember(db, delivery, Verdict(ACCEPTED, issued.sid, issued.user.user_id), now_ms)
                return issued
            await remember(db, delivery, REFUSED_REFRESH, now_ms)
            if row is None:
                return Refused(REFUSED_REFRESH.code)
            await end(db, row.sid, now_ms)
            return TokenReused(row.sid, row.user_id)

    async def _continued(self, token: Secret, client_id: str) -> Issued | None:
        """What an accepted refresh is answered with when it is delivered again; None when others have gone on."""
        now_ms = self.now_ms()
        async with self._store.write() as db:
            row = await _presented(db, token, client_id, now_ms)
            return None if row is None else await self._successor(db, row, token.reveal(), now_ms)

    async def _successor(self, db: AsyncConnection, row: Row[Any], token: str, now_ms: int) -> Issued | None:
        """The tokens that follow one: the same for a while, others when the answer was lost, None for a spent one."""
        if row.used_at_ms is not None and row.sealed_successor is None:
            return None
        successor = None
        if row.used_at_ms is not None and now_ms - row.used_at_ms < GRACE_S * 1_000:
            successor = self._seals.open(row.sealed_successor, token, row.sid)
        if successor is None:
            await refresh_tokens.spend(db, row.sid, now_ms)
            successor = await self._new_token(db, row.sid, now_ms)
            sealed = self._seals.close(successor, token, row.sid)
            await refresh_tokens.exchange(db, token, sealed, now_ms)
        return await self._issue(db, _user(row), row.sid, row.client_id, successor)

    async def _new_token(self, db: AsyncConnection, sid: str, now_ms: int) -> str:
        return await refresh_tokens.add(db, sid, now_ms, now_ms + self._refresh_token_ms)

    async def _issue(self, db: AsyncConnection, user: User, sid: str, client_id: str, refresh_token: str) -> Issued:
        """A fresh access token beside a refresh token; the session is kept for as long as any token of it."""
        now_ms = self.now_ms()
        access_ms = self._tokens.lifetime_s * 1_000
        ends = {
            SESSIONS.c.expires_at_ms: now_ms + max(access_ms, self._refresh_token_ms),
            SESSIONS.c.access_expires_at_ms: now_ms + access_ms,
        }
        # A shorter life by a new setting does not shorten that of tokens which are out already.
        latest = {column.name: case((column > at_ms, column), else_=at_ms) for column, at_ms in ends.items()}
        await db.execute(update(SESSIONS).where(SESSIONS.c.sid == sid).values(**latest))
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
        if row is None:
            return Refused("token_revoked")
        return Identity(_user(row), claims.sid, claims.jti, claims.expires_at_s)

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
    await end_sessions(db, SESSIONS.c.sid == sid, now_ms)


async def _presented(db: AsyncConnection, token: Secret, client_id: str, now_ms: int) -> Row[Any] | None:
    """A refresh token in date, of this client, with its session, which is live; None for all others."""
    held = REFRESH_TOKENS.c.token_hash == refresh_digest(token.reveal())
    theirs = (SESSIONS.c.client_id == client_id) & (REFRESH_TOKENS.c.expires_at_ms > now_ms)
    found: Row[Any] | None = (await db.execute(_refreshable().where(held, theirs))).first()
    return found


_SESSION_COLUMNS: Final = (SESSIONS.c.sid, SESSIONS.c.client_id, USERS.c.user_id, USERS.c.email, USERS.c.name)


def _live_session() -> Select[Any]:
    joined = SESSIONS.join(USERS, USERS.c.user_id == SESSIONS.c.user_id)
    live = (SESSIONS.c.ended_at_ms.is_(None), USERS.c.disabled_at_ms.is_(None))
    return select(*_SESSION_COLUMNS).select_from(joined).where(*live)


def _refreshable() -> Select[Any]:
    token = (REFRESH_TOKENS.c.used_at_ms, REFRESH_TOKENS.c.sealed_successor)
    return _live_session().add_columns(*token).join(REFRESH_TOKENS, REFRESH_TOKENS.c.sid == SESSIONS.c.sid)


def _user(row: Row[Any]) -> User:
    return User(row.user_id, row.email, row.name)
