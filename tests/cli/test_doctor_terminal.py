"""`netra doctor` on a terminal: progress while it lasts, colours at the end, a password that nobody sees."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from netra.lab.scripts import silence
from netra.testing.authds import AuthdBeside
from tests.settings.good import SECRET, good
from tests.support.labs import lab
from tests.support.programs import PATIENCE_S, environment

_INTERRUPT_KEY: Final = b"\x03"
TAKE_TERMINAL: Final = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes the terminal that of the program, so that its keys are signals."""
_CURSOR_SHOWN: Final = "\x1b[?25h"


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, descriptor: int, process: "subprocess.Popen[bytes]") -> None:
        self.shown = ""
        self._descriptor = descriptor
        self._process = process

    def until(self, wanted: Callable[[str], bool]) -> str:
        """What is shown, once that is what was wanted."""
        ends_at_s = time.monotonic() + PATIENCE_S
        while not wanted(self.shown):
            assert time.monotonic() < ends_at_s, self.shown
            assert self._read(), self.shown
        return self.shown

    def type(self, keys: bytes) -> None:
        """Press these keys."""
        os.write(self._descriptor, keys)

    def ended(self) -> int:
        """The exit code, once everything that it shows was read."""
        while self._read():
            pass
        return self._process.wait(PATIENCE_S)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], PATIENCE_S)
        try:
            got = os.read(self._descriptor, 65536) if ready else b""
        except OSError:  # the other end is closed
            got = b""
        self.shown += got.decode("utf-8", "replace")
        return bool(got)


@contextmanager
def terminal(*arguments: str, told: Mapping[str, str]) -> Iterator[Terminal]:
    """`netra doctor` on a terminal; it is gone at the end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL, sys.executable, "-m", "netra", "doctor", *arguments],
        env={**environment(told), "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40", "PYTHONUTF8": "1"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def hanging(url: str) -> dict[str, str]:
    """An environment in which the diagnosis waits for a minute."""
    return good(ENVIRONMENT="test", AUTH_SERVICE_URL=url, NETRA_TOKEN_BUDGET_S="60")


def test_what_is_being_looked_at_is_shown_and_an_interrupt_leaves_a_tidy_terminal() -> None:
    with lab() as service:
        service.answer("/health", silence())
        with terminal("--timeout", "60", told=hanging(service.url)) as screen:
            shown = screen.until(lambda seen: "looking at HTTP" in seen)
            assert f"127.0.0.1:{service.port} accepts" in shown
            screen.type(_INTERRUPT_KEY)
            assert screen.ended() == 128 + signal.SIGINT
    assert _CURSOR_SHOWN in screen.shown
    assert "Traceback" not in screen.shown
    assert "Aborted" not in screen.shown


def test_the_report_is_in_colours_and_its_lines_fit(netra_authd: AuthdBeside) -> None:
    told = {"ENVIRONMENT": "test", "AUTH_SERVICE_URL": netra_authd.url, **netra_authd.variables}
    with terminal(told=told) as screen:
        assert screen.ended() == 0
    assert "\x1b[1;32m✓\x1b[0m address" in screen.shown
    assert "\x1b[1;32mNothing stands in the way of logins.\x1b[0m" in screen.shown


def test_the_password_of_a_canary_is_asked_for_and_not_shown(netra_authd: AuthdBeside) -> None:
    told = {"ENVIRONMENT": "test", "AUTH_SERVICE_URL": netra_authd.url, **netra_authd.variables}
    with terminal("--canary", netra_authd.email, told=told) as screen:
        screen.until(lambda seen: f"Password of {netra_authd.email}: " in seen)
        screen.type(netra_authd.password.encode() + b"\n")
        assert screen.ended() == 0
    assert "the login succeeds" in screen.shown
    assert netra_authd.password not in screen.shown


def test_an_interrupt_while_the_password_is_asked_for_ends_it_with_130() -> None:
    with terminal("--canary", "ada@example.test", told=good()) as screen:
        screen.until(lambda seen: "Password of" in seen)
        screen.type(_INTERRUPT_KEY)
        assert screen.ended() == 128 + signal.SIGINT
    assert "Traceback" not in screen.shown
    assert SECRET not in screen.shown


def test_the_end_of_the_input_where_a_password_was_asked_for_is_wrong_usage() -> None:
    with terminal("--canary", "ada@example.test", told=good()) as screen:
        screen.until(lambda seen: "Password of" in seen)
        screen.type(b"\x04")
        assert screen.ended() == 2
    assert "--canary needs the user's password" in screen.shown
