"""What the demo says when it is up: where it listens, who may log in, and lines to copy.

It must never show the service secret: only the demo user's password is there to be seen.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final, NamedTuple

from netra.demo.auth_service import Credentials

if TYPE_CHECKING:
    from netra.settings.variables import Settings

INVITATION: Final = "Copy these into another terminal:"
_WRONG: Final = "not-the-password"


class Addresses(NamedTuple):
    """Where everything answers."""

    public: str
    admin: str
    auth_service: str


class Shown(NamedTuple):
    """What the screen is made of."""

    addresses: Addresses
    known: Credentials
    settings: "Settings"
    gateway_log: Path | None
    """Where the gateway's log lines go; None when they follow on the screen."""
    auth_service_log: Path
    secret_file: Path
    """What the gateway shows the auth service, for whoever asks in its place."""

    @property
    def login_url(self) -> str:
        """Where a client logs in."""
        return f"{self.addresses.public}{self.settings.prefix}/login"


class Trial(NamedTuple):
    """Something to try."""

    title: str
    expect: str
    lines: tuple[str, ...]
    """A command, to be copied whole."""


def trials(shown: Shown) -> Iterator[Trial]:
    """What to try, in the order in which it tells a story."""
    fault = f"curl -X POST {shown.addresses.admin}/demo/fault"
    budget = f"{shown.settings.login_budget_s:g} s"
    yield Trial("Log in with the right password", "200 and tokens", _login(shown, shown.known.password.reveal()))
    yield Trial("With a wrong one", "401 invalid_credentials", _login(shown, _WRONG))
    yield Trial("See the way of a login checked", "the last line says it; once more when it is broken", _doctor(shown))
    yield Trial("Break the auth service", "then log in again: 503 and why", (f"{fault}/stopped",))
    yield Trial("Or freeze it", f"then log in again: 504 after {budget}", (f"{fault}/frozen",))
    yield Trial("Mend it", "then log in again: 200", (f"{fault}/none",))
    yield Trial("What else can break", "a list", (f"curl {shown.addresses.admin}/demo/fault",))


def _login(shown: Shown, password: str) -> tuple[str, ...]:
    body = json.dumps({"email": shown.known.email, "password": password})
    return (f"curl -iw '\\n' {shown.login_url} \\", "  -H 'Content-Type: application/json' \\", f"  -d '{body}'")


def _doctor(shown: Shown) -> tuple[str, ...]:
    """The diagnosis with the gateway's settings; found by its Python, whatever `netra` is in that other terminal."""
    told = {
        "ENVIRONMENT": shown.settings.environment,
        "AUTH_SERVICE_URL": shown.addresses.auth_service,
        "SERVICE_ID": shown.known.service_id,
        "SERVICE_SECRET_FILE": str(shown.secret_file),
    }
    variables = " ".join(f"{name}={quote(value)}" for name, value in told.items())
    return (f"{variables} \\", f"  {quote(sys.executable)} -m netra doctor")


def show(shown: Shown, *, as_json: bool = False) -> None:
    """Print the screen: drawn on a terminal, plain text elsewhere, or one line of JSON."""
    if as_json:
        print(json.dumps(document(shown)), flush=True)
    elif sys.stdout.isatty():
        _draw(shown)
    else:
        print(plain(shown), flush=True)


def document(shown: Shown) -> dict[str, object]:
    """The same for programs."""
    log = shown.gateway_log
    return {
        "event": "Demo is up",
        "public": shown.addresses.public,
        "admin": shown.addresses.admin,
        "auth_service": shown.addresses.auth_service,
        "login": shown.login_url,
        "fault": f"{shown.addresses.admin}/demo/fault",
        "email": shown.known.email,
        "password": shown.known.password.reveal(),
        "environment": shown.settings.environment,
        "disclose": shown.settings.disclose,
        "gateway_log": None if log is None else str(log),
        "auth_service_log": str(shown.auth_service_log),
    }


def facts(shown: Shown) -> tuple[tuple[str, str, str], ...]:
    """(what, value, a word about it) for the head of the screen."""
    told = {"operator": "errors name cause and cure, as in staging", "public": "errors as production answers them"}
    return (
        ("gateway", shown.addresses.public, told[shown.settings.disclose]),
        ("admin", shown.addresses.admin, "the console, in a browser: break it, log in, see why"),
        ("auth service", shown.addresses.auth_service, f"its log: {shown.auth_service_log}"),
        ("e-mail", shown.known.email, ""),
        ("password", shown.known.password.reveal(), ""),
    )


def ending(shown: Shown) -> str:
    """What comes next, in a line."""
    where = "The gateway's log follows" if shown.gateway_log is None else f"The gateway's log: {shown.gateway_log}"
    return f"Ctrl-C stops everything and removes its files. {where}."


def plain(shown: Shown) -> str:
    """The screen as text, for pipes and files."""
    lines = ["Netra demo", ""]
    lines += [f"  {what:<13} {value:<24} {word}".rstrip() for what, value, word in facts(shown)]
    lines += ["", INVITATION]
    for trial in trials(shown):
        lines += ["", f"# {trial.title} -> {trial.expect}", *trial.lines]
    return "\n".join((*lines, "", ending(shown), ""))


def _draw(shown: Shown) -> None:
    from rich.box import ROUNDED
    from rich.console import Console
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table.grid(padding=(0, 2))
    for what, value, word in facts(shown):
        table.add_row(Text(what, "dim"), Text(value, "bold cyan"), Text(word, "dim"))
    console.print(Panel(table, title="[bold]Netra demo[/]", title_align="left", box=ROUNDED, border_style="cyan"))
    console.print(Text(f"\n{INVITATION}", "bold"))
    for trial in trials(shown):
        console.print(Text.assemble("\n", (trial.title, "bold"), (f" → {trial.expect}", "dim")))
        for line in trial.lines:
            # Never wrapped: what is copied must be what is meant.
            console.print(Text(line, "green"), soft_wrap=True)
    console.print(Text(f"\n{ending(shown)}\n", "bold"), soft_wrap=True)


def gateway_log(folder: Path) -> Path:
    """Where the gateway's log lines go when nobody wants to see them."""
    return folder / "gateway.log"
