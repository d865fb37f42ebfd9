"""`netra authd`: runs the embedded auth service; and what the commands that look after its database share.

It must never print a secret, an identifier or a password, and never import a database before it is asked to.
"""

import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from netra.authd.routes import Tell
    from netra.core.findings import Finding
    from netra.settings.authd_variables import AuthdSettings
    from netra.settings.read import Options

FAILED: Final = 1
BAD_SETTINGS: Final = 78
"""EX_CONFIG of sysexits.h: start-up scripts can tell wrong settings from a crash."""

T = TypeVar("T")


def authd(
    host: Annotated[str | None, typer.Option(help="The address to listen on; NETRA_AUTHD_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="The port, 0 for any free one; NETRA_AUTHD_PORT.")] = None,
) -> None:
    """Run the embedded auth service until it is told to stop."""
    settings, warnings = read_or_exit({"NETRA_AUTHD_HOST": host, "NETRA_AUTHD_PORT": port})

    from netra.asgi.server import CannotListen, run
    from netra.authd import CannotStart

    try:
        with _telling(settings) as tell:
            code = run(lambda: _serve(settings, warnings, tell))
    except CannotStart as cannot:
        give_up(cannot.finding.line())
    except CannotListen as cannot:
        give_up(f"error: {cannot}")
    raise typer.Exit(code)


async def _serve(settings: "AuthdSettings", warnings: "Sequence[Finding]", tell: "Tell") -> int:
    import logging

    from netra.asgi.server import Listener, bind, serve
    from netra.authd.app import opened

    async with opened(settings, tell=tell) as service:
        option = "--port or NETRA_AUTHD_PORT"
        bound = bind([Listener("the auth service", service.app, settings.host, settings.port, option)])
        known = await service.service_count()
        for each in warnings:
            fields = {"code": each.code, "subject": each.subject, "what": each.what, "fix": each.fix}
            tell(logging.WARNING, "Configuration problem", fields)

        def on_started() -> None:
            tell(logging.INFO, "Auth service listening", {"url": bound[0].url, "database": str(service.store.path)})
            if not known:
                tell(logging.WARNING, "No service is registered", {"fix": "netra services add ID"})

        code = await serve(
            bound,
            drain_delay_s=settings.drain_delay_s,
            on_started=on_started,
            on_draining=lambda: tell(logging.INFO, "Auth service stopping", {}),
        )
    tell(logging.INFO, "Auth service stopped", {})
    return code


@contextmanager
def _telling(settings: "AuthdSettings") -> "Iterator[Tell]":
    """A way to log, in the form of the gateway's lines; what belongs to no request is labelled with this run's id."""
    from netra.observe.log.vocabulary import word_of
    from netra.observe.log.whole_process import process_log

    with process_log(sys.stdout, settings.log_format, settings.log_level, settings.log_lines_per_s) as log:

        def tell(level: int, event: str, fields: Mapping[str, object]) -> None:
            code = fields.get("code")
            word = word_of(event, code if isinstance(code, str) else None)
            known = {} if word is None else {"owasp": word}
            log.logger.write(level, event, {"request_id": log.run_id, **fields, **known})

        yield tell


def read_or_exit(options: "Options | None" = None) -> "tuple[AuthdSettings, list[Finding]]":
    """The settings and what is doubtful in them; when they cannot be used, one problem a line, and the end."""
    from netra.core.findings import Severity
    from netra.settings.read import NO_OPTIONS, read_authd

    loaded = read_authd(os.environ, options or NO_OPTIONS)
    if loaded.settings is None:
        for finding in loaded.findings:
            if finding.severity is Severity.ERROR:
                print(finding.line(), file=sys.stderr)
        raise typer.Exit(BAD_SETTINGS)
    return loaded.settings, [each for each in loaded.findings if each.severity is Severity.WARNING]


def settings_or_exit() -> "AuthdSettings":
    """The settings of the auth service, for commands that have no log to warn in."""
    return read_or_exit()[0]


def in_database(settings: "AuthdSettings", work: "Callable[[AsyncConnection], Awaitable[T]]") -> T:
    """Do one short transaction in the database, whether or not the auth service is running."""
    import asyncio

    from netra.authd import CannotStart, Overloaded, StoreUnavailable
    from netra.authd.store.database import open_store

    async def transaction() -> T:
        store = await open_store(settings.database_url, serving=False)
        try:
            async with store.write() as db:
                return await work(db)
        finally:
            await store.close()

    try:
        return asyncio.run(transaction())
    except CannotStart as cannot:
        give_up(cannot.finding.line())
    except (Overloaded, StoreUnavailable):
        give_up("error: the database is busy and did not answer within two seconds. Try again.")


def give_up(line: str) -> NoReturn:
    """End with a line that says what to do next."""
    print(line, file=sys.stderr)
    raise typer.Exit(FAILED)


def show_table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """A table for people on a terminal; elsewhere one row a line, columns apart by tabs."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def day_of(epoch_ms: int) -> str:
    """The UTC day of an instant."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(epoch_ms / 1_000, UTC).strftime("%Y-%m-%d")
