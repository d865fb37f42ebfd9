"""Instances started in circles, and their readiness hung for ten seconds: it asked the auth service each time.

It must never ask anybody, readiness, nor wait for anybody: it answers from what is known.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from netra.lab.connection import Connection, Delivery
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.support.gateways import IMPATIENT, gateway
from tests.support.places import free_port

PROBES = ("/readyz", "/livez")


@asynccontextmanager
async def frozen() -> AsyncIterator[FaultyAuthService]:
    """An auth service that takes every request and never answers one."""

    async def hang(connection: Connection, delivery: Delivery) -> None:
        await connection.left()

    async with FaultyAuthService() as service:
        for path in ("/health", "/auth/handshake", "/auth/login"):
            service.answer(path, hang)
        yield service


@pytest.mark.parametrize("path", PROBES)
async def test_it_is_ready_while_its_auth_service_hangs_and_asks_it_nothing(path: str) -> None:
    async with frozen() as service, gateway(service.url, **IMPATIENT) as running:
        while "Auth service connectivity test failed" not in running.events():
            await asyncio.sleep(0.01)
        before = len(service.journal)
        answers = await asyncio.gather(*(running.ask("GET", path) for _ in range(100)))
        assert {each.status for each in answers} == {200}
        assert len(service.journal) == before


async def test_readiness_answers_while_every_login_waits_for_the_auth_service() -> None:
    async with (
        frozen() as service,
        gateway(
            service.url, NETRA_LOGIN_BUDGET_S="30", NETRA_TOKEN_BUDGET_S="0.3", NETRA_CONNECT_TIMEOUT_S="0.1"
        ) as running,
    ):
        logins = [asyncio.create_task(running.log_in()) for _ in range(4)]
        while len(service.delivered("/auth/login")) < 4:
            await asyncio.sleep(0.01)
        assert [(await running.ask("GET", path)).status for path in PROBES] == [200, 200]
        assert not any(each.done() for each in logins), "it was answered before they were"
        await service.stop()
        assert {each.status for each in await asyncio.gather(*logins)} == {502}


async def test_an_instance_starts_without_its_auth_service_and_heals_alone() -> None:
    port = free_port()
    async with gateway(f"http://127.0.0.1:{port}", NETRA_PROBE_INTERVAL_S="0.1") as running:
        assert (await running.ask("GET", "/readyz")).status == 200
        assert (await running.log_in()).status == 503
        async with FaultyAuthService(port=port):
            assert (await running.log_in()).status == 200
