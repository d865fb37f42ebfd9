"""`netra lab auth-service` as people run it: a program of its own, told by options, ended by a signal."""

import errno
import json
import os
import pty
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import Command
from tests.support import wire
from tests.support.programs import PATIENCE_S, Program, attempt, environment
from tests.support.wire import Answer

SECRET = "lab-only-Jt3vXq8RzL0mWc5YkUe2NsHbP7dGfAo9"
TOKEN = "lab-only-hV6pQeXsR2mTz9LkWc4YbNuJd8GfAo0i"
FREE = ("--port", "0", "--control-port", "0")


class Lab(Program):
    """`netra lab auth-service` on free ports."""

    started = "Lab started"

    def __init__(self, *options: str, **told: str) -> None:
        super().__init__("lab", "auth-service", *FREE, "--format", "json", *options, told=told)

    @property
    def told(self) -> Any:
        """Its first line."""
        return self.wait_for(lambda line: line["event"] == self.started)

    def log_in(self, email: str = "ada@lab.test", secret: str = SECRET) -> Answer:
        """One login, asked as a gateway asks; this service keeps its connections, so we say when we are done."""
        credentials = [("X-Service-ID", "netra"), ("X-Service-Secret", secret)]
        return said(self.told["url"], "/auth/login", {"email": email, "password": "any"}, credentials)

    def control(self, method: str, target: str, headers: wire.Headers = ()) -> Answer:
        """One request to its control."""
        return wire.ask_now(self.told["control_url"], method, target, headers, b"" if method == "POST" else None)


