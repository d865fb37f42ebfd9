"""Rows of how the gateway behaves under load: it never makes an outage worse, and it comes back by itself.

It must never run for more than some seconds: what takes longer is an experiment.
"""

import asyncio
from statistics import median
from typing import Any

import pytest

from netra.core.pace.breaker import MIN_CALLS_COUNT
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.healthy import WRONG_PASSWORD
from netra.lab.scripts import json_reply, session
from tests.faults.loads import arrivals, clients, good_ratio
from tests.faults.runner import AS_PRODUCT, logged_s
from tests.faults.scenes import LOGIN_THERE
from tests.support.gateways import EMAIL, Running, gateway

AT_ONCE_S = 0.01
SAVED_UP = 10
"""Retries that a quiet time has saved up."""


def circuit(running: Running) -> Any:
    return running.assembled.gateway.parts.link.circuits["login"]


@pytest.mark.row("failing-every-call")
@pytest.mark.parametrize("breaker", ["true", "false"], ids=["as shipped", "without the breaker"])
async def test_an_auth_service_that_fails_every_call_is_not_asked_much_more_than_the_gateway(breaker: str) -> None:
    told = {"NETRA_BREAKER": breaker, "NETRA_TRIES": "3"}
    async with FaultyAuthService() as service, gateway(service.url, **told) as running:
        service.fault("status-503", path=LOGIN_THERE)
        loop = asyncio.get_running_loop()
        began_at_s = loop.time()
        logins = await clients(running, 20, 1.5)
        lasted_s = loop.time() - began_at_s
        asked = len(service.delivered(LOGIN_THERE))
        assert asked <= 1.1 * len(logins) + 3 * lasted_s + SAVED_UP, f"{asked} for {len(logins)} in {lasted_s:.1f} s"
        assert {each.status for each in logins} == {503}
        if breaker == "true":
            assert asked < len(logins) / 2, "the breaker kept nothing away"


@pytest.mark.row("failing-every-call")
async def test_while_the_breaker_is_open_answers_come_at_once() -> None:
    async with FaultyAuthService() as service, gateway(service.url, **AS_PRODUCT, NETRA_TRIES="3") as running:
        service.fault("status-500", path=LOGIN_THERE)
        for _ in range(MIN_CALLS_COUNT):
            assert (await running.log_in()).status == 502
        answers = [await running.log_in() for _ in range(50)]
        assert {each.code for each in answers} == {"destination_unavailable"}
        assert median(logged_s(running, each) for each in answers) < AT_ONCE_S
        assert len(service.delivered(LOGIN_THERE)) == MIN_CALLS_COUNT


@pytest.mark.row("wrong-passwords")
async def test_a_thousand_wrong_passwords_are_a_thousand_refusals_and_open_nothing() -> None:
    told = {**AS_PRODUCT, "NETRA_TRIES": "3"}
    async with FaultyAuthService() as service, gateway(service.url, **told) as running:
        for _ in range(20):
            answers = await asyncio.gather(*(running.log_in(password=WRONG_PASSWORD) for _ in range(50)))
            assert {(each.status, each.code) for each in answers} == {(401, "invalid_credentials")}
        assert len(service.delivered(LOGIN_THERE)) == 1_000
        assert circuit(running).state == "closed"
        assert (await running.log_in()).status == 200


@pytest.mark.row("recovery")
async def test_it_comes_back_within_twice_the_open_time_and_never_in_a_wave() -> None:
    open_s, at_once, most_at_once = 0.5, 0, 0
    async with (
        FaultyAuthService(idempotency=False) as service,
        gateway(service.url, **AS_PRODUCT, NETRA_BREAKER_OPEN_S=str(open_s)) as running,
    ):
        service.fault("close-without-a-byte", path=LOGIN_THERE)
        for _ in range(MIN_CALLS_COUNT):
            assert (await running.log_in()).status == 502
        assert circuit(running).state == "open"

        async def slowly(connection: Any, delivery: Any) -> None:
            nonlocal at_once, most_at_once
            at_once += 1
            if circuit(running).state != "closed":
                most_at_once = max(most_at_once, at_once)
            await asyncio.sleep(0.02)
            at_once -= 1
            await json_reply(200, session(EMAIL))(connection, delivery)

        service.heal()
        service.answer(LOGIN_THERE, slowly)
        healed_at_s = asyncio.get_running_loop().time()
        logins = await clients(running, 10, 2 * open_s + 1.0)
        after = [each for each in logins if each.began_at_s > healed_at_s + 2 * open_s]
        assert len(after) > 20
        assert good_ratio(after) >= 0.99
        assert most_at_once == 1, "a wave was let through while it was half-open"


@pytest.mark.row("overload")
async def test_after_twice_the_load_it_can_bear_it_is_soon_as_good_as_before() -> None:
    capacity_per_s, work_s = 80, 0.05
    workers = asyncio.Semaphore(int(capacity_per_s * work_s))

    async def work(connection: Any, delivery: Any) -> None:
        async with workers:
            await asyncio.sleep(work_s)
        await json_reply(200, session(EMAIL))(connection, delivery)

    async with (
        FaultyAuthService(idempotency=False) as service,
        gateway(service.url, **AS_PRODUCT, NETRA_LOGIN_BUDGET_S="1.2", NETRA_BREAKER_OPEN_S="0.5") as running,
    ):
        service.answer(LOGIN_THERE, work)
        overload = await asyncio.gather(*await arrivals(running, 2 * capacity_per_s, 3))
        assert good_ratio(overload) > 0
        loop = asyncio.get_running_loop()
        until_s = loop.time() + 10
        ratio = 0.0
        while loop.time() < until_s and ratio < 0.95:
            ratio = good_ratio(await asyncio.gather(*await arrivals(running, capacity_per_s / 2, 1)))
        assert ratio >= 0.95
        assert {each.status for each in overload} <= {200, 502, 503, 504}
