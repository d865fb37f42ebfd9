"""One server to one database file: an operating-system lock that dies with its process.

It must never touch the database file itself: closing any descriptor of it would drop SQLite's own locks.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

_PID_BYTES: Final = 32


class Held(Exception):
    """Another server holds the lock."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder
        """The process id that it left, or an empty text."""


class FileLock:
    """A held lock. The file stays behind on release: removing it would let two servers hold one name."""

    def __init__(self, path: Path) -> None:
        """Take the lock or fail at once.

        Raises: Held; OSError when the lock file cannot be made.
        """
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, _PID_BYTES, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise Held(holder if holder.isdigit() else "") from None
        except OSError:
            os.close(self._descriptor)
            raise
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Give the lock back; harmless a second time."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
