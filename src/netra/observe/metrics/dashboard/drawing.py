"""The dashboard as Grafana reads it: panels laid out, variables, and lines where something changed.

It must never depend on the order of a dictionary, the time or the machine: the same definitions make the same file.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from netra.observe.metrics import definitions as named
from netra.observe.metrics.dashboard.asking import Query, now, picked
from netra.observe.metrics.dashboard.panels import Panel, Row, with_the_rest
from netra.observe.metrics.dashboard.rows import REST, ROWS, STANDING
from netra.observe.metrics.definitions import METRICS, Metric

_SCHEMA: Final = 39
"""Of Grafana 11; newer ones read it as well."""
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS: Final = 24
_HEIGHTS: Final = {"stat": 4, "timeseries": 8, "table": 8, "heatmap": 8}
_STEP: Final = "60s"
"""How finely changes are looked for, at most: over days, Grafana takes longer steps."""
_AGO: Final = "$__interval"
"""One such step, so that a change is seen at one of them and at no other."""


def dashboard() -> dict[str, Any]:
    """The whole of it."""
    rows = with_the_rest(ROWS, METRICS, REST)
    return {
        "annotations": {"list": [*_changes()]},
        "description": "The login path: are logins working, what fails, and who can mend it?",
        "editable": True,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "links": [],
        "panels": [*_laid_out(rows)],
        "refresh": "30s",
        "schemaVersion": _SCHEMA,
        "tags": ["netra"],
        "templating": {"list": [*_variables()]},
        "time": {"from": "now-3h", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": "Netra: logins",
        "uid": "netra-logins",
        "version": 1,
    }


def text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"


def _variables() -> Iterator[dict[str, Any]]:
    yield {"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus", "refresh": 1,
           "hide": 0, "multi": False, "includeAll": False, "options": [], "regex": ""}  # fmt: skip
    yield _chosen("job", "Job", f"label_values({named.BUILD.scraped}, job)")
    yield _chosen("instance", "Gateway", f'label_values({named.BUILD.scraped}{{job=~"$job"}}, instance)')


def _chosen(name: str, label: str, query: str) -> dict[str, Any]:
    return {
        "type": "query", "name": name, "label": label, "datasource": _SOURCE, "definition": query,
        "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1, "hide": 0, "multi": True, "includeAll": True,
        "allValue": ".+", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}, "options": [],
        "regex": "",
    }  # fmt: skip


def _changes() -> Iterator[dict[str, Any]]:
    """Lines through all pictures: an alert, and everything that is another one than before."""
    fired = f"max_over_time({STANDING}[{_AGO}]) > 0"
    yield _line("Alerts", "red", Query(fired, "{{alertname}} {{code}}"), "severity,owner")
    yield _line("Version", "blue", _new(named.BUILD, "version", legend="version {{version}}"))
    yield _line("Configuration", "purple",
                _new(named.CONFIGURATION, "fingerprint", legend="configuration {{fingerprint}}"))  # fmt: skip
    yield _line("Secrets", "orange", _new(named.SECRETS, "secret", "fingerprint",
                                          legend="{{secret}} secret {{fingerprint}}"))  # fmt: skip
    grown = f"sum by (what) ({picked(named.CHANGES)} - ({picked(named.CHANGES)} offset {_AGO}) > 0)"
    yield _line("Changes while gateways ran", "yellow", Query(grown, "another {{what}}"))
    since = f"{now(named.STARTED, 'max', 'instance')} * 1000"
    yield {**_line("Starts", "green", Query(since, "{{instance}} started")), "useValueForTime": True}


def _new(metric: Metric, *by: str, legend: str) -> Query:
    """What is there now, and was not one step of the picture ago. A return to an earlier one is new, too."""
    labels = ", ".join(by)
    before = f"last_over_time({picked(metric)}[5m] offset {_AGO})"
    return Query(f"group by ({labels}) ({picked(metric)}) unless group by ({labels}) ({before})", legend)


def _line(name: str, colour: str, query: Query, tags: str = "") -> dict[str, Any]:
    return {
        "name": name, "enable": True, "hide": False, "iconColor": colour, "datasource": _SOURCE,
        "titleFormat": query.legend, "tagKeys": tags, "textFormat": "", "useValueForTime": False,
        "target": {"refId": "Anno", "expr": query.expr, "interval": _STEP},
    }  # fmt: skip


def _laid_out(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Panels from left to right, a new line where one does not fit; numbered as they come."""
    number = top = 0
    for row in rows:
        number += 1
        yield {"type": "row", "id": number, "title": row.question, "collapsed": False, "panels": [],
               "gridPos": {"h": 1, "w": _COLUMNS, "x": 0, "y": top}}  # fmt: skip
        top, left, height = top + 1, 0, 0
        for panel in row.panels:
            number += 1
            if left + panel.width > _COLUMNS:
                top, left, height = top + height, 0, 0
            height = max(height, _HEIGHTS[panel.kind])
            place = {"h": _HEIGHTS[panel.kind], "w": panel.width, "x": left, "y": top}
            yield {**_panel(panel), "id": number, "gridPos": place}
            left += panel.width
        top += height


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "datasource": _SOURCE,
        "targets": [_target(panel, number, query) for number, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": [*_overrides(panel)]},
        "options": _options(panel),
        **({"transformations": [_as_table(panel)]} if panel.kind == "table" else {}),
    }


