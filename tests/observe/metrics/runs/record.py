"""Records anew what the alerts are tested with: `python -m tests.observe.metrics.runs.record [NAME ...]`.

It must never change a recording: each is written as it was made, or not at all.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.observe.metrics.runs.catalogue import BY_NAME, RUNS, Run
from tests.observe.metrics.runs.recording import FOLDER, path_of
from tests.support.programs import ROOT, environment

FAKETIME: Final = shutil.which("faketime")
"""Runs a program in time of its own. Debian: faketime."""
PATIENCE_S: Final = 240.0
_NO_FAKETIME: Final = (
    "No faketime here, which lets the time of a run pass faster. On Debian and Ubuntu: apt install faketime"
)


class NotRecorded(Exception):
    """A run has come to nothing; the message says why."""


def made(run: Run) -> str:
    """A run, made now in a process whose time runs faster, as the text of its file. Raises: NotRecorded."""
    if FAKETIME is None:
        raise NotRecorded(_NO_FAKETIME)
    command = [
        FAKETIME,
        "-f",
        f"+0 x{run.speed}",
        sys.executable,
        "-m",
        "tests.observe.metrics.runs.making",
        run.name,
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=environment({}), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    if done.returncode != 0:
        raise NotRecorded(done.stderr[-2000:])
    return done.stdout


def made_all(runs: Sequence[Run], at_once: int) -> Iterator[tuple[Run, str | NotRecorded]]:
    """Several runs, some at a time, in their order: each its text, or why there is none."""

    def tried(run: Run) -> str | NotRecorded:
        try:
            return made(run)
        except NotRecorded as problem:
            return problem

    with ThreadPoolExecutor(at_once) as pool:
        yield from zip(runs, pool.map(tried, runs), strict=True)


def main(arguments: Sequence[str]) -> int:
    """Make the runs that were named, or all, and keep what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.observe.metrics.runs.record", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(BY_NAME)}")
    parser.add_argument("--at-once", type=int, default=max(1, (os.cpu_count() or 2) - 1), help="runs at a time")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in BY_NAME]
    if unknown:
        parser.error(f"there is no run {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    FOLDER.mkdir(exist_ok=True)
    failed = 0
    for run, text in made_all([BY_NAME[name] for name in asked.names] or RUNS, asked.at_once):
        if isinstance(text, NotRecorded):
            failed += 1
            sys.stderr.write(f"{run.name}: {text}\n")
        else:
            path_of(run.name).write_text(text, "utf-8")
            sys.stdout.write(f"{run.name}: {len(text) // 1024} KiB\n")
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
