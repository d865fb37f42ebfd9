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
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from netra.core.secret import Secret
    from netra.doctor.debugger import AuthServiceDebugger
    from netra.doctor.diagnosis import Diagnosis, Measured
    from netra.doctor.report.text import Line

_PROBLEMS: Final = 1
_MAX_LINE_BYTES: Final = 4_096
_ADMIN_S: Final = 3.0
"""So long the admin listener may take: it answers from memory."""
_OK: Final = 200
_UNAUTHORISED: Final = frozenset({401, 429})


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
    admin: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Also ask this gateway's admin listener how long logins take there. Shows it NETRA_ADMIN_TOKEN.",
        ),
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
    if offline and admin is not None:
        raise typer.BadParameter("--offline makes no connection: leave it out to have --admin asked.")
    if offline:
        diagnosis = _offline(sockets=sockets)
    else:
        login = None if canary is None else (canary, _password(canary))
        measured = () if admin is None else _measured(admin, timeout)
        asked = partial(_debugger(timeout, measured).run, rejection_check=rejection_check, canary=login, origin=origin)
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


def _debugger(timeout_s: float, measured: "Sequence[Measured]") -> "AuthServiceDebugger":
    from netra.doctor.debugger import AuthServiceDebugger

    return AuthServiceDebugger(os.environ, timeout_s=timeout_s, measured=lambda: measured)


def _measured(url: str, timeout_s: float) -> "tuple[Measured, ...]":
    """What the gateway there has measured; one finding where it cannot be asked. Raises: typer.BadParameter."""
    from netra.cli.admin_listener import AdminListener, BadAddress, NoAnswer, address, token
    from netra.doctor.report.documents import measured_of, not_measured

    try:
        listener = AdminListener(address(url), token())
        status, body = listener.get("/console/state", min(timeout_s, _ADMIN_S))
    except BadAddress as bad:
        raise typer.BadParameter(f"--admin: {bad}") from None
    except NoAnswer as nobody:
        return (not_measured(str(nobody), "Check that the gateway runs, and that this is its admin listener."),)
    if status in _UNAUTHORISED:
        fix = "Set NETRA_ADMIN_TOKEN to the token of that gateway."
        return (not_measured(f"its admin listener answers {status}", fix),)
    measured = measured_of(body) if status == _OK else None
    if measured is None:
        fix = "See whether the address leads to the admin listener of a gateway of this version."
        return (not_measured(f"what answers there ({status}) tells no state of a gateway", fix),)
    return measured


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
