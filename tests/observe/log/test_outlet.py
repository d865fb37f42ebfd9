"""Lines leave in their order on a thread of their own, and whoever writes them never waits for whoever reads.

It must never measure how long anything takes: a pipe that nobody reads is full, and stays so.
"""

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import pytest

from netra.observe.log.outlet import Outlet
from netra.observe.log.writing import logger_for

LONGEST_S = 10.0


class Paper(io.RawIOBase):
    """A stream that keeps what is written, or fails as long as it is told to."""

    def __init__(self) -> None:
        self.written = b""
        self.writes_count = 0
        self.fault: Exception | None = None
        self.takes_bytes = 1_000_000

    def writable(self) -> bool:
        """It is for writing."""
        return True

    def write(self, data: Any) -> int | None:
        """Keep a part of it."""
        self.writes_count += 1
        if self.fault is not None:
            raise self.fault
        piece = bytes(data)[: self.takes_bytes]
        self.written += piece
        return len(piece) if piece else None


def stream_to(paper: Paper) -> TextIO:
    """A text stream as programs have one, with a buffer of its own between it and the paper."""
    return io.TextIOWrapper(io.BufferedWriter(paper), encoding="utf-8")


@contextmanager
def unread_pipe() -> Iterator[tuple[int, TextIO]]:
    """A pipe: the end to read from, and a stream to the other."""
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w", encoding="utf-8")
    try:
        yield reading, stream
    finally:
        os.close(reading)
        stream.close()


def test_lines_leave_in_their_order_and_the_last_ones_before_the_end() -> None:
    paper = Paper()
    outlet = Outlet(stream_to(paper))
    for number in range(1000):
        outlet.take(b"line %d\n" % number)
    outlet.close()
    assert paper.written == b"".join(b"line %d\n" % number for number in range(1000))
    assert paper.writes_count < 1000, "lines that gather leave together"
    assert outlet.dropped_count == 0


def test_a_stream_that_takes_a_part_is_given_the_rest() -> None:
    paper = Paper()
    paper.takes_bytes = 3
    outlet = Outlet(stream_to(paper))
    outlet.take(b"a line that is longer\n")
    outlet.close()
    assert paper.written == b"a line that is longer\n"


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_log_line_is_one_line_of_the_queue(log_format: str) -> None:
    paper = Paper()
    outlet = Outlet(stream_to(paper), max_lines_count=3)
    logger = logger_for(outlet, log_format, "info")
    for _ in range(3):
        logger.write(20, "Login succeeded", {"request_id": "request-1", "logger_name": "x"})
    outlet.close()
    assert paper.written.count(b"\n") == 3
    assert outlet.dropped_count == 0


def test_whoever_writes_does_not_wait_for_a_reader_that_has_stopped() -> None:
    with unread_pipe() as (reading, stream):
        outlet = Outlet(stream, max_lines_count=10)
        told: list[int] = []
        heard = threading.Event()

        def hear(count: int) -> None:
            told.append(count)
            heard.set()

        outlet.on_dropped = hear
        line = b"x" * 99_999 + b"\n"
        for _ in range(50):
            outlet.take(line)
        assert outlet.dropped_count >= 30, "the pipe takes less than one line, the queue ten"
        drained = threading.Thread(target=_drain, args=(reading,), daemon=True)
        drained.start()
        assert heard.wait(LONGEST_S), "once lines leave again, it is said how many were lost"
        outlet.close()
        assert sum(told) == outlet.dropped_count


def _drain(reading: int) -> None:
    try:
        while os.read(reading, 65536):
            pass
    except OSError:
        return


def test_the_end_does_not_wait_for_a_reader_that_has_stopped() -> None:
    with unread_pipe() as (_, stream):
        outlet = Outlet(stream)
        outlet.take(b"x" * 1_000_000)
        ending = threading.Thread(target=outlet.close)
        ending.start()
        ending.join(LONGEST_S)
        assert not ending.is_alive()


@pytest.mark.parametrize(
    "fault", [OSError("full"), BrokenPipeError(), ValueError("closed")], ids=["full", "gone", "closed"]
)
def test_what_a_broken_stream_does_not_take_is_counted_and_told_when_it_works_again(fault: Exception) -> None:
    paper = Paper()
    outlet = Outlet(stream_to(paper))
    told: list[int] = []
    outlet.on_dropped = told.append
    paper.fault = fault
    outlet.take(b"lost\n")
    outlet.take(b"lost as well\n")
    outlet._write_all()
    paper.fault = None
    outlet.take(b"there\n")
    outlet.close()
    assert (paper.written, outlet.dropped_count, told) == (b"there\n", 2, [2])


def test_a_stream_that_must_not_block_loses_what_it_has_no_room_for() -> None:
    paper = Paper()
    paper.takes_bytes = 0
    outlet = Outlet(stream_to(paper))
    outlet.take(b"lost\n")
    outlet.close()
    assert outlet.dropped_count == 1


def test_without_a_stream_every_line_is_counted_as_lost() -> None:
    outlet = Outlet(None)
    logger = logger_for(outlet, "auto", "info")
    for _ in range(3):
        logger.write(20, "Login succeeded", {})
    outlet.close()
    assert (outlet.isatty(), outlet.dropped_count) == (False, 3)


def test_after_the_end_every_line_is_counted_as_lost_and_ending_twice_is_no_fault() -> None:
    paper = Paper()
    outlet = Outlet(stream_to(paper))
    outlet.close()
    outlet.take(b"late\n")
    outlet.flush()
    outlet.close()
    assert (paper.written, outlet.dropped_count) == (b"", 1)


def test_whoever_counts_what_is_lost_may_be_broken() -> None:
    paper = Paper()
    outlet = Outlet(stream_to(paper), max_lines_count=1)

    def broken(count: int) -> None:
        raise ZeroDivisionError

    outlet.on_dropped = broken
    outlet._takes = False
    outlet.take(b"lost\n")
    outlet._takes = True
    outlet.take(b"one\n")
    outlet._write_all()
    outlet.take(b"two\n")
    outlet.close()
    assert paper.written == b"one\ntwo\n"
