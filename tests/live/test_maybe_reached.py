"""The request was sent and no whole answer came: 504 when time ran out, 502 when the connection broke; never again."""

import asyncio

import pytest

from netra.lab import scripts
from netra.lab.connection import Connection, Script
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.live.rows import Failure, assert_failure, assert_next_is_good
from tests.support.gateways import IMPATIENT, Running, Views, both_views
from tests.support.places import silent_port

LATE = Failure("response_timeout", 504, "maybe_sent", owner="auth_service")
BROKEN = Failure("connection_terminated", 502, "maybe_sent", owner="auth_service")
HALF_A_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: applic"


@pytest.mark.parametrize(
    "script", [scripts.silence(), scripts.drip_head(), scripts.drip_body()], ids=["silence", "drips head", "drips body"]
)
async def test_row_response_timeout__an_answer_that_never_ends(service: FaultyAuthService, script: Script) -> None:
    async with both_views(service.url, **IMPATIENT) as views:
        service.answer("/auth/login", script)
        await assert_failure(views, LATE, service)
        await assert_next_is_good(views, service)


@pytest.mark.parametrize(
    "script",
    [
        scripts.raw_then_close(),
        scripts.raw_then_reset(),
        scripts.raw_then_close(HALF_A_HEAD),
        scripts.raw_then_reset(HALF_A_HEAD),
    ],
    ids=["closed without a byte", "reset without a byte", "closed in the head", "reset in the head"],
)
async def test_row_connection_terminated__cut_off_after_the_request(
    views: Views, service: FaultyAuthService, script: Script
) -> None:
    service.answer("/auth/login", script)
    await assert_failure(views, BROKEN, service)
    await assert_next_is_good(views, service)


async def test_a_connection_that_is_reset_before_anything_is_read_may_still_have_carried_the_request() -> None:
    async with FaultyAuthService() as service, both_views(service.url, NETRA_IDLE_CONNECTION_S="0.1") as views:
        await asyncio.sleep(0.15)  # until the connections of the first probe are too old to be used
        service.at_connect = Connection.reset
        await assert_failure(views, BROKEN._replace(deliveries=0), service)
        await assert_next_is_good(views, service)


async def test_a_process_that_takes_connections_and_is_stopped_is_a_response_timeout() -> None:
    with silent_port() as port:
        async with both_views(f"http://127.0.0.1:{port}", **IMPATIENT) as views:
            await assert_failure(views, LATE)


async def test_a_user_who_is_kept_waiting_delays_nobody_else(running: Running, service: FaultyAuthService) -> None:
    enough = asyncio.Event()
    service.answer("/auth/login", scripts.when(enough, scripts.problem(401, "invalid_credentials")), user="eve")
    slow = asyncio.create_task(running.log_in("eve@example.com"))
    assert (await running.log_in()).status == 200
    assert not slow.done()
    enough.set()
    assert (await slow).status == 401
