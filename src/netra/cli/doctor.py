"""`netra doctor`: tells why logins fail, or would fail: hop by hop, and in the last line the cause and its cure.

It must never print the value of a setting that may be a secret, nor take a password from the command line.
"""

import asyncio
import os
import sys
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from netra.core.secret import Secret
    from netra.doctor.debugger import AuthServiceDebugger
    from netra.doctor.diagnosis import Diagnosis
    from netra.doctor.report.text import Line

_PROBLEMS: Final = 1
_MAX_LINE_BYTES: Final = 4_096


class Format(StrEnum):
    """How the report is written."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Check the settings only; no connection is made.")] = False,
    rejection_check: Annotated[
        bool,
        typer.Option(
            "--rejection-check",
            help="Also log in as somebody who does not exist, to see it refused. Counts as one attempt.",
        ),
    ] = False,
    canary: Annotated[
        str | None,
        typer.Option(
            metavar="IDENTIFIER",
            help="Also log this user in. The password is asked for, or read from standard input.",
        ),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Also look whether pages of this origin may ask from a browser (CORS)."),
    ] = None,
    sockets: Annotated[
        bool, typer.Option("--sockets", help="Also list what is listened on and dialled, e.g. for a network policy.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=0.5, max=300, metavar="SECONDS", help="How long all of it may take.")
    ] = 10.0,
    form: Annotated[
        Format, typer.Option("--format", help="text for people, json for programs, github for annotations of a run.")
    ] = Format.TEXT,
) -> None:
    """Find out why logins fail, by the settings of this environment: from DNS to a login, the first broken hop first.

    Nobody is logged in and nothing is changed, unless --rejection-check or --canary ask for a login.

    Exit code 0: nothing stands in the way of logins; 1: there is a problem; 2: wrong usage.
    """
    _refuse_nonsense(offline=offline, logins=rejection_check or canary is not None, canary=canary, origin=origin)
    if offline:
        diagnosis = _offline(sockets=sockets)
    else:
        login = None if canary is None else (canary, _password(canary))
        asked = partial(_debugger(timeout).run, rejection_check=rejection_check, canary=login, origin=origin)
        run = partial(asked, with_sockets=sockets)
        watched = form is Format.TEXT and sys.stdout.isatty()
        diagnosis = _watched(run) if watched else asyncio.run(run())
    _report(diagnosis, form, offline=offline)
    raise typer.Exit(0 if diagnosis.ok else _PROBLEMS)


def _refuse_nonsense(*, offline: bool, logins: bool, canary: str | None, origin: str | None) -> None:
    """Raises: typer.BadParameter."""
    if offline and logins:
        raise typer.BadParameter("--offline makes no connection: leave it out to log somebody in.")
    if offline and origin is not None:
        raise typer.BadParameter("--offline looks at the settings alone: leave it out to have --origin looked at.")
    if canary is not None and not canary.strip():
        raise typer.BadParameter("--canary names nobody: give it the identifier of a user who can log in.")
    if canary is not None and not _is_text(canary):
        raise typer.BadParameter("--canary is not UTF-8: nobody can log in with it.")
    if origin is not None and not origin.strip():
        raise typer.BadParameter("--origin is empty: give it what stands in the browser, e.g. https://shop.example.com")


def _is_text(argument: str) -> bool:
    """Was it typed as text, and not as bytes that are none?"""
    try:
        argument.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _offline(*, sockets: bool) -> "Diagnosis":
    from netra.doctor.offline import examine

    return examine(os.environ, with_sockets=sockets)


def _debugger(timeout_s: float) -> "AuthServiceDebugger":
    from netra.doctor.debugger import AuthServiceDebugger

    return AuthServiceDebugger(os.environ, timeout_s=timeout_s)


def _watched(run: "Callable[..., Coroutine[Any, Any, Diagnosis]]") -> "Diagnosis":
    from netra.doctor.report.screen import watched
    from netra.doctor.report.text import draws

    return asyncio.run(watched(run, drawn=draws(sys.stdout.encoding)))


def _password(identifier: str) -> "Secret":
    """From a terminal without echo, else the first line of standard input. Raises: typer.BadParameter."""
    from getpass import getpass

    from netra.core.secret import Secret

    if sys.stdin.isatty():
        try:
            typed = getpass(f"Password of {identifier}: ")
        except EOFError:
            typer.echo(err=True)
            typed = ""
    else:
        line = sys.stdin.buffer.readline(_MAX_LINE_BYTES)
        try:
            typed = line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise typer.BadParameter("The password on standard input is not UTF-8.") from None
    if not typed:
        raise typer.BadParameter("--canary needs the user's password, as the first line of standard input.")
    return Secret(typed)


def _report(diagnosis: "Diagnosis", form: Format, *, offline: bool) -> None:
    if form is Format.JSON:
        from netra.doctor.report.documents import as_json

        typer.echo(as_json(diagnosis))
    elif form is Format.GITHUB:
        from netra.doctor.report.annotations import as_annotations

        for line in as_annotations(diagnosis):
            typer.echo(line)
    else:
        from netra.doctor.report.text import as_lines, draws, offline_lines

        _show(offline_lines(diagnosis) if offline else as_lines(diagnosis, drawn=draws(sys.stdout.encoding)))


def _show(lines: "Iterable[Line]") -> None:
    """In colours on a terminal; plain when piped, one line each however long."""
    if sys.stdout.isatty():
        from netra.doctor.report.screen import show

        show(lines)
        return
    encoding = sys.stdout.encoding or "ascii"
    for line in lines:
        typer.echo(line.text.encode(encoding, "replace").decode(encoding))
