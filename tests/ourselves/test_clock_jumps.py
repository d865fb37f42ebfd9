"""The calendar jumps by an hour, forth or back: what is measured in time passed does not notice.

It must never touch the machine's clock: a library before the program's own tells it another calendar.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import problem, silence
from tests.ourselves.support import NEVER_S, Kept, kept_line, login_bytes, until
from tests.support import wire
from tests.support.gateways import ENVIRONMENT, PREFIX
from tests.support.labs import lab
from tests.support.problems import assert_problem
from tests.support.programs import Gateway

FOUND: Final = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
BUDGET_S = 0.6
MORE_S = 0.1
JUMPS = [3600, -3600]

pytestmark = [
    pytest.mark.row("clock-jumps"),
    pytest.mark.skipif(FOUND is None, reason="there is no libfaketime here"),
]


@pytest.fixture(scope="module")
def service() -> Iterator[FaultyAuthService]:
    with lab() as one:
        yield one


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("calendar") / "ahead"


@pytest.fixture(scope="module")
def program(service: FaultyAuthService, calendar: Path) -> Iterator[Gateway]:
    """A gateway whose calendar stands in a file."""
    turn(calendar, 0)
    told = {
        **ENVIRONMENT,
        "LD_PRELOAD": str(FOUND),
        "FAKETIME_TIMESTAMP_FILE": str(calendar),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NETRA_LOGIN_BUDGET_S": str(BUDGET_S),
        "NETRA_CONNECT_TIMEOUT_S": "0.3",
        "NETRA_BREAKER": "true",
        "NETRA_BREAKER_OPEN_S": "2",
    }
    with Gateway(service.url, told=told) as one:
        yield one


@pytest.fixture
def line(program: Gateway, calendar: Path) -> Iterator[Kept]:
    """A client, on a day like any other."""
    turn(calendar, 0)
    with kept_line(program.url) as one:
        until(lambda: one.ask(login_bytes(keep=True)).status == 200, "a good login")
        yield one


def turn(calendar: Path, ahead_s: int) -> None:
    """Set the calendar so far ahead of the machine's."""
    written = calendar.with_name("next")
    written.write_text(f"{ahead_s:+d}\n")
    written.replace(calendar)


def test_the_program_does_see_another_calendar(program: Gateway, line: Kept, calendar: Path) -> None:
    stamps = []
    for ahead_s in (0, 3600, -3600):
        turn(calendar, ahead_s)
        answer = line.ask(login_bytes(keep=True))
        stamps.append(program.line_of(answer)["timestamp"])
    assert stamps[2] < stamps[0] < stamps[1]


@pytest.mark.parametrize("jump_s", JUMPS)
def test_a_login_under_way_ends_with_its_budget(
    line: Kept, service: FaultyAuthService, calendar: Path, jump_s: int
) -> None:
    service.answer("/auth/login", silence())
    took_s = []
    for _ in range(3):
        turn(calendar, 0)
        jumping = threading.Timer(BUDGET_S / 2, turn, (calendar, jump_s))
        jumping.start()
        began_s = time.monotonic()
        assert_problem(line.ask(login_bytes(keep=True)), 504, "response_timeout")
        took_s.append(time.monotonic() - began_s)
        jumping.join()
    service.heal()
    assert BUDGET_S - MORE_S < min(took_s) < BUDGET_S + MORE_S, took_s


@pytest.mark.parametrize("jump_s", JUMPS)
def test_a_connection_is_no_older_for_it_and_a_copy_no_staler(
    line: Kept, service: FaultyAuthService, calendar: Path, jump_s: int
) -> None:
    config = wire.message("GET", f"{PREFIX}/config", [("Connection", "keep-alive")])
    assert line.ask(config).status == 200
    before, asked = service.connections_count, len(service.delivered("/auth/config"))
    turn(calendar, jump_s)
    for _ in range(3):
        assert line.ask(login_bytes(keep=True)).status == 200
        assert line.ask(config).status == 200
    assert service.connections_count == before
    assert len(service.delivered("/auth/config")) == asked


@pytest.mark.parametrize("jump_s", JUMPS)
def test_a_circuit_is_open_for_as_long_as_it_was_and_closes_again(
    line: Kept, service: FaultyAuthService, calendar: Path, jump_s: int
) -> None:
    service.answer("/auth/login", problem(503, "unavailable"))
    until(lambda: line.ask(login_bytes(keep=True)).code == "destination_unavailable", "the opening of the circuit")
    began_s, before_s = time.monotonic(), wait_s(line)
    turn(calendar, jump_s)
    assert before_s - 1 <= wait_s(line) <= before_s
    service.heal()
    for _ in range(3):  # so many make it close
        until(lambda: line.ask(login_bytes(keep=True)).status == 200, "the end of the open time")
    assert before_s - 1 < time.monotonic() - began_s < NEVER_S


def wait_s(line: Kept) -> int:
    """How long an open circuit asks people to wait."""
    answer = line.ask(login_bytes(keep=True))
    assert_problem(answer, 503, "destination_unavailable")
    return int(answer.json["retry_after"])
