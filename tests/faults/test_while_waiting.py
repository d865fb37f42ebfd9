"""Rows of answers that never come which need a process, a proxy or an idle connection to be shown.

It must never send a login twice, nor allow one to be sent twice.
"""

import asyncio

import pytest

from netra.lab.chaos_proxy import ChaosProxy
from netra.lab.chaos_ways import Ending, Faults, Way
from netra.lab.connection import Connection, Delivery
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply, session
from tests.faults.processes import LabProcess
from tests.faults.row import DEADLINE_S
from tests.faults.runner import AS_PRODUCT, within
from tests.faults.scenes import LOGIN_THERE
from tests.live.rows import Failure, assert_failure, assert_next_is_good
from tests.support.gateways import EMAIL, IMPATIENT, both_views, gateway

LATE = Failure("response_timeout", 504, "maybe_sent", owner="auth_service")
LOST = Way(ending=Ending("swallow", 0, 0))
TOLD = {**AS_PRODUCT, **IMPATIENT, "NETRA_TRIES": "3"}
SERVER_KEEPS_S, WE_KEEP_S = 0.2, 0.12
KEPT_S = 2.0


@pytest.mark.row("never-answers")
async def test_a_process_that_is_stopped_keeps_nobody_longer_than_the_deadline() -> None:
    async with LabProcess() as process, both_views(process.url, **TOLD) as views:
        for running in views:
            assert (await running.log_in()).status == 200
        with process.frozen():
            await assert_failure(views, LATE, ask=within(DEADLINE_S))
        for running in views:
            assert (await running.log_in()).status == 200
        assert await process.logins_count() == 3 * len(views), "each login that failed arrives once, and late"


@pytest.mark.row("peer-vanished")
async def test_a_kept_connection_whose_other_end_is_gone_costs_one_deadline_and_is_not_used_again() -> None:
    async with (
        FaultyAuthService(idempotency=False) as service,
        ChaosProxy("127.0.0.1", service.port) as proxy,
        both_views(f"http://127.0.0.1:{proxy.port}", **TOLD, NETRA_IDLE_CONNECTION_S=f"{KEPT_S:g}") as views,
    ):
        await asyncio.sleep(1.1 * KEPT_S)  # until those that the start has opened are too old to be used
        for running in views:
            assert (await running.log_in()).status == 200
        kept, arrived = proxy.tally.connections_count, len(service.delivered(LOGIN_THERE))
        proxy.switch(Faults(to_server=LOST, to_client=LOST))
        await assert_failure(views, LATE, ask=within(DEADLINE_S))
        assert proxy.tally.connections_count == kept, "the fault was not that of a kept connection"
        assert len(service.delivered(LOGIN_THERE)) == arrived
        proxy.switch()
        await assert_next_is_good(views, service)
        assert proxy.tally.connections_count == kept + len(views)


@pytest.mark.row("closed")
async def test_idle_connections_are_given_up_before_the_auth_service_closes_them() -> None:
    loop = asyncio.get_running_loop()
    closing: dict[int, asyncio.TimerHandle] = {}

    async def answered_and_kept_a_while(connection: Connection, delivery: Delivery) -> None:
        if timer := closing.pop(connection.number, None):
            timer.cancel()
        await json_reply(200, session(EMAIL))(connection, delivery)
        closing[connection.number] = loop.call_later(SERVER_KEEPS_S, connection.close)

    async with (
        FaultyAuthService(idempotency=False) as service,
        gateway(service.url, **AS_PRODUCT, NETRA_IDLE_CONNECTION_S=f"{WE_KEEP_S:g}") as running,
    ):
        service.answer(LOGIN_THERE, answered_and_kept_a_while)
        assert (await running.log_in()).status == 200
        for turn in range(17):
            pause_s = 0.08 + 0.01 * turn
            await asyncio.sleep(pause_s)
            assert (await running.log_in()).status == 200
            before, now = service.delivered(LOGIN_THERE)[-2:]
            if pause_s > WE_KEEP_S:
                assert now.connection != before.connection, "a connection was used that is about to be closed"
        for timer in closing.values():
            timer.cancel()
