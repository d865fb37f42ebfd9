"""Brings a database to the schema of this release, by the migrations that the package carries.

It must never need a file outside the package: there is no alembic.ini.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, column, inspect, select, table

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "head"
EMPTY: Final = "base"
CURRENT: Final = "0002"
"""The newest revision; a test compares it with the migrations. A database that has it is not touched."""


class UnknownRevision(Exception):
    """The database was written by a release that this one does not know."""


def upgrade(connection: Connection, revision: str = HEAD) -> None:
    """Bring the database up to `revision`, inside the caller's transaction. Does nothing when it is there already.

    Raises: UnknownRevision.
    """
    # Alembic is loaded only where there is something to migrate: it would double the time of a start.
    if revision == HEAD and _revision(connection) == CURRENT:
        return
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(_config(connection), revision)
    except CommandError as error:
        raise UnknownRevision from error


def downgrade(connection: Connection, revision: str = EMPTY) -> None:
    """Take the database down to `revision`, inside the caller's transaction; `EMPTY` drops every table."""
    from alembic import command

    command.downgrade(_config(connection), revision)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
