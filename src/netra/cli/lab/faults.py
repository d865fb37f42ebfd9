"""`netra lab faults`: every named fault with one line, and what a gateway must answer to it.

It must never list a fault that cannot be played.
"""

import sys
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netra.lab.chaos_proxy import ProxyFault
    from netra.lab.faults import Fault

WRONG_USAGE: Final = 2
_STAGES: Final = {
    "user": "Refusals: healthy answers about a user or a token",
    "status": "Statuses",
    "head": "Waiting for the answer's head",
    "body": "Waiting for the answer's body",
    "framing": "Framing, and what is not HTTP",
    "content": "Content",
    "shape": "Sessions of the wrong shape",
    "between": "Somebody in between answers",
    "connect": "Connecting",
    "tls": "TLS (only with --tls)",
    "before": "Connections that lead nowhere",
}


class Format(StrEnum):
    """How the list is written."""

    TEXT = "text"
    JSON = "json"


def needs_extra() -> None:
    """End with what to install when the lab's extra is not there: nothing that serves users brings it along."""
    from importlib.util import find_spec

    if find_spec("trustme") is None:
        print("error: the lab is an extra: pip install 'netra-gateway[lab]'", file=sys.stderr)
        raise typer.Exit(WRONG_USAGE)


def faults(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Only this one: a fault, or a code that a gateway answers.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="text for people, json for programs.")] = Format.TEXT,
) -> None:
    """List all faults, one line each.

    Next: netra lab auth-service --fault NAME, or netra lab proxy --to HOST:PORT --fault NAME.
    Exit code 0: listed; 2: there is no such fault.
    """
    from netra.lab.chaos_proxy import PROXY_FAULTS
    from netra.lab.faults import FAULTS

    services: Sequence[Fault] = FAULTS
    proxies: Sequence[ProxyFault] = PROXY_FAULTS
    if name is not None:
        proxies = [each for each in PROXY_FAULTS if each.name == name.removeprefix("proxy:").partition("=")[0]]
        services = [] if proxies else [found_or_exit(name)]
    if form is Format.JSON:
        _print_json(services, proxies)
    elif sys.stdout.isatty():
        _draw(services, proxies)
    else:
        for fault in services:
            print(fault.name, f"{fault.promised} ({fault.call})", fault.what, sep="\t")
        for each in proxies:
            print(f"proxy:{_word(each)}", "", each.what, sep="\t")


def found_or_exit(name: str) -> "Fault":
    """The fault of the auth service that is meant; the end with the near names when there is none."""
    from netra.lab.chaos_proxy import PROXY_FAULTS
    from netra.lab.faults import UnknownFault, find

    try:
        return find(name)
    except UnknownFault as unknown:
        shown = name if name.isprintable() and len(name) < 100 else ascii(name)[:100]
        of_proxy = shown.partition("=")[0] in {each.name for each in PROXY_FAULTS}
        why = "it is a fault of netra lab proxy" if of_proxy else str(unknown)
        print(f"error: {shown}: {why}", file=sys.stderr)
        raise typer.Exit(WRONG_USAGE) from None


def _print_json(services: "Sequence[Fault]", proxies: "Sequence[ProxyFault]") -> None:
    import json

    from netra.lab.control.rows import row

    document = {
        "auth_service": [row(fault) for fault in services],
        "proxy": [
            {"name": each.name, "what": each.what, "value": each.unit or None, "default": each.default or None}
            for each in proxies
        ],
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _draw(services: "Sequence[Fault]", proxies: "Sequence[ProxyFault]") -> None:
    """Tables for a terminal, one for each place where things go wrong."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table(Column("name", no_wrap=True), "what happens", "a gateway answers", box=SIMPLE)
    for stage, group in groupby(services, lambda fault: fault.stage):
        table.add_section()
        table.add_row("", Text(_STAGES[stage], "bold"))
        for fault in group:
            call = "" if fault.call == "login" else f" ({fault.call})"
            style = "green" if fault.status < 300 else "yellow" if fault.status < 500 else "red"
            table.add_row(Text(fault.name, "cyan"), fault.what, Text(f"{fault.promised}{call}", style))
    if services:
        console.print(table)
    if proxies:
        table = Table("proxy", "what happens", box=SIMPLE)
        for each in proxies:
            table.add_row(Text(_word(each), "cyan"), each.what)
        console.print(table)
    console.print(
        Text("Next: netra lab auth-service --fault NAME, or netra lab proxy --to HOST:PORT --fault NAME", "dim")
    )


def _word(fault: "ProxyFault") -> str:
    return f"{fault.name}={fault.default}" if fault.unit else fault.name
