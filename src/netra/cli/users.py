"""`netra users`: who may log in.

It must never take a password from the command line, where every user of the machine could read it.
"""

import sys
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from netra.cli.authd import day_of, give_up, in_database, settings_or_exit, show_table

if TYPE_CHECKING:
    from netra.core.secret import Secret

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The users of the embedded auth service.")

_MAX_LINE_BYTES: Final = 4_096

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.")]


@app.command()
def add(
    email: Email,
    name: Annotated[str | None, typer.Option(help="The name that is shown.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
    ] = False,
) -> None:
    """Add a user; asks for the password on a terminal."""
    settings = settings_or_exit()

    from netra.authd import accounts, fields
    from netra.authd.passwords import hasher

    wanted = {"email": email, "name": name, "password": _password(from_stdin=password_stdin).reveal()}
    read = fields.read(wanted, fields.REGISTER)
    if not isinstance(read, dict):
        raise typer.BadParameter(" ".join(error.detail for error in read.errors))

    from netra.core.secret import Secret

    password = Secret(wanted["password"] or "")
    objection = accounts.password_objection(email, password, settings.password_min_length)
    if objection is not None:
        give_up(f"error: {objection}")
    password_hash = hasher().hash(password.reveal())
    user = in_database(settings, lambda db: accounts.add(db, email, name, password_hash, _now_ms()))
    if user is None:
        give_up(f"error: there is a user {email} already. `netra users list` shows all.")
    print(f"{user.user_id}\t{user.email}" if not sys.stdout.isatty() else f"Added {user.email}, id {user.user_id}.")


@app.command("list")
def list_users() -> None:
    """List all users."""
    settings = settings_or_exit()

    from netra.authd import accounts

    found = in_database(settings, accounts.listed)
    rows = [
        (
            each.user.email,
            each.user.name or "",
            "disabled" if each.disabled else "active",
            day_of(each.created_at_ms),
            each.user.user_id,
        )
        for each in found
    ]
    show_table("Users", ("e-mail", "name", "state", "since", "id"), rows)


@app.command()
def disable(email: Email) -> None:
    """Keep a user out from now on, and end all sessions."""
    settings = settings_or_exit()

    from netra.authd import accounts

    if not in_database(settings, lambda db: accounts.disable(db, email, _now_ms())):
        _unknown(email)
    print(f"{email} is disabled; all sessions have ended.")


@app.command()
def enable(email: Email) -> None:
    """Let a disabled user in again."""
    settings = settings_or_exit()

    from netra.authd import accounts

    if not in_database(settings, lambda db: accounts.enable(db, email)):
        _unknown(email)
    print(f"{email} is enabled.")


def _unknown(email: str) -> None:
    give_up(f"error: there is no user {email}. `netra users list` shows all.")


def _password(*, from_stdin: bool) -> "Secret":
    from netra.core.secret import Secret

    if from_stdin:
        line = sys.stdin.buffer.readline(_MAX_LINE_BYTES)
        try:
            return Secret(line.decode("utf-8").rstrip("\r\n"))
        except UnicodeDecodeError:
            give_up("error: the password on standard input is not UTF-8.")
    if not sys.stdin.isatty():
        raise typer.BadParameter("There is no terminal to ask for the password: add --password-stdin.")
    return Secret(str(typer.prompt("Password", hide_input=True, confirmation_prompt=True)))


def _now_ms() -> int:
    return int(time.time() * 1_000)
