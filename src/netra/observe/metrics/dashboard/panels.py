"""What a panel is, and the panel that a metric gets of which nobody has thought.

It must never hold a query as a text: `asking` makes them of the definitions.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from netra.observe.metrics.dashboard.asking import Query, a_second, now, quantile
from netra.observe.metrics.definitions import Metric

Kind = Literal["stat", "timeseries", "table", "heatmap"]

GREEN: Final = "green"
BLUE: Final = "blue"
YELLOW: Final = "yellow"
ORANGE: Final = "orange"
RED: Final = "red"

Steps = tuple[tuple[float | None, str], ...]
"""From which value on which colour; the first from nowhere on."""
GOOD_IS_ONE: Final[Steps] = ((None, RED), (1.0, GREEN))
BAD_ABOVE_NONE: Final[Steps] = ((None, GREEN), (1.0, RED))


class Panel(NamedTuple):
    """One panel, in words of ours. Units are Grafana's."""

    title: str
    kind: Kind
    queries: tuple[Query, ...]
    says: str
    """What the reader sees, and what it means."""
    unit: str = "short"
    width: int = 8
    """Of twenty-four."""
    least: float | None = None
    most: float | None = None
    steps: Steps = ()
    words: Mapping[str, str] = {}
    """What is written instead of a value."""
    nothing: str = ""
    """What is written when there is no series."""
    colours: Mapping[str, str] = {}
    """Of a series, by its legend."""
    stacked: bool = False
    column: str = "gateways"
    """What the values of a table are."""


class Row(NamedTuple):
    """A question of an operator, and the panels that answer it."""

    question: str
    panels: tuple[Panel, ...]


_UNITS: Final = (
    (r"_timestamp_seconds$", "dateTimeAsIso"), (r"_seconds$", "s"), (r"_bytes$", "bytes"), (r"_ratio$", "percentunit"),
)  # fmt: skip


def asked_of(metric: Metric, panels: Iterable[Panel]) -> bool:
    """Does one of these panels show the metric?"""
    name = re.compile(rf"\b{metric.scraped}(?:_bucket|_sum|_count)?\{{")
    return any(name.search(query.expr) for panel in panels for query in panel.queries)


def of_metric(metric: Metric) -> Panel:
    """A panel by the kind of the metric alone: what it shows is right, if not well chosen."""
    title = metric.name.removeprefix("netra_").replace("_", " ").capitalize()
    unit = next((unit for ending, unit in _UNITS if re.search(ending, metric.name)), "short")
    legend = " ".join(f"{{{{{label}}}}}" for label in metric.labels) or "all"
    if metric.kind == "counter":
        return Panel(f"{title} (a second)", "timeseries", (Query(a_second(metric, *metric.labels), legend),),
                     metric.meaning, "ops", least=0)  # fmt: skip
    if metric.kind == "histogram":
        return Panel(f"{title} (99 of 100)", "timeseries", (Query(quantile(metric, 0.99, *metric.labels), legend),),
                     metric.meaning, unit, least=0)  # fmt: skip
    if metric.kind == "info":
        return Panel(title, "table", (Query(now(metric, "count", *metric.labels)),), metric.meaning)
    return Panel(title, "timeseries", (Query(now(metric, "max", *metric.labels), legend),), metric.meaning, unit)


def with_the_rest(rows: Iterable[Row], metrics: Iterable[Metric], question: str) -> tuple[Row, ...]:
    """The rows, and in the one with this question also what no panel shows yet."""
    shown = [panel for row in rows for panel in row.panels]
    rest = tuple(of_metric(each) for each in metrics if not asked_of(each, shown))
    return tuple(row._replace(panels=row.panels + rest) if row.question == question else row for row in rows)
