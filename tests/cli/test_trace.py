"""`netra trace`: an id leads to the whole story, asked of a running gateway or read from any replica's lines."""

import contextlib
import gzip
import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from netra.cli.trace.logs import LONGEST_LINE_BYTES
from netra.testing.labs import LabBeside, lab_beside
from tests.cli.support import Command
from tests.support.gateways import EMAIL, ENVIRONMENT, NEVER_LOGGED, PASSWORD, SECRET
from tests.support.places import free_port
from tests.support.programs import PATIENCE_S, Gateway, environment

TOKEN: Final = "test-only-admin-token-Hj4Kq9Zs2Wn7Vb1"
LINE: Final[dict[str, Any]] = {
    "timestamp": "2027-01-15T08:00:00.250+00:00", "level": "error", "event": "All 2 login attempts failed",
    "request_id": "abc-1", "elapsed_ms": 420.5, "account": "0123456789abcdef",
    "trace_id": "0af7651916cd43dd8448eb211c80319c", "code": "connection_refused", "phase": "never_sent",
    "owner": "auth_service", "tries": ["connection_refused 1.5 ms (connect 1.2)", "connection_refused 1.0 ms"],
    "why": "auth.test port 443 refused the connection.", "check_first": "Check that auth.test listens",
    "os_error": "Connection refused",
}  # fmt: skip


def line(**changes: Any) -> str:
    """A line of a gateway's log."""
    return json.dumps({**LINE, **changes})


class House:
    """A gateway as a process in front of a lab."""

    def __init__(self, lab: LabBeside, gateway: Gateway) -> None:
        self.lab = lab
        self.gateway = gateway

    def log_in(self, request_id: str, fault: str | None = None) -> int:
        """One login under this id, met by a fault; returns the status."""
        if fault is not None:
            self.lab.fault(fault)
        try:
            return self.gateway.log_in(EMAIL, PASSWORD, [("X-Request-ID", request_id)]).status
        finally:
            self.lab.heal()

    def written(self, *ids: str) -> str:
        """Its log so far, once all of these are in it."""
        for an_id in ids:
            self._heard(an_id)
        return "".join(json.dumps(each) + "\n" for each in self.gateway.lines)

    def _heard(self, an_id: str) -> None:
        self.gateway.wait_for(lambda each: each["request_id"] == an_id)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with lab_beside() as lab:
        lab.service.secret = SECRET
        told = {**ENVIRONMENT, "NETRA_TRIES": "2", "NETRA_ADMIN_TOKEN": TOKEN, "NETRA_LOGIN_BUDGET_S": "3"}
        with Gateway(lab.url, told=told) as gateway:
            yield House(lab, gateway)


