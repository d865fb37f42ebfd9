"""Refresh tokens: random, known by their digests, and each kept sealed under the one that it succeeds.

They must never be readable in the store: only who shows the old token, on this server, can have its successor opened.
"""

import hashlib
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from netra.authd.store.tables import REFRESH_TOKENS

_PREFIX: Final = "nrt_"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"netra-authd successor of a refresh token"


def new_refresh_token() -> str:
    """An opaque token of 256 random bits; the prefix lets scanners of leaked secrets recognise it."""
    return _PREFIX + secrets.token_urlsafe(32)


def refresh_digest(token: str) -> bytes:
    """What is stored of a refresh token: it is random, so one fast hash hides it."""
    return hashlib.sha256(token.encode()).digest()


class Seals:
    """Closes successors, and opens them for who shows the token before. Source: RFC 5869, RFC 5116."""

    def __init__(self, server_key: bytes) -> None:
        """`server_key` lies outside the database: with a copy of it, not even the old token opens anything."""
        self._server_key = server_key

    def close(self, successor: str, token: str, sid: str) -> bytes:
        """A successor, sealed under the token that it succeeds and bound to their session."""
        # The same token may seal several successors, one after the other: each needs a nonce of its own.
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher(token).encrypt(nonce, successor.encode(), sid.encode())

    def open(self, sealed: bytes, token: str, sid: str) -> str | None:
        """The successor, or None when it was sealed by another server, for another session, or was touched."""
        nonce, closed = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher(token).decrypt(nonce, closed, sid.encode()).decode()
        except (InvalidTag, ValueError):
            return None

    def _cipher(self, token: str) -> AESGCM:
        return AESGCM(HKDF(SHA256(), _KEY_BYTES, self._server_key, _PURPOSE).derive(token.encode()))


async def add(db: AsyncConnection, sid: str, now_ms: int, expires_at_ms: int) -> str:
    """A fresh token of a session, stored as its digest; the text is seen only here."""
    token = new_refresh_token()
    row = {"token_hash": refresh_digest(token), "sid": sid, "issued_at_ms": now_ms, "expires_at_ms": expires_at_ms}
    await db.execute(insert(REFRESH_TOKENS).values(**row))
    return token


async def spend(db: AsyncConnection, sid: str, now_ms: int) -> None:
    """Make every token of a session a spent one: the good ones become used, and no successor stays sealed."""
    mine, used_at_ms = REFRESH_TOKENS.c.sid == sid, REFRESH_TOKENS.c.used_at_ms
    await db.execute(update(REFRESH_TOKENS).where(mine, used_at_ms.is_(None)).values(used_at_ms=now_ms))
    sealed = REFRESH_TOKENS.c.sealed_successor
    await db.execute(update(REFRESH_TOKENS).where(mine, sealed.is_not(None)).values(sealed_successor=None))


async def exchange(db: AsyncConnection, token: str, sealed_successor: bytes, now_ms: int) -> None:
    """Make a token an exchanged one: used now, its successor sealed beside it."""
    mine = REFRESH_TOKENS.c.token_hash == refresh_digest(token)
    kept = {"used_at_ms": now_ms, "sealed_successor": sealed_successor}
    await db.execute(update(REFRESH_TOKENS).where(mine).values(**kept))
