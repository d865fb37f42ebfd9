"""An auth service that keeps failing is left alone for a while, everybody is told so at once, and it heals by itself.

It must never be opened by users who are wrong, nor stay open once the auth service is well.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from netra.core.pace.breaker import MIN_CALLS_COUNT, TRIALS_COUNT
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.healthy import WRONG_PASSWORD
from netra.lab.scripts import problem, raw_then_close
from tests.live.rows import Failure, assert_failure, log_in, who_am_i
from tests.support import wire
from tests.support.gateways import EMAIL, PASSWORD, Running, Views, both_views, gateway, served
from tests.support.problems import assert_problem
from tests.support.wire import LONGEST_S

SOON = {"NETRA_BREAKER": "true", "NETRA_BREAKER_OPEN_S": "0.2"}
LATER = {"NETRA_BREAKER": "true", "NETRA_BREAKER_OPEN_S": "60"}


@pytest_asyncio.fixture(loop_scope="module")
async def guarded(service: FaultyAuthService) -> AsyncIterator[Views]:
    """Two gateways whose circuit stays open for as long as a test takes."""
    async with both_views(service.url, **LATER) as views:
        yield views


async def fail(gateway: Running, service: FaultyAuthService, count: int = MIN_CALLS_COUNT) -> None:
    """So many logins to which the auth service says nothing."""
    service.answer("/auth/login", raw_then_close())
    for _ in range(count):
        assert (await gateway.log_in()).status == 502


async def changes(gateway: Running, count: int) -> list[Any]:
    """The first so many changes of the circuit, as they are logged."""
    async with asyncio.timeout(LONGEST_S):
        while len(lines := [each for each in gateway.lines if each["event"].startswith("Circuit")]) < count:
            await asyncio.sleep(0.01)
    return lines


async def test_row_destination_unavailable__after_twenty_failures_nothing_is_sent_and_everybody_is_told_at_once(
    service: FaultyAuthService, guarded: Views
) -> None:
    for running in guarded:
        await fail(running, service)
    row = Failure("destination_unavailable", 503, "never_sent", 0, "Login failed")
    body = await assert_failure(guarded, row, service)
    assert 48 <= body["retry_after"] <= 60
    assert (body["debug_info"]["breaker"], body["debug_info"]["attempts"]) == ("open", [])
    assert "`connection_terminated`" in body["detail"]
    assert f"{body['retry_after']} s" in body["detail"]
    assert "connection_terminated" in body["suggestions"][0]


async def test_a_failure_before_that_says_that_the_circuit_is_closed(
    service: FaultyAuthService, guarded: Views
) -> None:
    await fail(guarded.operator, service, 1)
    body = (await guarded.operator.log_in()).json
    assert body["debug_info"]["breaker"] == "closed"


async def test_a_thousand_wrong_passwords_are_a_thousand_refusals(service: FaultyAuthService, guarded: Views) -> None:
    before = len(service.delivered("/auth/login"))
    for _ in range(20):
        answers = await asyncio.gather(*(guarded.operator.log_in(password=WRONG_PASSWORD) for _ in range(50)))
        assert {(each.status, each.code) for each in answers} == {(401, "invalid_credentials")}
    assert len(service.delivered("/auth/login")) - before == 1000


@pytest.mark.parametrize("status", [400, 403, 404, 422, 429])
async def test_what_says_that_we_are_wrong_opens_nothing(
    status: int, service: FaultyAuthService, guarded: Views
) -> None:
    service.answer("/auth/login", problem(status, "whatever"))
    codes = {(await guarded.operator.log_in()).code for _ in range(3 * MIN_CALLS_COUNT)}
    assert len(codes) == 1
    assert "destination_unavailable" not in codes


async def test_token_checks_go_on_while_logins_fail(service: FaultyAuthService, guarded: Views) -> None:
    await fail(guarded.operator, service)
    assert_problem(await log_in(guarded.operator, []), 503, "destination_unavailable")
    assert (await who_am_i(guarded.operator, [])).status == 200


async def test_it_closes_by_itself_and_the_log_tells_the_story(service: FaultyAuthService) -> None:
    async with gateway(service.url, **SOON) as running:
        await fail(running, service)
        service.heal()
        async with asyncio.timeout(LONGEST_S):
            while (answer := await running.log_in()).status != 200:
                assert_problem(answer, 503, "destination_unavailable")
                await asyncio.sleep(0.02)
        for _ in range(TRIALS_COUNT - 1):
            assert (await running.log_in()).status == 200
        opened, trying, closed = await changes(running, 3)
    assert (opened["event"], opened["code"], opened["calls"]) == ("Circuit opened", "connection_terminated", "login")
    assert opened["failed"] == f"{MIN_CALLS_COUNT} of {MIN_CALLS_COUNT} calls in 10 s"
    assert [trying["event"], closed["event"]] == ["Circuit half-open", "Circuit closed"]


async def test_while_it_is_half_open_one_login_at_a_time_is_let_through(service: FaultyAuthService) -> None:
    async with gateway(service.url, NETRA_LOGIN_BUDGET_S="2", **SOON) as running:
        await fail(running, service)
        begun, ending = asyncio.Event(), asyncio.Event()

        async def slow(connection: Any, delivery: Any) -> None:
            begun.set()
            await ending.wait()
            await problem(401, "invalid_credentials")(connection, delivery)

        service.answer("/auth/login", slow)
        service.journal.clear()
        await asyncio.sleep(0.25)
        trial = asyncio.create_task(running.log_in())
        await begun.wait()
        answers = await asyncio.gather(*(running.log_in() for _ in range(30)))
        assert {each.code for each in answers} == {"destination_unavailable"}
        assert {each.header("retry-after") for each in answers} == {"1"}
        ending.set()
        assert (await trial).status == 401
        assert len(service.delivered("/auth/login")) == 1


async def test_health_names_the_circuit_that_is_open_and_its_next_trial(service: FaultyAuthService) -> None:
    async with gateway(service.url, **LATER) as running, served(running.assembled.admin, running.stop) as admin:
        await fail(running, service)
        health = (await wire.ask(admin, "GET", "/health")).json
    login, token = health["checks"]["auth_service:circuit"]
    assert (health["status"], login["observedValue"], token["observedValue"]) == ("fail", "open", "closed")
    assert (login["code"], 48 <= login["next_try_in_s"] <= 60) == ("connection_terminated", True)


async def test_a_switched_off_breaker_sends_every_login(service: FaultyAuthService, running: Running) -> None:
    await fail(running, service, 3 * MIN_CALLS_COUNT)
    assert len(service.delivered("/auth/login")) == 3 * MIN_CALLS_COUNT


async def test_a_user_who_comes_back_when_told_is_let_in(service: FaultyAuthService) -> None:
    async with gateway(service.url, NETRA_BREAKER="true", NETRA_BREAKER_OPEN_S="1") as running:
        await fail(running, service)
        service.heal()
        told = await running.log_in()
        await asyncio.sleep(float(told.header("retry-after") or 0) + 0.05)
        answer = await running.log_in(EMAIL, PASSWORD)
        assert answer.status == 200
