"""What Alembic runs for every upgrade and downgrade: the migrations, on the connection that the caller lends.

It must never open a database of its own: the caller's transaction decides whether anything happened.
"""

from alembic import context


def _migrate() -> None:
    context.configure(connection=context.config.attributes["connection"])
    with context.begin_transaction():
        context.run_migrations()


_migrate()
