"""Everybody was kept out for 21 hours by a breaker that one error had opened and nothing could close.

It must never open for one error or for a refusal, nor stay open once the auth service is well; and whoever looks sees
at once that it is open, why, and when it tries again.
"""

import asyncio
from typing import Final

import pytest

from netra.core.pace.breaker import MIN_CALLS_COUNT, TRIALS_COUNT
from netra.lab import scripts
from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.support import wire
from tests.support.gateways import IMPATIENT, gateway, served
from tests.support.wire import LONGEST_S

ERRORS: Final[dict[str, Script]] = {
    "a reset": scripts.raw_then_close(),
    "a 500": scripts.json_reply(500, {"detail": "oops"}),
    "a 503": scripts.json_reply(503, {"detail": "soon"}),
    "no JSON": scripts.html(200, "<html>hello</html>"),
    "silence": scripts.silence(),
}
BREAKER: Final = {"NETRA_BREAKER": "true", "NETRA_BREAKER_OPEN_S": "0.2"}


@pytest.mark.parametrize("error", ERRORS)
async def test_one_error_of_any_kind_keeps_nobody_out(error: str) -> None:
    async with FaultyAuthService() as service, gateway(service.url, **BREAKER, **IMPATIENT) as running:
        service.answer("/auth/login", ERRORS[error])
        assert (await running.log_in()).status in {502, 503, 504}
        service.heal()
        assert [(await running.log_in()).status for _ in range(5)] == [200] * 5
        assert not [each for each in running.events() if each.startswith("Circuit")]


async def test_after_however_many_failed_trials_it_closes_by_itself() -> None:
    async with FaultyAuthService() as service, gateway(service.url, **BREAKER) as running:
        service.answer("/auth/login", scripts.raw_then_close())
        async with asyncio.timeout(LONGEST_S):
            while running.events().count("Circuit opened") < 3:
                await running.log_in()
                await asyncio.sleep(0.01)
            service.heal()
            while (await running.log_in()).status != 200:
                await asyncio.sleep(0.01)
        assert [(await running.log_in()).status for _ in range(TRIALS_COUNT)] == [200] * TRIALS_COUNT
        assert running.events().count("Circuit closed") == 1


async def test_the_first_line_an_operator_sees_says_that_it_is_open_why_and_until_when() -> None:
    async with (
        FaultyAuthService() as service,
        gateway(service.url, NETRA_BREAKER="true", NETRA_BREAKER_OPEN_S="30") as running,
        served(running.assembled.admin, running.stop) as admin,
    ):
        service.answer("/auth/login", scripts.raw_then_close())
        for _ in range(MIN_CALLS_COUNT):
            await running.log_in()
        answer = await running.log_in()
        (line,) = [each for each in running.lines if each["event"] == "Circuit opened"]
        circuit = (await wire.ask(admin, "GET", "/health")).json["checks"]["auth_service:circuit"][0]
    assert (line["code"], circuit["code"]) == ("connection_terminated", "connection_terminated")
    assert 20 <= circuit["next_try_in_s"] <= line["next_try_in_s"] <= 36
    assert (answer.code, answer.json["debug_info"]["breaker"]) == ("destination_unavailable", "open")
    assert "connection_terminated" in answer.json["detail"]
    assert circuit["next_try_in_s"] - 1 <= answer.json["retry_after"] <= 37
