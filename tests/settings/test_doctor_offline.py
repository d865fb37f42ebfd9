"""`netra doctor --offline`, as people and deploy scripts run it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.settings.good import OTHER_SECRET, SECRET, good, without


def _run(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "netra", "doctor", *arguments]
    return subprocess.run(command, env=_environ(environ), capture_output=True, text=True, check=False, timeout=60)


def _environ(environ: dict[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "COVERAGE_PROCESS_START") if name in os.environ}
    return {**kept, "PYTHONUTF8": "1", **environ}


def _json(environ: dict[str, str]) -> Any:
    return json.loads(_run(environ, "--offline", "--format", "json").stdout)


def test_good_settings_give_exit_code_0() -> None:
    done = _run(good(), "--offline")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.rstrip().endswith("The settings can be used: 0 error(s), 0 warning(s), 1 note(s).")


def test_warnings_give_exit_code_0() -> None:
    done = _run(good(NETRA_DISCLOSE="operator"), "--offline")
    assert done.returncode == 0
    assert "[operator_disclosure]" in done.stdout


def test_an_error_gives_exit_code_1_and_its_cure() -> None:
    done = _run(good(SERVICE_ID="netra-backend-1757000000"), "--offline")
    assert done.returncode == 1
    assert "SERVICE_ID ends in a time stamp, so it changes with every deploy [time_stamp_in_id]" in done.stdout
    assert "cure:  Set a constant id" in done.stdout


def test_errors_come_before_warnings_and_notes() -> None:
    done = _run(good(SERVICE_ID="$(whoami)", NETRA_DISCLOSE="operator"), "--offline")
    places = [done.stdout.index(title) for title in ("Errors (1)", "Warnings (1)", "Notes (1)", "Settings\n")]
    assert places == sorted(places)


def test_an_unknown_format_gives_exit_code_2() -> None:
    assert _run(good(), "--offline", "--format", "yaml").returncode == 2


def test_json_has_verdict_findings_and_settings() -> None:
    document = _json(good(NETRA_TRIES="9", NETRA_PORT="8005"))
    assert (document["version"], document["ok"]) == (2, False)
    assert document["findings"][0] == {
        "severity": "error",
        "code": "out_of_range",
        "subject": "NETRA_TRIES",
        "what": "is not between 1 and 5",
        "why": "Many tries make an outage slower and load heavier; one gives up at the first lost packet.",
        "fix": "Set it to a number from 1 to 5.",
    }
    settings = {one.pop("variable"): one for one in document["settings"]}
    assert settings["NETRA_PORT"] == {"value": 8005, "fingerprint": None, "origin": "environment"}
    assert settings["NETRA_TRIES"] == {"value": "not accepted", "fingerprint": None, "origin": "environment"}
    assert settings["NETRA_ADMIN_TOKEN"] == {"value": None, "fingerprint": None, "origin": "default"}
    assert settings["SERVICE_SECRET"]["value"] == "••••••"
    assert len(settings["SERVICE_SECRET"]["fingerprint"]) == 8


def test_json_is_ok_when_there_is_no_error() -> None:
    assert _json(good())["ok"] is True


def test_text_and_json_tell_the_same() -> None:
    environ = without("SERVICE_SECRET", AUTH_SERVICE_URL="auth.shop.test", NETRA_HSOT="x")
    text = _run(environ, "--offline").stdout
    document = _json(environ)
    assert len(document["findings"]) >= 4
    for finding in document["findings"]:
        assert all(finding[part] in text for part in ("subject", "what", "why", "fix", "code"))


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_printed(form: str, tmp_path: Path) -> None:
    path = tmp_path / "previous"
    path.write_text(OTHER_SECRET, encoding="utf-8")
    done = _run(
        good(SERVICE_SECRET_PREVIOUS_FILE=str(path), NETRA_ADMIN_TOKEN="shorty-9"), "--offline", "--format", form
    )
    assert str(path) in done.stdout
    for secret in (SECRET, OTHER_SECRET, "shorty-9"):
        assert secret not in done.stdout + done.stderr


def test_the_embedded_auth_service_is_checked_when_one_of_its_variables_is_set() -> None:
    environ = good(NETRA_AUTHD_PORT="eighty")
    assert ("NETRA_AUTHD_PORT", "not_a_number") in {(one["subject"], one["code"]) for one in _json(environ)["findings"]}
    assert _run(environ, "--offline").returncode == 1
    variables = [one["variable"] for one in _json(environ)["settings"]]
    assert "NETRA_AUTHD_AUDIENCE" in variables
    assert len(variables) == len(set(variables))


def test_a_finding_that_both_servers_share_is_told_once() -> None:
    findings = _json(good(NETRA_AUTHD_PORT="9000", NETRA_LOG_LEVEL="loud", NETRA_HSOT="x"))["findings"]
    subjects = [one["subject"] for one in findings]
    assert subjects.count("NETRA_LOG_LEVEL") == subjects.count("NETRA_HSOT") == 1


def test_a_terminal_that_knows_only_ascii_gets_the_report_all_the_same() -> None:
    done = _run(good(PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C"), "--offline")
    assert (done.returncode, done.stderr) == (0, "")
    assert "?????? (fingerprint" in done.stdout


def test_output_to_a_pipe_has_no_colours() -> None:
    assert "\x1b[" not in _run(without("SERVICE_ID"), "--offline").stdout


def test_a_terminal_gets_colours_and_the_same_words() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "netra", "doctor", "--offline"]
    environ = _environ(without("SERVICE_ID", TERM="xterm-256color", COLUMNS="200"))
    with subprocess.Popen(command, env=environ, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL) as process:
        os.close(theirs)
        shown = _everything(ours).decode()
    os.close(ours)
    assert process.returncode == 1
    assert "\x1b[1;31mErrors (1)" in shown
    assert "SERVICE_ID is not set" in shown


def _everything(descriptor: int) -> bytes:
    """All that a terminal is sent until its other end is closed."""
    got = b""
    while True:
        try:
            more = os.read(descriptor, 65_536)
        except OSError:  # Linux answers so when the other end is closed
            return got
        if not more:
            return got
        got += more
