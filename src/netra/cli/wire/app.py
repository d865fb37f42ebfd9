"""`netra wire`: shows, checks and learns how an auth service is spoken to.

It must never take a password from the command line, nor print one, a token or an identifier.
"""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from netra.cli.authd import FAILED, give_up, show_table
from netra.cli.wire.learn import learn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netra.doctor.report.text import Line
    from netra.doctor.wire_view import WireView
    from netra.wires.problem import WireProblem

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="How an auth service is spoken to: a preset (netra wire list), or a TOML file of your own. "
    "NETRA_WIRE says which is in use.",
)

_STYLES: Final = {"error": "bold red", "good": "bold green", "title": "bold"}


class Format(StrEnum):
    """How the report is written."""

    TEXT = "text"
    JSON = "json"


@app.command("list")
def list_presets() -> None:
    """List the presets. Next: netra wire show NAME."""
    from netra.doctor.wire_view import summaries

    show_table("Presets", ("name", "for", "tried with"), summaries())


@app.command()
def show(
    wire: Annotated[
        str | None, typer.Argument(metavar="[NAME|PATH]", help="A preset or a file; by default what NETRA_WIRE says.")
    ] = None,
    toml: Annotated[
        bool, typer.Option("--toml", help="The TOML itself, to copy and change; always so in a pipe.")
    ] = False,
) -> None:
    """Show a wire: what is offered, what is sent, what each answer means."""
    from netra.doctor.wire_view import found, view
    from netra.wires.problem import WireProblem

    value, setting = (wire, wire if wire.isprintable() and wire else ascii(wire)) if wire is not None else _in_use()
    try:
        source, document = found(value, setting)
    except WireProblem as problem:
        _refuse(problem)
    if toml or not sys.stdout.isatty():
        typer.echo(source.text.encode(), nl=False)
    else:
        _draw(view(source, document), "" if wire is not None else " (in use)")


@app.command()
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A wire file, or a preset's name.")],
    replies: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Saved replies to replay; by default NAME.replies.toml beside NAME.toml."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="text for people, json for programs.")] = Format.TEXT,
) -> None:
    """Check a wire file, and replay saved replies.

    Exit code 0: it can be used; 1: something is wrong, or a reply is misread; 2: wrong usage.
    """
    from netra.doctor import wire_check

    report = wire_check.check(file, replies)
    if form is Format.JSON:
        typer.echo(wire_check.as_json(report))
    else:
        _print(wire_check.as_lines(report))
    raise typer.Exit(0 if report.ok else 1)


app.command()(learn)


def _in_use() -> tuple[str, str]:
    """The wire that the environment asks for, and the setting that says so."""
    import os

    from netra.core.findings import Severity
    from netra.settings.read import read

    loaded, setting = read(os.environ), "NETRA_WIRE"
    for finding in loaded.findings:
        if finding.subject == setting and finding.severity is Severity.ERROR:
            give_up(finding.line())
    return next(str(each.value) for each in loaded.effective if each.variable == setting), setting


def _refuse(problem: "WireProblem") -> NoReturn:
    """End with everything that is wrong with a wire, one line each."""
    for line in problem.lines():
        print(line, file=sys.stderr)
    raise typer.Exit(FAILED)


def _print(lines: "Iterable[Line]") -> None:
    """In colours on a terminal; plain when piped, one line each however long."""
    if not sys.stdout.isatty():
        encoding = sys.stdout.encoding or "ascii"
        for line in lines:
            typer.echo(line.text.encode(encoding, "replace").decode(encoding))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for line in lines:
        console.print(Text(line.text, style=_STYLES.get(line.style, "")))


def _draw(seen: "WireView", note: str) -> None:
    """The wire as two tables, for a terminal."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text.assemble((seen.name, "bold cyan"), f"  {seen.source}{note}", ("  tried: ", "dim"), seen.tried))
    for what, told in (("our credentials", seen.credentials), ("clients may also send", seen.extra)):
        console.print(Text.assemble((f"{what}: ", "dim"), "; ".join(told) or "none"))
    if seen.advice:
        console.print(Text(seen.advice, "yellow"))
    calls = Table("call", "request", "body", "goes along", box=SIMPLE)
    for call in seen.calls:
        calls.add_row(*map(Text, call[:4]), style="" if call.body or call.also else "dim")
    rows = Table("call", "row", "when the answer is", "it means", box=SIMPLE)
    for row in seen.rows:
        then = Text(row.then, "green" if row.then.startswith("accepted") else "")
        rows.add_row(row.call if row.number == 1 else "", str(row.number), Text(row.when), then)
    console.print(calls)
    console.print(rows)
    console.print(Text("To change it: netra wire show NAME --toml > acme.toml, then netra wire check acme.toml", "dim"))
