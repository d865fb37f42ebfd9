"""`netra explain`: what a code means, whether users are affected, and what to check first.

It must never need a running gateway: whoever reads a log on another machine asks it, too.
"""

import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

if TYPE_CHECKING:
    from netra.pages.explained import Explained
    from netra.pages.page import Page

FAILED: Final = 1
WRONG_USAGE: Final = 2
_NEAR_COUNT: Final = 3
_NEAR_RATIO: Final = 0.55
_LONGEST_SHOWN_CHARS: Final = 80
_RULE: Final = "-" * 78


class Format(StrEnum):
    """How it is written."""

    TEXT = "text"
    JSON = "json"


class Line(NamedTuple):
    """A line of a page, with the meaning by which a terminal may colour it."""

    text: str
    style: str = ""
    indent: str = ""
    """Before every line of the text, when it is wrapped."""


def explain(
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="As in an error's body or a log line; none lists all codes.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="The pages of all codes.")] = False,
    form: Annotated[Format, typer.Option("--format", help="text for people, json for programs.")] = Format.TEXT,
    site: Annotated[
        str | None, typer.Option(metavar="DIR", help="Write all pages as HTML into a new or empty folder.")
    ] = None,
) -> None:
    """Say what a code means, whether users are affected, and what to check first.

    Exit code 0: it is explained; 1: the folder cannot be written; 2: there is no such code.
    """
    from netra.pages.book import read_book

    book = read_book()
    if (code is not None) + everything + (site is not None) > 1:
        raise _ended("error: CODE, --all and --site exclude each other; give one of them.", WRONG_USAGE)
    if site is not None:
        _write(site, book)
    elif code is None and not everything:
        _list(book, form)
    else:
        _tell(_all(book) if code is None else (_found(code, book),), form)


def _all(book: "Mapping[str, Page]") -> "tuple[Explained, ...]":
    from netra.pages.explained import chapters

    return tuple(each for _, chapter in chapters(book) for each in chapter)


def _found(code: str, book: "Mapping[str, Page]") -> "Explained":
    """The code that is meant; the end, with the near ones, when there is none."""
    from difflib import get_close_matches

    from netra.pages.explained import explained

    # What people paste: `code=…` of a log line, the address of a page, capitals, quotation marks.
    meant = code.strip().strip("'\"`").rstrip("/").rpartition("/")[2].rpartition("=")[2].strip("'\"").lower()
    found = explained(meant.replace("-", "_"), book)
    if found is not None:
        return found
    near = get_close_matches(meant, sorted(book), n=_NEAR_COUNT, cutoff=_NEAR_RATIO)
    shown = meant if meant.isprintable() and len(meant) <= _LONGEST_SHOWN_CHARS else ascii(meant)[:_LONGEST_SHOWN_CHARS]
    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    findings = "findings of `netra doctor` say their cure themselves"
    raise _ended(f"error: no code {shown!r}.{guess} `netra explain` lists all; {findings}.", WRONG_USAGE)


def _write(folder: str, book: "Mapping[str, Page]") -> None:
    from pathlib import Path

    from netra.pages.site import INDEX, CannotWrite, write_site

    if not folder.strip() or "\0" in folder:
        raise _ended("error: --site needs the name of a folder.", WRONG_USAGE)
    path = Path(folder)
    try:
        files_count = write_site(path, book)
    except CannotWrite as cannot:
        raise _ended(f"error: {cannot}", FAILED) from None
    print(f"{files_count} files written. Open {path / INDEX}, or serve the folder and set NETRA_PROBLEM_BASE to it.")


def _list(book: "Mapping[str, Page]", form: Format) -> None:
    if form is Format.JSON:
        _print_json(_all(book))
        return
    rows = [(each.code, str(each.cause.status), each.page.title) for each in _all(book)]
    from netra.cli.authd import show_table

    show_table("Codes", ("code", "status", "meaning"), rows)
    if sys.stdout.isatty():
        print("netra explain CODE tells more.")


def _tell(some: "tuple[Explained, ...]", form: Format) -> None:
    if form is Format.JSON:
        _print_json(some)
    elif sys.stdout.isatty():
        _draw(some)
    else:
        encoding = sys.stdout.encoding or "ascii"
        for line in _lines(some):
            typer.echo((line.indent + line.text).encode(encoding, "replace").decode(encoding))


def _print_json(some: "tuple[Explained, ...]") -> None:
    import json

    from netra.pages.explained import document

    print(json.dumps(document(some), indent=2, ensure_ascii=True))


def _lines(some: "tuple[Explained, ...]") -> Iterator[Line]:
    """Pages for people, one under the other."""
    for number, each in enumerate(some):
        if number:
            yield Line("")
            yield Line(_RULE, "dim")
            yield Line("")
        yield from _page_lines(each)


def _page_lines(told: "Explained") -> Iterator[Line]:
    from netra.pages.explained import MENDERS, TO_DO

    cause, page = told.cause, told.page
    yield Line(f"{page.title}", "title")
    public = "" if cause.public_code == cause.code else f"; the public reads {cause.public_code}"
    yield Line(f"{cause.code}  HTTP {cause.status}  {cause.verdict}{public}", "code")
    for title, text in (
        ("What it means", page.operator_sentence({})),
        ("Who is affected", told.affected),
        ("What users read", page.public),
        ("What they should do", TO_DO[cause.action]),
        ("Who can mend it", f"{MENDERS[cause.owner][0].upper()}{MENDERS[cause.owner][1:]}."),
        ("Sent again?", told.again),
    ):
        yield from _section(title)
        yield Line(text, indent="  ")
    yield from _section("Check first")
    for number, line in enumerate(page.check_first, 1):
        yield Line(f"{number}. {line}", indent="  ")
    for title, lines in (("What still works", page.still_works), *_shown_by(told)):
        yield from _section(title)
        yield from (Line(f"- {line}", indent="  ") for line in lines)
    yield from _section("Seen in real life")
    yield Line(page.seen, indent="  ")


def _shown_by(told: "Explained") -> Iterator[tuple[str, tuple[str, ...]]]:
    """What shows it, kind by kind."""
    for kind, lines in told.shown_by.items():
        if lines:
            yield f"What shows it: {kind}", lines


def _section(title: str) -> Iterator[Line]:
    yield Line("")
    yield Line(title, "heading")


def _draw(some: "tuple[Explained, ...]") -> None:
    """In colours, wrapped to the terminal."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    styles = {"title": "bold", "code": "cyan", "heading": "bold green", "dim": "dim"}
    console = Console(highlight=False, width=min(Console().width, 100))
    for line in _lines(some):
        text = Text(line.text, style=styles.get(line.style, ""))
        text.highlight_regex(r"`[^`]+`|\b[A-Z]+(?:_[A-Z0-9]+)+\b", "bold cyan")
        text.highlight_regex(r"\{[a-z_]+\}", "italic yellow")
        console.print(Padding(text, (0, 0, 0, len(line.indent))))


def _ended(line: str, code: int) -> typer.Exit:
    """The end of the command, its reason printed."""
    print(line, file=sys.stderr)
    return typer.Exit(code)
