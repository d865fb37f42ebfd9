"""`netra demo`: gateway, auth service and one user in one command, to try and to break.

It must never touch anything but its own temporary folder.
"""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from netra.demo.faults import Fault

_NEEDED = ("aiosqlite", "alembic", "argon2", "joserfc", "sqlalchemy")
"""What the auth service is made of: it runs in a program of its own, so its absence would show late and far away."""
_FAILED = 1
_UNAVAILABLE = 69
"""EX_UNAVAILABLE of sysexits.h: something that is needed is not installed."""
_INTERRUPTED = 130
_USUAL_FAULT = "stopped"


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
    fault: Annotated[
        str | None,
        typer.Argument(help="With --watch: what is to break, by its name; stopped, unless another is named."),
    ] = None,
    port: Port = 8000,
    admin_port: AdminPort = 9901,
    authd_port: AuthdPort = 8081,
    disclose: Annotated[
        Disclose, typer.Option(help="operator: errors as in staging; public: as in production.")
    ] = Disclose.OPERATOR,
    login_budget: Annotated[
        float | None,
        typer.Option(
            min=0.2, max=60, metavar="SECONDS", help="How long a login may take: 5; with --tour or --watch 2."
        ),
    ] = None,
    tour: Annotated[
        bool, typer.Option("--tour", help="Break everything once, on free ports, and show who got told what.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Break it once before a real Prometheus, and print the alert as it comes.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Keep the gateway's log in a file, off the screen.")] = False,
    form: Annotated[Format, typer.Option("--format", help="text for people, json for programs.")] = Format.TEXT,
) -> None:
    """Run a gateway, an auth service and one user, on this machine only; Ctrl-C ends it and leaves nothing behind.

    Exit codes: 0 after a clean stop; 1 when a port is taken, when the tour saw an answer that was not as promised, or
    when the watch saw no alert, or none end; 69 when a program that the watch needs is not installed; 130 when the tour
    or the watch was broken off.
    """
    _require_extra()
    if tour and watch:
        raise typer.BadParameter("--tour and --watch are two ways to look: choose one.")

    from netra.demo.assembly import Wanted, run_demo
    from netra.demo.tour import run_tour
    from netra.demo.watch.watch import run_watch

    broken = _fault(fault, watch=watch)
    as_json, guided_budget_s = form is Format.JSON, login_budget or 2.0
    wanted = Wanted(port, admin_port, authd_port, disclose.value, login_budget or 5.0, as_json, quiet)
    if watch:
        code = _code(lambda: run_watch(broken, guided_budget_s, as_json=as_json), when_ended=_INTERRUPTED)
    elif tour:
        code = _code(lambda: run_tour(guided_budget_s, as_json=as_json), when_ended=_INTERRUPTED)
    else:
        code = _code(lambda: run_demo(wanted), when_ended=0)
    raise typer.Exit(code)


def _code(whole: "Callable[[], Coroutine[Any, Any, int]]", when_ended: int) -> int:
    """The exit code of a demo from its start to its end; what stands in its way is printed."""
    from netra.asgi.server import CannotListen, run
    from netra.demo.assembly import Ended
    from netra.demo.auth_service import DemoFailed
    from netra.demo.watch.programs import NotInstalled

    try:
        return run(whole)
    except (CannotListen, DemoFailed) as failed:
        print(failed, file=sys.stderr)
        return _FAILED
    except NotInstalled as missing:
        print(missing, file=sys.stderr)
        return _UNAVAILABLE
    except Ended:
        return when_ended


def _fault(name: str | None, *, watch: bool) -> "Fault":
    """What the watch is to break. Raises: typer.BadParameter."""
    from netra.demo.faults import BY_NAME, near

    if name is None:
        return BY_NAME[_USUAL_FAULT]
    if not watch:
        raise typer.BadParameter(f"{name!r} says what is to break before Prometheus's eyes: add --watch.")
    broken = {each.name: each for each in BY_NAME.values() if each.means != "nothing"}
    if name not in broken:
        meant = [each for each in near(name) if each in broken]
        hint = f"Did you mean {' or '.join(meant)}?" if meant else f"There are: {', '.join(broken)}."
        raise typer.BadParameter(f"There is no fault {name!r}. {hint}")
    return broken[name]


def _require_extra() -> None:
    from importlib.util import find_spec

    for module in _NEEDED:
        if find_spec(module) is None:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)
