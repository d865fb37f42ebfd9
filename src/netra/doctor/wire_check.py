"""The check of a wire file before it is used: everything that is wrong with it, and what it makes of saved replies.

It must never show the body of a saved reply: it may hold tokens.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from netra.doctor.report.text import Line
from netra.doctor.wire_view import WireView, found, view
from netra.wires.build import build
from netra.wires.load import presets, source_of
from netra.wires.problem import Problem, WireProblem
from netra.wires.replay import Replayed, SavedReply, replay, saved_replies

FORMAT_VERSION: Final = 1
_HEAD: Final = ("name", "call", "status", "read as", "expected")


class Checked(NamedTuple):
    """What the check of a wire file found."""

    file: str
    problems: tuple[tuple[str, Problem], ...]
    """Each with the file that it stands in."""
    wire: WireView | None
    """None when it cannot be used."""
    replies_file: str | None
    """None when there are no saved replies."""
    replayed: tuple[Replayed, ...] = ()

    @property
    def misread(self) -> int:
        """How many saved replies are read otherwise than expected."""
        return sum(not each.fits for each in self.replayed)

    @property
    def ok(self) -> bool:
        """Can it be used, and does it read what was saved?"""
        return not self.problems and not self.misread


def beside(file: str) -> Path:
    """Where the saved replies of a wire file are, if there are any: `acme.replies.toml` beside `acme.toml`."""
    return Path(file).with_name(f"{Path(file).stem}.replies.toml")


def check(file: str, replies: str | None = None) -> Checked:
    """Checks a preset or a file; replays the replies of a file, by default of the one beside it."""
    problems: list[tuple[str, Problem]] = []
    wire, seen = None, None
    try:
        source, document = found(file, file if file.isprintable() and file else ascii(file))
        wire, seen = build(document), view(source, document)
    except WireProblem as refused:
        problems += ((refused.source, each) for each in refused.problems)
    if replies is None and file not in presets() and file and beside(file).is_file():
        replies = str(beside(file))
    if replies is None:
        return Checked(file, tuple(problems), seen, None)
    try:
        saved = _saved(replies)
    except WireProblem as refused:
        problems += ((refused.source, each) for each in refused.problems)
        saved = ()
    replayed = () if wire is None else tuple(replay(wire, saved))
    return Checked(file, tuple(problems), seen, replies, replayed)


def _saved(file: str) -> tuple[SavedReply, ...]:
    """The replies of a file. Raises: WireProblem."""
    if not Path(file).is_file():
        raise WireProblem("--replies", [Problem(0, "", "names no file that is there")])
    source = source_of(str(Path(file).absolute()), "--replies")
    return saved_replies(source.text, file)


def as_json(report: Checked) -> str:
    """The report for programs, in ASCII."""
    wire = report.wire
    document = {
        "version": FORMAT_VERSION,
        "ok": report.ok,
        "file": report.file,
        "problems": [{"file": file, **each._asdict()} for file, each in report.problems],
        "offered": None if wire is None else wire.offered,
        "not_offered": None if wire is None else wire.not_offered,
        "rows_count": None if wire is None else len(wire.rows),
        "replies_file": report.replies_file,
        "replies": [
            dict(zip(("name", "call", "status", "read_as", "expected"), _cells(each), strict=True), fits=each.fits)
            for each in report.replayed
        ],
    }
    return json.dumps(document, indent=2)


def as_lines(report: Checked) -> Iterator[Line]:
    """The report for people: every problem, or a summary; then what was made of the saved replies."""
    for file, problem in report.problems:
        yield Line(WireProblem(file, [problem]).lines()[0], "error")
    if report.wire is not None:
        yield from _summary(report.wire)
    if report.replayed:
        yield Line("")
        yield from _table(report.replayed)
    yield Line("")
    yield _verdict(report)


def _summary(wire: WireView) -> Iterator[Line]:
    yield Line(f"{wire.source}: the wire {wire.name}, {len(wire.rows)} rows", "title")
    yield Line(f"  offered      {', '.join(wire.offered)}")
    yield Line(f"  not offered  {', '.join(wire.not_offered) or '-'}")
    yield Line(f"  credentials  {'; '.join(wire.credentials) or 'none are sent'}")


def _table(replayed: tuple[Replayed, ...]) -> Iterator[Line]:
    rows = [_HEAD, *(tuple(map(str, _cells(each))) for each in replayed)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    styles = ["title", *("good" if each.fits else "error" for each in replayed)]
    marks = ["  ", *("  " if each.fits else "! " for each in replayed)]
    for row, style, mark in zip(rows, styles, marks, strict=True):
        cells = "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        yield Line(f"{mark}{cells}".rstrip(), style)


def _cells(each: Replayed) -> tuple[str, str, int, str, str]:
    return each.saved.name, each.saved.call, each.saved.reply.status, each.read_as, each.saved.expect


def _verdict(report: Checked) -> Line:
    if report.problems:
        return Line(f"{len(report.problems)} problem(s): correct what is named, and check again.", "error")
    if report.misread:
        what = f"{report.misread} of {len(report.replayed)} saved replies are read otherwise than expected (!)"
        return Line(f"{what}: correct a row, or what is expected.", "error")
    if report.replies_file is None:
        return Line("Nothing is wrong with it. There are no saved replies to replay.", "good")
    return Line(f"Nothing is wrong with it, and {len(report.replayed)} saved replies are read as expected.", "good")
