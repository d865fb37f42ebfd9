"""What the log alerts count is what has happened, read from lines that gateways really wrote, floods included.

It must never invent a line: programs as users run them write them all.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import pytest

from netra.lab.healthy import WRONG_PASSWORD
from netra.observe.log.sampling import SUMMARISED
from netra.observe.metrics.log_alerts import page
from netra.observe.metrics.log_patterns import (
    COUNT,
    OF,
    PATTERNS,
    SUMMARY,
    Pattern,
    insights,
    logged_metrics,
    logql,
    metric_filters,
    promql,
)
from tests.house.source import ROOT
from tests.support.gateways import ENVIRONMENT, OTHER_SECRET, PASSWORD
from tests.support.labs import lab
from tests.support.places import free_port
from tests.support.programs import Gateway

Line = dict[str, Any]
REFUSED_COUNT: Final = 7
FAILED_COUNT: Final = 80
"""So many that the circuit opens among them, and more than are written."""
_LEAF: Final = re.compile(r'(?:jsonPayload\.|\$\.)?(\w+)\s*(=~|=|like)\s*("[^"]*"|/[^/]*/|\*)')


class Happened(NamedTuple):
    """What gateways have written, and how often what came about."""

    lines: list[Line]
    counts: dict[str, int]
    """By the name of a pattern."""


@pytest.fixture(scope="module")
def happened() -> Happened:
    """Two gateways: nobody listens where one asks, the other is refused; people log in all the while."""
    lines = [*_cut_off(), *_refused()]
    heard = [line["event"] for line in lines]
    counts = {
        "logins_failing": FAILED_COUNT,
        "access_forbidden": REFUSED_COUNT,
        "connectivity_failing": heard.count("Auth service connectivity test failed"),
        "oauth_credential_missing": heard.count("Missing OAuth credential"),
        "log_flood": sum(line[COUNT] for line in lines if line["event"] == SUMMARISED),
    }
    return Happened(lines, counts)


def _cut_off() -> list[Line]:
    told = {
        "NETRA_LOG_LINES_PER_S": "3", "NETRA_BREAKER": "true", "NETRA_TRIES": "2",
        "OAUTH_GOOGLE_CLIENT_ID": "1234.apps.test",
    }  # fmt: skip
    gateway = Gateway(f"http://127.0.0.1:{free_port()}", told={**ENVIRONMENT, **told})
    with gateway:
        for number in range(FAILED_COUNT):
            assert gateway.log_in(f"user-{number}@example.com", PASSWORD).status == 503
    return list(gateway.lines)


def _refused() -> list[Line]:
    with lab(secret=OTHER_SECRET) as service:
        gateway = Gateway(service.url)
        with gateway:
            for _ in range(REFUSED_COUNT):
                assert gateway.log_in("ada@example.com", PASSWORD).status == 502
            service.secret = None
            for password in (PASSWORD, WRONG_PASSWORD):
                assert gateway.log_in("ada@example.com", password).status in (200, 401)
    return list(gateway.lines)


def _holds(leaf: str, line: Line) -> bool:
    """Does a line meet one condition? They all look alike: a field, a sign, and a text, a pattern or anything."""
    found = _LEAF.fullmatch(leaf.strip().strip("()"))
    assert found is not None, leaf
    field, sign, wanted = found[1], found[2], found[3]
    value = line.get(field)
    if wanted == "*":
        return value is not None
    if value is None:
        return False
    text = wanted[1:-1]
    if sign == "=" and text.endswith("*"):
        return str(value).startswith(text[:-1])
    return str(value) == text if sign == "=" else re.search(text, str(value)) is not None


def _any(conditions: str, line: Line, sign: str) -> bool:
    return any(_holds(each, line) for each in conditions.split(sign))


def by_loki(pattern: Pattern, line: Line) -> int:
    """How many of the pattern a line stands for, as Loki counts. Its matchers are anchored."""
    stage = logql(pattern).split(" | ")[2]
    anchored = re.sub(r'=~"([^"]*)"', r'=~"^(?:\1)$"', stage)
    return int(line.get(COUNT) or 1) if _any(anchored, line, " or ") else 0


def by_insights(pattern: Pattern, line: Line) -> int:
    """The same, as CloudWatch Logs Insights does."""
    wanted = insights(pattern).splitlines()[0].removeprefix("filter ")
    return int(line.get(COUNT, 1)) if _any(wanted, line, " or ") else 0


def by_metric_filters(pattern: Pattern, line: Line) -> int:
    """The same, as metric filters of CloudWatch Logs do."""
    total = 0
    for wanted, value in metric_filters(pattern):
        if all(_any(each, line, " || ") for each in wanted.strip("{ }").split(" && ")):
            total += int(line[value.removeprefix("$.")]) if value.startswith("$.") else int(value)
    return total


def by_logged_metrics(pattern: Pattern, line: Line) -> int:
    """The same, as log-based metrics of Google Cloud do."""
    total = 0
    for metric in logged_metrics(pattern):
        if all(_holds(each, line) for each in metric.wanted.split(" AND ")):
            total += int(line[COUNT]) if metric.extract == f"EXTRACT(jsonPayload.{COUNT})" else 1
    return total


Counts = Callable[[Pattern, Line], int]
COUNTING: Final = (by_loki, by_insights, by_metric_filters, by_logged_metrics)


@pytest.mark.parametrize("counts", COUNTING, ids=lambda counts: str(counts.__name__))
@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: str(pattern.name))
def test_everything_that_happened_is_counted_once_and_nothing_else(
    pattern: Pattern, counts: Counts, happened: Happened
) -> None:
    assert happened.counts[pattern.name] > 0
    assert sum(counts(pattern, line) for line in happened.lines) == happened.counts[pattern.name]


def test_the_lines_hold_all_that_is_to_be_told_apart(happened: Happened) -> None:
    events = {line["event"] for line in happened.lines}
    assert {"Login succeeded", "Login rejected", "Login failed", "All 2 login attempts failed", SUMMARY} <= events


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: str(pattern.name))
def test_the_fields_that_are_named_are_on_the_lines(pattern: Pattern, happened: Happened) -> None:
    meant = [line for line in happened.lines if by_loki(pattern, line)]
    named = [*re.findall(r"`([a-z_]+)`", pattern.says + pattern.first_action), *(["code"] * pattern.sums_summaries)]
    whole = [line for line in meant if line["event"] != SUMMARY or not pattern.sums_summaries]
    assert named
    assert [(name, line["event"]) for line in whole for name in named if name not in line] == []


def test_summaries_are_called_what_they_are_called_in_the_log(happened: Happened) -> None:
    assert SUMMARY == SUMMARISED
    for line in happened.lines:
        assert (OF in line) == (line["event"] == SUMMARY)


def test_the_page_has_every_query() -> None:
    text = (ROOT / "deploy/log-alerts.md").read_text("utf-8")
    for each in _queries():
        assert each in text


def _queries() -> Iterator[str]:
    for pattern in PATTERNS:
        yield from (logql(pattern), insights(pattern), promql(pattern))
        yield from (f"'{wanted}'" for wanted, _ in metric_filters(pattern))
        yield from (metric.wanted for metric in logged_metrics(pattern))


def test_the_reports_patterns_are_all_watched() -> None:
    events = {event for pattern in PATTERNS for event in pattern.events}
    for event in (
        "Auth service connectivity test failed", "Login failed: Access forbidden", "Missing OAuth credential",
        "All * login attempts failed",
    ):  # fmt: skip
        assert event in events


def test_no_text_needs_quoting_where_it_is_put() -> None:
    for pattern in PATTERNS:
        assert re.fullmatch(r"[A-Za-z :*]+", "".join(pattern.events))
    assert page("make docs").count("```") % 2 == 0
