"""The watch as people start it: a real Prometheus and a real Alertmanager see the demo broken and mended.

It must never take a notice for one of Alertmanager's that did not come from it, and leave nothing running.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from netra.demo.faults import BY_NAME
from netra.demo.watch import configuration
from netra.demo.watch.receiver import Notice
from netra.demo.watch.told import TerminalTeller
from netra.demo.watch.watch import Patience, run_watch
from netra.observe.metrics.reference import files
from tests.demo.support import COMMAND, PATIENCE_S, Demo, is_running, started, until

PROGRAMS: Final = ("prometheus", "prometheus-alertmanager")
live = pytest.mark.skipif(
    any(shutil.which(each) is None for each in PROGRAMS),
    reason="prometheus and prometheus-alertmanager are not installed (Debian: the packages of these names)",
)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

WHOLE_S: Final = 90.0
STRANGE: Final = {"http_proxy": "http://192.0.2.1:9", "SERVICE_SECRET": "changeme", "ENVIRONMENT": "nonsense"}
NOTICE: Final = Notice(
    "firing",
    "auth-service-at-once",
    {"alertname": "NetraLoginsFailing", "severity": "high", "owner": "auth_service", "code": "connection_refused"},
    {"first_action": "Ask [bold]netra doctor[/].", "summary": "Logins fail", "link": "none"},
)


def lines(watch: Demo) -> list[dict[str, Any]]:
    """What it has said so far, complete lines only."""
    return [json.loads(line) for line in watch.out.splitlines(keepends=True) if line.endswith("\n")]


def events(watch: Demo, name: str) -> list[dict[str, Any]]:
    """Its lines of one event."""
    return [line for line in lines(watch) if line["event"] == name]


@live
def test_the_alert_comes_and_goes_as_lines_of_json_in_a_pipe_and_nothing_is_left(tmp_path: Path) -> None:
    with started(tmp_path, "--watch", environment=STRANGE, ports=()) as watch:
        assert watch.program.wait(2 * WHOLE_S) == 0, f"{watch.out}\n{watch.err}"
        assert watch.err == ""
        assert not list(watch.folder.iterdir())
        first = events(watch, "Alert fires")[0]
        over = events(watch, "Alert is over")
        told = [line["event"] for line in lines(watch)]
        end = lines(watch)[-1]
    assert (first["alert"], first["severity"]) == ("NetraLoginsFailing", "high")
    assert (first["code"], first["owner"]) == ("connection_refused", "auth_service")
    assert first["told_to"] == "auth-service-at-once"
    assert {"summary", "users_see", "still_works", "replicas", "first_action"} <= first["annotations"].keys()
    assert "netra explain connection_refused" in first["annotations"]["first_action"]
    assert first["annotations"]["replicas"] == "1 of 1 gateways are ready"
    assert told.index("Auth service broken") < told.index("Alert fires") < told.index("Auth service mended")
    assert told.index("Auth service mended") < told.index("Alert is over")
    assert {each["alert"] for each in events(watch, "Alert fires")} == {"NetraLoginsFailing"}, "one cause, one alert"
    assert {each["alert"] for each in over} == {"NetraLoginsFailing"}
    assert (end["event"], end["as_promised"], end["missing"]) == ("Watch is over", True, [])
    assert end["elapsed_s"] < WHOLE_S
    assert end["answers"]["200"] >= 12
    assert end["answers"]["503"] >= 5
    assert end["answers"].keys() <= {"200", "502", "503"}


@live
def test_what_is_no_reason_for_an_alert_brings_none_and_that_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    hasty = Patience(alert_s=3.0, others_s=0.1, all_clear_s=5.0)
    assert asyncio.run(run_watch(BY_NAME["slow"], 5.0, as_json=True, patience=hasty)) == 1
    told = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert told[-1]["missing"] == ["No alert came within 3 s."]
    assert "Auth service mended" in {line["event"] for line in told}


@live
@linux_only
@pytest.mark.parametrize(
    ("number", "moment"), [(signal.SIGTERM, "Watch is up"), (signal.SIGINT, "Waiting for the alert")]
)
def test_told_to_end_it_ends_everything_that_it_has_started(tmp_path: Path, number: int, moment: str) -> None:
    with started(tmp_path, "--watch", "server-error", ports=()) as watch:
        watch.said(moment)
        children = watch.children()
        assert len(children) == 3
        assert (watch.ended(number), watch.err) == (130, "")
        assert not any(map(is_running, children))
        assert not list(watch.folder.iterdir())


@live
@linux_only
def test_killed_outright_it_leaves_no_program_behind(tmp_path: Path) -> None:
    with started(tmp_path, "--watch", ports=()) as watch:
        watch.said("Watch is up")
        children = watch.children()
        watch.ended(signal.SIGKILL)
        until(lambda: not any(map(is_running, children)))
        left = [each for each in children if is_running(each)]
        for each in left:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
    assert len(children) == 3
    assert not left


@live
@linux_only
def test_when_prometheus_ends_by_itself_the_watch_says_its_last_lines_and_ends_too(tmp_path: Path) -> None:
    with started(tmp_path, "--watch", ports=()) as watch:
        watch.said("Watch is up")
        children = watch.children()
        (prometheus,) = (
            each for each in children if b"--storage.tsdb.path" in Path(f"/proc/{each}/cmdline").read_bytes()
        )
        os.kill(prometheus, signal.SIGTERM)
        assert watch.program.wait(PATIENCE_S) == 1
        assert watch.err.startswith("Prometheus has ended by itself. Its last lines:\n")
        assert "See you next time!" in watch.err
        assert watch.err.endswith("(exit code 0)\n")
        assert not any(map(is_running, children))
        assert not list(watch.folder.iterdir())


@live
def test_when_prometheus_cannot_start_its_own_words_say_why(tmp_path: Path) -> None:
    stand_in = tmp_path / "programs/prometheus"
    stand_in.parent.mkdir()
    stand_in.write_text("#!/bin/sh\necho 'level=error err=\"no space left on device\"' >&2\nexit 3\n", encoding="ascii")
    stand_in.chmod(0o755)
    path = f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}"
    with started(tmp_path, "--watch", environment={"PATH": path}, ports=()) as watch:
        assert watch.program.wait(PATIENCE_S) == 1
        assert watch.err.splitlines() == [
            "Prometheus cannot start. Its last lines:",
            '  level=error err="no space left on device"',
            "  (exit code 3)",
        ]
        assert not list(watch.folder.iterdir())


@pytest.mark.parametrize(
    ("present", "names", "packages"),
    [
        ((), "prometheus and no prometheus-alertmanager", "prometheus prometheus-alertmanager"),
        (("prometheus",), "prometheus-alertmanager", "prometheus-alertmanager"),
        (("alertmanager",), "prometheus", "prometheus"),
    ],
    ids=str,
)
def test_what_is_not_installed_is_said_in_one_line_with_its_package(
    tmp_path: Path, present: tuple[str, ...], names: str, packages: str
) -> None:
    for name in present:
        (tmp_path / name).touch(0o755)
    done = subprocess.run(
        [*COMMAND, "--watch"], env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 69
    assert done.stdout == ""
    assert done.stderr == f"No {names} here. On Debian and Ubuntu: apt install {packages}\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--watch", "stoped"), "There is no fault 'stoped'. Did you mean stopped?"),
        (("--watch", "none"), "There is no fault 'none'. There are: stopped, frozen,"),
        (("frozen",), "'frozen' says what is to break before Prometheus's eyes: add --watch."),
        (("--watch", "--tour"), "--tour and --watch are two ways to look: choose one."),
    ],
)
def test_an_order_that_cannot_be_meant_is_refused_with_what_could_be(options: tuple[str, ...], words: str) -> None:
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("written", "quicker"),
    [
        ("rate(a[5m]) > 14 * 86400", "rate(a[20000ms]) > 14 * 86400"),
        ("rate(a[1d] offset 10m)", "rate(a[5760000ms] offset 40000ms)"),
        ("max_over_time(a[1h30m:15s])", "max_over_time(a[360000ms:1000ms])"),
        ("max_over_time(a[1h:])", "max_over_time(a[240000ms:])"),
        ("a:rate5m", "a:rate5m"),
        ("      for: 0m\n        for: 2m\n", "      for: 0ms\n        for: 8000ms\n"),
        ("        keep_firing_for: 5m\n", "        keep_firing_for: 20000ms\n"),
        ("  group_wait: 30s\n  repeat_interval: 7d", "  group_wait: 2000ms\n  repeat_interval: 40320000ms"),
        ('summary: "open for: 2m"', 'summary: "open for: 2m"'),
        ("matchers: [5m]", "matchers: [20000ms]"),
    ],
)
def test_every_span_becomes_a_fifteenth_and_nothing_else(written: str, quicker: str) -> None:
    assert configuration.quickened(written) == quicker


def test_rules_and_routes_are_those_of_deploy_but_for_time_and_the_web_hook() -> None:
    without_spans = re.compile(r"\b\d+(?:ms|[smhdw])\b")
    for told, path in (
        (configuration.alert_rules(), "deploy/prometheus/alerts.yaml"),
        (configuration.recorded_rules(), "deploy/prometheus/recording.yaml"),
        (configuration.alertmanager("http://127.0.0.1:1/notices/x"), "deploy/alertmanager/alertmanager.yaml"),
    ):
        ours, theirs = (
            [without_spans.sub("", each) for each in text.splitlines() if not each.startswith("#")]
            for text in (told, re.sub(r"http://fill-in\.invalid/\S+", "http://127.0.0.1:1/notices/x", files()[path]))
        )
        assert ours == theirs
        assert ".invalid/" not in "\n".join(ours)


@pytest.mark.skipif(
    shutil.which("promtool") is None or shutil.which("amtool") is None,
    reason="promtool and amtool are not installed (Debian: prometheus, prometheus-alertmanager)",
)
def test_prometheus_and_alertmanager_take_what_they_are_told(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yaml").write_text(configuration.prometheus("127.0.0.1:1", "127.0.0.1:2"))
    (tmp_path / "alerts.yaml").write_text(configuration.alert_rules())
    (tmp_path / "recording.yaml").write_text(configuration.recorded_rules())
    (tmp_path / "alertmanager.yaml").write_text(configuration.alertmanager("http://127.0.0.1:3/notices/x"))
    for command in (
        ("promtool", "check", "config", "prometheus.yaml"),
        ("amtool", "check-config", "alertmanager.yaml"),
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_on_a_terminal_an_alert_is_a_small_table_in_the_order_in_which_it_is_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tells = TerminalTeller()
    tells.broke(BY_NAME["stopped"])
    tells.alert(NOTICE)
    tells.mended()
    tells.alert(NOTICE._replace(status="resolved"))
    tells.finish(["No alert came."], {"200": 2, "503": 1})
    said = capsys.readouterr().out
    assert "high: NetraLoginsFailing, 0 s after the break" in said
    assert re.search(r"owner +auth_service", said)
    assert re.search(r"told to +auth-service-at-once", said)
    assert "[bold]netra doctor[/]" in said
    assert said.index("summary") < said.index("first action") < said.index("link")
    assert "✓ NetraLoginsFailing is over, 0 s after the mending" in said
    assert "2 answered 200, 1 answered 503" in said
    assert said.endswith("No alert came.\n")
