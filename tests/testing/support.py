"""What tests of the plugin share: other people's test files, run as those people run them.

It must never run them in this process: a plugin is tried by the pytest that loads it.
"""

import re
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import dedent
from typing import Final, NamedTuple

from tests.support.programs import ROOT, python

PLUGIN: Final = "netra.testing.plugin"
_UNRAISABLE: Final = ("-W", "error::pytest.PytestUnraisableExceptionWarning")
_OUTCOMES: Final = re.compile(r"(\d+) (passed|failed|skipped|errors?|warnings?|deselected)")


class Suite(NamedTuple):
    """How somebody's tests ended."""

    exit_code: int
    counts: Mapping[str, int]
    """By outcome: `passed`, `failed`, `skipped`, `error`, `warning`."""
    text: str


def loading() -> tuple[str, ...]:
    """What makes pytest load the plugin: nothing, once the installed distribution names it."""
    named = any(each.value == PLUGIN for each in entry_points(group="pytest11"))
    return () if named else ("-p", PLUGIN)


def ran(folder: Path, text: str, *options: str) -> Suite:
    """A test file of somebody else, in a folder without any configuration."""
    file = folder / "test_theirs.py"
    file.write_text(dedent(text))
    return ran_file(file, *options)


def ran_file(file: Path, *options: str) -> Suite:
    """A test file as it stands; warnings of unclosed sockets and the like are failures."""
    command = (
        "-m", "pytest", "-q", "-rA", "-c", "/dev/null", "--rootdir", str(file.parent), "-p", "no:cacheprovider",
        "-p", "no:asyncio", "-W", "error::ResourceWarning", *_UNRAISABLE, *loading(),
    )  # fmt: skip
    done = python(*command, *options, str(file), told={}, folder=file.parent)
    found = _OUTCOMES.findall(done.stdout.strip().rpartition("\n")[2])
    return Suite(
        done.returncode, {what.removesuffix("s"): int(count) for count, what in found}, done.stdout + done.stderr
    )


__all__ = ["ROOT", "Suite", "loading", "ran", "ran_file"]
