"""A gateway stops while people log in: the balancer is told first, everybody is served, and nothing is lost.

It must never count on luck: whatever was sent has an answer.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import after, json_reply, session
from tests.asgi.support import Site, get, serving
from tests.asgi.support import line_to as line_to_site
from tests.ourselves.haproxy import FOUND, haproxy
from tests.ourselves.load import REFUSED, Load
from tests.ourselves.support import asleep, line_to, login_bytes, to_the_end, until
from tests.support import wire
from tests.support.gateways import EMAIL, ENVIRONMENT
from tests.support.labs import lab
from tests.support.places import free_port
from tests.support.programs import Gateway, Program
from tests.support.wire import KeptLine

pytestmark = pytest.mark.row("stopped-under-load")

PEOPLE_COUNT = 8
DRAIN_S = 1.0
PATH = "/auth/login"
NO_SIGNAL = 0


class Placed(Gateway):
    """A gateway on a port of the test's choice."""

    def __init__(self, url: str, port: int, **more: str) -> None:
        Program.__init__(
            self, "serve", "--port", str(port), "--admin-port", "0",
            told={**ENVIRONMENT, "AUTH_SERVICE_URL": url, **more},
        )  # fmt: skip


@contextlib.asynccontextmanager
async def in_its_place(program: Gateway) -> AsyncIterator[None]:
    """A program that is started and stopped beside the event loop."""
    await asyncio.to_thread(program.start)
    try:
        yield
    finally:
        await asyncio.to_thread(program.stop)


async def test_under_load_readiness_goes_first_then_everybody_is_served_and_nothing_is_lost() -> None:
    async with FaultyAuthService() as service:
        service.answer(PATH, after(0.02, json_reply(200, session(EMAIL))))
        program = Gateway(service.url, NETRA_DRAIN_DELAY_S=str(DRAIN_S), NETRA_LOG_LINES_PER_S="20")
        async with in_its_place(program), Load(program.url, PEOPLE_COUNT).going_on() as load:
            await load.some_more(20)
            url = program.url
            probe = await KeptLine.to(url)
            assert (await probe.ask("GET", "/readyz")).status == 200
            os.kill(program.pid, signal.SIGTERM)
            await asyncio.to_thread(program.wait_for, lambda line: line["event"] == "Netra draining")
            assert (await wire.ask(url, "GET", "/readyz")).status == 503
            answer = await probe.ask("GET", "/livez")
            assert (answer.status, answer.header("connection")) == (200, "close")
            await load.some_more(20)
            assert await asyncio.to_thread(program.stop, NO_SIGNAL) == 0
            probe.close()
        assert set(load.ended) <= {200, REFUSED}, load.ended
        written = sum(line["event"] == "Login succeeded" for line in program.lines)
        counted = sum(line["count"] for line in program.lines if line.get("summarised_event") == "Login succeeded")
        assert written + counted == load.ended[200] == len(service.delivered(PATH))


def test_a_login_that_is_under_way_when_the_signal_comes_has_its_answer() -> None:
    with lab() as service, Gateway(service.url) as program, asleep(service) as wake, line_to(program.url) as line:
        line.sendall(login_bytes(keep=True))
        until(lambda: len(service.delivered(PATH)) == 1, "the delivery")
        os.kill(program.pid, signal.SIGTERM)
        program.wait_for(lambda line: line["event"] == "Netra draining")
        wake()
        answer = wire.parse(to_the_end(line))
        assert (answer.status, answer.header("connection")) == (200, "close")
        assert program.stop(NO_SIGNAL) == 0


def test_a_second_signal_ends_it_at_once_whoever_waits() -> None:
    with lab() as service, Gateway(service.url) as program, asleep(service), line_to(program.url) as line:
        line.sendall(login_bytes())
        until(lambda: len(service.delivered(PATH)) == 1, "the delivery")
        os.kill(program.pid, signal.SIGTERM)
        program.wait_for(lambda line: line["event"] == "Netra draining")
        assert program.stop(signal.SIGTERM) == 128 + signal.SIGTERM
        assert to_the_end(line) == b"", "the end of the program is no answer"


def test_whoever_stands_in_the_queue_when_the_port_closes_is_served() -> None:
    with lab() as service, Gateway(service.url) as program:
        url = program.url
        with contextlib.ExitStack() as stack:
            with program.frozen():
                lines = [stack.enter_context(line_to(url)) for _ in range(40)]
                for line in lines:
                    line.sendall(login_bytes())
                os.kill(program.pid, signal.SIGTERM)
            answers = [wire.parse(to_the_end(line)) for line in lines]
        assert {(answer.status, answer.header("connection")) for answer in answers} == {(200, "close")}
        assert program.stop(NO_SIGNAL) == 0


async def test_whoever_has_connected_just_before_the_end_may_still_ask() -> None:
    here = Site()
    async with serving(here) as stop, line_to_site(here.url) as early, line_to_site(here.url) as silent:
        await wire.ask(here.url, "GET", "/seen")  # by now both are accepted
        stop.set()
        await asyncio.sleep(0.2)
        await early.send(get())
        status, headers, _ = await early.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert await silent.rest() == b"", "whoever says nothing does not hold up the end"


@pytest.mark.skipif(FOUND is None, reason="there is no haproxy here")
async def test_three_gateways_behind_a_real_balancer_are_restarted_in_turn_and_no_login_fails(tmp_path: Path) -> None:
    ports = [free_port() for _ in range(3)]
    async with FaultyAuthService() as service, contextlib.AsyncExitStack() as stack:
        service.answer(PATH, after(0.02, json_reply(200, session(EMAIL))))
        told = {"NETRA_DRAIN_DELAY_S": str(DRAIN_S)}
        programs = [Placed(service.url, port, **told) for port in ports]
        for program in programs:
            await stack.enter_async_context(in_its_place(program))
        url = await stack.enter_async_context(haproxy(tmp_path, ports))
        async with Load(url, PEOPLE_COUNT).going_on() as load:
            await load.some_more(50)
            for program in programs:
                assert await asyncio.to_thread(program.stop) == 0
                await load.some_more(20)
                await asyncio.to_thread(program.start)
                await load.some_more(50)
        assert set(load.ended) == {200}, load.ended
        assert load.ended[200] == len(service.delivered(PATH)), "a login was sent twice"
