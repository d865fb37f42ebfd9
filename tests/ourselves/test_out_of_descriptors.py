"""Descriptors run out, for clients, for the auth service, for everybody: the process goes on and says what it lacks.

It must never borrow the descriptors of the test: each program has a limit of its own.
"""

import contextlib
import resource
import time
from collections.abc import Iterator

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.listen import Shares
from tests.ourselves.support import (
    asleep,
    assert_good,
    ended,
    kept_line,
    line_to,
    lines_to,
    login_bytes,
    open_count,
    until,
)
from tests.support import wire
from tests.support.gateways import ENVIRONMENT
from tests.support.labs import lab
from tests.support.problems import assert_problem
from tests.support.programs import Gateway

pytestmark = pytest.mark.row("no-descriptors")

FEW = 128
PATIENT = {**ENVIRONMENT, "NETRA_RECEIPT_TIMEOUT_S": "60", "NETRA_IDLE_CONNECTION_S": "0.1", "NETRA_BREAKER": "true"}


class Poor(Gateway):
    """A gateway with few descriptors."""

    before = ("prlimit", f"--nofile={FEW}")


@pytest.fixture
def service() -> Iterator[FaultyAuthService]:
    with lab() as one:
        yield one


@pytest.mark.parametrize("limit", [16, 64, FEW, 256, 1024, 20_000, 1 << 20])
@pytest.mark.parametrize("max_in_flight", [1, 100, 10_000])
def test_clients_operators_and_calls_fit_together_and_everybody_has_some(limit: int, max_in_flight: int) -> None:
    shares = Shares.of(limit, max_in_flight)
    assert shares.clients_count >= 1
    assert shares.operators_count >= 1
    if limit - max_in_flight - 64 >= limit // 8:
        assert shares.clients_count + shares.operators_count + max_in_flight + 32 <= limit
    assert shares.clients_count <= 10_000
    if limit >= 1024 and max_in_flight <= 100:
        assert shares.clients_count >= 800


def test_connections_that_wait_for_nothing_make_room_and_health_and_logins_are_served(
    service: FaultyAuthService,
) -> None:
    with Poor(service.url, told=PATIENT) as program, contextlib.ExitStack() as stack:
        held = stack.enter_context(lines_to(program.url, 4 * FEW))
        stack.enter_context(lines_to(program.admin_url, FEW))
        for _ in range(3):
            assert wire.ask_now(program.admin_url, "GET", "/readyz").status == 200
            assert wire.ask_now(program.url, "GET", "/livez").status == 200
            assert_good(program)
        assert open_count(program.pid) < FEW
        assert not ended(held[-1]), "those who came last may stay"
        assert ended(held[0]), "those who have waited longest make room"
        held[-1].sendall(login_bytes())
        assert wire.parse(held[-1].recv(65536)).status == 200


def test_whoever_is_being_answered_keeps_his_place_and_one_client_too_many_is_turned_away(
    service: FaultyAuthService,
) -> None:
    with Poor(service.url, told=PATIENT, NETRA_LOGIN_BUDGET_S="10") as program:
        room = Shares.of(FEW, 100).clients_count
        with asleep(service) as wake, lines_to(program.url, room) as waiting:
            for line in waiting:
                line.sendall(login_bytes())
            until(lambda: len(service.delivered("/auth/login")) == min(room, 100), "the arrival of all logins")
            with line_to(program.url) as one_too_many:
                until(lambda: ended(one_too_many), "the end of a connection too many")
            assert wire.ask_now(program.admin_url, "GET", "/readyz").status == 200
            wake()
            answers = [wire.parse(line.recv(65536)) for line in waiting]
            assert {answer.status for answer in answers} == {200}
        assert_good(program)


def test_without_a_descriptor_every_login_says_so_and_the_first_one_with_a_descriptor_succeeds(
    service: FaultyAuthService,
) -> None:
    url = service.url.replace("127.0.0.1", "localhost")
    with Gateway(url, told=PATIENT) as program, kept_line(program.url) as line:
        assert line.ask(login_bytes(keep=True)).status == 200
        time.sleep(0.3)  # until the connection that is kept for the next login is too old for it
        with program.without_descriptors():
            for _ in range(40):
                answer = line.ask(login_bytes(keep=True))
                assert_problem(answer, 503, "local_resource_exhausted")
            assert line.ask(wire.message("GET", "/livez", [("Connection", "keep-alive")])).status == 200
            for _ in range(50):
                with contextlib.suppress(OSError), line_to(program.url) as other:
                    other.sendall(login_bytes())
            heard = program.heard_count
        assert line.ask(login_bytes(keep=True)).status == 200, "forty failures of ours are no evidence against it"
        assert_good(program)
        assert heard < 200, "a log that is flooded is a fault of its own"


class Modest(Gateway):
    """A gateway that was started with few descriptors, and may have more."""

    before = ("prlimit", "--nofile=64:4096")


def test_a_gateway_takes_all_the_descriptors_that_the_system_grants_it(service: FaultyAuthService) -> None:
    with Modest(service.url) as program:
        assert resource.prlimit(program.pid, resource.RLIMIT_NOFILE) == (4096, 4096)
        with lines_to(program.url, 200) as lines:
            assert_good(program)
            assert not any(ended(line) for line in lines)
