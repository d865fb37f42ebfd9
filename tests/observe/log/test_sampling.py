"""Of alike lines in one second the first are written and the others counted: nothing is lost that nobody is told of.

It must never wait for a second of the wall: seconds are those of a clock of the test's.
"""

import json
import logging
import threading
from collections import Counter
from io import BytesIO, TextIOWrapper
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.events import AttemptEnded, Stage
from netra.core.verdict.causes import TABLE
from netra.core.verdict.outcomes import Rejected
from netra.embed.records import Records
from netra.observe.log.outlet import Outlet
from netra.observe.log.sampling import MAX_KINDS_COUNT, OTHERS, SUMMARISED, Sampling, Summary
from netra.observe.log.whole_process import process_log
from netra.observe.log.writing import Logger, Logs, logger_for
from tests.embed.support import heard
from tests.observe.support import ACCEPTED, LINES, REJECTED, Paper, failed

INFO = 20


class Told:
    """A sampling with a clock of its own, and what it has told."""

    def __init__(self, lines_per_s: int) -> None:
        self.now_s = 100.0
        self.room = True
        self.summaries: list[Summary] = []
        self.sampling = Sampling(
            lines_per_s, self.summaries.append, has_room=lambda: self.room, now_s=lambda: self.now_s
        )

    def ask(self, count: int, event: str = "Login failed", code: str | None = "dns_error", level: int = INFO) -> int:
        """How many of so many lines are taken."""
        return sum(self.sampling.takes(level, event, code, f"r{number}") for number in range(count))

    def counts(self) -> list[tuple[str, str | None, int]]:
        """What was told, in short."""
        return [(each.event, each.code, each.count) for each in self.summaries]


# --- how many are written ---------------------------------------------------------------------------------------------


def test_the_first_lines_of_a_second_are_taken_and_the_rest_is_told_when_the_next_has_begun() -> None:
    told = Told(3)
    assert told.ask(10) == 3
    assert told.summaries == []
    told.now_s += 1
    assert told.ask(1) == 1
    (summary,) = told.summaries
    assert (summary.level, summary.event, summary.code, summary.count) == (INFO, "Login failed", "dns_error", 7)
    assert (summary.first_request_id, summary.last_request_id) == ("r3", "r9")


def test_lines_of_another_event_or_code_are_counted_by_themselves() -> None:
    told = Told(2)
    asked = (("a", "x"), ("a", "y"), ("b", "x"), ("b", None))
    assert [told.ask(5, event, code) for event, code in asked] == [2, 2, 2, 2]
    told.sampling.tell_all()
    assert told.counts() == [(event, code, 3) for event, code in asked]


def test_a_summary_is_as_important_as_its_lines_so_that_no_level_hides_it() -> None:
    told = Told(1)
    for level in (10, 40):
        told.ask(3, level=level)
    told.sampling.tell_all()
    assert [(each.level, each.count) for each in told.summaries] == [(10, 2), (40, 3)]


def test_every_second_begins_anew() -> None:
    told = Told(5)
    for _ in range(4):
        assert told.ask(5) == 5
        told.now_s += 1
    assert told.summaries == []
    assert told.sampling.summarised_count == 0


def test_without_a_bound_all_are_taken() -> None:
    assert Told(0).ask(5_000) == 5_000


def test_a_flood_of_kinds_is_bounded_and_none_of_its_lines_is_lost() -> None:
    told = Told(1)
    kinds = 3 * MAX_KINDS_COUNT
    taken = sum(told.ask(2, f"kind {number}", None) for number in range(kinds))
    told.sampling.tell_all()
    assert taken + sum(each.count for each in told.summaries) == 2 * kinds
    assert len(told.summaries) <= MAX_KINDS_COUNT + 1
    assert told.summaries[-1].event == OTHERS


# --- when it is told --------------------------------------------------------------------------------------------------


def test_nothing_is_told_before_its_second_is_over_nor_twice() -> None:
    told = Told(1)
    told.ask(3)
    told.sampling.tell_due()
    assert told.summaries == []
    told.now_s += 1
    told.sampling.tell_due()
    told.sampling.tell_due()
    told.sampling.tell_all()
    assert told.counts() == [("Login failed", "dns_error", 2)]


