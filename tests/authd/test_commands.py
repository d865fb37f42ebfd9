"""The commands around the auth service, as people and scripts run them: real processes, real exit codes."""

import asyncio
import io
import json
import os
import pty
import re
import signal
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from netra.cli.main import run
from tests.authd.support import client_of

PASSWORD = "correct horse battery"


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def _environ(folder: Path) -> dict[str, str]:
    return {
        "NETRA_AUTHD_DATABASE_URL": f"sqlite:///{folder}/authd.db",
        "NETRA_DRAIN_DELAY_S": "0",
        "ENVIRONMENT": "test",
    }


class Process:
    """`netra …` as a process, with a database in the test's folder."""

    def __init__(self, folder: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("NETRA_", "SERVICE_"))}
        self.environ = {**kept, **_environ(folder), "PYTHONPATH": ":".join(sys.path)}

    async def start(self, *arguments: str, **environ: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "netra", *arguments,
            stdin=pipe, stdout=pipe, stderr=pipe, env={**self.environ, **environ},
        )  # fmt: skip

    async def __call__(self, *arguments: str, stdin: str = "", **environ: str) -> Ended:
        process = await self.start(*arguments, **environ)
        try:
            out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
        finally:
            if process.returncode is None:
                process.kill()
        return Ended(process.returncode or 0, out.decode(), err.decode())

    async def listening(self, *arguments: str) -> tuple[asyncio.subprocess.Process, str]:
        process = await self.start("authd", *arguments)
        assert process.stdout is not None
        while line := await process.stdout.readline():
            said = json.loads(line)
            if said["event"] == "Auth service listening":
                return process, said["url"]
        raise AssertionError((await process.communicate())[1].decode())


