"""The dashboard says what the definitions say, and Grafana can read it.

It must never be compared with a picture: who looks at it judges its looks.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import pytest

from netra.observe.metrics.dashboard.asking import a_second, now, picked
from netra.observe.metrics.dashboard.drawing import dashboard, text
from netra.observe.metrics.dashboard.panels import Row, asked_of, of_metric, with_the_rest
from netra.observe.metrics.dashboard.rows import REST, ROWS
from netra.observe.metrics.definitions import ATTEMPTS, METRICS, READY, Metric
from netra.observe.metrics.reference import files
from tests.house.source import ROOT

BOARD: Final[Any] = json.loads((ROOT / "deploy/grafana/netra.json").read_text("utf-8"))
PANELS: Final = [each for each in BOARD["panels"] if each["type"] != "row"]
QUESTIONS: Final = (
    "Are logins working?", "What fails, and who can mend it?", "Where does the time go?", "What do we still live on?",
    "Do retries, circuits and limits hold?", "Are we ourselves well?", "What changed?",
)  # fmt: skip


@pytest.mark.parametrize("path", files())
def test_the_files_are_the_ones_that_are_made_of_the_definitions(path: str) -> None:
    assert (ROOT / path).read_text("utf-8") == files()[path], "write them anew: make docs"


def test_it_is_the_same_each_time() -> None:
    assert text() == text()


def test_panels_stand_in_the_order_in_which_an_operator_asks() -> None:
    assert [each["title"] for each in BOARD["panels"] if each["type"] == "row"] == list(QUESTIONS)


def test_every_panel_has_a_number_and_a_name_of_its_own() -> None:
    for key in ("id", "title"):
        assert [each for each, count in Counter(each[key] for each in BOARD["panels"]).items() if count > 1] == []


def test_no_panel_covers_another_or_leaves_the_page() -> None:
    places = [each["gridPos"] for each in BOARD["panels"]]
    covered = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(covered) == len(set(covered))
    assert all(0 <= x < 24 for x, _ in covered)
    assert [each["gridPos"]["y"] for each in BOARD["panels"]] == sorted(each["y"] for each in places)


def test_a_panel_says_what_it_shows_and_asks_something() -> None:
    for panel in PANELS:
        assert panel["description"].endswith((".", "?")), panel["title"]
        names = [each["refId"] for each in panel["targets"]]
        assert names == [*"ABCDEFGHIJ"[: len(names)]]
        assert names, panel["title"]
        assert all(each["expr"] for each in panel["targets"])
        assert all(each["datasource"]["uid"] == "${datasource}" for each in (panel, *panel["targets"]))


def test_every_series_is_one_of_the_gateways_that_were_chosen() -> None:
    for expr in (each["expr"] for panel in PANELS for each in panel["targets"]):
        for series, chosen in re.findall(r"([\w:]*netra_[\w:]*)({[^}]*})?", expr):
            assert 'job=~"$job"' in chosen, expr
            assert ":" in series or 'instance=~"$instance"' in chosen, expr


def test_the_reader_chooses_where_from_which_job_and_which_gateways() -> None:
    variables = BOARD["templating"]["list"]
    assert [each["name"] for each in variables] == ["datasource", "job", "instance"]
    assert [each["type"] for each in variables] == ["datasource", "query", "query"]
    assert all(each["multi"] and each["includeAll"] for each in variables[1:])


def test_every_metric_is_shown_somewhere() -> None:
    asked = [each["expr"] for panel in PANELS for each in panel["targets"]]
    for metric in METRICS:
        assert any(metric.scraped in expr for expr in asked), metric.scraped


def test_a_metric_of_which_nobody_has_thought_gets_a_panel_by_its_kind() -> None:
    thought_of = {panel.title for row in ROWS for panel in row.panels}
    for kind in ("counter", "gauge", "histogram", "info"):
        new = Metric("netra_brand_new_seconds", kind, "New.", ("state",), (1.0,))
        rows = with_the_rest(ROWS, (*METRICS, new), REST)
        panel = next(row for row in rows if row.question == REST).panels[-1]
        assert panel.title not in thought_of
        assert asked_of(new, [panel])
        assert panel.says == new.meaning


def test_a_metric_that_is_shown_gets_no_second_panel() -> None:
    row = Row("?", (of_metric(READY),))
    assert with_the_rest((row,), (READY,), "?") == (row,)


def test_a_name_that_only_begins_like_another_is_not_it() -> None:
    longer = Metric("netra_ready_soon", "gauge", "Soon.")
    assert not asked_of(READY, [of_metric(longer)])


ASKING: Final[tuple[Callable[[], str], ...]] = (
    lambda: picked(READY, code="x"),
    lambda: now(READY, "sum", "code"),
    lambda: a_second(ATTEMPTS, "phase"),
)


@pytest.mark.parametrize("ask", ASKING, ids=("picked", "now", "a_second"))
def test_a_label_that_a_metric_does_not_have_is_refused(ask: Callable[[], str]) -> None:
    with pytest.raises(ValueError, match="has no label"):
        ask()


def test_a_refusal_of_a_user_is_never_red() -> None:
    rejected = [
        rule["properties"][0]["value"]["fixedColor"]
        for panel in PANELS
        for rule in panel["fieldConfig"]["overrides"]
        if rule["matcher"]["options"] == "rejected"
    ]
    assert rejected
    assert "red" not in rejected


def test_colours_belong_to_series_that_there_are() -> None:
    for panel in dashboard()["panels"]:
        legends = " ".join(each.get("legendFormat", "") for each in panel.get("targets", ()))
        for rule in panel.get("fieldConfig", {}).get("overrides", ()):
            assert rule["matcher"]["options"] in legends or "{{" in legends, panel["title"]


def test_steps_rise() -> None:
    for panel in PANELS:
        values = [each["value"] for each in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        assert values[0] is None, panel["title"]
        assert all(before < after for before, after in pairwise(values[1:])), panel["title"]