@pytest.fixture
def ask(netra: Command, house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`netra trace` as an operator beside that gateway would call it."""
    monkeypatch.setenv("NETRA_ADMIN_TOKEN", TOKEN)
    monkeypatch.setenv("NETRA_ADMIN_PORT", house.gateway.admin_url.rpartition(":")[2])

    def asked(*arguments: str, stdin: str | bytes = "") -> Any:
        return netra("trace", *arguments, stdin=stdin)

    return asked


def test_a_failure_is_told_try_by_try_with_cause_and_cure(house: House, ask: Any) -> None:
    assert house.log_in("failed-1", "status-503") == 503
    ended = ask("failed-1")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "login: 503 auth_service_unavailable (unknown)"
    assert [each.split()[:3] for each in lines if each.startswith("  try ")] == [
        ["try", "1", "auth_service_unavailable"], ["try", "2", "auth_service_unavailable"],
    ]  # fmt: skip
    assert "wait " in ended.out
    for words in ("cause        ", "can mend it  whoever runs the auth service", "check first  1. ", "still works  - "):
        assert words in ended.out
    assert [secret for secret in NEVER_LOGGED if secret in ended.out] == []


def test_several_stories_of_one_id_are_told_in_their_order(house: House, ask: Any) -> None:
    assert house.log_in("twice", "status-500") == 502
    assert house.log_in("twice") == 200
    told = json.loads(ask("twice", "--format", "json").out)
    assert [(each["status"], each["code"]) for each in told["stories"]] == [(502, "auth_service_error"), (200, "ok")]
    (trace_id,) = {told["stories"][0]["trace_id"]}
    assert json.loads(ask(trace_id, "--format", "json").out)["stories"] == told["stories"][:1]


def test_the_log_tells_the_same_story_as_the_gateway(house: House, ask: Any, netra: Command) -> None:
    ids = ("same-1", "same-2", "same-3")
    for an_id, fault in zip(ids, ("status-503", "invalid-credentials", None), strict=True):
        house.log_in(an_id, fault)
    log = house.written(*ids)
    for an_id in ids:
        by_gateway = ask(an_id).out.splitlines()
        by_log = ask(an_id, "--from-logs", "-", stdin=log).out.splitlines()
        assert by_log[0] == by_gateway[0]
        tries = [[each for each in lines if "  try " in each] for lines in (by_gateway, by_log)]
        if an_id == "same-1":
            assert tries[0] == tries[1]
        causes = [[each for each in lines if each.startswith("cause ")] for lines in (by_gateway, by_log)]
        assert causes[0] == causes[1]


def test_what_was_never_there_is_told_with_what_to_do_next(house: House, ask: Any) -> None:
    ended = ask("nobody-knows")
    assert (ended.code, ended.out) == (1, "")
    assert "--from-logs" in ended.err


def test_without_the_token_nothing_is_told(house: House, netra: Command, tmp_path: Path) -> None:
    house.log_in("secret-story")
    url = house.gateway.admin_url
    ended = netra("trace", "secret-story", "--admin", url)
    assert (ended.code, ended.out) == (1, "")
    assert "NETRA_ADMIN_TOKEN" in ended.err


def test_the_token_is_read_from_a_file_too(
    house: House, netra: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.log_in("by-file")
    (tmp_path / "token").write_text(TOKEN + "\n", "utf-8")
    monkeypatch.setenv("NETRA_ADMIN_TOKEN_FILE", str(tmp_path / "token"))
    assert netra("trace", "by-file", "--admin", house.gateway.admin_url).code == 0
    monkeypatch.setenv("NETRA_ADMIN_TOKEN_FILE", str(tmp_path / "none"))
    ended = netra("trace", "by-file", "--admin", house.gateway.admin_url)
    assert (ended.code, ended.out) == (2, "")
    assert "NETRA_ADMIN_TOKEN_FILE" in ended.err


def test_nobody_at_the_address_and_somebody_else_there_are_told_apart(netra: Command) -> None:
    nobody = netra("trace", "abc-1", "--admin", f"http://127.0.0.1:{free_port()}")
    assert (nobody.code, nobody.out) == (1, "")
    assert "Connection refused" in nobody.err
    with somebody_else() as url:
        other = netra("trace", "abc-1", "--admin", url)
    assert (other.code, other.out) == (1, "")
    assert "no word of a gateway" in other.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("", "--admin", "http://127.0.0.1:1"),
        ("a b",),
        ("../health",),
        ("x" * 129,),
        ("abc-1", "--admin", "ftp://127.0.0.1"),
        ("abc-1", "--admin", "http://user:pass@127.0.0.1:1"),
        ("abc-1", "--admin", "http://[::1"),
        ("abc-1", "--admin", "http://127.0.0.1:1", "--from-logs", "-"),
    ],
)
def test_wrong_usage_ends_before_anybody_is_asked(netra: Command, arguments: tuple[str, ...]) -> None:
    ended = netra("trace", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert "pass@" not in ended.err


WRAPPED: Final = {
    "bare": line(),
    "docker": json.dumps({"log": line() + "\n", "stream": "stdout", "time": "2027-01-15T08:00:01Z"}),
    "kubernetes": f"2027-01-15T08:00:01.1Z stdout F {line()}",
    "compose": f"gateway-1  | {line()}",
    "kubectl": f"[pod/netra-7c9f/gateway] {line()}",
    "coloured": f"\x1b[36mgateway-1 |\x1b[0m {line()}",
    "nested": json.dumps({"severity": "ERROR", "jsonPayload": json.loads(line())}),
    "message": json.dumps({"kubernetes": {"pod": "netra-7c9f"}, "message": line()}),
    "braces before": "{gateway} " + line(),
}


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_a_line_is_read_whatever_collected_it(netra: Command, wrapping: str) -> None:
    ended = netra("trace", "abc-1", "--from-logs", "-", stdin=f"noise\n{{not json\n{WRAPPED[wrapping]}\n")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "login: 503 connection_refused (unknown)"
    assert "  try 1  connection_refused  never sent  1.5 ms  connect 1.2" in lines
    assert "  answered after 420.5 ms, 418.0 ms of it between tries" in lines
    assert "cause        auth.test port 443 refused the connection." in lines
    assert "check first  1. Check that auth.test listens" in lines
    assert "\x1b" not in ended.out


def test_lines_of_many_replicas_are_put_in_order_and_say_whose_they_are(netra: Command, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(
        f"gateway-2 | {line(timestamp='2027-01-15T08:00:02Z', event='Login succeeded', code=None)}\n", "utf-8"
    )
    (tmp_path / "b.log").write_text(f"gateway-1 | {line(timestamp='2027-01-15T08:00:01Z')}\n", "utf-8")
    told = json.loads(netra("trace", "abc-1", "--from-logs", "a.log", "--from-logs", "b.log", "--format", "json").out)
    assert [(each["source"], each["code"]) for each in told["stories"]] == [
        ("gateway-1", "connection_refused"), ("gateway-2", "ok"),
    ]  # fmt: skip


def test_only_lines_about_the_request_itself_are_told(netra: Command) -> None:
    log = "\n".join(
        [
            line(request_id="abc-12"),
            line(request_id="other", why="it is not abc-1"),
            json.dumps(
                {"time": "2027-01-15T07:59:59Z", "msg": "calling netra", "request_id": "abc-1", "path": "/login"}
            ),
            line(),
            line(event="Handshake refused", code=None),
        ]
    )
    told = json.loads(netra("trace", "abc-1", "--from-logs", "-", "--format", "json", stdin=log).out)
    assert [each["request_id"] for each in told["stories"]] == ["abc-1"]
    assert [each["event"] for each in told["other_lines"]] == ["calling netra", "Handshake refused"]
    text = netra("trace", "abc-1", "--from-logs", "-", stdin=log).out
    assert "  2027-01-15T07:59:59.000Z  calling netra  path=/login" in text.splitlines()


def test_a_trace_id_finds_its_lines(netra: Command) -> None:
    ended = netra("trace", LINE["trace_id"], "--from-logs", "-", stdin=line())
    assert ended.out.startswith("login: 503 connection_refused")


def test_what_a_stranger_wrote_into_a_log_moves_no_cursor(netra: Command) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\r\n\u202e"
    log = line(why=evil, check_first=evil, tries=[evil], account=evil, os_error=evil) + "\n"
    log += json.dumps({"request_id": "abc-1", "event": evil, "time": evil, evil: evil}) + "\n" + f"{evil}| {line()}\n"
    ended = netra("trace", "abc-1", "--from-logs", "-", stdin=log)
    assert ended.code == 0
    assert [each for each in ended.out if not each.isprintable() and each != "\n"] == []


def test_on_a_narrow_terminal_what_is_wrapped_stays_in_its_column(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(line(why="word " * 40), "utf-8")
    ours, theirs = pty.openpty()
    try:
        done = subprocess.Popen(
            [sys.executable, "-m", "netra", "trace", "abc-1", "--from-logs", str(tmp_path / "log")],
            stdin=subprocess.DEVNULL, stdout=theirs, env=environment({"COLUMNS": "60", "NO_COLOR": "1"}),
        )  # fmt: skip
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while got := os.read(ours, 65_536):
                shown += got
        assert done.wait(PATIENCE_S) == 0
    finally:
        os.close(ours)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).splitlines()
    assert max(map(len, lines)) <= 60
    words = [each for each in lines if "word word" in each]
    assert len(words) > 2
    assert words[0].startswith("cause        word")
    assert all(each.startswith(" " * 13 + "word") for each in words[1:])


def test_a_log_without_json_says_what_to_set(netra: Command) -> None:
    ended = netra("trace", "abc-1", "--from-logs", "-", stdin="2027 [error] Login failed request_id=abc-1\n")
    assert (ended.code, ended.out) == (1, "")
    assert "NETRA_LOG_FORMAT=json" in ended.err


def test_a_huge_log_is_read_in_bounded_memory(netra: Command) -> None:
    long = b'{"request_id": "abc-1", "event": "' + b"x" * (3 << 20) + b'"}\n'
    # What stands behind the longest line that is read is no line of its own.
    padded = (
        b'{"request_id": "abc-1"'.ljust(LONGEST_LINE_BYTES) + (line(event="Login succeeded", code=None) + "\n").encode()
    )
    log = long + padded + (line() + "\n").encode() * 1_500 + gzip.compress(b"abc-1 in a file of another kind")
    told = json.loads(netra("trace", "abc-1", "--from-logs", "-", "--format", "json", stdin=log).out)
    assert {each["code"] for each in told["stories"]} == {"connection_refused"}
    assert len(told["stories"]) == 1_000
    assert told["lines_left_out"] == 500


@pytest.mark.parametrize("name", ["none.log", ".", "\0"])
def test_a_file_that_cannot_be_read_is_named(netra: Command, name: str) -> None:
    ended = netra("trace", "abc-1", "--from-logs", name)
    assert (ended.code, ended.out) == (1, "")
    assert "cannot be read" in ended.err
    assert ended.err.count("\n") == 1


class _Elsewhere(BaseHTTPRequestHandler):
    """A web server that is no gateway."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def somebody_else() -> Iterator[str]:
    """The address of a web server that is no gateway."""
    server = HTTPServer(("127.0.0.1", 0), _Elsewhere)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
