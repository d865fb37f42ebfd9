"""What Prometheus and Alertmanager are told: the very alerts and routes of `deploy/`, in a quicker time.

It must never have an alert or a route of its own: whoever sees one here meets the same in earnest.
"""

import json
import re
from typing import Final

from netra.observe.metrics import recording_rules
from netra.observe.metrics.alerting import routes, rules

LAPSE: Final = 15
"""How many seconds in earnest one second of the watch stands for: a scrape every second instead of every fifteen."""

_UNITS_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_PIECE: Final = re.compile(r"(\d+)(ms|[smhdw])")
_DURATION: Final = r"(?:\d+(?:ms|[smhdw]))+"
_WINDOW: Final = re.compile(rf"(?<=\[){_DURATION}(?::(?:{_DURATION})?)?(?=\])")
_OFFSET: Final = re.compile(rf"(?<=\boffset )-?{_DURATION}")
_MEMBER: Final = re.compile(
    rf"(?m)^(?P<name> *(?:- )?(?:for|keep_firing_for|interval|group_wait|group_interval|repeat_interval): ){_DURATION}$"
)
_TO_FILL_IN: Final = re.compile(r"http://fill-in\.invalid/[\w-]+")
_COMMAND: Final = "netra demo --watch"


def prometheus(scraped: str, alertmanager: str) -> str:
    """The configuration of Prometheus; both addresses are host and port."""
    return f"""\
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files: [alerts.yaml, recording.yaml]
alerting:
  alertmanagers:
    - static_configs: [targets: [{json.dumps(alertmanager)}]]
scrape_configs:
  - job_name: netra
    static_configs: [targets: [{json.dumps(scraped)}]]
"""


def alert_rules() -> str:
    """The alerts of `deploy/prometheus/alerts.yaml`."""
    return quickened(rules.alert_rules(_COMMAND))


def recorded_rules() -> str:
    """What `deploy/prometheus/recording.yaml` has added up in advance."""
    return quickened(recording_rules.text(_COMMAND))


def alertmanager(url: str) -> str:
    """The routes of `deploy/alertmanager/alertmanager.yaml`, with this web hook wherever one is to be filled in."""
    return _TO_FILL_IN.sub(url, quickened(routes.alertmanager(_COMMAND)))


def quickened(text: str) -> str:
    """Rules or routes with every span of time a fifteenth as long; what is counted or compared stays."""
    text = _WINDOW.sub(lambda span: _shortened(span[0]), text)
    text = _OFFSET.sub(lambda span: _shortened(span[0]), text)
    return _MEMBER.sub(lambda span: span["name"] + _shortened(span[0].removeprefix(span["name"])), text)


def _shortened(spans: str) -> str:
    """Each span of a text such as `5m` or `1h:1m` divided; what becomes nothing stays nothing."""
    return re.sub(_DURATION, lambda span: f"{_ms(span[0]) // LAPSE}ms", spans)


def _ms(duration: str) -> int:
    return sum(int(count) * _UNITS_MS[unit] for count, unit in _PIECE.findall(duration))
