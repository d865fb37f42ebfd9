"""The page of log lines says all that is written, and nothing that is not.

It must never run `make docs`: whoever changes a line does.
"""

import gc
import io
import json
import re
import threading
from itertools import chain

import pytest

from netra.observe.log.reference import FIELDS, ROWS, page
from netra.observe.log.sampling import SUMMARISED, Summary
from netra.observe.log.unforeseen import IN_A_THREAD, OF_NOBODY
from netra.observe.log.whole_process import process_log
from tests.house.source import ROOT
from tests.observe.log.every_line import EVERY_LINE, kinds_missing

BY_EVENT = {row.event: row for row in ROWS}
NOT_OF_EVENTS = {SUMMARISED, "Log lines dropped", IN_A_THREAD, OF_NOBODY}
IN_EVERY_LINE = {"request_id", "owasp"}


def named(event: str) -> str:
    """An event string as the page has it."""
    return re.sub(r"^All \d+ login", "All N login", event)


def test_lines_of_every_kind_are_looked_at() -> None:
    assert not kinds_missing()


def test_every_line_has_a_row_with_its_level_and_no_field_besides() -> None:
    for line in EVERY_LINE:
        row = BY_EVENT[named(line.event)]
        assert line.level in row.levels, row.event
        assert set(line.fields) <= {*row.fields, *IN_EVERY_LINE}, row.event
        assert "request_id" in line.fields, row.event


def test_no_row_has_an_event_a_level_or_a_field_that_is_never_written() -> None:
    for event, row in BY_EVENT.items():
        if event in NOT_OF_EVENTS:
            continue
        lines = [line for line in EVERY_LINE if named(line.event) == event]
        assert {line.level for line in lines} == set(row.levels), event
        written = set(chain.from_iterable(line.fields for line in lines))
        assert not set(row.fields) - written, event


def test_the_rows_of_what_is_told_of_lines_are_right_too() -> None:
    summary = Summary(30, "Login failed", "dns_error", None, "a", "b", 3)
    assert set(summary.fields("run-1")) - IN_EVERY_LINE == set(BY_EVENT[SUMMARISED].fields)
    assert BY_EVENT["Log lines dropped"].fields == ("count",)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_rows_of_bugs_that_nobody_caught_are_right_too() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with process_log(stream, "json", "info"):
        thread = threading.Thread(target=int, args=("planted",))
        thread.start()
        thread.join()
        _Dying()
        gc.collect()
    lines = [json.loads(line) for line in stream.buffer.getvalue().splitlines()]
    assert [line["event"] for line in lines] == [IN_A_THREAD, OF_NOBODY]
    for line in lines:
        row = BY_EVENT[line["event"]]
        assert (line["level"],) == row.levels
        assert set(line) - {"timestamp", "level", "event", "request_id"} == set(row.fields)


class _Dying:
    def __del__(self) -> None:
        raise ValueError("planted")


def test_every_field_is_explained_and_none_that_is_not_there() -> None:
    told = set(chain.from_iterable(row.fields for row in ROWS)) | IN_EVERY_LINE
    assert set(FIELDS) == told | {"timestamp", "level", "event", "logger"}


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs/logs.md").read_text("utf-8") == page(), "run make docs"
