"""Whoever listens fails, or whoever is asked is not there yet: logins go on, or begin as soon as they can.

It must never repair anything by hand: what heals, heals alone.
"""

import asyncio
from io import BytesIO, TextIOWrapper

import pytest

from netra.assemble import facts_of, open_gateway
from netra.core.events import AttemptEnded, ConnectivityChecked, Event
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.observe.log.lines import Lines
from netra.observe.log.writing import Logs, logger_for
from netra.observe.tell import Tell
from netra.pages.book import read_book
from tests.ourselves.support import until
from tests.support import wire
from tests.support.gateways import EMAIL, PASSWORD, Running, served, settings_for
from tests.support.labs import lab
from tests.support.places import free_port
from tests.support.problems import assert_problem
from tests.support.programs import Gateway


class Breaking:
    """A listener that fails at every login and every probe."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __call__(self, event: Event) -> None:
        if isinstance(event, AttemptEnded | ConnectivityChecked):
            raise self._error


@pytest.mark.parametrize("first", [True, False], ids=["before the log", "after the log"])
@pytest.mark.parametrize("error", [KeyError("metric"), OSError(28, "no space"), RecursionError()], ids=repr)
async def test_a_listener_that_raises_harms_no_login_and_is_counted(error: Exception, *, first: bool) -> None:
    async with FaultyAuthService() as service:
        settings = settings_for(service.url, {})
        log = TextIOWrapper(BytesIO())
        logs = Logs(Lines(read_book(), facts_of(settings), "run-of-test"), logger_for(log, "json", "info"))
        tell = Tell([Breaking(error), logs] if first else [logs, Breaking(error)])
        stop = asyncio.Event()
        async with open_gateway(settings, tell) as assembled, served(assembled.public, stop) as url:
            before = tell.failures_count
            assert before >= 1, "the probe of the start"
            running = Running(url, assembled, log.buffer, stop)
            for _ in range(5):
                assert (await running.log_in()).status == 200
            assert_problem(await running.log_in(password="wrong"), 401, "invalid_credentials")
            assert tell.failures_count == before + 6
            assert [each for each in running.events() if each.startswith("Login")] == [
                *["Login succeeded"] * 5,
                "Login rejected",
            ]


def test_a_gateway_that_starts_before_its_auth_service_is_alive_says_why_and_heals_alone() -> None:
    port = free_port()
    with Gateway(f"http://127.0.0.1:{port}", NETRA_PROBE_INTERVAL_S="0.3", NETRA_BREAKER="true") as program:
        assert wire.ask_now(program.url, "GET", "/livez").status == 200
        assert wire.ask_now(program.url, "GET", "/readyz").status == 200, "an outage that all share stops nobody"
        for _ in range(30):
            answer = program.log_in(EMAIL, PASSWORD)
            assert answer.status == 503
            assert answer.code in ("connection_refused", "destination_unavailable")
        with lab(port=port):
            until(lambda: program.log_in(EMAIL, PASSWORD).status == 200, "the first good login")
            program.wait_for(lambda line: line["event"] == "Auth service connectivity test succeeded")
