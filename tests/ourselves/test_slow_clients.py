"""Clients that send, read or leave too slowly end at our deadline; whoever is quick does not notice them.

It must never assert how quick: a deadline passes, and what is left behind is counted.
"""

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from netra.asgi.adapter import Limits
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.asgi.support import get, line_to, quick, site
from tests.ourselves import support
from tests.ourselves.support import (
    JSON,
    assert_good,
    ended,
    lines_to,
    login_bytes,
    memory_bytes,
    open_count,
    to_the_end,
)
from tests.ourselves.support import until as in_time
from tests.support import wire
from tests.support.gateways import LOGIN
from tests.support.labs import lab
from tests.support.programs import Gateway

pytestmark = pytest.mark.row("slow-clients")

RECEIPT_S = 1.0


@pytest.fixture(scope="module")
def service() -> Iterator[FaultyAuthService]:
    with lab() as one:
        yield one


@pytest.fixture(scope="module")
def program(service: FaultyAuthService) -> Iterator[Gateway]:
    """A gateway that waits a second for a request."""
    with Gateway(service.url, NETRA_RECEIPT_TIMEOUT_S=str(RECEIPT_S)) as one:
        yield one


@pytest.mark.parametrize("sent", [b"", b"\r\n"], ids=["nothing", "a blank line"])
def test_a_thousand_connections_that_say_nothing_are_closed_at_our_deadline(program: Gateway, sent: bytes) -> None:
    before = open_count(program.pid)
    with lines_to(program.url, 1000) as lines:
        for line in lines:
            line.sendall(sent)
        assert_good(program)
        in_time(lambda: all(ended(line) for line in lines), "the end of a thousand idle connections")
        assert_good(program)
    in_time(lambda: open_count(program.pid) <= before + 1, "the closing of their descriptors")


@pytest.mark.parametrize(
    "beginning",
    [b"GET /livez HTTP/1.1\r\nHost: a\r\nX-A: ", wire.message("POST", LOGIN, [JSON, ("Content-Length", "9000")])],
    ids=["slow headers", "slow body"],
)
def test_two_hundred_requests_that_drip_are_timeouts_and_delay_nobody(program: Gateway, beginning: bytes) -> None:
    with lines_to(program.url, 200) as lines:
        for line in lines:
            line.sendall(beginning)
        began_s = time.monotonic()
        while time.monotonic() - began_s < RECEIPT_S / 2:
            for line in lines:
                line.sendall(b"x")
            assert_good(program)
        for line in lines:
            answer = wire.parse(to_the_end(line))
            assert (answer.status, answer.json["code"]) == (408, "request_timeout")


async def test_a_client_that_keeps_its_connection_may_be_idle_for_so_long_and_no_longer() -> None:
    async with site(limits=Limits(idle_s=0.2)) as here, line_to(here.url) as idle, line_to(here.url) as busy:
        await idle.send(get())
        assert await idle.status() == 200
        for _ in range(6):
            await busy.send(get())
            assert await busy.status() == 200
        assert await idle.rest() == b"", "closed without a word"
        for _ in range(2):
            await busy.send(get())
            assert await busy.status() == 200, "whoever asks in time is not idle"


def test_a_client_that_reads_no_answer_is_cut_off_at_our_deadline_and_costs_little_until_then(
    program: Gateway,
) -> None:
    before, weight_bytes = open_count(program.pid), memory_bytes(program.pid)
    some = wire.message("GET", "/problems/response_timeout", [("Connection", "keep-alive")]) * 20
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(support.line_to(program.url, takes_bytes=4096)) for _ in range(8)]
        for _ in range(20):  # a megabyte of answers each, asked for no faster than they are given
            for line in lines:
                line.sendall(some)
            time.sleep(0.02)
        assert memory_bytes(program.pid) - weight_bytes < 32 * 1024 * 1024
        assert_good(program)
        in_time(lambda: open_count(program.pid) <= before + 1, "the end of those who do not read")
        assert_good(program)


def test_a_client_that_reads_slowly_gets_all_its_answers(program: Gateway) -> None:
    asked = wire.message("GET", "/problems/response_timeout", [("Connection", "keep-alive")]) * 59
    last = wire.message("GET", "/problems/response_timeout")
    with support.line_to(program.url, takes_bytes=4096) as line:
        line.sendall(asked + last)
        taken, ends_at_s = b"", time.monotonic() + 2.5 * RECEIPT_S
        while time.monotonic() < ends_at_s:
            taken += line.recv(2048)
            time.sleep(0.05)
        taken += to_the_end(line)
    assert taken.count(b"HTTP/1.1 200 OK\r\n") == 60


def test_a_client_that_has_only_finished_speaking_gets_the_answers_to_all_that_it_asked(
    program: Gateway, service: FaultyAuthService
) -> None:
    before = len(service.delivered("/auth/login"))
    with support.line_to(program.url) as line:
        line.sendall(login_bytes("ada@example.com", keep=True) + login_bytes("eve@example.com", keep=True))
        line.shutdown(socket.SHUT_WR)
        answers = to_the_end(line).split(b"HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == [b"200", b"200"]
    assert b"connection: close" not in answers[0], "more was asked"
    assert [b"eve@example.com" in answer for answer in answers] == [False, True]
    assert len(service.delivered("/auth/login")) - before == 2


@pytest.mark.parametrize("half", [b"GET /livez HT", login_bytes()[:-3], b""], ids=["a head", "a body", "none"])
@pytest.mark.parametrize("before_it", [0, 1, 2])
def test_what_is_only_half_said_before_the_end_is_dropped_and_what_came_before_it_answered(
    program: Gateway, half: bytes, before_it: int
) -> None:
    before = open_count(program.pid)
    with support.line_to(program.url) as line:
        line.sendall(login_bytes(keep=True) * before_it + half)
        line.shutdown(socket.SHUT_WR)
        assert to_the_end(line).count(b"HTTP/1.1 200 OK\r\n") == before_it
    in_time(lambda: open_count(program.pid) <= before, "the end of that connection")


@pytest.mark.parametrize("half", [b"rubbish\r\n\r\n", get("/" + "x" * 9000)], ids=["rubbish", "too long"])
async def test_a_refusal_is_told_to_somebody_who_has_finished_speaking(half: bytes) -> None:
    async with site() as here, line_to(here.url) as line:
        await line.send(get("/wait") + half)
        await here.begun.wait()
        line.finish()
        here.go_on.set()
        assert await line.status() == 200
        assert await line.status() in (400, 414)
        assert await line.rest() == b""


async def test_of_sixty_five_requests_in_a_row_all_are_answered_to_somebody_who_has_finished_speaking() -> None:
    async with site(limits=quick(5.0)) as here, line_to(here.url) as line:
        await line.send(get() * 65)
        line.finish()
        assert (await line.rest()).count(b"HTTP/1.1 200 OK\r\n") == 65
