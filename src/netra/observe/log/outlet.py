"""Where lines leave the process: a bounded queue, and a thread of its own that writes what is in it.

It must never make a login wait: a reader that has stopped reading costs lines, which are counted, and nothing else.
"""

import contextlib
import errno
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, TextIO

MAX_LINES_COUNT: Final = 10_000
PAUSE_S: Final = 0.02
"""How long lines gather before they leave in one write."""
FAREWELL_S: Final = 1.0

OnDropped = Callable[[int], None]
"""Is told how many lines were lost; called on the thread that writes."""


class Outlet:
    """A text stream that takes lines from one thread and writes them in order on another.

    Without a stream, as in a program that was started with its output closed, every line is lost. What is lost is
    counted in `dropped_count`, and `on_dropped` is told how many once lines leave again.
    """

    def __init__(self, stream: TextIO | None, max_lines_count: int = MAX_LINES_COUNT) -> None:
        buffer = getattr(stream, "buffer", None)
        # Past the stream's own buffer: what it could not write would wait there, and fail again at the program's end.
        self._stream = getattr(buffer, "raw", buffer)
        self._terminal = stream is not None and stream.isatty()
        self._lines: deque[bytes] = deque()
        self._max_lines_count = max_lines_count
        self._ended = threading.Event()
        self._takes = True
        self._counting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._told_count = 0
        self.dropped_count = 0
        self.on_dropped: OnDropped = lambda _: None
        self.on_pause: Callable[[], object] = lambda: None
        """Called now and then on the thread that writes, before it does."""
        self.buffer = _Bytes(self)

    def isatty(self) -> bool:
        """Does a person read this?"""
        return self._terminal

    def write(self, text: str) -> int:
        """Take text that ends a line, as `print` does in one call."""
        return self.take(text.encode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        """Nothing to do: lines leave by themselves."""

    def take(self, line: bytes) -> int:
        """Take one line, with its line end. Never waits; what there is no room for is dropped and counted."""
        lines = self._lines
        if len(lines) >= self._max_lines_count or not self._takes:
            self._drop(1)
            return len(line)
        lines.append(line)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="netra-log", daemon=True)
            self._thread.start()
        return len(line)

    def has_room(self) -> bool:
        """Would a line be taken now?"""
        return len(self._lines) < self._max_lines_count

    def close(self) -> None:
        """Write what is left, and wait for it a moment."""
        self._takes = False
        self._ended.set()
        if self._thread is not None:
            self._thread.join(FAREWELL_S)

    def _run(self) -> None:
        while not self._ended.wait(PAUSE_S):
            with contextlib.suppress(Exception):  # as below
                self.on_pause()
            self._write_all()
        self._write_all()

    def _write_all(self) -> None:
        batch = [self._lines.popleft() for _ in range(len(self._lines))]
        if not batch:
            return
        try:
            self._write_bytes(b"".join(batch))
        except (OSError, ValueError):
            self._drop(len(batch))
            return
        lost_count = self.dropped_count - self._told_count
        if lost_count:
            self._told_count = self.dropped_count
            with contextlib.suppress(Exception):  # whoever counts may be broken; this thread must go on
                self.on_dropped(lost_count)

    def _drop(self, count: int) -> None:
        with self._counting:
            self.dropped_count += count

    def _write_bytes(self, left: bytes) -> None:
        if self._stream is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        while left:
            written_bytes = self._stream.write(left)
            if written_bytes is None:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            left = left[written_bytes:]


class _Bytes:
    """The outlet as a stream of bytes."""

    def __init__(self, outlet: Outlet) -> None:
        self.write = outlet.take
        self.flush = outlet.flush
