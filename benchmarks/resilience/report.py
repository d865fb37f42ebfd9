"""What came out, for people at a terminal, for pipes, and as JSON.

It must never round before it judges.
"""

import os
import platform
import sys
from collections.abc import Sequence
from math import isinf
from typing import Any, Final

from criteria import Judged
from figures import Seen, rows, series
from rich.console import Console
from rich.table import Table
from scenes import Scene

_PIPE_WIDTH: Final = 160


def console() -> Console:
    """Colour and frames at a terminal, plain lines in a pipe."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def show(to: Console, scene: Scene, seen: Sequence[Seen], judged: Sequence[Judged], *, decides: bool) -> None:
    """Tables of one scene: how each gateway fared in each phase, and what holds."""
    to.print(f"\n[bold]{scene.title}[/bold]" if to.is_terminal else f"\n{scene.title}")
    to.print(_phases(to, seen))
    to.print(_verdicts(to, judged, decides=decides))
    for each in seen:
        if each.disturbed:
            others = f"others took {each.others_ratio:.0%} of the machine, attempts were {each.late_p99_ms:.0f} ms late"
            to.print(f"{each.label}: disturbed: {others}. Repeat it when there is less going on.")


def _table(to: Console, *heads: tuple[str, str]) -> Table:
    table = Table(box=None if not to.is_terminal else Table().box, pad_edge=False)
    for head, side in heads:
        table.add_column(head, justify="right" if side == "right" else "left")
    return table


def _phases(to: Console, seen: Sequence[Seen]) -> Table:
    table = _table(
        to, ("gateway", ""), ("phase", ""), ("logins/s", "right"), ("right/s", "right"), ("right", "right"),
        ("p50 ms", "right"), ("p99 ms", "right"), ("upstream/s", "right"), ("cpu", "right"),
        ("failures", ""), ("guesses", ""),
    )  # fmt: skip
    for each in seen:
        for number, row in enumerate(rows(each)):
            table.add_row(
                "" if number else each.label,
                row["phase"],
                f"{row['users_offered_per_s']:.0f}",
                f"{row['goodput_per_s']:.1f}",
                f"{row['right_ratio']:.1%}",
                f"{row['right_p50_ms']:.0f}",
                f"{row['right_p99_ms']:.0f}",
                f"{row['upstream_per_s']:.1f}",
                f"{row['cpu_ratio']:.0%}",
                _counts(row["failures"]),
                _counts(row["guesses"]),
            )
    return table


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{status}: {count}" for status, count in counts.items())


def _verdicts(to: Console, judged: Sequence[Judged], *, decides: bool) -> Table:
    table = _table(to, ("what", ""), ("limit", ""), ("gateway", ""), ("measured", "right"), ("", ""))
    last = ""
    for each in judged:
        word = ("holds" if each.holds else "does not hold") if each.counts and decides else ""
        style = "" if not to.is_terminal or not word else "green" if each.holds else "bold red"
        what, limit = (each.what, f"{each.limit} {each.unit}" if each.limit else "") if each.what != last else ("", "")
        last = each.what
        table.add_row(what, limit, each.label, measured(each), f"[{style}]{word}[/]" if style else word)
    return table


def measured(judged: Judged) -> str:
    """The figure with its unit."""
    return "never" if isinf(judged.figure) else f"{judged.figure:.4g} {judged.unit}"


def document(scene: Scene, seen: Sequence[Seen], judged: Sequence[Judged], scale: float) -> dict[str, Any]:
    """All figures of a scene, for a JSON file."""
    return {
        "scene": scene.name,
        "title": scene.title,
        "seconds_scale": scale,
        "machine": machine(),
        "capacity": scene.capacity._asdict(),
        "criteria": [{**each._asdict(), "figure": None if isinf(each.figure) else each.figure} for each in judged],
        "runs": [
            {
                "label": each.label,
                "late_p99_ms": each.late_p99_ms,
                "others_ratio": each.others_ratio,
                "phases": rows(each),
                "spans": [span._asdict() for span in each.spans],
                "circuit": [change._asdict() for change in each.changes],
                "series": series(each),
            }
            for each in seen
        ],
    }


def machine() -> dict[str, Any]:
    """Where it ran, as far as figures depend on it."""
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load_average": round(os.getloadavg()[0], 2),
    }
