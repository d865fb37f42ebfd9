"""`netra wire`: what it shows of presets and files, and what its check finds."""

import json
import os
import pty
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from netra.wires.load import presets
from tests.cli.support import Command
from tests.support.programs import ROOT, environment

WIRE = """name = "acme"

[seal]
X-Key = "{service_secret}"

[extra]
tenant = { required = true }

[calls.login]
method = "POST"
path = "/sessions"
json = { user = "{identifier}", secret = "{password}", tenant = "{tenant}" }
headers = { X-Real-IP = "{client_address}" }

[[calls.login.replies]]
status = [200]
require = ["access_token"]
accept = { access_token = ["/token", "/jwt"], user_id = "jwt:sub" }

[[calls.login.replies]]
status = [400, 401]
pointer = "/error"
value = "bad_password"
code = "invalid_credentials"

[[calls.login.replies]]
status = [401]
body = ["object"]
coded = false
needs_standing = true
code = "invalid_credentials"
"""
REPLY = '[[reply]]\nname = "{}"\ncall = "login"\nstatus = {}\nbody = \'{}\'\nexpect = "{}"\n'
GOOD = REPLY.format("good", 200, '{"token": "a"}', "accepted")
BAD = REPLY.format("bad", 401, '{"error": "bad_password"}', "invalid_credentials")
MISREAD = REPLY.format("down", 503, "", "invalid_credentials")


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    path = tmp_path / "acme.toml"
    path.write_text(WIRE)
    return path


def on_a_terminal(*arguments: str, folder: Path, columns: int = 160) -> str:
    """What a command draws on a terminal of this width."""
    terminal, inner = pty.openpty()
    told = environment({"COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1"})
    process = subprocess.Popen([sys.executable, "-m", "netra", *arguments], stdout=inner, env=told, cwd=folder)
    os.close(inner)
    drawn = b""
    # Linux ends a terminal that nobody writes to any more with EIO.
    while piece := _read(terminal):
        drawn += piece
    os.close(terminal)
    assert process.wait(30) == 0
    return drawn.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""


def test_every_preset_is_listed_in_one_line(netra: Command) -> None:
    ended = netra("wire", "list")
    assert ended.code == 0
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert [row[0] for row in rows] == list(presets())
    assert all(len(row) == 3 and all(row) for row in rows)


@pytest.mark.parametrize("words", [["netra"], ["netra", "--toml"], [], ["spring"]])
def test_in_a_pipe_a_wire_is_shown_as_the_toml_to_copy(netra: Command, words: list[str]) -> None:
    ended = netra("wire", "show", *words)
    name = words[0] if words else "netra"
    assert (ended.code, ended.out) == (0, files("netra.wires").joinpath(f"{name}.toml").read_text("utf-8"))


def test_the_wire_in_use_is_the_one_that_the_environment_names(
    netra: Command, acme: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRA_WIRE", "acme.toml")
    assert netra("wire", "show").out == WIRE
    monkeypatch.setenv("NETRA_WIRE", " cognito\n")
    assert tomllib.loads(netra("wire", "show").out)["name"] == "cognito"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("nowhere.toml", "NETRA_WIRE: neither a preset"),
        ("https://acme.test/wire.toml", "error: NETRA_WIRE: is a URL"),
    ],
)
def test_a_wire_in_use_that_cannot_be_used_names_the_variable(
    netra: Command, monkeypatch: pytest.MonkeyPatch, value: str, says: str
) -> None:
    monkeypatch.setenv("NETRA_WIRE", value)
    ended = netra("wire", "show")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(says)


def test_a_wire_with_problems_shows_them_all_and_nothing_else(netra: Command, acme: Path) -> None:
    acme.write_text(WIRE.replace("status = [200]", "status = [500]").replace('code = "inv', 'code = "inw', 1))
    ended = netra("wire", "show", str(acme), "--toml")
    assert (ended.code, ended.out) == (1, "")
    assert [line.split(":")[1] for line in ended.err.splitlines()] == ["16", "24"]


@pytest.mark.parametrize("value", ["nowhere", "", "no\nwhere"])
def test_what_is_no_wire_is_named_on_one_line(netra: Command, value: str) -> None:
    for command in ("show", "check"):
        ended = netra("wire", command, value)
        assert ended.code == 1
        (first, *_) = (ended.err or ended.out).splitlines()
        assert first.startswith(f"{value or repr(value)}: neither a preset".replace("no\nwhere", r"'no\nwhere'"))


