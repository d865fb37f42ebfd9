"""`netra demo`: gateway, auth service and one user in one command, to try and to break.

It must never touch anything but its own temporary folder.
"""

import sys
from enum import StrEnum
from typing import Annotated

import typer

_NEEDED = ("aiosqlite", "alembic", "argon2", "joserfc", "sqlalchemy")
"""What the auth service is made of: it runs in a program of its own, so its absence would show late and far away."""
_FAILED = 1
_INTERRUPTED = 130


class Format(StrEnum):
    """How the demo speaks."""

    TEXT = "text"
    JSON = "json"


class Disclose(StrEnum):
    """How much the gateway's errors say."""

    OPERATOR = "operator"
    PUBLIC = "public"


Port = Annotated[int, typer.Option(min=0, max=65535, envvar="NETRA_PORT", help="Port of the gateway; 0 takes any.")]
AdminPort = Annotated[
    int, typer.Option(min=0, max=65535, envvar="NETRA_ADMIN_PORT", help="Port of the admin listener; 0 takes any.")
]
AuthdPort = Annotated[
    int, typer.Option(min=0, max=65535, envvar="NETRA_AUTHD_PORT", help="Port of the auth service; 0 takes any.")
]


def demo(
    port: Port = 8000,
    admin_port: AdminPort = 9901,
    authd_port: AuthdPort = 8081,
    disclose: Annotated[
        Disclose, typer.Option(help="operator: errors as in staging; public: as in production.")
    ] = Disclose.OPERATOR,
    login_budget: Annotated[
        float | None,
        typer.Option(min=0.2, max=60, metavar="SECONDS", help="How long a login may take: 5, in the tour 2."),
    ] = None,
    tour: Annotated[
        bool, typer.Option("--tour", help="Break everything once, on free ports, and show who got told what.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Keep the gateway's log in a file, off the screen.")] = False,
    form: Annotated[Format, typer.Option("--format", help="text for people, json for programs.")] = Format.TEXT,
) -> None:
    """Run a gateway, an auth service and one user, on this machine only; Ctrl-C ends it and leaves nothing behind.

    Exit codes: 0 after a clean stop; 1 when a port is taken, or when the tour saw an answer that was not as promised;
    130 when the tour was broken off.
    """
    _require_extra()

    from netra.asgi.server import CannotListen, run
    from netra.demo.assembly import Ended, Wanted, run_demo
    from netra.demo.auth_service import DemoFailed
    from netra.demo.tour import run_tour

    as_json = form is Format.JSON
    wanted = Wanted(port, admin_port, authd_port, disclose.value, login_budget or 5.0, as_json, quiet)
    try:
        code = run(lambda: run_tour(login_budget or 2.0, as_json=as_json) if tour else run_demo(wanted))
    except (CannotListen, DemoFailed) as failed:
        print(failed, file=sys.stderr)
        code = _FAILED
    except Ended:
        code = _INTERRUPTED if tour else 0
    raise typer.Exit(code)


def _require_extra() -> None:
    from importlib.util import find_spec

    for module in _NEEDED:
        if find_spec(module) is None:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)