class Command:
    """The same in this process, which spares the start: for commands that come back at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, stdin: str = "") -> Ended:
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        try:
            code = run(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        return Ended(code, *self._capsys.readouterr())


@pytest.fixture
def process(tmp_path: Path) -> Process:
    return Process(tmp_path)


@pytest.fixture
def netra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    for name, value in _environ(tmp_path).items():
        monkeypatch.setenv(name, value)
    return Command(monkeypatch, capsys)


async def test_from_nothing_to_a_login_and_a_clean_stop(process: Process) -> None:
    added = await process("services", "add", "netra-backend")
    assert added.code == 0
    lines = dict(line.split("=", 1) for line in added.out.splitlines())
    assert set(lines) == {"SERVICE_ID", "SERVICE_SECRET"}
    user = await process("users", "add", "ada@example.com", "--name", "Ada", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert user.code == 0, user.err
    server, url = await process.listening("--port", "0")
    async with client_of(url, lines["SERVICE_ID"], lines["SERVICE_SECRET"]) as client:
        reply = await client.log_in("ada@example.com", PASSWORD)
        assert reply.status == 200
        assert reply.body["user"]["id"] == user.out.split("\t")[0]
        assert (await client.log_in("ada@example.com", "a wrong guess")).status == 401
        beside = await process("users", "disable", "ADA@example.com")
        assert beside.code == 0, beside.err
        assert (await client.log_in("ada@example.com", PASSWORD)).code == "account_disabled"
    server.send_signal(signal.SIGTERM)
    out, err = await server.communicate()
    assert (server.returncode, err) == (0, b"")
    logged = [json.loads(line) for line in out.splitlines()]
    events = [line["event"] for line in logged]
    assert events == [
        "Login succeeded",
        "Login rejected",
        "Login rejected",
        "Auth service stopping",
        "Auth service stopped",
    ]
    assert all(line["request_id"] and line["elapsed_ms"] > 0 for line in logged[:3])
    assert logged[1]["code"] == "invalid_credentials"
    for secret in ("ada@example.com", PASSWORD, "a wrong guess", lines["SERVICE_SECRET"], reply.body["refresh_token"]):
        assert secret not in out.decode()
    assert logged[0]["identifier"] == logged[1]["identifier"]


async def test_a_taken_port_is_named_with_the_option_to_set(process: Process) -> None:
    server, url = await process.listening("--port", "0")
    port = url.rpartition(":")[2]
    second = await process(
        "authd", "--port", port, NETRA_AUTHD_DATABASE_URL=f"{process.environ['NETRA_AUTHD_DATABASE_URL']}2"
    )
    assert second.code == 1
    assert f"127.0.0.1:{port}" in second.err
    assert "--port or NETRA_AUTHD_PORT" in second.err
    assert "Traceback" not in second.err
    server.send_signal(signal.SIGINT)
    await server.communicate()
    assert server.returncode == 0


def test_wrong_settings_end_with_78_and_one_problem_a_line(netra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRA_AUTHD_HASH_THREADS", "none")
    ended = netra("authd", "--port", "99999")
    assert ended.code == 78
    assert len(ended.err.splitlines()) == 2
    assert ended.out == ""


def test_a_service_is_listed_by_fingerprint_never_by_secret_and_removed(netra: Command) -> None:
    added = netra("services", "add", "netra-backend")
    secret = added.out.split("SERVICE_SECRET=")[1].strip()
    again = netra("services", "add", "netra-backend")
    assert again.code == 1
    assert "netra services remove netra-backend" in again.err
    listed = netra("services", "list")
    assert listed.out.split("\t")[0] == "netra-backend"
    fingerprint = listed.out.split("\t")[2].strip()
    assert re.fullmatch("[0-9a-f]{8}", fingerprint)
    assert fingerprint in added.err
    assert secret not in listed.out + listed.err + again.out + again.err
    assert (netra("services", "remove", "netra-backend")).code == 0
    assert (netra("services", "remove", "netra-backend")).code == 1
    assert (netra("services", "list")).out == ""


def test_an_id_that_would_break_logins_is_a_usage_error(netra: Command) -> None:
    ended = netra("services", "add", "netra-backend-1763812000")
    assert ended.code == 2
    assert "cannot be a service id: it ends in a time stamp" in " ".join(ended.err.split())


def test_users_are_listed_disabled_and_enabled(netra: Command) -> None:
    for email in ("grace@example.com", "ada@example.com"):
        assert (netra("users", "add", email, "--password-stdin", stdin=f"{PASSWORD}\r\n")).code == 0
    taken = netra("users", "add", "ADA@example.com", "--password-stdin", stdin=PASSWORD)
    assert taken.code == 1
    assert "netra users list" in taken.err
    assert (netra("users", "disable", "ada@example.com")).code == 0
    rows = [line.split("\t") for line in (netra("users", "list")).out.splitlines()]
    assert [(row[0], row[2]) for row in rows] == [("ada@example.com", "disabled"), ("grace@example.com", "active")]
    assert (netra("users", "enable", "ada@example.com")).code == 0
    assert "\tactive\t" in (netra("users", "list")).out.splitlines()[0]
    for command in ("disable", "enable"):
        assert (netra("users", command, "nobody@example.com")).code == 1


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "said"),
    [
        (["no-address", "--password-stdin"], PASSWORD, 2, "e-mail"),
        (["ada@example.com", "--password-stdin"], "short", 1, "at least 8"),
        (["ada@example.com", "--password-stdin"], "ada@example.com", 1, "must not be the e-mail"),
        (["ada@example.com", "--password-stdin"], "", 2, "empty"),
        (["ada@example.com", "--password-stdin"], "x" * 1_025, 2, "1024 bytes"),
        (["ada@example.com"], PASSWORD, 2, "--password-stdin"),
    ],
    ids=["address", "short", "equal", "empty", "long", "no terminal"],
)
def test_what_cannot_be_a_user_is_refused_with_the_reason(
    netra: Command, arguments: list[str], stdin: str, code: int, said: str
) -> None:
    ended = netra("users", "add", *arguments, stdin=stdin)
    assert ended.code == code
    assert said in ended.err
    assert ended.out == ""
    assert not stdin or stdin == "ada@example.com" or stdin not in ended.err


def test_a_database_that_is_not_to_be_had_ends_with_1_and_the_cure(
    netra: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NETRA_AUTHD_DATABASE_URL", f"sqlite:///{tmp_path}/nowhere/x.db")
    ended = netra("users", "list")
    assert ended.code == 1
    assert f"there is no folder {tmp_path}/nowhere" in ended.err


async def test_on_a_terminal_a_table_is_drawn(process: Process) -> None:
    await process("users", "add", "ada@example.com", "--password-stdin", stdin=PASSWORD)
    terminal, inner = pty.openpty()
    drawing = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "netra", "users", "list", stdout=inner, env={**process.environ, "COLUMNS": "200"}
    )
    assert await drawing.wait() == 0
    os.close(inner)
    drawn = os.read(terminal, 65_536).decode()
    os.close(terminal)
    assert "│ ada@example.com │" in drawn
