"""Sealed successors of refresh tokens, and the list of revocations with all that are still of use.

It must never import the application's tables: a migration describes the schema of its own day.
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LONGEST_ACCESS_TOKEN_MS = 86_400_000
"""What the first release allowed at most, whatever it was set to."""


def upgrade() -> None:
    """Add what is new, and bring the sessions that are there up to it."""
    # Not by a batch: a batch copies the table and drops the old one, and refresh tokens would go with its rows.
    op.add_column("refresh_tokens", sa.Column("sealed_successor", sa.LargeBinary(128)))
    op.add_column(
        "sessions", sa.Column("access_expires_at_ms", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )
    op.create_table(
        "revocations",
        sa.Column("sequence", sa.Integer, primary_key=True),
        sa.Column("sid", sa.String(36), nullable=False, unique=True),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False, index=True),
        sqlite_autoincrement=True,
    )
    _date_access_tokens()
    _list_ended_sessions()


def downgrade() -> None:
    """Take away what was added; sessions stay as they are."""
    op.drop_table("revocations")
    op.drop_column("sessions", "access_expires_at_ms")
    op.drop_column("refresh_tokens", "sealed_successor")


def _date_access_tokens() -> None:
    """Every refresh token came with an access token, good for a day at most, and no session was kept for less."""
    dated = sa.text(
        "UPDATE sessions SET access_expires_at_ms = min(expires_at_ms, coalesce(:longest_ms + "
        "(SELECT max(issued_at_ms) FROM refresh_tokens WHERE refresh_tokens.sid = sessions.sid), expires_at_ms))"
    )
    op.get_bind().execute(dated, {"longest_ms": _LONGEST_ACCESS_TOKEN_MS})


def _list_ended_sessions() -> None:
    listed = sa.text(
        "INSERT INTO revocations (sid, expires_at_ms) SELECT sid, access_expires_at_ms FROM sessions "
        "WHERE ended_at_ms IS NOT NULL AND access_expires_at_ms > :now_ms ORDER BY ended_at_ms"
    )
    op.get_bind().execute(listed, {"now_ms": int(time.time() * 1_000)})
