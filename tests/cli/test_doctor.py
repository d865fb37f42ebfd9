"""`netra doctor` as operators, deploy scripts and workflows run it."""

import json
import signal
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply, silence
from netra.testing.authds import AuthdBeside
from tests.settings.good import OTHER_SECRET, SECRET, good, without
from tests.support.labs import lab
from tests.support.places import free_port, silent_port
from tests.support.programs import PATIENCE_S, attempt, environment

HEALTHY_S: Final = 2.0
"""What a diagnosis of a healthy auth service may take, start of the program included."""
SLACK_S: Final = 4.0
"""For a busy machine."""
PLANTED: Final = {
    "SERVICE_SECRET": SECRET,
    "SERVICE_SECRET_PREVIOUS": OTHER_SECRET,
    "NETRA_ADMIN_TOKEN": "Ad/min+token=Jx7-QkP2vWzR8mTn4LbYc6HsDf0Ge",
    "NETRA_LOG_KEY": "Log/key+Rb5-XnZ8wKq3VtMj6PdLy1GhSc9Fa2UeTi",
    "OAUTH_GOOGLE_CLIENT_SECRET": "GOCSPX-Qm4rT8vWx2Zk/6Lp+Yb0",
}
PASSWORD: Final = "canary/Pass word+Hs8"
"""With characters that a URL, and base64, would write otherwise."""


def healthy(authd: AuthdBeside, **more: str) -> dict[str, str]:
    """The environment of a gateway in front of a real auth service."""
    return {"ENVIRONMENT": "test", "AUTH_SERVICE_URL": authd.url, **authd.variables, **more}


def document(*arguments: str, told: dict[str, str], stdin: str = "") -> Any:
    """What it prints for programs."""
    return json.loads(attempt("doctor", "--format", "json", *arguments, told=told, stdin=stdin).stdout)


def test_a_healthy_auth_service_gives_exit_code_0_in_less_than_two_seconds(netra_authd: AuthdBeside) -> None:
    took_s = []
    for _ in range(3):
        started_s = time.monotonic()
        done = attempt("doctor", told=healthy(netra_authd))
        took_s.append(time.monotonic() - started_s)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[-1] == "Nothing stands in the way of logins."
        assert "\x1b" not in done.stdout
    assert min(took_s) < HEALTHY_S


def test_a_problem_gives_exit_code_1_and_its_cause_in_the_last_line() -> None:
    port = free_port()
    done = attempt("doctor", told=good(ENVIRONMENT="test", AUTH_SERVICE_URL=f"http://127.0.0.1:{port}"))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[-1].startswith(f"First: tcp: 127.0.0.1 port {port} refused the connection")


def test_without_any_settings_it_says_which_to_set() -> None:
    done = attempt("doctor", told={})
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("First: AUTH_SERVICE_URL is not set")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--format", "yaml"), "yaml"),
        (("--timeout", "0"), "timeout"),
        (("--timeout", "soon"), "number"),
        (("--offline", "--rejection-check"), "leave it out"),
        (("--offline", "--canary", "ada@example.test"), "leave it out"),
        (("--offline", "--origin", "https://shop.example.com"), "leave it out"),
        (("--canary", ""), "names nobody"),
        (("--canary", "ada@example.test"), "first line of standard input"),
        (("--canary", b"\xff@example.test"), "--canary is not UTF-8"),
        (("--origin", " "), "--origin is empty"),
        (("now",), "now"),
    ],
)
def test_wrong_usage_gives_exit_code_2_and_says_what_is_wrong(arguments: tuple[Any, ...], told: str) -> None:
    done = attempt("doctor", *arguments, told=good())
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


@pytest.mark.parametrize(
    ("closed", "arguments", "code", "complaint"),
    [
        (">&-", (), 1, ""),
        (">&-", ("--format", "json"), 1, ""),
        ("<&-", ("--canary", "ada@example.test"), 2, "first line of standard input"),
        ("2>&-", ("--format", "yaml"), 2, ""),
        (">/dev/full", (), 1, "No space left on device"),
    ],
)
def test_a_stream_that_is_closed_or_full_changes_no_exit_code_and_brings_no_traceback(
    closed: str, arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    port = free_port()
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "netra", "doctor", *arguments],
        env=environment(good(ENVIRONMENT="test", AUTH_SERVICE_URL=f"http://127.0.0.1:{port}")),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == code
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_password_is_never_an_option() -> None:
    assert "--password" not in attempt("doctor", "--help", told={}).stdout
    assert attempt("doctor", "--password", "x", told=good()).returncode == 2


def test_logins_are_made_only_when_they_were_asked_for(netra_authd: AuthdBeside) -> None:
    told = healthy(netra_authd)
    assert "login" not in {each["hop"] for each in document(told=told)["hops"]}
    with_both = document(
        "--rejection-check", "--canary", netra_authd.email, told=told, stdin=f"{netra_authd.password}\n"
    )
    assert with_both["ok"], with_both["first"]
    states = {each["name"]: each["state"] for each in with_both["checks"] if each["hop"] == "login"}
    assert states == {"rejection": "pass", "canary": "pass", "canary_token": "pass", "canary_logout": "pass"}


