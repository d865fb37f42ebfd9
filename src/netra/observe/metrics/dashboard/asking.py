"""How a panel asks Prometheus: queries that are made of the definitions of metrics, not typed.

It must never name a metric or a label that the definitions don't have: such a query is refused when it is made.
"""

from typing import Final, Literal, NamedTuple

from netra.observe.metrics.definitions import Metric

OURS: Final = 'job=~"$job", instance=~"$instance"'
"""The gateways that the reader has chosen."""
RECENT: Final = "$__rate_interval"
"""As short a span as the reader's picture allows."""
WHOLE: Final = "$__range"
"""All that the reader looks at."""

Over = Literal["sum", "min", "max", "count"]


class Query(NamedTuple):
    """One question of a panel."""

    expr: str
    legend: str = ""
    """With `{{label}}` for what differs from series to series."""


def picked(metric: Metric, suffix: str = "", **labels: str) -> str:
    """The series of a metric at the chosen gateways. A label's value is a text, or `=~` and a pattern, or `!=`...

    Raises: ValueError, for a label that the metric does not have.
    """
    _check(metric, tuple(labels))
    matchers = [_matcher(name, value) for name, value in labels.items()]
    return f"{metric.scraped}{suffix}{{{', '.join([*matchers, OURS])}}}"


def _matcher(name: str, value: str) -> str:
    sign = next((each for each in ("=~", "!~", "!=") if value.startswith(each)), "")
    return f'{name}{sign or "="}"{value.removeprefix(sign)}"'


def _check(metric: Metric, labels: tuple[str, ...]) -> None:
    strange = [each for each in labels if each not in (*metric.labels, "instance", "job", "le")]
    if strange:
        raise ValueError(f"{metric.name} has no label {', '.join(strange)}")


def now(metric: Metric, over: Over, *by: str, **labels: str) -> str:
    """A gauge of all chosen gateways together, apart by some labels."""
    _check(metric, by)
    return f"{over}{_by(by)}({picked(metric, **labels)})"


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(labels)}) " if labels else ""


def a_second(metric: Metric, *by: str, suffix: str = "", **labels: str) -> str:
    """By how much a counter grows in a second, apart by some labels."""
    _check(metric, by)
    return f"sum{_by(by)}(rate({picked(metric, suffix, **labels)}[{RECENT}]))"


def in_all(metric: Metric, *by: str, **labels: str) -> str:
    """By how much a counter has grown in all that the reader looks at."""
    _check(metric, by)
    return f"sum{_by(by)}(increase({picked(metric, **labels)}[{WHOLE}]))"


def quantile(metric: Metric, share: float, *by: str, **labels: str) -> str:
    """The value of a histogram below which this share of all lies."""
    return f"histogram_quantile({share:g}, {a_second(metric, *by, 'le', suffix='_bucket', **labels)})"


def average(metric: Metric, *by: str, **labels: str) -> str:
    """The mean of a histogram; nothing where nothing was counted."""
    count = a_second(metric, *by, suffix="_count", **labels)
    return f"{a_second(metric, *by, suffix='_sum', **labels)} / ({count} > 0)"
