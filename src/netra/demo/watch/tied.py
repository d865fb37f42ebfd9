"""Starts another program in the place of this one, tied to the demo: whatever ends the demo ends that program.

It must never stand between the two: nothing of Python is left once the program runs.
"""

import contextlib
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Become the program of the command line, whose first word is its path."""
    die_with_parent()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - a program that we looked up, and no shell


def die_with_parent() -> None:
    """Ask Linux to end this program with its parent, even while it is frozen; other systems know no such wish."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
