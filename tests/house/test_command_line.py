"""`netra --help` answers at once, because it loads nothing; no command loads what only running it needs.

It must never measure time: what is not imported costs nothing, on every machine.
"""

import subprocess
import sys

import pytest

from netra.cli.main import COMMANDS

HEAVY = frozenset(
    {
        "aiohttp",
        "aiosqlite",
        "alembic",
        "argon2",
        "cryptography",
        "httptools",
        "jinja2",
        "joserfc",
        "rich",
        "sqlalchemy",
        "structlog",
        "uvicorn",
        "uvloop",
    }
)


def loaded(*arguments: str) -> set[str]:
    """The top-level packages, and all modules of ours, that a Python command line imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    lines = done.stderr.splitlines()
    if done.returncode:
        rest = "\n".join(line for line in lines if not line.startswith("import time:"))
        pytest.fail(f"python {' '.join(arguments)} exited {done.returncode}:\n{rest}", pytrace=False)
    names = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    return {name.partition(".")[0] for name in names} | {name for name in names if name.startswith("netra.")}


@pytest.mark.parametrize("words", [["--help"], ["--version"], []])
def test_the_front_door_loads_nothing_but_itself(words: list[str]) -> None:
    ours = loaded("-m", "netra", *words) - loaded("-c", "import runpy")
    assert ours - sys.stdlib_module_names == {"netra", "netra.cli", "netra.cli.main"}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_loads_no_heavy_library(command: str) -> None:
    assert not loaded("-m", "netra", command, "--help") & HEAVY


@pytest.mark.parametrize("library", sorted(HEAVY))
def test_a_heavy_library_would_be_seen(library: str) -> None:
    assert library in loaded("-c", f"import {library}")
