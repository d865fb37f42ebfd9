"""The tables of the auth service, as the newest migration leaves them.

No column may hold a token, a service secret or a password in the clear: only digests, Argon2id for passwords, and a
refresh token sealed under the one that it succeeds.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table

METADATA: Final = MetaData()
"""Compared with a migrated database by a test. Instants are milliseconds since 1970, UTC."""

USERS: Final = Table(
    "users",
    METADATA,
    Column("user_id", String(36), primary_key=True),
    Column("email", String(320), nullable=False),
    Column("email_key", String(1280), nullable=False, unique=True),
    Column("name", String(200)),
    Column("password_hash", String(255), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("disabled_at_ms", BigInteger),
)

SERVICES: Final = Table(
    "services",
    METADATA,
    Column("service_id", String(128), primary_key=True),
    Column("created_at_ms", BigInteger, nullable=False),
)

SERVICE_SECRETS: Final = Table(
    "service_secrets",
    METADATA,
    Column("service_id", ForeignKey("services.service_id", ondelete="CASCADE"), primary_key=True),
    Column("secret_hash", LargeBinary(32), primary_key=True),
    Column("fingerprint", String(8), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)

SESSIONS: Final = Table(
    "sessions",
    METADATA,
    Column("sid", String(36), primary_key=True),
    Column("user_id", ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("client_id", String(128), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False, index=True),
    Column("ended_at_ms", BigInteger),
    Column("access_expires_at_ms", BigInteger, nullable=False, server_default="0"),
)
"""`access_expires_at_ms` is the end of the access token that lives longest: until then, an end has to be told."""

REFRESH_TOKENS: Final = Table(
    "refresh_tokens",
    METADATA,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("sid", ForeignKey("sessions.sid", ondelete="CASCADE"), nullable=False, index=True),
    Column("issued_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False, index=True),
    Column("used_at_ms", BigInteger),
    Column("sealed_successor", LargeBinary(128)),
)
"""Unused, it is good. Used, it is an exchanged one while its successor lies sealed beside it, else a spent one."""

REVOCATIONS: Final = Table(
    "revocations",
    METADATA,
    Column("sequence", Integer, primary_key=True),
    Column("sid", String(36), nullable=False, unique=True),
    Column("expires_at_ms", BigInteger, nullable=False, index=True),
    sqlite_autoincrement=True,
)
"""Sessions that ended while an access token of theirs was good, in the order of their ends."""

REJECTIONS: Final = Table(
    "rejections",
    METADATA,
    Column("rejection_id", Integer, primary_key=True),
    Column("identifier_hash", LargeBinary(32), nullable=False),
    Column("rejected_at_ms", BigInteger, nullable=False, index=True),
    Index("ix_rejections_of_identifier", "identifier_hash", "rejected_at_ms"),
)

VERDICTS: Final = Table(
    "idempotent_verdicts",
    METADATA,
    Column("service_id", String(128), primary_key=True),
    Column("route", String(64), primary_key=True),
    Column("key_hash", LargeBinary(32), primary_key=True),
    Column("body_mac", LargeBinary(32), nullable=False),
    Column("code", String(64), nullable=False),
    Column("sid", String(36)),
    Column("user_id", String(36)),
    Column("until_ms", BigInteger),
    Column("expires_at_ms", BigInteger, nullable=False, index=True),
)
