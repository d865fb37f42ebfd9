"""What it costs to observe a login: `python benchmarks/observation_cost.py [--logins N] [--rounds N]`.

A login is told as a gateway tells it: each try to those who count, and its end to all. Each listener is measured by
itself, in CPU of the thread that tells, as the fastest of many short rounds, because whatever else a machine does only
ever adds to it; the lines are JSON, as they leave a gateway, through the queue into `/dev/null`. Opens nothing else,
talks to nobody, bounded by the number of logins.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from netra.core.events import AttemptEnded, Event, TryEnded
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Spent, Tried, unknown, verdict_of
from netra.observe.board import Board
from netra.observe.log.lines import Lines
from netra.observe.log.whole_process import process_log
from netra.observe.log.writing import Logs
from netra.observe.metrics.counting import Counting
from netra.observe.recorder import Recorder
from netra.observe.stories import Teller
from netra.pages.book import read_book

LIMIT_US = 7.0
"""What log line and metrics of a login may cost together."""
REMEMBERED = 1_000
NOWHERE = Path(os.devnull)
FACTS = {"url": "https://auth.example.com", "host": "auth.example.com", "port": "443", "service_id": "gateway-1"}
KEPT_ALIVE = Spent(None, None, None, 0.021, 0.0001)
NEW_CONNECTION = Spent(0.0012, 0.0008, 0.0031, 0.021, 0.0001)

Listener = Callable[[Event], None]


class Login(NamedTuple):
    """One kind of login: what is told of it."""

    what: str
    outcome: Outcome[Any]


def _tried(*codes: str, spent: Spent = KEPT_ALIVE) -> tuple[Tried, ...]:
    return tuple(Tried(number, Phase.ANSWERED, code, 0.0216, spent) for number, code in enumerate(codes, 1))


LOGINS = (
    Login("accepted", Accepted(None, _tried("ok"))),
    Login("accepted, new connection", Accepted(None, _tried("ok", spent=NEW_CONNECTION))),
    Login("rejected", Rejected(TABLE["invalid_credentials"], tried=_tried("invalid_credentials"))),
    Login("failed, one try", unknown(TABLE["response_timeout"])._replace(tried=_tried("response_timeout"))),
    Login(
        "failed, three tries",
        unknown(TABLE["connection_refused"], {"os_error": "Connection refused"})._replace(
            tried=_tried(*["connection_refused"] * 3)
        ),
    ),
    Login("never tried", unknown(TABLE["destination_unavailable"])),
)


def told_of(login: Login, count: int, *, tries: bool) -> list[Event]:
    """What a gateway tells of so many logins, each of another user; `tries`: to those who count exchanges."""
    events: list[Event] = []
    for _ in range(count):
        request_id = os.urandom(16).hex()
        if tries:
            events += [TryEnded("login", verdict_of(login.outcome), each) for each in login.outcome.tried]
        events.append(AttemptEnded("login", request_id, login.outcome, 0.0231, request_id[16:], request_id))
    return events


def cost_us(listener: Listener, events: Sequence[Event], rounds: int, logins_count: int) -> float:
    """CPU for each login, this thread's alone, in the fastest round."""
    rounds_us = []
    for _ in range(rounds):
        before_ns = time.thread_time_ns()
        for event in events:
            listener(event)
        rounds_us.append((time.thread_time_ns() - before_ns) / 1e3 / logins_count)
        time.sleep(0.001)  # whoever writes the lines has his turn
    return min(rounds_us)


def measured(login: Login, logs: Listener, rounds: int, count: int) -> dict[str, float]:
    """Every listener of a gateway, one after the other."""
    counting, board = Counting(), Board(time.monotonic, time.time)
    recorder = Recorder(Teller(read_book(), FACTS), REMEMBERED)
    ends, all_told = told_of(login, count, tries=False), told_of(login, count, tries=True)
    return {
        "log": cost_us(logs, ends, rounds, count),
        "metrics": cost_us(counting, all_told, rounds, count),
        "board": cost_us(board, all_told, rounds, count),
        "recorder": cost_us(recorder, ends, rounds, count),
    }


def table(rows: Iterable[tuple[str, dict[str, float]]]) -> str:
    """The rows as Markdown, the fastest rounds, with the sum that has a limit."""
    lines = ["| login | log | metrics | log and metrics | board | recorder |", "| --- | --- | --- | --- | --- | --- |"]
    for what, each in rows:
        both = each["log"] + each["metrics"]
        mark = "" if both <= LIMIT_US else " (!)"
        lines.append(
            f"| {what} | {each['log']:.1f} µs | {each['metrics']:.1f} µs | **{both:.1f} µs**{mark} "
            f"| {each['board']:.1f} µs | {each['recorder']:.1f} µs |"
        )
    return "\n".join(lines)


def flood(rounds: int, count: int, kept_per_s: int) -> float:
    """A login that fails in a flood of such logins, of which few lines are written."""
    with NOWHERE.open("w", encoding="utf-8") as nowhere, process_log(nowhere, "json", "info", kept_per_s) as log:
        logs = Logs(Lines(read_book(), FACTS, log.run_id), log.logger)
        return cost_us(logs, told_of(LOGINS[4], count, tries=False), rounds, count)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description="What it costs to observe a login.")
    parser.add_argument("--logins", type=int, default=200, help="logins of each kind in a round")
    parser.add_argument("--rounds", type=int, default=150, help="rounds, of which the fastest counts")
    options = parser.parse_args()
    with NOWHERE.open("w", encoding="utf-8") as nowhere, process_log(nowhere, "json", "info", 0) as log:
        logs = Logs(Lines(read_book(), FACTS, log.run_id), log.logger)
        rows = [(login.what, measured(login, logs, options.rounds, options.logins)) for login in LOGINS]
    print(table(rows))
    once = flood(options.rounds, options.logins, 100)
    print(f"\nIn a flood, 100 lines a second written, the rest counted: {once:.1f} µs for a login's log line.")


if __name__ == "__main__":
    main()
