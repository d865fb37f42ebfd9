"""A diagnosis on a terminal: what was looked at so far, and what is being looked at; then the report in colours.

It must never draw where nobody looks: what is piped is plain text.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from netra.doctor.diagnosis import Check, Diagnosis, Hop, State
from netra.doctor.report.text import Line, check_line, title

Run = Callable[..., Awaitable[Diagnosis]]
"""A diagnosis that takes `progress` and `began`."""

_MARKS: Final = {State.PASS: "bold green", State.WARN: "bold yellow", State.FAIL: "bold red", State.SKIP: "dim"}
_STYLES: Final = {
    "error": "bold red", "warning": "bold yellow", "note": "bold cyan", "good": "bold green",
    "title": "bold", "subject": "bold", "set": "cyan", State.FAIL: "red", State.SKIP: "dim",
}  # fmt: skip
_MARK_AT: Final = slice(2, 3)
_REST_LINES: Final = 3
_NARROW_RATIO: Final = 2
"""How many times its indent a screen has to be wide."""
_REFRESHES_PER_S: Final = 10


class Progress:
    """What stands on the screen while a diagnosis is under way."""

    def __init__(self, height_lines: int, *, drawn: bool) -> None:
        self._most_lines = max(1, height_lines - _REST_LINES)
        self._drawn = drawn
        self._lines: list[Line] = []
        self._hop: Hop | None = None

    def ended(self, check: Check) -> None:
        """A check has ended."""
        self._lines.append(check_line(check, drawn=self._drawn, timed=True))

    def began(self, hop: Hop) -> None:
        """A hop is being looked at."""
        self._hop = hop

    def __rich__(self) -> Group:
        what = f" looking at {title(self._hop)}" if self._hop else " reading the configuration"
        spinner = Spinner("dots" if self._drawn else "line", what, style="cyan")
        return Group(*(hanging(each) for each in self._lines[-self._most_lines :]), spinner)


async def watched(run: Run, *, drawn: bool) -> Diagnosis:
    """A diagnosis whose progress is drawn, and wiped away at its end: the report tells the whole."""
    console = Console(highlight=False)
    progress = Progress(console.height, drawn=drawn)
    with Live(progress, console=console, refresh_per_second=_REFRESHES_PER_S, transient=True):
        return await run(progress.ended, began=progress.began)


def show(lines: Iterable[Line]) -> None:
    """Print lines in colours."""
    console = Console(highlight=False)
    for line in lines:
        console.print(hanging(line))


class _Hanging:
    """A text whose further lines are indented, as long as the screen is wide enough to leave them room."""

    def __init__(self, text: Text, indent: int) -> None:
        self._text = text
        self._indent = indent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width < self._indent * _NARROW_RATIO:
            yield self._text
            return
        grid = Table.grid()
        grid.add_column(width=self._indent, no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(self._text[: self._indent], self._text[self._indent :])
        yield grid


def hanging(line: Line) -> "Text | _Hanging":
    """A line whose rest, where it has to be broken, stands below its words and not below its mark."""
    text = _text(line)
    if not line.indent:
        return text
    return _Hanging(text, line.indent)


def _text(line: Line) -> Text:
    text = Text(line.text, style=_STYLES.get(line.style, ""))
    if line.style in _MARKS:
        text.stylize(_MARKS[State(line.style)], _MARK_AT.start, _MARK_AT.stop)
    return text