def said(url: str, path: str, document: object, headers: wire.Headers) -> Answer:
    """One request on a connection whose sending side is closed after it."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as line:
        line.sendall(wire.message("POST", path, headers, wire.as_json(document)))
        line.shutdown(socket.SHUT_WR)
        raw = b""
        while piece := line.recv(65_536):
            raw += piece
    return wire.parse(raw)


@pytest.fixture(scope="module")
def running() -> Iterator[Lab]:
    with Lab() as one:
        yield one


def test_it_says_where_it_is_and_what_to_set(running: Lab) -> None:
    told = running.told
    assert told["set"] == {"AUTH_SERVICE_URL": told["url"]}
    assert told["url"].startswith("http://127.0.0.1:")
    assert told["control_url"].startswith("http://127.0.0.1:")
    assert told["fault"] is None


def test_addresses_choose_faults_and_the_control_switches_them(running: Lab) -> None:
    assert running.log_in().status == 200
    assert running.log_in("account_locked@lab.test").status == 423
    assert running.control("POST", "/fault/status_500?path=/auth/login").status == 200
    assert running.log_in().status == 500
    assert running.control("POST", "/heal").status == 200
    assert running.log_in().status == 200
    journal = running.control("GET", "/journal").json
    assert [each["fault"] for each in journal["deliveries"]][-4:] == [None, "account-locked", "status-500", None]


def test_it_begins_with_a_fault_and_with_its_options() -> None:
    with Lab("--fault", "status_503", "--no-by-email", "--journal-limit", "2") as lab:
        assert lab.told["fault"] == "status_503"
        assert [lab.log_in("account_locked@lab.test").status for _ in range(3)] == [503, 503, 503]
        assert lab.control("GET", "/journal").json["kept"] == 2


def test_a_secret_of_a_file_is_the_only_one_that_is_accepted_and_never_told(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    with Lab("--secret-file", str(file)) as lab:
        assert lab.log_in().status == 200
        refused = lab.log_in(secret="another")
        assert (refused.status, refused.code) == (401, "service_credentials_rejected")
        told = lab.control("GET", "/journal").raw.decode() + lab.control("GET", "/").raw.decode()
        assert SECRET not in told + json.dumps(lab.lines) + lab.complaints


def test_with_tls_it_names_the_authority_to_trust_and_leaves_no_file_behind() -> None:
    with Lab("--tls", "good") as lab:
        authority = Path(lab.told["set"]["AUTH_SERVICE_CA_FILE"])
        place = lab.told["url"].removeprefix("https://").split(":")
        with socket.create_connection((place[0], int(place[1])), timeout=PATIENCE_S) as line:
            context = ssl.create_default_context(cafile=authority)
            with context.wrap_socket(line, server_hostname="127.0.0.1") as sealed:
                sealed.sendall(b"GET /health HTTP/1.1\r\n\r\n")
                assert sealed.recv(12) == b"HTTP/1.1 200"
        assert lab.control("POST", "/fault/certificate-expired").status == 200
        assert lab.stop() == 0
    assert not authority.parent.exists()


@pytest.mark.parametrize("quality", ["expired", "not-yet-valid", "other-name", "other-authority"])
def test_with_a_bad_certificate_nobody_who_looks_connects(quality: str) -> None:
    with Lab("--tls", quality) as lab:
        context = ssl.create_default_context(cafile=lab.told["set"]["AUTH_SERVICE_CA_FILE"])
        place = lab.told["url"].removeprefix("https://").split(":")
        with (
            socket.create_connection((place[0], int(place[1])), timeout=PATIENCE_S) as line,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(line, server_hostname="127.0.0.1")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_and_in_order_whoever_is_connected(number: int) -> None:
    with Lab("--fault", "freeze") as lab:
        place = lab.told["url"].removeprefix("http://").split(":")
        with socket.create_connection((place[0], int(place[1])), timeout=PATIENCE_S):
            assert lab.stop(number) == 0
        assert lab.complaints == ""


def test_on_a_terminal_it_tells_the_next_steps() -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "netra", "lab", "auth-service", *FREE, "--fault", "drip-body"],
        env=environment({}), stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while b"Ctrl-C" not in shown:
            shown += os.read(ours, 4096)
    finally:
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=PATIENCE_S)
        os.close(ours)
    text = shown.decode()
    assert (process.returncode, complaints) == (0, "")
    for told in (
        "AUTH_SERVICE_URL=http://127.0.0.1:",
        "A gateway answers 504 response_timeout",
        "curl -X POST http://127.0.0.1:",
        "/heal",
        "response_timeout@lab.test",
        "netra lab faults",
        "keep real users away",
    ):
        assert told in text, told
    assert "\x1b[1m" in text


@pytest.mark.parametrize("option", ["--port", "--control-port"])
def test_a_port_that_is_taken_is_said_with_the_option_to_set(option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = attempt("lab", "auth-service", *FREE, option, port, told={})
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [ended.stderr.strip()]
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "taken" in ended.stderr
    assert option in ended.stderr
    assert ended.stdout == ""


def test_an_address_of_another_machine_is_said(netra: Command) -> None:
    ended = netra("lab", "auth-service", *FREE, "--host", "192.0.2.1")
    assert ended.code == 1
    assert os.strerror(errno.EADDRNOTAVAIL) in ended.err


def test_a_fault_of_tls_without_tls_says_what_to_add(netra: Command) -> None:
    ended = netra("lab", "auth-service", *FREE, "--fault", "certificate-expired")
    assert (ended.code, ended.out) == (2, "")
    assert "--tls good" in ended.err


def test_without_its_extra_tls_says_what_to_install(tmp_path: Path) -> None:
    without = "import sys; sys.modules['trustme'] = None; from netra.cli.main import run; sys.exit(run(sys.argv[1:]))"
    ended = subprocess.run(
        [sys.executable, "-c", without, "lab", "auth-service", *FREE, "--tls", "good"],
        env=environment({}), capture_output=True, text=True, check=False, timeout=PATIENCE_S, cwd=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.strip().endswith("pip install 'netra-gateway[lab]'")


@pytest.mark.parametrize(
    ("token", "host", "told"),
    [
        ("", "::", "NETRA_ADMIN_TOKEN is not set"),
        ("", "::ffff:0.0.0.0", "NETRA_ADMIN_TOKEN is not set"),
        ("", "0", "NETRA_ADMIN_TOKEN is not set"),
        ("", "192.0.2.1", "NETRA_ADMIN_TOKEN is not set"),
        ("short", "127.0.0.1", "shorter than 32 characters"),
    ],
)
def test_the_control_is_not_opened_to_strangers(
    netra: Command, monkeypatch: pytest.MonkeyPatch, token: str, host: str, told: str
) -> None:
    monkeypatch.setenv("NETRA_ADMIN_TOKEN", token)
    ended = netra("lab", "auth-service", *FREE, "--control-host", host)
    assert (ended.code, ended.out) == (78, "")
    assert told in ended.err


def test_with_a_token_the_control_needs_it() -> None:
    with Lab(NETRA_ADMIN_TOKEN=TOKEN, NETRA_ADMIN_HOSTS="lab.internal") as lab:
        assert lab.control("GET", "/").status == 401
        bearer = [("Authorization", f"Bearer {TOKEN}"), ("Host", "lab.internal")]
        assert lab.control("GET", "/", bearer).status == 200
        assert TOKEN not in json.dumps(lab.lines) + lab.complaints


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"\xff" * 40, b"x" * 5_000])
def test_a_file_that_holds_no_secret_is_refused_without_telling_it(
    netra: Command, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    ended = netra("lab", "auth-service", *FREE, "--secret-file", str(file))
    assert (ended.code, ended.out) == (78, "")
    assert "--secret-file" in ended.err
    assert "two" not in ended.err


def test_a_file_that_is_not_there_is_said(netra: Command, tmp_path: Path) -> None:
    ended = netra("lab", "auth-service", *FREE, "--secret-file", str(tmp_path / "none"))
    assert ended.code == 78
    assert os.strerror(errno.ENOENT) in ended.err