def test_on_a_terminal_a_wire_is_drawn_in_words(tmp_path: Path, acme: Path) -> None:
    drawn = on_a_terminal("wire", "show", "acme.toml", folder=tmp_path)
    for words in (
        "header X-Key: {service_secret}",
        "tenant (required)",
        "POST /sessions",
        'json: {"user": "{identifier}"',
        "our credentials, X-Real-IP: {client_address}",
        "not offered",
        "accepted: access_token /token or /jwt; user_id jwt:sub; none without access_token",
        '400 or 401, /error is "bad_password"',
        "401, a JSON object, no known code",
        "invalid_credentials, while our credentials are good",
    ):
        assert words in drawn
    assert "[calls.login]" not in drawn
    assert on_a_terminal("wire", "show", "acme.toml", "--toml", folder=tmp_path).replace("\r", "") == WIRE


def test_on_a_terminal_a_query_is_drawn_with_what_else_goes_along(tmp_path: Path) -> None:
    drawn = " ".join(on_a_terminal("wire", "show", "netra", folder=tmp_path).split())
    assert "GET /auth/revocations" in drawn
    assert "in the query after={cursor}" in drawn


@pytest.mark.parametrize("name", presets())
def test_every_preset_can_be_drawn_and_checked(netra: Command, name: str) -> None:
    ended = netra("wire", "check", name)
    assert (ended.code, ended.err) == (0, "")
    assert f"the wire {name}, " in ended.out
    recorded = ROOT / "tests/wires/recorded" / f"{name}.toml"
    ended = netra("wire", "check", name, "--replies", str(recorded))
    assert ended.code == 0
    assert "saved replies are read as expected." in ended.out


def test_a_check_says_what_is_offered(netra: Command, acme: Path) -> None:
    ended = netra("wire", "check", "acme.toml")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "acme.toml: the wire acme, 3 rows",
        "  offered      login",
        "  not offered  register, refresh, logout, validate, config, health, handshake, keys, discovery, revocations",
        "  credentials  header X-Key: {service_secret}",
        "",
        "Nothing is wrong with it. There are no saved replies to replay.",
    ]


def test_a_check_finds_everything_at_once_with_lines(netra: Command, acme: Path) -> None:
    acme.write_text(WIRE.replace("status = [200]", "status = [500]").replace('pointer = "/error"', 'pointer = "error"'))
    (acme.parent / "acme.replies.toml").write_text(GOOD.replace('"accepted"', '"acepted"'))
    ended = netra("wire", "check", "acme.toml")
    assert ended.code == 1
    lines = ended.out.splitlines()
    assert [line.split(": ")[0] for line in lines[:3]] == ["acme.toml:16", "acme.toml:22", "acme.replies.toml:6"]
    assert "write /error" in lines[1]
    assert lines[-1].startswith("3 problem(s)")


def test_replies_beside_a_wire_are_replayed(netra: Command, acme: Path) -> None:
    (acme.parent / "acme.replies.toml").write_text(GOOD + BAD)
    ended = netra("wire", "check", "acme.toml")
    assert ended.code == 0
    assert ended.out.splitlines()[5:] == [
        "  name  call   status  read as              expected",
        "  good  login  200     accepted             accepted",
        "  bad   login  401     invalid_credentials  invalid_credentials",
        "",
        "Nothing is wrong with it, and 2 saved replies are read as expected.",
    ]


def test_a_reply_that_is_misread_fails_the_check(netra: Command, acme: Path, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(GOOD + MISREAD)
    ended = netra("wire", "check", "acme.toml", "--replies", "other.toml")
    assert ended.code == 1
    assert "! down  login  503     auth_service_unavailable  invalid_credentials" in ended.out.splitlines()
    assert ended.out.splitlines()[-1].startswith("1 of 2 saved replies")


@pytest.mark.parametrize("name", ["nowhere.toml", ".", "netra"])
def test_replies_that_are_not_there_are_a_problem(netra: Command, acme: Path, name: str) -> None:
    ended = netra("wire", "check", "acme.toml", "--replies", name)
    assert ended.code == 1
    assert ended.out.splitlines()[0] == "--replies: names no file that is there"


def test_the_check_as_json_says_the_same(netra: Command, acme: Path, tmp_path: Path) -> None:
    (tmp_path / "acme.replies.toml").write_text(GOOD + MISREAD)
    ended = netra("wire", "check", "acme.toml", "--format", "json")
    told: Any = json.loads(ended.out)
    assert (ended.code, told["ok"], told["rows_count"], told["offered"]) == (1, False, 3, ["login"])
    assert told["replies"][1] == {
        "name": "down", "call": "login", "status": 503, "read_as": "auth_service_unavailable",
        "expected": "invalid_credentials", "fits": False,
    }  # fmt: skip
    acme.write_text("name = 1")
    told = json.loads(netra("wire", "check", "acme.toml", "--format", "json").out)
    assert (told["ok"], told["offered"], told["replies"]) == (False, None, [])
    assert [(each["file"], each["line"]) for each in told["problems"]] == [("acme.toml", 1), ("acme.toml", 1)]
