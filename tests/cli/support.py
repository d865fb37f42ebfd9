"""What tests of commands share: a command run to its end in this process, and programs of others as processes.

It must never leave a program of others running: each is ended by its own process id.
"""

import contextlib
import io
import subprocess
import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest

from netra.cli.main import run
from tests.support.programs import PATIENCE_S, ROOT

OURS: Final = ("NETRA_", "AUTH_SERVICE_", "SERVICE_", "ENVIRONMENT")
"""Beginnings of the variables that a command reads."""


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


class Command:
    """`netra …` in this process, which spares the start."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, stdin: str | bytes = "") -> Ended:
        content = stdin.encode() if isinstance(stdin, str) else stdin
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        try:
            code = run(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        return Ended(code, *self._capsys.readouterr())


@contextlib.contextmanager
def program_of_others(name: str) -> Iterator[str]:
    """An auth service of tests/support as a process of its own; yields its URL."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / f"tests/support/{name}.py"), "0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready "), f"{name} did not start"
        yield line.removeprefix("ready ").strip()
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        finally:
            process.kill()
            process.communicate()
