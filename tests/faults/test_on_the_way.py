"""Rows on the way to the auth service that need more than one login to be shown.

It must never measure a bound more tightly than a busy machine allows.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from statistics import median

import pytest

from netra.core.pace.breaker import MIN_CALLS_COUNT
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply, session, when
from tests.faults.names import HOST, Names
from tests.faults.runner import AS_PRODUCT, logged_s, within
from tests.faults.scenes import LOGIN_THERE
from tests.live.rows import Failure, assert_failure, assert_next_is_good
from tests.support.gateways import both_views, gateway
from tests.support.problems import assert_problem

NEXT_ADDRESS_S = 0.3
AT_ONCE_S = 0.01
WAIT_FOR_ROOM_S = 0.1
NEW_EACH_TIME = {"NETRA_IDLE_CONNECTION_S": "0.1"}
RETIRED_S = 0.15
"""After so long the connection of the first probe is too old to be used."""


@contextlib.contextmanager
def dead_at(host: str, port: int) -> Iterator[None]:
    """A port whose queue is full: connecting to it waits without an answer."""
    with contextlib.ExitStack() as stack:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = stack.enter_context(socket.socket(family))
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket(family))
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield


@pytest.mark.row("first-address-dead")
@pytest.mark.parametrize("first", ["127.0.0.2", "::1"])
@pytest.mark.parametrize("way", ["refused", "a black hole"])
async def test_a_dead_address_costs_a_moment_and_no_login(first: str, way: str, names: Names) -> None:
    async with FaultyAuthService(idempotency=False) as service:
        names.lead_to(first, "127.0.0.1")
        dead = dead_at(first, service.port) if way == "a black hole" else contextlib.nullcontext()
        with dead:
            async with gateway(f"http://{HOST}:{service.port}", **AS_PRODUCT, **NEW_EACH_TIME) as running:
                await asyncio.sleep(RETIRED_S)
                assert (await within(NEXT_ADDRESS_S)(running, ())).status == 200
        assert len(service.delivered(LOGIN_THERE)) == 1


@pytest.mark.row("resolver-hangs")
async def test_forty_lookups_that_hang_starve_no_good_name(names: Names) -> None:
    async with (
        FaultyAuthService() as service,
        gateway(f"http://localhost:{service.port}", **AS_PRODUCT, **NEW_EACH_TIME) as good,
        gateway(f"http://{HOST}:{service.port}", **AS_PRODUCT, NETRA_CONNECT_TIMEOUT_S="0.8") as lost,
    ):
        names.hang()
        lookups = [asyncio.create_task(lost.log_in()) for _ in range(40)]
        await asyncio.sleep(RETIRED_S)
        assert (await within(NEXT_ADDRESS_S)(good, ())).status == 200
        for answer in await asyncio.gather(*lookups):
            assert_problem(answer, 503, "dns_timeout")
        names.lead_to("127.0.0.1")
        await asyncio.sleep(0.1)
        assert (await good.log_in()).status == 200


@pytest.mark.row("breaker-open")
async def test_an_open_breaker_answers_at_once_and_says_the_truth_about_when_to_come_back() -> None:
    async with (
        FaultyAuthService(idempotency=False) as service,
        both_views(service.url, **AS_PRODUCT, NETRA_BREAKER_OPEN_S="1.5") as views,
    ):
        service.fault("close-without-a-byte", path=LOGIN_THERE)
        for running in views:
            for _ in range(MIN_CALLS_COUNT):
                assert (await running.log_in()).status == 502
        row = Failure("destination_unavailable", 503, "never_sent", 0, "Login failed")
        body = await assert_failure(views, row, service)
        assert body["retry_after"] in {1, 2}
        assert body["debug_info"]["breaker"] == "open"
        answers = [await views.operator.log_in() for _ in range(30)]
        assert {each.code for each in answers} == {"destination_unavailable"}
        assert median(logged_s(views.operator, each) for each in answers) < AT_ONCE_S
        service.heal()
        await asyncio.sleep(answers[-1].json["retry_after"] + 0.1)
        assert len(service.delivered(LOGIN_THERE)) == len(views) * MIN_CALLS_COUNT
        await assert_next_is_good(views, service)


@pytest.mark.row("too-many-at-once")
async def test_one_login_too_many_waits_a_tenth_of_a_second_and_is_turned_away() -> None:
    enough = asyncio.Event()
    told = {**AS_PRODUCT, "NETRA_MAX_IN_FLIGHT": "1", "NETRA_LOGIN_BUDGET_S": "15"}
    async with FaultyAuthService(idempotency=False) as service, both_views(service.url, **told) as views:
        service.answer(LOGIN_THERE, when(enough, json_reply(200, session("eve@example.com"))), user="eve")
        slow = [asyncio.create_task(running.log_in("eve@example.com")) for running in views]
        while len(service.delivered(LOGIN_THERE)) < len(views):
            await asyncio.sleep(0.01)
        row = Failure("connection_limit_reached", 503, "never_sent", 0, "Login failed")
        body = await assert_failure(views, row, service, ask=within(WAIT_FOR_ROOM_S))
        assert body["retry_after"] == 1
        enough.set()
        assert [answer.status for answer in await asyncio.gather(*slow)] == [200, 200]
        await assert_next_is_good(views, service)
