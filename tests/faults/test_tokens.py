"""Rows of token checks under load: logins that hang take nothing from them, and what many ask at once is asked once.

It must never compare with a figure from elsewhere: what is healthy is measured in the same run.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from statistics import median, quantiles
from typing import Final

import pytest

from netra.lab.connection import Connection, Delivery
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply, when
from tests.faults.runner import AS_PRODUCT
from tests.faults.scenes import LOGIN_THERE
from tests.support.gateways import EMAIL, PREFIX, Running, gateway
from tests.support.issuers import VALIDATE, new_signer, publishes
from tests.support.wire import LONGEST_S, Answer, KeptLine

ROUNDS: Final = 5
CHECKS: Final = 150
HANGING: Final = 60
MOST_IN_FLIGHT: Final = 75
"""Logins may take four fifths of these: all that hang."""
SLOWER_RATIO: Final = 1.5
LOADED_MACHINE_S: Final = 0.005
"""What others on this machine may add to one round of a few hundred checks, and not to another."""
VOUCHED: Final = json_reply(200, {"valid": True, "user_id": "user-1", "email": EMAIL})
_NUMBERS: Final = count(1)


async def p99_s(running: Running, tokens: list[str]) -> float:
    """How long 99 of 100 checks take at most, one after the other; each must be good."""
    line, took = await KeptLine.to(running.url), []
    for token in tokens:
        began_at_s = time.perf_counter()
        answer = await line.ask("GET", f"{PREFIX}/verify", [("Authorization", f"Bearer {token}")])
        took.append(time.perf_counter() - began_at_s)
        assert answer.status == 200, answer
    line.close()
    return quantiles(took, n=100)[98]


@asynccontextmanager
async def hanging_logins(running: Running, service: FaultyAuthService) -> AsyncIterator[None]:
    """Many logins vanish in a black hole until the end."""
    enough = asyncio.Event()
    service.answer(LOGIN_THERE, when(enough, json_reply(503, {})))
    before_count = len(service.delivered(LOGIN_THERE))
    logins = [asyncio.create_task(running.log_in(f"hangs{number}@example.com")) for number in range(HANGING)]
    async with asyncio.timeout(LONGEST_S):
        while len(service.delivered(LOGIN_THERE)) < before_count + HANGING:
            await asyncio.sleep(0.01)
    try:
        yield
    finally:
        enough.set()
        answers: list[Answer] = await asyncio.gather(*logins)
        assert {each.status for each in answers} == {503}


@pytest.mark.row("token-checks")
@pytest.mark.parametrize("kind", ["asked", "by keys", "remembered"])
async def test_token_checks_are_hardly_slower_while_logins_vanish(kind: str) -> None:
    signer = new_signer()
    told = {**AS_PRODUCT, "NETRA_LOGIN_BUDGET_S": "15", "NETRA_MAX_IN_FLIGHT": str(MOST_IN_FLIGHT)}
    told["NETRA_TOKEN_CACHE_S"] = "30" if kind == "remembered" else "0"
    async with FaultyAuthService() as service:
        service.answer(VALIDATE, VOUCHED)
        if kind != "asked":
            publishes(service, signer)
        async with gateway(service.url, **told) as running:

            def tokens() -> list[str]:
                if kind == "asked":
                    return [f"opaque-{next(_NUMBERS)}" for _ in range(CHECKS)]
                return [signer.with_claims(jti=f"{number % 10}") for number in range(CHECKS)]

            await p99_s(running, tokens())
            healthy, hanging = [], []
            for _ in range(ROUNDS):
                running.assembled.gateway.forget_failures()
                healthy.append(await p99_s(running, tokens()))
                async with hanging_logins(running, service):
                    hanging.append(await p99_s(running, tokens()))
    assert median(hanging) <= SLOWER_RATIO * median(healthy) + LOADED_MACHINE_S, (healthy, hanging)


@pytest.mark.row("one-token")
async def test_a_thousand_callers_with_one_fresh_token_ask_once_and_leave_alone() -> None:
    enough = asyncio.Event()

    async def vouch(connection: Connection, delivery: Delivery) -> None:
        await enough.wait()
        await VOUCHED(connection, delivery)

    told = {**AS_PRODUCT, "NETRA_TOKEN_BUDGET_S": "15", "NETRA_TOKEN_CACHE_S": "30"}
    async with FaultyAuthService() as service, gateway(service.url, **told) as running:
        service.answer(VALIDATE, vouch)
        lines = [await KeptLine.to(running.url) for _ in range(1_000)]
        bearer = ("Authorization", "Bearer opaque")
        first = asyncio.create_task(lines[0].ask("GET", f"{PREFIX}/verify", [bearer]))
        async with asyncio.timeout(LONGEST_S):
            while not service.delivered(VALIDATE):
                await asyncio.sleep(0.01)
        others = [asyncio.create_task(line.ask("GET", f"{PREFIX}/verify", [bearer])) for line in lines[1:]]
        await asyncio.sleep(0.5)
        first.cancel()
        lines[0].close()
        await asyncio.sleep(0.1)
        enough.set()
        answers = await asyncio.gather(*others)
        for line in lines:
            line.close()
        assert {each.status for each in answers} == {200}
        assert len(service.delivered(VALIDATE)) == 1