def test_a_canary_that_is_not_let_in_is_a_problem(netra_authd: AuthdBeside) -> None:
    found = document("--canary", netra_authd.email, told=healthy(netra_authd), stdin="not-this-one\n")
    assert (found["ok"], found["first"]["subject"]) == (False, "login")
    assert "not-this-one" not in json.dumps(found)


def test_the_origin_of_a_page_is_compared_with_the_settings(netra_authd: AuthdBeside) -> None:
    told = healthy(netra_authd, NETRA_CORS_ORIGINS="https://shop.example.com")
    assert document("--origin", "https://shop.example.com", told=told)["ok"]
    other = document("--origin", "https://www.shop.example.com", told=told)
    assert (other["ok"], other["first"]["subject"]) == (False, "NETRA_CORS_ORIGINS")


def test_sockets_are_listed_with_and_without_a_connection(netra_authd: AuthdBeside) -> None:
    told = healthy(netra_authd, NETRA_PORT="8123")
    for arguments in (("--sockets",), ("--sockets", "--offline")):
        listed = {(each["direction"], each["port"]) for each in document(*arguments, told=told)["sockets"]}
        assert {("listen", 8123), ("dial", int(netra_authd.url.rpartition(":")[2]))} <= listed
        assert "Sockets\n" in attempt("doctor", *arguments, told=told).stdout


def test_a_workflow_gets_annotations() -> None:
    done = attempt("doctor", "--offline", "--format", "github", told=without("SERVICE_ID", NETRA_DISCLOSE="operator"))
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert lines[0].startswith("::error title=SERVICE_ID%3A missing::SERVICE_ID: ")
    assert any(line.startswith("::warning title=NETRA_DISCLOSE%3A ") for line in lines)
    assert lines[-1].startswith("First: SERVICE_ID ")


def test_a_hanging_auth_service_costs_what_was_allowed_and_no_more() -> None:
    with silent_port() as port:
        told = good(ENVIRONMENT="test", AUTH_SERVICE_URL=f"http://127.0.0.1:{port}", NETRA_TOKEN_BUDGET_S="60")
        started_s = time.monotonic()
        found = document("--timeout", "0.5", told=told)
        took_s = time.monotonic() - started_s
    assert found["first"]["code"] == "response_timeout"
    assert found["elapsed_ms"] >= 400
    assert took_s < 0.5 + SLACK_S


@pytest.mark.parametrize("form", ["text", "json", "github"])
@pytest.mark.parametrize("offline", [True, False])
def test_no_secret_is_printed_however_it_is_written(form: str, offline: bool, tmp_path: Path) -> None:
    path = tmp_path / "previous"
    path.write_text(OTHER_SECRET, encoding="utf-8")
    planted = {name: value for name, value in PLANTED.items() if name != "SERVICE_SECRET_PREVIOUS"}
    told = good(ENVIRONMENT="test", OAUTH_GOOGLE_CLIENT_ID="4711-shop", SERVICE_SECRET_PREVIOUS_FILE=str(path))
    told |= planted
    if offline:
        told["NETRA_TRIES"] = "9"
    with lab(secret="nobody-has-this-one-nobody-has-this") as service:
        # An auth service that repeats whatever it is told.
        echo = json_reply(400, {"detail": f"bad secret {SECRET}", SECRET: OTHER_SECRET, "password": PASSWORD})
        for route in ("/auth/login", "/auth/config", "/auth/refresh"):
            service.answer(route, echo)
        told["AUTH_SERVICE_URL"] = service.url
        asked = ("--offline",) if offline else ("--rejection-check", "--canary", "ada@example.test")
        done = attempt("doctor", *asked, "--sockets", "--format", form, told=told, stdin=f"{PASSWORD}\n")
    assert done.returncode == 1, done.stderr
    assert len(done.stdout) > 100
    for secret in (*PLANTED.values(), PASSWORD):
        for written in (secret, quote(secret, safe=""), b64encode(secret.encode()).decode(), json.dumps(secret)[1:-1]):
            assert written not in done.stdout + done.stderr


def test_an_interrupt_ends_it_quietly_with_130() -> None:
    with lab() as service:
        service.answer("/health", silence())
        told = good(ENVIRONMENT="test", AUTH_SERVICE_URL=service.url, NETRA_TOKEN_BUDGET_S="60")
        process = subprocess.Popen(
            [sys.executable, "-m", "netra", "doctor", "--timeout", "60"],
            env=environment(told),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            wait_until_asked(service)
            process.send_signal(signal.SIGINT)
            out, complaints = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
            process.wait()
    assert (process.returncode, out, complaints) == (130, b"", b"")


def wait_until_asked(service: FaultyAuthService) -> None:
    """Until the first question has arrived."""
    ends_at_s = time.monotonic() + PATIENCE_S
    while not service.journal:
        assert time.monotonic() < ends_at_s, "nobody has asked"
        time.sleep(0.02)
