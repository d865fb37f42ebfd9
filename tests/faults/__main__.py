"""Runs every row of the fault catalogue: `python -m tests.faults`, with any options of pytest behind it.

It must never leave a row out for want of time: options choose fewer, and the last line says how many.
"""

import sys
from pathlib import Path
from typing import Final

import pytest

from tests.faults.marks import files_with_marks

ROOT: Final = Path(__file__).resolve().parents[2]
AT_ONCE: Final = "3"
"""Processes: most of the time a test waits for a deadline."""


def main(arguments: list[str]) -> int:
    """Run them; returns the exit code of pytest."""
    files = [str(path) for path in files_with_marks(ROOT / "tests")]
    chosen = [] if any(each.startswith("-n") for each in arguments) else ["-n", AT_ONCE]
    return int(pytest.main(["-q", "-p", "tests.faults.tally", "-m", "row", *chosen, *arguments, *files]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
