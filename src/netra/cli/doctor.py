"""`netra doctor`: tells why logins fail or would fail; in this version from the settings alone.

It must never print the value of a setting that may be a secret.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from netra.doctor.offline import Report


class Format(StrEnum):
    """How the report is written."""

    TEXT = "text"
    JSON = "json"


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Check the settings only; no connection is made.")] = False,
    form: Annotated[Format, typer.Option("--format", help="text for people, json for programs.")] = Format.TEXT,
) -> None:
    """Check the settings of this environment before a deploy.

    Exit code 0: they can be used; 1: there is an error; 2: wrong usage.
    """
    if not offline:
        typer.echo(
            "The live diagnosis is not part of this version. Run: netra doctor --offline\n"
            "It checks the settings of this environment without making a connection.",
            err=True,
        )
        raise typer.Exit(2)
    raise typer.Exit(_offline(form))


def _offline(form: Format) -> int:
    import os

    from netra.doctor.offline import as_json, examine

    report = examine(os.environ)
    if form is Format.JSON:
        typer.echo(as_json(report))
    else:
        _print_text(report)
    return 0 if report.ok else 1


def _print_text(report: "Report") -> None:
    """In colours on a terminal; plain when piped, one line each however long."""
    import sys

    from netra.doctor.offline import as_lines

    if not sys.stdout.isatty():
        encoding = sys.stdout.encoding or "ascii"
        for line in as_lines(report):
            typer.echo(line.text.encode(encoding, "replace").decode(encoding))
        return
    from rich.console import Console
    from rich.text import Text

    styles = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan", "good": "bold green"}
    styles |= {"title": "bold", "subject": "bold", "set": "cyan"}
    console = Console(highlight=False)
    for line in as_lines(report):
        console.print(Text(line.text, style=styles.get(line.style, "")))
