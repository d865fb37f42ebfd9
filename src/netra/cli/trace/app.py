"""`netra trace`: tells what became of a request, by the id that an error's body names.

It must never print a password, a token, or an identifier: all it reads knows none.
"""

import re
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FAILED: Final = 1
WRONG_USAGE: Final = 2
STDIN: Final = "-"
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_OK: Final = 200
_NOT_FOUND: Final = 404
_STYLES: Final = {
    "good": "bold green", "warning": "bold yellow", "error": "bold red", "heading": "bold", "dim": "dim",
}  # fmt: skip
_NARROWEST: Final = 20
_LABELS: Final = r"^(cause|public reads|can mend it|limited by|field|raised|check first|still works) "


class Format(StrEnum):
    """How it is written."""

    TEXT = "text"
    JSON = "json"


def trace(
    request_id: Annotated[
        str, typer.Argument(metavar="REQUEST_ID", help="As in an error's body or X-Request-ID; or a trace id.")
    ],
    admin: Annotated[
        str | None, typer.Option(metavar="URL", help="The admin listener; by default the one of this environment.")
    ] = None,
    from_logs: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Read log lines instead, of any number of replicas; - is standard input."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="text for people, json for programs.")] = Format.TEXT,
    timeout: Annotated[float, typer.Option(min=0.1, max=60, help="Seconds for the answer.")] = 5.0,
) -> None:
    """Tell what became of a request: every try, the cause, who can mend it, and what to check first.

    A running gateway remembers the latest; it wants NETRA_ADMIN_TOKEN, or its _FILE, where that is set. Log lines
    remember more: docker logs gateway | netra trace REQUEST_ID --from-logs -
    Exit code 0: told; 1: nothing is known of it, or nobody answered; 2: wrong usage.
    """
    an_id = request_id.strip()
    if not _ID.fullmatch(an_id):
        raise _ended(
            "error: not a request id: letters, digits, dots, dashes and underscores, 128 at most.", WRONG_USAGE
        )
    if from_logs and admin is not None:
        raise _ended("error: --admin and --from-logs exclude each other; give one of them.", WRONG_USAGE)
    document = _of_logs(from_logs, an_id) if from_logs else _of_gateway(admin, an_id, timeout)
    if form is Format.JSON:
        import json

        print(json.dumps(document, indent=2))
    else:
        _print_text(document)


def _of_gateway(url: str | None, an_id: str, timeout_s: float) -> "Mapping[str, Any]":
    """What the admin listener remembers of a request."""
    import json

    from netra.cli.admin_listener import AdminListener, BadAddress, NoAnswer, address, token

    try:
        status, body = AdminListener(address(url), token()).get(f"/trace/{an_id}", timeout_s)
    except BadAddress as bad:
        raise _ended(f"error: {bad}", WRONG_USAGE) from None
    except NoAnswer as nobody:
        raise _ended(f"error: {nobody}. Is the gateway running, and is this its admin listener?", FAILED) from None
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise _ended(f"error: {status}, and no word of a gateway: does the address lead to its admin listener?", FAILED)
    if status == _OK and isinstance(said.get("stories"), list):
        return said
    if status == _NOT_FOUND:
        raise _ended(f"{an_id}: {_detail(said)}", FAILED)
    raise _ended(f"error: {status}: {_detail(said)}", FAILED)


def _detail(problem: "Mapping[str, Any]") -> str:
    from netra.pages.page import plain

    return plain(str(problem.get("detail") or problem.get("title") or "no reason given"))


def _of_logs(files: list[str], an_id: str) -> "Mapping[str, Any]":
    """What log lines say of a request."""
    from netra.cli.trace.logs import told_by
    from netra.observe.stories import Teller
    from netra.pages.book import read_book

    try:
        told = told_by(_opened(files), an_id, Teller(read_book(), {}))
    except OSError as error:
        raise _ended(f"error: the lines cannot be read ({_reason(error)}).", FAILED) from None
    if not told.stories and not told.others:
        unreadable = (
            " Some name it and are no JSON; NETRA_LOG_FORMAT=json writes JSON." if told.unreadable_count else ""
        )
        raise _ended(f"{an_id}: no line tells of it.{unreadable}", FAILED)
    return told.as_json(an_id)


def _opened(files: list[str]) -> "Iterator[BinaryIO]":
    """The files one after the other, each open while it is read."""
    from pathlib import Path

    for name in files:
        try:
            if name == STDIN:
                yield sys.stdin.buffer
            else:
                with Path(name).open("rb") as opened:
                    yield opened
        except (OSError, ValueError) as error:
            raise _ended(f"error: {name!a} cannot be read ({_reason(error)}).", FAILED) from None


def _reason(error: OSError | ValueError) -> str:
    import os

    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "not a usable name"


def _print_text(document: "Mapping[str, Any]") -> None:
    """In colours on a terminal; plain when piped, one line each however long."""
    from netra.cli.trace.telling import lines_of

    if not sys.stdout.isatty():
        encoding = sys.stdout.encoding or "ascii"
        for line in lines_of(document):
            typer.echo(line.text.encode(encoding, "replace").decode(encoding))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for line in lines_of(document):
        text = Text(line.text, style=_STYLES.get(line.style, ""))
        text.highlight_regex(_LABELS, "bold")
        text.highlight_regex(r"`[^`]+`|\b[A-Z]+(?:_[A-Z0-9]+)+\b", "cyan")
        label, rest = text[: line.hanging], text[line.hanging :]
        for piece in rest.wrap(console, max(_NARROWEST, console.width - line.hanging)) if rest else [Text()]:
            console.print(label + piece, soft_wrap=True)
            label = Text(" " * line.hanging)


def _ended(line: str, code: int) -> typer.Exit:
    """The end of the command, its reason printed."""
    print(line, file=sys.stderr)
    return typer.Exit(code)
