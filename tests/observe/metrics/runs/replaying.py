"""Replays recordings to Prometheus's own evaluation, and says which alerts stood when.

It must never evaluate a rule by itself: promtool does, with the very file that is deployed.
"""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Final, NamedTuple

from netra.observe.metrics.alerts import ALERTS
from tests.house.source import ROOT
from tests.observe.metrics.prometheus_beside import PROMTOOL
from tests.observe.metrics.runs.recording import COUNTERS, STEP_S, Recording, Values

RULES: Final = ROOT / "deploy/prometheus/alerts.yaml"
JOB: Final = "netra"
A_MINUTE: Final = 60 // STEP_S
AN_HOUR: Final = 60 * A_MINUTE
_LOOKED_AT: Final = frozenset(
    re.findall(r"\bnetra_\w+", " ".join(f"{each.expr} {each.concerns}" for each in ALERTS))
) | {"netra_ready"}
_CYCLE: Final = 8
"""So many steps of what was recorded last go on and on."""
_FAILED: Final = re.compile(r"alertname: (\w+), time: (\S+),.*?(?=\n\s*alertname: |\Z)", re.DOTALL)
_GOT: Final = re.compile(r"Labels:\{(.*?)\}\n\s*Annotations:\{(.*)\}")
_PAIR: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_TIME: Final = re.compile(r"(\d+)([hms])")
_UNIT_S: Final = {"h": 3600, "m": 60, "s": 1}

Series = list[dict[str, str]]


class Fired(NamedTuple):
    """An alert that stood."""

    name: str
    at_s: int
    """When, seconds after the first sample."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class Stretch(NamedTuple):
    """How long the parts of a recording are to last, in steps: what was seen last goes on until then."""

    well: int
    faulty: int
    mended: int = 0
    """Afterwards all is again as it was before the fault; only what was well before can be mended."""
    used: bool = True
    """Does anybody come when it is mended?"""


def replayed(recording: Recording, stretch: Stretch, instance: str = "gateway-1") -> Series:
    """A recording as Prometheus would have scraped it, as long as is wanted."""
    before_count = stretch.well - recording.faulty_from if recording.faulty_from else 0
    shift_s = -recording.began_at_s + before_count * STEP_S
    lines = []
    for name, values in recording.series.items():
        if name.partition("{")[0] not in _LOOKED_AT:
            continue
        stretched = _stretched(name, values, recording, stretch)
        if "_timestamp_seconds" in name:
            stretched = [None if each is None else each + shift_s for each in stretched]
        lines.append({"series": _named(name, instance), "values": _written(stretched)})
    count = max(len(each["values"].split()) for each in lines)
    return [*lines, {"series": _named("up", instance), "values": _written([1.0] * count)}]


def gone(series: Series, since: int, instance: str = "gateway-1") -> Series:
    """The same, but from a step on nobody answers Prometheus any more."""
    lines = []
    for each in series:
        kept = each["values"].split()[:since]
        up = each["series"].startswith("up{")
        lines.append({**each, "values": " ".join([*kept, *(["0"] * AN_HOUR if up else ["stale"])])})
    return lines


def _stretched(name: str, values: Values, recording: Recording, stretch: Stretch) -> Values:
    counts = name.partition("{")[0].endswith(COUNTERS)
    since = recording.faulty_from
    if not since:
        return _extended(values, stretch.faulty, counts=counts)
    well = _extended(values[:since], stretch.well, counts=counts)
    lifted = _difference(well[-1], values[since - 1]) if counts else 0.0
    faulty = [None if each is None else each + lifted for each in values[since:]]
    faulty = _extended(faulty, stretch.faulty, counts=counts)[: stretch.faulty]
    return [*well, *faulty, *_mended(values[:since], faulty[-1], stretch, counts=counts)]


def _mended(well: Values, last: float | None, stretch: Stretch, *, counts: bool) -> Values:
    """What stood, or by how much was counted, when all was well; `last` is how the fault left it."""
    again = _extended(well, len(well) + stretch.mended, counts=counts)
    if not counts:
        return again[len(well) :]
    grown = [_difference(now, then) for then, now in pairwise(again[len(well) - 1 :])]
    totals = accumulate(grown if stretch.used else [0.0] * stretch.mended, initial=last or 0.0)
    return [None if last is None else each for each in totals][1:]


def _extended(values: Values, count: int, *, counts: bool) -> Values:
    """What counts goes on counting as during the last cycle; what stands shows the values of that cycle again."""
    extended = list(values)
    while len(extended) < count:
        last, again = extended[-1], extended[-_CYCLE]
        grown = _difference(again, extended[-1 - _CYCLE])
        extended.append((None if last is None else last + grown) if counts else again)
    return extended


def _difference(now: float | None, then: float | None) -> float:
    return 0.0 if now is None or then is None else now - then


def _named(name: str, instance: str) -> str:
    metric, _, labels = name.rstrip("}").partition("{")
    told = ",".join(filter(None, [f'job="{JOB}"', f'instance="{instance}"', labels]))
    return f"{metric}{{{told}}}"


def _written(values: Iterable[float | None]) -> str:
    return " ".join("_" if each is None else f"{each:.12g}" for each in values)


def alerts_of(series: Series, at_s: Sequence[int], folder: Path, every_s: int = 120) -> list[Fired]:
    """Every alert that stands at one of these times, as promtool finds it where none is expected.

    `every_s`: between two evaluations; whatever comes and goes faster is not seen.
    """
    assert PROMTOOL is not None
    names = dict.fromkeys(each.name for each in ALERTS)
    rows = [{"eval_time": f"{at}s", "alertname": name, "exp_alerts": []} for at in at_s for name in names]
    test = {"interval": f"{STEP_S}s", "input_series": series, "alert_rule_test": rows}
    file = folder / "test.yaml"
    document = {"rule_files": [str(RULES)], "evaluation_interval": f"{every_s}s", "tests": [test]}
    file.write_text(json.dumps(document), "utf-8")  # YAML is a superset of JSON
    done = subprocess.run([PROMTOOL, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    found = [each for block in _FAILED.finditer(said) for each in _fired(block)]
    assert bool(found) == (done.returncode != 0), said[:2000]
    return found


def _fired(block: re.Match[str]) -> list[Fired]:
    at_s = sum(int(count) * _UNIT_S[unit] for count, unit in _TIME.findall(block[2]))
    _, _, got = block[0].partition("got:")
    return [
        Fired(block[1], at_s, dict(_PAIR.findall(labels)), dict(_PAIR.findall(annotations)))
        for labels, annotations in _GOT.findall(got)
    ]
