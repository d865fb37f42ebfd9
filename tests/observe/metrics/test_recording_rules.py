"""What is recorded is what happened, over short spans and long ones, as Prometheus itself evaluates it.

It must never be read from an expression what it does: promtool runs it against series.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from netra.observe.metrics.definitions import METRICS
from netra.observe.metrics.recording_rules import ALL, RECORDED, UNKNOWN, burning, unknown_ratio
from tests.house.source import ROOT
from tests.observe.metrics.prometheus_beside import PROMTOOL, needs_prometheus

FILE: Final = ROOT / "deploy/prometheus/recording.yaml"
HOURS: Final = 4
GOOD: Final = f"0+60x{60 * HOURS}"
"""One a second, all the time."""
LATE: Final = f"_x{60 * (HOURS - 1) + 30} 0+60x30"
"""One a second, of a gateway that has come half an hour ago."""

SMOOTHED_MINUTES: Final = 2.5
"""By so much a rate of five minutes lags behind."""


def attempts(gateway: str, verdict: str, journey: str = "login", code: str = "ok") -> str:
    """The series of attempts of one gateway that ended so."""
    labels = {
        "job": "netra",
        "instance": gateway,
        "journey": journey,
        "verdict": verdict,
        "code": code,
        "owner": "none",
    }
    told = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"netra_attempts_total{{{told}}}"


SERIES: Final[Mapping[str, str]] = {
    attempts("a", "accepted"): GOOD,
    attempts("a", "unknown", code="response_timeout"): f"0x{60 * HOURS}",
    attempts("b", "unknown", code="response_timeout"): LATE,
    attempts("b", "unknown", code="dns_error"): LATE,
    attempts("a", "accepted", "refresh"): GOOD,
    attempts("a", "accepted", "logout"): f"7x{60 * HOURS}",
    attempts("a", "unknown", "verify", "keys_unavailable"): f"0+6x{60 * HOURS}",
    'netra_token_cache_lookups_total{job="netra",instance="a",result="hit"}': f"0+54x{60 * HOURS}",
    'netra_token_cache_lookups_total{job="netra",instance="a",result="miss"}': f"0+6x{60 * HOURS}",
}


def found(expr: str, folder: Path) -> str:
    """What promtool finds otherwise than that this is true at the end; nothing when it is."""
    assert PROMTOOL is not None
    sample = {"labels": "{}", "value": 1}
    asked = {"expr": f"sum({expr})", "eval_time": f"{HOURS}h", "exp_samples": [sample]}
    series = [{"series": name, "values": values} for name, values in SERIES.items()]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}
    file = folder / "test.yaml"
    file.write_text(json.dumps({"rule_files": [str(FILE)], "evaluation_interval": "1m", "tests": [test]}), "utf-8")
    done = subprocess.run([PROMTOOL, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def near(name: str, journey: str, value: float) -> str:
    """That a recorded series is about so much."""
    return f'abs({name}{{job="netra", journey="{journey}"}} - {value:g}) < bool 0.02'


@needs_prometheus
def test_the_file_is_one_that_prometheus_takes() -> None:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, "check", "rules", str(FILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, f"{len(RECORDED)} rules found" in done.stdout) == (0, True), done.stderr


@needs_prometheus
def test_attempts_of_all_gateways_are_added_up(tmp_path: Path) -> None:
    assert found(near(ALL.name, "login", 3.0), tmp_path) == ""
    assert found(near(UNKNOWN.name, "login", 2.0), tmp_path) == ""


@needs_prometheus
def test_the_share_that_nobody_could_judge_is_the_one_of_its_window(tmp_path: Path) -> None:
    failed = 2 * (30 - SMOOTHED_MINUTES)
    for window, minutes in (("30m", 30), ("1h", 60), ("6h", 60 * HOURS)):
        assert found(near(unknown_ratio(window), "login", failed / (failed + minutes)), tmp_path) == "", window
    assert found(near(unknown_ratio("5m"), "login", 2 / 3), tmp_path) == ""


@needs_prometheus
def test_a_token_that_was_remembered_was_checked_and_counts_among_the_checks(tmp_path: Path) -> None:
    assert found(near(ALL.name, "verify", 1.0), tmp_path) == ""
    assert found(near(UNKNOWN.name, "verify", 0.1), tmp_path) == ""
    for window in ("5m", "1h"):
        assert found(near(unknown_ratio(window), "verify", 0.1), tmp_path) == "", window


@needs_prometheus
def test_a_journey_that_never_failed_has_a_share_of_none_and_one_that_nobody_used_has_no_share(tmp_path: Path) -> None:
    assert found(near(unknown_ratio("1h"), "refresh", 0.0), tmp_path) == ""
    assert found(f'absent({unknown_ratio("1h")}{{journey="logout"}})', tmp_path) == ""


@needs_prometheus
def test_a_budget_burns_as_many_times_too_fast_as_more_than_one_in_a_thousand_fail(tmp_path: Path) -> None:
    expr = burning("1h", journey="login").replace('job=~"$job"', 'job=~".+"')
    assert found(f"abs({expr} - 478) < bool 20", tmp_path) == ""


@needs_prometheus
def test_what_is_expected_here_can_fail(tmp_path: Path) -> None:
    assert "login" in found(near(unknown_ratio("1h"), "login", 0.9), tmp_path)


def test_a_rule_asks_only_for_what_is_there_before_it() -> None:
    known = {each.scraped for each in METRICS}
    for rule in RECORDED:
        words = rule.expr.replace("(", " ").replace("{", " ").replace("[", " ").replace(")", " ").split()
        asked = {word for word in words if "netra_" in word}
        assert asked, rule.name
        assert asked <= known, rule.name
        known.add(rule.name)
