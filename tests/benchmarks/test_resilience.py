"""The experiments under load run as their readers run them, and yield what they promise.

It must never judge a gateway: a run of seconds on a busy machine says nothing of one.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.house.source import ROOT

RUN = ROOT / "benchmarks/resilience/run.py"


def played(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """An experiment in short, with Netra alone."""
    told = ("--only", "netra", "--no-plots", "--repeats", "0", "--out", str(folder))
    command = [sys.executable, str(RUN), *options, *told]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_short_experiment_yields_its_figures(tmp_path: Path) -> None:
    done = played(tmp_path, "flood", "--seconds-scale", "0.06")
    assert done.returncode == 0, done.stdout + done.stderr
    figures: dict[str, Any] = json.loads((tmp_path / "flood.json").read_text())
    unthrottled, default = figures["runs"]
    before, guesses, after = unthrottled["phases"]
    assert (before["phase"], guesses["phase"], after["phase"]) == ("before", "guesses", "after")
    assert guesses["right_ratio"] > 0, "users are let in"
    assert guesses["guesses"]["401"] > 0, "guesses are refused"
    assert sum(guesses["guesses"].values()) == 72, "every guess is made, whatever becomes of the one before"
    assert sum(unthrottled["series"]["users_offered_per_s"]) * unthrottled["series"]["step_s"] == 36
    assert default["label"] == "Netra"
    assert {each["what"] for each in figures["criteria"]} >= {"how often the circuit opens"}
    assert "Nothing is judged" in done.stdout


def test_what_is_missing_is_said_before_anything_begins(tmp_path: Path) -> None:
    done = played(tmp_path, "earthquake")
    assert done.returncode == 2
    assert "outage" in done.stderr
