"""What the watch shows: each thing as it happens, drawn on a terminal, as a line of JSON anywhere else.

It must never add a word to an alert: what is shown is what came over the wire.
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from netra.demo.watch.configuration import LAPSE

if TYPE_CHECKING:
    from rich.status import Status

    from netra.demo.faults import Fault
    from netra.demo.watch.receiver import Notice

_COLOURS: Final = {"high": "red", "medium": "yellow", "low": "cyan"}
_WIDEST: Final = 110
_RUNBOOK: Final = ("summary", "users_see", "still_works", "gateways", "replicas", "first_action")
"""What an alert says, in the order in which it is read; anything else follows."""


class Teller:
    """Tells each thing as a line of JSON. Its heir draws."""

    def __init__(self) -> None:
        self._began_s = self._marked_s = time.monotonic()
        self._mark = "start"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rest()

    @property
    def elapsed_s(self) -> float:
        """Since the watch began."""
        return time.monotonic() - self._began_s

    def doing(self, what: str) -> None:
        """Something begins that takes its time."""
        self._line(what)

    def up(self, addresses: Mapping[str, str]) -> None:
        """Everything runs, and can be looked at."""
        self._line("Watch is up", **addresses, one_second_stands_for_s=LAPSE)

    def broke(self, fault: "Fault") -> None:
        """The auth service was broken."""
        self._marked("break")
        self._line("Auth service broken", fault=fault.name, what=fault.what, a_login_gets=fault.promised)

    def alert(self, notice: "Notice") -> None:
        """An alert has come, or the news that it is over."""
        self._line(
            "Alert fires" if notice.is_firing else "Alert is over",
            since=self._mark,
            since_s=round(self._since_s, 1),
            alert=notice.name,
            told_to=notice.receiver,
            **_labels(notice),
            **({"annotations": _runbook(notice)} if notice.is_firing else {}),
        )

    def held_back(self, names: Sequence[str]) -> None:
        """Alerts that fire and were not sent, because another one tells the cause."""
        self._line("Alerts held back", alerts=list(names))

    def mended(self) -> None:
        """The auth service was mended."""
        self._marked("mending")
        self._line("Auth service mended")

    def rest(self) -> None:
        """Nothing is going on any more, also when the watch broke off."""

    def finish(self, missing: Sequence[str], answers: Mapping[str, int]) -> None:
        """The watch is over; `missing` says what did not come, a sentence each."""
        self._line(
            "Watch is over", as_promised=not missing, missing=list(missing), answers=dict(sorted(answers.items()))
        )

    @property
    def _since_s(self) -> float:
        return time.monotonic() - self._marked_s

    def _marked(self, mark: str) -> None:
        self._mark, self._marked_s = mark, time.monotonic()

    def _line(self, event: str, **facts: Any) -> None:
        print(json.dumps({"event": event, "elapsed_s": round(self.elapsed_s, 1), **facts}), flush=True)


class TerminalTeller(Teller):
    """A line that moves for what is going on, and a small table for each alert."""

    def __init__(self) -> None:
        from rich.console import Console

        super().__init__()
        self._console = Console(highlight=False)
        self._status: Status = self._console.status("")

    def doing(self, what: str) -> None:
        """Something begins that takes its time."""
        self._status.update(f"{what} …")
        self._status.start()

    def up(self, addresses: Mapping[str, str]) -> None:
        """Everything runs, and can be looked at."""
        for name, address in addresses.items():
            self._said("dim", f"{name.replace('_', ' '):<13} {address}")
        self._said(
            "dim", f"A second here stands for {LAPSE}: rules and routes are those of deploy/, in a quicker time."
        )

    def broke(self, fault: "Fault") -> None:
        """The auth service was broken."""
        self._marked("break")
        self._said("bold red", f"✗ {fault.name}: {fault.what} A login gets {fault.promised}.")

    def alert(self, notice: "Notice") -> None:
        """An alert has come, or the news that it is over."""
        when = f"{self._since_s:.0f} s after the {self._mark}"
        if not notice.is_firing:
            self._said("bold green", f"✓ {notice.name} is over, {when}")
            return
        from rich.box import ROUNDED
        from rich.panel import Panel
        from rich.table import Table
        from rich.text import Text

        severity = notice.labels.get("severity", "")
        table = Table.grid(padding=(0, 2))
        rows = {**_labels(notice), "told_to": notice.receiver, **_runbook(notice)}
        rows.pop("severity", None)
        for name, text in rows.items():
            table.add_row(Text(name.replace("_", " "), "dim"), Text(text))
        title = Text(f"{severity}: {notice.name}, {when}", "bold")
        self._console.print(
            Panel(
                table,
                title=title,
                title_align="left",
                box=ROUNDED,
                border_style=_COLOURS.get(severity, "dim"),
                width=min(self._console.width, _WIDEST),
            )
        )

    def held_back(self, names: Sequence[str]) -> None:
        """Alerts that fire and were not sent, because another one tells the cause."""
        if names:
            self._said("dim", f"Held back, because an alert above tells the cause: {', '.join(names)}.")

    def mended(self) -> None:
        """The auth service was mended."""
        self._marked("mending")
        self._said("bold green", "✓ The auth service is mended.")

    def rest(self) -> None:
        """Nothing is going on any more, also when the watch broke off."""
        self._status.stop()

    def finish(self, missing: Sequence[str], answers: Mapping[str, int]) -> None:
        """The watch is over; `missing` says what did not come, a sentence each."""
        self.rest()
        counted = ", ".join(f"{count} answered {status}" for status, count in sorted(answers.items()))
        self._said("", f"Logins meanwhile: {counted}. It took {self.elapsed_s:.0f} s in all; nothing is left of it.")
        for what in missing:
            self._said("bold red", what)

    def _said(self, style: str, text: str) -> None:
        from rich.text import Text

        self._console.print(Text(text, style), soft_wrap=True)


def _labels(notice: "Notice") -> dict[str, str]:
    return {name: text for name, text in notice.labels.items() if name != "alertname"}


def _runbook(notice: "Notice") -> dict[str, str]:
    order = dict.fromkeys((*_RUNBOOK, *notice.annotations))
    return {name: notice.annotations[name] for name in order if name in notice.annotations}


def teller(*, as_json: bool) -> Teller:
    """What tells whoever looks on: a person at a terminal, or a program."""
    return TerminalTeller() if sys.stdout.isatty() and not as_json else Teller()
