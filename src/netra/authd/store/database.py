"""The database of one auth service: many readers, one writer, and no transaction that waits for anything slow.

It must never be held open across a password hash, and never be shared by two servers.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any, Final

from sqlalchemy import event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from netra.authd import CannotStart, Overloaded, StoreUnavailable
from netra.authd.store import schema
from netra.authd.store.filelock import FileLock, Held
from netra.core.findings import Finding, Severity

VARIABLE: Final = "NETRA_AUTHD_DATABASE_URL"

_BUSY_TIMEOUT_MS: Final = 2_000
_WRITER_WAIT_S: Final = 2.0
_READERS: Final = 4
_MAKING_S: Final = 5.0
_MAKING_PAUSE_S: Final = 0.05
_PRAGMAS: Final = (f"busy_timeout={_BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")


class Store:
    """An open database. One event loop may use it; `close` must be awaited in that loop."""

    def __init__(self, path: Path, lock: FileLock | None) -> None:
        self.path = path
        self._lock = lock
        self._turn = asyncio.Lock()
        self._writer = _engine(path, pool_size=1, begin="BEGIN IMMEDIATE")
        self._readers = _engine(path, pool_size=_READERS, begin="BEGIN")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view of the database.

        Raises: StoreUnavailable, Overloaded.
        """
        async with _translated(), self._readers.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, alone: committed at the end of the block, rolled back when it raises.

        Raises: StoreUnavailable; Overloaded when the turn does not come within two seconds.
        """
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(_WRITER_WAIT_S):
                    await stack.enter_async_context(self._turn)
            except TimeoutError:
                raise Overloaded from None
            await stack.enter_async_context(_translated())
            yield await stack.enter_async_context(self._writer.begin())

    async def close(self) -> None:
        """Close every connection and let the next server have the file."""
        await self._readers.dispose()
        await self._writer.dispose()
        if self._lock is not None:
            self._lock.release()


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """A database that cannot answer is one thing, a wrong statement of ours another: only the first is translated."""
    try:
        yield
    except PoolTimeout:
        raise Overloaded from None
    except DBAPIError as error:
        if isinstance(error.orig, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
            raise
        raise StoreUnavailable(_sqlite_name(error)) from error


def database_path(url: str) -> Path:
    """The file that a database URL names, relative ones from the working folder.

    Raises: CannotStart when it is not `sqlite:///FILE`.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if (
        parsed is None
        or parsed.drivername not in ("sqlite", "sqlite+aiosqlite")
        or parsed.host
        or not parsed.database
        or parsed.database.startswith((":", "file:"))
        or parsed.query
    ):
        raise _cannot_start(
            "database_url_unusable",
            "the database URL does not name a SQLite file",
            f"Set {VARIABLE} to sqlite:///FILE, or sqlite:////ABSOLUTE/FILE.",
        )
    return Path(parsed.database)


async def open_store(url: str, *, serving: bool) -> Store:
    """Open the database, made and brought to this release's schema where needed.

    `serving` takes the lock that only one server may hold; commands that work in short transactions go without.

    Raises: CannotStart.
    """
    path = database_path(url)
    lock = _locked(path) if serving else None
    store = Store(path, lock)
    try:
        _create(path)
        await _migrate(store)
    except (OSError, StoreUnavailable, Overloaded, schema.UnknownRevision) as error:
        await store.close()
        raise _unusable(path, error) from error
    except BaseException:
        await store.close()
        raise
    return store


async def _migrate(store: Store) -> None:
    """Bring the schema up to date, again while another process is making the same file: SQLite does not wait then."""
    give_up_at_s = monotonic() + _MAKING_S
    while True:
        try:
            async with store.write() as connection:
                return await connection.run_sync(schema.upgrade)
        except StoreUnavailable as unavailable:
            if str(unavailable) != "SQLITE_BUSY" or monotonic() > give_up_at_s:
                raise
        await asyncio.sleep(_MAKING_PAUSE_S)


def _locked(path: Path) -> FileLock:
    try:
        return FileLock(path.with_name(path.name + ".lock"))
    except Held as held:
        holder = f" (process {held.holder})" if held.holder else ""
        raise _cannot_start(
            "database_in_use",
            f"the database {path} is in use by another authd{holder}",
            f"Stop that one, or set {VARIABLE} to another file.",
        ) from None
    except OSError as error:
        raise _unusable(path, error) from error


def _create(path: Path) -> None:
    """Make the file before SQLite does, readable by its owner alone; the files beside it inherit that mode."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _unusable(path: Path, error: Exception) -> CannotStart:
    if isinstance(error, schema.UnknownRevision):
        return _cannot_start(
            "database_too_new",
            f"the database {path} was written by a newer release",
            f"Install that release, or set {VARIABLE} to another file.",
        )
    if isinstance(error, FileNotFoundError):
        return _cannot_start(
            "database_folder_missing",
            f"there is no folder {path.parent.absolute()} for the database",
            f"Make it, or set {VARIABLE} to a file in a folder that exists.",
        )
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return _cannot_start(
        "database_unusable",
        f"the database {path} cannot be used ({reason or 'no answer'})",
        f"Check that it is a SQLite file that this user may write to, or set {VARIABLE} to another file.",
    )


def _cannot_start(code: str, what: str, fix: str) -> CannotStart:
    return CannotStart(Finding(Severity.ERROR, code, VARIABLE, what, "authd cannot keep users or sessions", fix))


def _sqlite_name(error: DBAPIError) -> str:
    """SQLite's own name of what failed, e.g. `SQLITE_FULL`: no text of a statement or a value."""
    return str(getattr(error.orig, "sqlite_errorname", type(error.orig).__name__))


class _Connection(sqlite3.Connection):
    """A connection whose transaction ends with it.

    SQLite keeps a closed connection and its lock for as long as a statement of it is open, and that of a cancelled
    reader is, until its traceback has been collected: nobody else could write.
    """

    def close(self) -> None:
        """Roll back what is under way, and close."""
        with suppress(sqlite3.Error):
            self.rollback()
        super().close()


def _engine(path: Path, *, pool_size: int, begin: str) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_WRITER_WAIT_S,
        hide_parameters=True,
        connect_args={"factory": _Connection},
    )

    # Without its own isolation level, Python's driver neither begins nor ends a transaction: SQLAlchemy says it all.
    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
