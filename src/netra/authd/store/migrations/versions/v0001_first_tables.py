"""The first tables: users, services and their secrets, sessions, refresh tokens, rejections, idempotent verdicts.

It must never import the application's tables: a migration describes the schema of its own day.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what the first release keeps."""
    _people_and_services()
    _sessions()
    _memories()


def downgrade() -> None:
    """Drop everything, the tables that point at others first."""
    for table in (
        "idempotent_verdicts",
        "rejections",
        "refresh_tokens",
        "sessions",
        "service_secrets",
        "services",
        "users",
    ):
        op.drop_table(table)


def _people_and_services() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.String(36), primary_key=True),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("email_key", sa.String(1280), nullable=False, unique=True),
        sa.Column("name", sa.String(200)),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("disabled_at_ms", sa.BigInteger),
    )
    op.create_table(
        "services",
        sa.Column("service_id", sa.String(128), primary_key=True),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "service_secrets",
        sa.Column(
            "service_id",
            sa.String(128),
            sa.ForeignKey("services.service_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("secret_hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("fingerprint", sa.String(8), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("sid", sa.String(36), primary_key=True),
        sa.Column(
            "user_id", sa.String(36), sa.ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False, index=True),
        sa.Column("ended_at_ms", sa.BigInteger),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("sid", sa.String(36), sa.ForeignKey("sessions.sid", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("issued_at_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False, index=True),
        sa.Column("used_at_ms", sa.BigInteger),
    )


def _memories() -> None:
    op.create_table(
        "rejections",
        sa.Column("rejection_id", sa.Integer, primary_key=True),
        sa.Column("identifier_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("rejected_at_ms", sa.BigInteger, nullable=False, index=True),
    )
    op.create_index("ix_rejections_of_identifier", "rejections", ["identifier_hash", "rejected_at_ms"])
    op.create_table(
        "idempotent_verdicts",
        sa.Column("service_id", sa.String(128), primary_key=True),
        sa.Column("route", sa.String(64), primary_key=True),
        sa.Column("key_hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("body_mac", sa.LargeBinary(32), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("sid", sa.String(36)),
        sa.Column("user_id", sa.String(36)),
        sa.Column("until_ms", sa.BigInteger),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False, index=True),
    )
