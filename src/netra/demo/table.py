"""What the tour shows: progress while it runs, and at the end who was told what.

It must never add a word to what was answered or logged, but for the headings.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from rich.status import Status

    from netra.demo.tour import Row, Told

_WIDEST: Final = 130


class Guide:
    """Says nothing on the way, and everything at the end as text. Its heirs draw, or write JSON."""

    def __init__(self, login_budget_s: float) -> None:
        self._login_budget_s = login_budget_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rest()

    def doing(self, what: str) -> None:
        """Something begins."""

    def did(self, row: "Row") -> None:
        """A step is done."""
        for line in _told(row):
            print(line, flush=True)
        print(flush=True)

    def rest(self) -> None:
        """Nothing is going on any more, also when the tour broke off."""

    def finish(self, rows: "Sequence[Row]", elapsed_s: float) -> None:
        """The tour is over."""
        print("\n".join(self.notes(rows, elapsed_s)), flush=True)

    def notes(self, rows: "Sequence[Row]", elapsed_s: float) -> list[str]:
        """What has to be known to read the table."""
        broken = [f"{row.step.title}: {what}" for row in rows for what in row.broken_promises]
        verdict = ["Every answer was as promised."] if not broken else ["Not as promised:", *broken]
        return [
            "User: a gateway with production's settings, public answers and one try.",
            "Operator: one with staging's settings, answers that name the cause and three tries.",
            f"For this tour a login may take {self._login_budget_s:g} s (NETRA_LOGIN_BUDGET_S, usually 5).",
            f"It took {elapsed_s:.1f} s in all; nothing is left of it.",
            *verdict,
        ]


class JsonGuide(Guide):
    """One JSON document at the end."""

    def did(self, row: "Row") -> None:
        """A step is done."""

    def finish(self, rows: "Sequence[Row]", elapsed_s: float) -> None:
        """The tour is over."""
        document = {
            "as_promised": not any(row.broken_promises for row in rows),
            "login_budget_s": self._login_budget_s,
            "elapsed_s": round(elapsed_s, 1),
            "rows": [_document(row) for row in rows],
        }
        print(json.dumps(document, indent=2), flush=True)


class TerminalGuide(Guide):
    """A spinner and a line for each step; at the end a table."""

    def __init__(self, login_budget_s: float) -> None:
        from rich.console import Console

        super().__init__(login_budget_s)
        self._console = Console(highlight=False)
        self._status: Status = self._console.status("")

    def doing(self, what: str) -> None:
        """Something begins."""
        self._status.update(f"{what} …")
        self._status.start()

    def did(self, row: "Row") -> None:
        """A step is done."""
        mark = "[red]✗[/]" if row.broken_promises else "[green]✓[/]"
        code = row.operator.members.get("code", "")
        self._console.print(f"{mark} {row.step.title}  [dim]{row.user.status} {code}[/]")

    def rest(self) -> None:
        """Nothing is going on any more, also when the tour broke off."""
        self._status.stop()

    def finish(self, rows: "Sequence[Row]", elapsed_s: float) -> None:
        """The tour is over."""
        from rich.box import ROUNDED
        from rich.table import Table
        from rich.text import Text

        shown = Table(box=ROUNDED, show_lines=True, border_style="dim", expand=True)
        shown.add_column("What happened", style="bold", ratio=4)
        shown.add_column("What the user got", ratio=8, overflow="fold")
        shown.add_column("What the operator got", ratio=12, overflow="fold")
        shown.add_column("Took: user,\noperator", justify="right", no_wrap=True)
        for row in rows:
            shown.add_row(
                Text(row.step.title),
                _stacked(_of_user(row.user), row.user.status),
                _stacked(_of_operator(row.operator), row.operator.status),
                Text(f"{_ms(row.user)}\n{_ms(row.operator)}"),
            )
        self._console.print()
        self._console.print(shown, width=min(self._console.width, _WIDEST))
        for note in self.notes(rows, elapsed_s):
            self._console.print(Text(note))


def guide(login_budget_s: float, *, as_json: bool) -> Guide:
    """The guide for whoever looks on: a terminal, a pipe, or a program."""
    if as_json:
        return JsonGuide(login_budget_s)
    return TerminalGuide(login_budget_s) if sys.stdout.isatty() else Guide(login_budget_s)


def _of_user(told: "Told") -> Iterator[tuple[str, str]]:
    """(style, text) of what stands in a user's answer."""
    members = told.members
    yield "status", f"{told.status} {members.get('code', '')}".rstrip()
    if told.status == 200:
        yield "", f"tokens, and user {(members.get('user') or {}).get('email')}"
        return
    yield "", str(members.get("detail", ""))
    if told.retry_after is not None:
        yield "dim", f"Retry-After: {told.retry_after}"


def _of_operator(told: "Told") -> Iterator[tuple[str, str]]:
    """(style, text) of what stands in an operator's answer, and in the log."""
    members = told.members
    yield "status", f"{told.status} {members.get('code', '')}".rstrip()
    if "original_error" in members:
        yield "", f"{members['original_error']}: {members.get('detail', '')}"
    suggestions = members.get("suggestions") or ()
    if suggestions:
        yield "cure", f"→ {suggestions[0]}"
    yield "dim", f"log: {told.line.get('event', 'nothing')}"


def _stacked(lines: Iterator[tuple[str, str]], status: int) -> Any:
    from rich.text import Text

    colour = "green" if status < 400 else "yellow" if status < 500 else "red"
    styles = {"status": f"bold {colour}", "dim": "dim", "cure": "cyan"}
    return Text("\n").join(Text(text, styles.get(style, "")) for style, text in lines)


def _told(row: "Row") -> Iterator[str]:
    """One step as plain lines."""
    yield row.step.title
    for who, told, lines in (
        ("user", row.user, _of_user(row.user)),
        ("operator", row.operator, _of_operator(row.operator)),
    ):
        for number, (_, text) in enumerate(lines):
            yield f"  {who if number == 0 else '':<9} {text}"
        yield f"  {'':<9} took {_ms(told)}"
    yield from (f"  NOT AS PROMISED: {what}" for what in row.broken_promises)


def _document(row: "Row") -> dict[str, Any]:
    user, operator = row.user.members, row.operator.members
    return {
        "happened": row.step.title,
        "fault": row.step.fault.name,
        "user": {
            "status": row.user.status,
            "code": user.get("code"),
            "detail": user.get("detail"),
            "retry_after": row.user.retry_after,
            "elapsed_ms": round(row.user.elapsed_s * 1e3, 1),
            "deliveries": row.user.deliveries,
        },
        "operator": {
            "status": row.operator.status,
            "code": operator.get("code"),
            "original_error": operator.get("original_error"),
            "detail": operator.get("detail"),
            "suggestions": operator.get("suggestions", []),
            "attempts": (operator.get("debug_info") or {}).get("attempts", []),
            "log": row.operator.line,
            "elapsed_ms": round(row.operator.elapsed_s * 1e3, 1),
            "deliveries": row.operator.deliveries,
        },
        "broken_promises": list(row.broken_promises),
    }


def _ms(told: "Told") -> str:
    return f"{told.elapsed_s * 1e3:.0f} ms"