def test_while_there_is_no_room_summaries_wait_and_add_up() -> None:
    told = Told(1)
    told.room = False
    for _ in range(3):
        told.ask(4)
        told.now_s += 1
    assert told.summaries == []
    told.room = True
    told.ask(1)
    assert told.counts() == [("Login failed", "dns_error", 9)]
    assert (told.summaries[0].first_request_id, told.summaries[0].last_request_id) == ("r1", "r3")


def test_a_summary_that_cannot_be_told_takes_no_other_with_it() -> None:
    heard_of: list[Summary] = []

    def tell(summary: Summary) -> None:
        if summary.event == "a":
            raise BrokenPipeError
        heard_of.append(summary)

    sampling = Sampling(1, tell)
    for event in ("a", "b"):
        for _ in range(2):
            sampling.takes(INFO, event, None, "r")
    with pytest.raises(BrokenPipeError):
        sampling.tell_all()
    sampling.tell_all()
    assert [each.event for each in heard_of] == ["b"]


# --- nothing is lost --------------------------------------------------------------------------------------------------

_STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "second", "half", "due", "full", "room"]), st.integers(0, 3), st.integers(1, 9)),
    max_size=60,
)


@given(lines_per_s=st.integers(0, 4), steps=_STEPS)
def test_whatever_happens_each_line_is_taken_or_told_of_exactly_once(
    lines_per_s: int, steps: list[tuple[str, int, int]]
) -> None:
    told = Told(lines_per_s)
    asked: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for what, kind, count in steps:
        event = f"kind {kind}"
        if what == "ask":
            asked[event] += count
            taken[event] += told.ask(count, event, None)
        elif what in ("full", "room"):
            told.room = what == "room"
        elif what == "due":
            told.sampling.tell_due()
        else:
            told.now_s += 1 if what == "second" else 0.5
    told.sampling.tell_all()
    for summary in told.summaries:
        taken[summary.event] += summary.count
    assert taken == asked
    assert told.sampling.summarised_count == sum(each.count for each in told.summaries)


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    lines_per_s=st.integers(0, 5),
    room_count=st.integers(3, 30),
)
def test_through_a_queue_that_is_full_written_summarised_and_dropped_make_up_all(
    counts: list[int], lines_per_s: int, room_count: int
) -> None:
    written = BytesIO()
    stream = TextIOWrapper(written)  # held until the end: a stream that is forgotten closes what it wraps
    outlet = Outlet(stream, max_lines_count=room_count)
    outlet._thread = threading.current_thread()  # no thread of its own: what is written when is up to the test
    writer, now_s, dropped_summaries = logger_for(outlet, "json", "info"), 0.0, 0

    def tell(summary: Summary) -> None:
        nonlocal dropped_summaries
        dropped_summaries += not outlet.has_room()
        writer.write(summary.level, SUMMARISED, summary.fields("run-1"))

    sampling = Sampling(lines_per_s, tell, has_room=outlet.has_room, now_s=lambda: now_s)
    logs = Logs(LINES, Logger(writer, sampling))
    for count in counts:
        for number in range(count):
            code = ("invalid_credentials", "account_locked", "account_disabled")[number % 3]
            logs(AttemptEnded("login", f"r{number}", Rejected(TABLE[code]), 0.1))
        outlet._write_all()
        now_s += 1.0
    outlet._write_all()
    sampling.tell_all()
    outlet._write_all()
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    of_logins = sum(line["event"] == "Login rejected" for line in lines)
    summarised = sum(line["count"] for line in lines if line["event"] == SUMMARISED)
    assert dropped_summaries == 0
    assert of_logins + summarised + outlet.dropped_count == sum(counts)


def test_lines_of_many_threads_are_all_written_or_told_of() -> None:
    """Those of other libraries come from any thread, beside ours and the one that writes."""
    written = BytesIO()
    stream = TextIOWrapper(written)
    logger = logging.getLogger("somebody.else")
    with process_log(stream, "json", "info", 7) as log:

        def say() -> None:
            for number in range(300):
                logger.warning("%d sockets are left", number)

        threads = [threading.Thread(target=say) for _ in range(4)]
        for each in threads:
            each.start()
        for _ in range(500):
            Logs(LINES, log.logger)(AttemptEnded("login", "request-1", ACCEPTED, 0.1))
        for each in threads:
            each.join()
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert told_of(lines, "Login succeeded") == 500
    theirs = sum(line.get("logger") == "somebody.else" for line in lines)
    assert theirs + counted(lines, "somebody.else: %d sockets are left") == 1_200
    assert log.lines_summarised_count() == sum(line["count"] for line in lines if line["event"] == SUMMARISED)
    assert log.lines_lost_count() == 0


