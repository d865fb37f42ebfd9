"""What the command line says when it is asked wrongly, lacks an extra, or is interrupted.

It must never be asked in this very interpreter: what is loaded here already would hide what it loads.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netra import __version__
from netra.cli.main import COMMANDS, overview, run

EXTRA = "pip install 'netra-gateway[authd]'"

WITHOUT = "import sys; sys.modules[sys.argv[1]] = None; from netra.cli.main import run; sys.exit(run(sys.argv[2:]))"
"""Python treats a module that is None as one that is not installed."""

INTERRUPTED = """
import sys
class Interrupt:
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
from netra.cli.main import run
sys.exit(run(sys.argv[2:]))
"""


def said(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a Python command line, with its database in `folder`."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "NETRA_AUTHD_DATABASE_URL": f"sqlite:///{folder}/authd.db"},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_every_command_with_its_line(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert run(words) == 0
    shown = capsys.readouterr().out
    assert shown == f"{overview()}\n"
    for name, command in COMMANDS.items():
        assert f"{name} " in shown
        assert command.line in shown


def test_help_outside_a_terminal_has_no_colour() -> None:
    assert "\x1b" not in overview()
    assert "\x1b" in overview(coloured=True)


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_the_version_is_said(capsys: pytest.CaptureFixture[str], word: str) -> None:
    assert run([word]) == 0
    assert capsys.readouterr().out == f"netra {__version__}\n"


@pytest.mark.parametrize(("typed", "near"), [("servce", "serve"), ("user", "users"), ("docter", "doctor")])
def test_a_mistyped_command_names_the_near_one(capsys: pytest.CaptureFixture[str], typed: str, near: str) -> None:
    assert run([typed]) == 2
    shown = capsys.readouterr()
    assert near in shown.err
    assert not shown.out


@pytest.mark.parametrize("typed", ["xyzzy", ""])
def test_a_command_like_no_other_names_them_all(capsys: pytest.CaptureFixture[str], typed: str) -> None:
    assert run([typed]) == 2
    shown = capsys.readouterr().err
    assert all(name in shown for name in COMMANDS)


def test_an_unknown_option_points_to_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--verison"]) == 2
    assert "netra --help" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_of_its_own_and_offers_no_completion_of_its_own(tmp_path: Path, command: str) -> None:
    code, shown, errors = said(tmp_path, "-m", "netra", command, "--help")
    assert (code, errors) == (0, "")
    assert f"netra {command}" in shown
    assert "--install-completion" not in shown, "Make its app with typer.Typer(add_completion=False)"


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_of_a_command_is_a_usage_error_without_a_traceback(tmp_path: Path, command: str) -> None:
    code, _, errors = said(tmp_path, "-m", "netra", command, "--no-such-option")
    assert code == 2
    assert "--no-such-option" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("absent", ["aiosqlite", "alembic", "argon2", "sqlalchemy"])
def test_the_auth_service_without_its_extra_says_what_to_install(tmp_path: Path, absent: str) -> None:
    code, _, errors = said(tmp_path, "-c", WITHOUT, absent, "authd", "--port", "0")
    assert code == 2
    assert errors.strip() == f"`netra authd` needs the embedded auth service: {EXTRA}"


@pytest.mark.parametrize("command", [["users", "list"], ["services", "list"], ["demo"]])
def test_a_command_without_its_extra_says_what_to_install(tmp_path: Path, command: list[str]) -> None:
    code, _, errors = said(tmp_path, "-c", WITHOUT, "sqlalchemy", *command)
    assert code == 2
    assert errors.strip().endswith(EXTRA)
    assert "Traceback" not in errors


def test_a_broken_installation_is_not_taken_for_a_missing_extra(tmp_path: Path) -> None:
    code, _, errors = said(tmp_path, "-c", WITHOUT, "netra.cli.users", "users", "list")
    assert code == 70
    assert "ModuleNotFoundError (netra.cli.users), raised at" in errors
    assert EXTRA not in errors


def test_an_interrupt_while_a_command_is_loaded_ends_quietly(tmp_path: Path) -> None:
    assert said(tmp_path, "-c", INTERRUPTED, "netra.cli.users", "users", "list") == (130, "", "")


def test_an_interrupt_while_a_command_runs_ends_quietly(tmp_path: Path) -> None:
    assert said(tmp_path, "-c", INTERRUPTED, "sqlalchemy", "users", "list") == (130, "", "")


def test_the_package_runs_as_a_module(tmp_path: Path) -> None:
    assert said(tmp_path, "-m", "netra", "--version") == (0, f"netra {__version__}\n", "")


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "netra", "--help"], stdout=writer, stderr=subprocess.PIPE, check=False, cwd=tmp_path
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")
