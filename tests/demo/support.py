"""A demo as people start it: a program of its own, in a folder of its own, on free ports.

It must never share a folder or a port with another demo: what a test finds left behind is of that test alone.
"""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

FREE_PORTS = ("--port", "0", "--admin-port", "0", "--authd-port", "0")
COMMAND = (sys.executable, "-m", "netra", "demo")
PATIENCE_S = 60.0


class Reply(NamedTuple):
    """An answer, read."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


class Demo:
    """A started demo and what it has said so far."""

    def __init__(self, program: "subprocess.Popen[bytes]", folder: Path) -> None:
        self.program = program
        self.folder = folder
        """Where its temporary folder stands while it runs."""
        self._out = folder.parent / "out"
        self._err = folder.parent / "err"

    @property
    def out(self) -> str:
        return self._out.read_text("utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text("utf-8")

    def said(self, words: str) -> str:
        """Everything on standard output, once these words are among it."""
        until(lambda: words in self.out or self.program.poll() is not None)
        assert words in self.out, f"{self.out}\n{self.err}"
        return self.out

    @property
    def up(self) -> dict[str, Any]:
        """What a demo with `--format json` says of itself when it is up."""
        first = self.said("\n").partition("\n")[0]
        told: dict[str, Any] = json.loads(first)
        return told

    def lines_of(self, request_id: str) -> list[dict[str, Any]]:
        """What the log of a demo with `--format json` says of one request; lines follow the answer."""
        self.said(request_id)
        told = [json.loads(line) for line in self.out.splitlines()[1:] if line.endswith("}")]
        return [line for line in told if line["request_id"] == request_id]

    def children(self) -> list[int]:
        """The programs that it has started and not ended."""
        pid = self.program.pid
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
        return [int(child) for child in listed.split()]

    def ended(self, number: int) -> int:
        """Send it a signal and wait for its end; its exit code."""
        self.program.send_signal(number)
        return self.program.wait(PATIENCE_S)

    def log_in(self, password: str | None = None, request_id: str = "a-login") -> Reply:
        """Log in at its gateway, with the shown password unless another is given."""
        body = {"email": self.up["email"], "password": password or self.up["password"]}
        headers = {"Content-Type": "application/json", "X-Request-ID": request_id}
        return ask("POST", self.up["login"], json.dumps(body).encode(), headers)

    def break_with(self, fault: str) -> Reply:
        """Ask its fault control for a fault."""
        return ask("POST", f"{self.up['fault']}/{fault}")


def ask(method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
    """One HTTP request; a refusal is an answer like any other."""
    request = urllib.request.Request(url, body, dict(headers or {}), method=method)  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            return Reply(answer.status, dict(answer.headers), answer.read().decode())
    except urllib.error.HTTPError as refused:
        with refused:
            return Reply(refused.code, dict(refused.headers), refused.read().decode())


def until(holds: Any) -> None:
    """Wait for something to become so; a test that waits in vain fails by what it asserts next."""
    end_s = time.monotonic() + PATIENCE_S
    while not holds() and time.monotonic() < end_s:
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Is there such a program, and is it more than an entry that nobody has collected yet?"""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@contextmanager
def started(
    folder: Path, *options: str, environment: Mapping[str, str] | None = None, ports: tuple[str, ...] = FREE_PORTS
) -> Iterator[Demo]:
    """A demo that is starting; ended by force with the block if it has not ended before."""
    temporary = folder / "tmp"
    temporary.mkdir()
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        program = subprocess.Popen(
            [*COMMAND, *ports, *options],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, "TMPDIR": str(temporary), **(environment or {})},
            start_new_session=True,
        )
    try:
        yield Demo(program, temporary)
    finally:
        if program.poll() is None:
            program.send_signal(signal.SIGTERM)
            try:
                program.wait(PATIENCE_S)
            finally:
                program.kill()
                program.wait()


class Terminal:
    """What a demo on a terminal has shown so far, without its colours."""

    def __init__(self, program: "subprocess.Popen[bytes]", ours: int) -> None:
        self.program = program
        self._ours = ours
        self._said = b""

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self._said.decode("utf-8", "replace")).replace("\r\n", "\n")

    def read(self, words: str | None = None) -> str:
        """Read until these words are there, or to the end of the program."""
        while words is None or words not in self.text:
            try:
                block = os.read(self._ours, 65536)
            except OSError:
                # Linux's way to say that nobody is left at the other end.
                break
            if not block:
                break
            self._said += block
        return self.text


@contextmanager
def on_terminal(folder: Path, *options: str, columns: int) -> Iterator[Terminal]:
    """A demo on a terminal of its own, so many columns wide; ended by force with the block."""
    ours, its = pty.openpty()
    environment = {**os.environ, "TMPDIR": str(folder), "TERM": "xterm", "COLUMNS": str(columns)}
    program = subprocess.Popen(
        [*COMMAND, *options], stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True
    )
    os.close(its)
    try:
        yield Terminal(program, ours)
    finally:
        program.kill()
        program.wait()
        os.close(ours)