def counted(lines: list[dict[str, Any]], event: str) -> int:
    """How many lines summaries stand for."""
    return sum(int(line["count"]) for line in lines if line.get("summarised_event") == event)


def told_of(lines: list[dict[str, Any]], event: str) -> int:
    """How many lines were written or stand in a summary."""
    return len([line for line in lines if line["event"] == event]) + counted(lines, event)


# --- as lines and as records ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_summary_is_a_line_that_says_for_how_many_it_stands(log_format: str) -> None:
    paper = Paper(log_format)
    told = Told(2)
    logs = Logs(LINES, Logger(paper.logger, told.sampling))
    for number in range(5):
        logs(AttemptEnded("login", f"request-{number}", failed("connection_refused", 3), 0.1))
    told.sampling.tell_all()
    (summary,) = told.summaries
    paper.logger.write(summary.level, SUMMARISED, summary.fields("run-1"))
    assert paper.lines_count == 3
    assert "summarised_event" in paper.text
    if log_format == "json":
        assert {name: value for name, value in paper.lines[-1].items() if name != "timestamp"} == {
            "level": "error", "event": "Log lines summarised", "request_id": "run-1", "count": 3,
            "summarised_event": "All 3 login attempts failed", "code": "connection_refused",
            "first_request_id": "request-2", "last_request_id": "request-4",
        }  # fmt: skip


def test_a_summary_has_the_word_of_its_lines_so_that_whoever_counts_words_misses_none() -> None:
    told = Told(1)
    paper = Paper()
    logs = Logs(LINES, Logger(paper.logger, told.sampling))
    for _ in range(3):
        logs(AttemptEnded("login", "request-1", REJECTED, 0.1))
    told.sampling.tell_all()
    assert told.summaries[0].fields("run-1")["owasp"] == "authn_login_fail"


def test_lines_that_the_level_hides_are_neither_written_nor_counted() -> None:
    paper, told = Paper(level="info"), Told(1)
    logs = Logs(LINES, Logger(paper.logger, told.sampling))
    for _ in range(5):
        logs(AttemptEnded("verify", "request-1", ACCEPTED, 0.1))
    told.sampling.tell_all()
    assert (paper.lines_count, told.summaries) == (0, [])


def test_when_a_program_ends_what_was_left_out_is_told_first() -> None:
    written = BytesIO()
    stream = TextIOWrapper(written)
    with process_log(stream, "json", "info", 1) as log:
        logs = Logs(LINES, log.logger)
        for _ in range(20):
            logs(AttemptEnded("login", "request-1", REJECTED, 0.1))
        logs(Stage("stopped"))
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert told_of(lines, "Login rejected") == 20
    assert len(lines) < 20


def test_records_are_sampled_too_and_the_last_are_told_at_the_end() -> None:
    with heard() as records:
        listener = Records(LINES, logging.getLogger("netra"), lines_per_s=2)
        for _ in range(10):
            listener(AttemptEnded("login", "request-1", failed("dns_error"), 0.1))
        listener.close()
    events = Counter(record.__dict__["event"] for record in records)
    left_out = [record.__dict__["count"] for record in records if record.__dict__["event"] == SUMMARISED]
    assert events["All 1 login attempts failed"] + sum(left_out) == 10
    assert listener.lines_summarised_count() == sum(left_out) > 0
    assert records[-1].getMessage() == f"Log lines summarised: All 1 login attempts failed: {left_out[-1]}"
    assert records[-1].levelno == logging.ERROR


def test_records_that_nobody_takes_are_not_made_nor_counted() -> None:
    with heard(level=logging.ERROR) as records:
        listener = Records(LINES, logging.getLogger("netra"), lines_per_s=1)
        for _ in range(5):
            listener(AttemptEnded("login", "request-1", ACCEPTED, 0.1))
        listener.close()
    assert (records, listener.lines_summarised_count()) == ([], 0)
