"""`netra health`: asks a running gateway how it is, in one line and an exit code that container probes understand.

It must never take long, nor load what only a gateway needs.
"""

import json
import sys
from typing import Annotated, Any, Final

import typer

UNWELL: Final = 1
WRONG_USAGE: Final = 2
_UNAUTHORISED: Final = frozenset({401, 429})
_WORST_FIRST: Final = ("fail", "warn")


def health(
    live: Annotated[bool, typer.Option("--live", help="/livez: does the process answer?")] = False,
    ready: Annotated[bool, typer.Option("--ready", help="/readyz: does it want requests?")] = False,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The listener; by default the admin one of this environment.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, max=60, help="Seconds for the answer.")] = 2.0,
) -> None:
    """Ask a running gateway how it is.

    Without --live or --ready: every dependency in one word, from /health; it needs NETRA_ADMIN_TOKEN, or its _FILE,
    where that is set. Exit code 0: well, or well enough to serve; 1: not well, or no answer; 2: wrong usage.
    """
    from netra.cli.admin_listener import AdminListener, BadAddress, NoAnswer, address, token

    if not timeout > 0:
        raise _ended("error: --timeout takes a number of seconds.", WRONG_USAGE)
    if live and ready:
        raise _ended("error: --live and --ready exclude each other; give one of them.", WRONG_USAGE)
    path = "/livez" if live else "/readyz" if ready else "/health"
    try:
        # The two short answers are open to everybody: no token is read for them, let alone sent.
        shown = None if live or ready else token()
        listener = AdminListener(address(url), shown)
        status, body = listener.get(path, timeout)
    except BadAddress as bad:
        raise _ended(f"error: {bad}", WRONG_USAGE) from None
    except NoAnswer as nobody:
        raise _ended(f"fail: {nobody}", UNWELL) from None
    if status in _UNAUTHORISED:
        lacking = (
            "wants NETRA_ADMIN_TOKEN; set it" if shown is None else "does not accept NETRA_ADMIN_TOKEN; correct it"
        )
        raise _ended(f"error: the admin listener {lacking}, or ask --live or --ready.", UNWELL)
    said = _word(body)
    well = status == 200 and said is not None
    print(said or f"fail: {status}, and no word of a gateway: does the address lead to one?")
    raise typer.Exit(0 if well else UNWELL)


def _word(body: bytes) -> str | None:
    """What the answer says, in one line; None when it is nobody's we know."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    status = document.get("status") if isinstance(document, dict) else None
    if not isinstance(status, str) or not status.isprintable():
        return None
    troubles = _troubles(document.get("checks"))
    return f"{status}: {', '.join(troubles)}" if troubles else status


def _troubles(checks: Any) -> list[str]:
    """The dependencies that are not well, the worst first, each with its code."""
    if not isinstance(checks, dict):
        return []
    listed = [(name, each) for name, several in checks.items() if isinstance(several, list) for each in several]
    found = [
        (_WORST_FIRST.index(each["status"]), _named(name, each))
        for name, each in listed
        if isinstance(each, dict) and each.get("status") in _WORST_FIRST
    ]
    return [line for _, line in sorted(found, key=lambda one: one[0])]


def _named(name: str, check: dict[str, Any]) -> str:
    part = f" of {check['componentId']}" if check.get("componentId") else ""
    return f"{name}{part} {check.get('code') or check.get('observedValue')}"


def _ended(line: str, code: int) -> typer.Exit:
    print(line, file=sys.stderr)
    return typer.Exit(code)
