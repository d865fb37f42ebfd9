"""The three forms of a diagnosis: for people, for programs, for a workflow's run."""

import io
import json
import re

import pytest
from rich.console import Console

from netra.core.findings import Finding, Severity
from netra.doctor.diagnosis import Check, Diagnosis, Hop, State
from netra.doctor.report.annotations import as_annotations
from netra.doctor.report.documents import as_json
from netra.doctor.report.screen import Progress, hanging
from netra.doctor.report.text import as_lines, draws
from netra.doctor.sockets import Socket
from netra.settings.field import NOT_ACCEPTED, Effective
from tests.doctor.diagnoses import URL, broken, doubtful, good


def text(diagnosis: Diagnosis, *, drawn: bool = True) -> str:
    """The report for people."""
    return "\n".join(line.text for line in as_lines(diagnosis, drawn=drawn))


def test_the_checklist_is_grouped_by_hops_with_their_times() -> None:
    lines = text(broken()).splitlines()
    assert lines[0] == f"The way to {URL}"
    assert [line for line in lines if line and not line.startswith(" ")][1:5] == [
        "Configuration (13 ms)",
        "DNS (2 ms)",
        "TCP (1.2 s)",
        "TLS, HTTP, Contract",
    ]
    assert "  ! settings                2 of 57 set, 1 warning" in lines
    assert "  ✓ address                 auth.shop.test is 192.0.2.7" in lines
    assert "  ✗ connection              192.0.2.7:8081: connection refused" in lines
    assert "  \N{EN DASH} not looked at: tcp is broken" in lines


def test_checks_are_timed_one_by_one_where_a_hop_has_several() -> None:
    assert "  ✓ route_log_in            log_in answers (20 ms)" in text(good()).splitlines()


def test_each_finding_says_what_why_and_the_cure_and_errors_come_first() -> None:
    told = text(broken())
    assert (
        "Errors (1)\n"
        "  tcp: auth.shop.test port 8081 refused the connection. [connection_refused]\n"
        "    why:   Users get 503 `connection_refused`.\n"
        "    cure:  Start it:\n"
        "           `netra authd`\n"
    ) in told
    assert "  AUTH_SERVICE_URL has http [plaintext_url]\n" in told
    assert told.index("Errors (1)") < told.index("Warnings (1)")


def test_the_last_line_names_the_cause_and_its_cure() -> None:
    lines = text(broken()).splitlines()
    assert lines[-1] == (
        "First: tcp: auth.shop.test port 8081 refused the connection. [connection_refused] "
        "Cure: Start it: `netra authd`"
    )
    assert lines[-2] == (
        "6 checks in 1.27 s: 1 passed, 1 in doubt, 1 failed, 3 not looked at. "
        "`netra explain connection_refused` tells more."
    )
    assert text(good()).splitlines()[-1] == "Nothing stands in the way of logins."
    assert text(doubtful()).splitlines()[-1] == (
        "Nothing stands in the way of logins. First of what is in doubt: "
        "AUTH_SERVICE_URL has http [plaintext_url] Cure: Use https."
    )


def test_a_stream_that_has_no_marks_gets_ascii() -> None:
    assert draws("utf-8")
    assert not draws("ascii")
    assert not draws(None)
    told = text(broken(), drawn=False)
    assert told.isascii()
    assert {line[2] for line in told.splitlines() if re.match(r"  [+!x-] ", line)} == {"+", "!", "x", "-"}


def test_an_address_that_cannot_be_used_is_not_shown() -> None:
    refused = broken()._replace(settings=(Effective("AUTH_SERVICE_URL", NOT_ACCEPTED, None, "environment"),))
    assert text(refused).splitlines()[0] == "The way to an auth service without a usable address"
    assert json.loads(as_json(refused))["target"] is None


def test_sockets_are_listed_where_they_were_asked_for() -> None:
    used = Socket("dial", "tcp", "auth.shop.test", 8081, False, "the auth service", "AUTH_SERVICE_URL")
    with_sockets = good()._replace(sockets=(used,))
    assert "Sockets" not in text(good())
    assert f"Sockets\n  {used.line()}" in text(with_sockets)
    assert json.loads(as_json(with_sockets))["sockets"] == [used._asdict()]