def _as_table(panel: Panel) -> dict[str, Any]:
    renamed = {"Value": panel.column}
    return {"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": renamed}}


def _target(panel: Panel, number: int, query: Query) -> dict[str, Any]:
    at_once = panel.kind in ("table", "stat")
    return {
        "refId": chr(ord("A") + number), "datasource": _SOURCE, "editorMode": "code", "expr": query.expr,
        "legendFormat": query.legend or "__auto", "instant": at_once, "range": not at_once,
        "format": {"table": "table", "heatmap": "heatmap"}.get(panel.kind, "time_series"),
    }  # fmt: skip


def _defaults(panel: Panel) -> dict[str, Any]:
    steps = [{"color": colour, "value": value} for value, colour in panel.steps or ((None, "text"),)]
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "color": {"mode": "thresholds" if panel.kind == "stat" else "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": steps},
        "mappings": [_mapping(panel)] if panel.words else [],
    }
    if panel.nothing:
        defaults["noValue"] = panel.nothing
    defaults |= {name: value for name, value in (("min", panel.least), ("max", panel.most)) if value is not None}
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "drawStyle": "line", "lineWidth": 1, "fillOpacity": 20 if panel.stacked else 5, "showPoints": "never",
            "spanNulls": False, "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if panel.steps else "off"},
        }  # fmt: skip
    return defaults


def _mapping(panel: Panel) -> dict[str, Any]:
    options = {value: {"index": index, "text": word} for index, (value, word) in enumerate(panel.words.items())}
    return {"type": "value", "options": options}


def _overrides(panel: Panel) -> Iterator[dict[str, Any]]:
    for legend, colour in panel.colours.items():
        yield {
            "matcher": {"id": "byName", "options": legend},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        return {
            "colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        }  # fmt: skip
    if panel.kind == "table":
        return {"showHeader": True, "cellHeight": "sm"}
    if panel.kind == "heatmap":
        return {
            "calculate": False, "cellGap": 1, "tooltip": {"mode": "single", "yHistogram": False},
            "color": {"mode": "scheme", "scheme": "Blues", "steps": 64, "exponent": 0.5, "fill": "blue",
                      "reverse": False},
            "yAxis": {"unit": panel.unit, "axisPlacement": "left"}, "cellValues": {"unit": "short"},
            "legend": {"show": True},
        }  # fmt: skip
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