def test_the_document_has_a_version_the_cause_each_hop_and_each_check() -> None:
    document = json.loads(as_json(broken()))
    assert as_json(broken()).isascii()
    assert {name: document[name] for name in ("version", "ok", "target", "elapsed_ms")} == {
        "version": 2,
        "ok": False,
        "target": URL,
        "elapsed_ms": 1270.0,
    }
    assert document["first"] == document["findings"][1] == document["checks"][2]["findings"][0]
    assert document["first"]["code"] == "connection_refused"
    assert document["hops"] == [
        {"hop": "configuration", "state": "warn", "elapsed_ms": 13.0},
        {"hop": "dns", "state": "pass", "elapsed_ms": 2.0},
        {"hop": "tcp", "state": "fail", "elapsed_ms": 1250.0},
        {"hop": "tls", "state": "skip", "elapsed_ms": None},
        {"hop": "http", "state": "skip", "elapsed_ms": None},
        {"hop": "contract", "state": "skip", "elapsed_ms": None},
    ]
    assert document["checks"][1] == {
        "hop": "dns",
        "name": "address",
        "state": "pass",
        "what": "auth.shop.test is 192.0.2.7",
        "elapsed_ms": 2.0,
        "findings": [],
    }
    assert [each["variable"] for each in document["settings"]] == ["AUTH_SERVICE_URL", "SERVICE_SECRET"]
    assert (json.loads(as_json(good()))["ok"], json.loads(as_json(good()))["first"]) == (True, None)


def test_each_finding_is_an_annotation_and_the_verdict_is_plain_text() -> None:
    error, warning, last = as_annotations(broken())
    assert error == (
        "::error title=tcp%3A connection_refused::tcp: auth.shop.test port 8081 refused the connection."
        "%0AWhy: Users get 503 `connection_refused`.%0ACure: Start it:%0A`netra authd`"
    )
    assert warning.startswith("::warning title=AUTH_SERVICE_URL%3A plaintext_url::")
    assert last.startswith("First: tcp: ")
    assert list(as_annotations(good())) == ["Nothing stands in the way of logins."]


def test_no_text_ends_the_line_of_an_annotation() -> None:
    hostile = Finding(Severity.NOTE, "a,b:c", "X", "100%\r\n::set-output name=x::y", "why", "fix")
    check = Check(Hop.HTTP, "answer", State.PASS, "", None, (hostile,))
    (line, _) = as_annotations(Diagnosis((check,), (), 0.0))
    assert line == ("::notice title=X%3A a%2Cb%3Ac::X: 100%25%0D%0A::set-output name=x::y%0AWhy: why%0ACure: fix")


def test_progress_shows_the_last_checks_that_fit_and_what_is_being_looked_at() -> None:
    progress = Progress(height_lines=5, drawn=True)
    shown = [drawn(progress)]
    for check in broken().checks[:3]:
        progress.ended(check)
    progress.began(Hop.HTTP)
    shown.append(drawn(progress))
    assert "reading the configuration" in shown[0]
    assert "settings" not in shown[1]
    assert "✓ address" in shown[1]
    assert "✗ connection" in shown[1]
    assert "looking at HTTP" in shown[1]


def drawn(progress: Progress) -> str:
    """What stands on a wide screen."""
    sheet = io.StringIO()
    Console(file=sheet, width=200, force_terminal=False).print(progress)
    return sheet.getvalue()


@pytest.mark.parametrize("width", [1, 5, 20, 30, 50, 80])
def test_however_narrow_a_screen_is_no_word_of_the_report_is_lost(width: int) -> None:
    told = list(as_lines(broken()))
    sheet = io.StringIO()
    screen = Console(file=sheet, width=width, color_system=None)
    for line in told:
        screen.print(hanging(line))
    assert "".join(sheet.getvalue().split()) == "".join("".join(line.text.split()) for line in told)
