"""Clients leave in mid-login, by the thousand: what was sent goes on to its end and is told, and nothing stays behind.

It must never count what a client saw: he has gone.
"""

import asyncio
import gc
import os
import socket
import struct
from urllib.parse import urlsplit

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import after, json_reply, session
from tests.link.support import until
from tests.ourselves.support import login_bytes, open_count
from tests.support.gateways import EMAIL, Running, gateway

pytestmark = pytest.mark.row("client-gone")

CLIENTS_COUNT = 2000
AT_ONCE = 50
PATH = "/auth/login"
IDLE_S = 0.4
RESET = struct.pack("ii", 1, 0)


async def log_in_and_leave(url: str, number: int) -> None:
    """Send a login and go: at once or a moment later, in order or with a reset."""
    place = urlsplit(url)
    loop = asyncio.get_running_loop()
    with socket.socket() as line:
        line.setblocking(False)
        await loop.sock_connect(line, (place.hostname, place.port))
        await loop.sock_sendall(line, login_bytes(keep=bool(number & 4)))
        if number & 1:
            await asyncio.sleep(0.01)
        if number & 2:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def told(running: Running) -> list[str]:
    """How logins have ended so far."""
    return [event for event in running.events() if "ogin" in event]


@pytest.mark.parametrize("max_in_flight", [100, 4], ids=["on its way", "in the queue"])
async def test_of_two_thousand_logins_whose_clients_leave_each_has_its_end_and_nothing_stays(
    max_in_flight: int,
) -> None:
    settings = {"NETRA_IDLE_CONNECTION_S": str(IDLE_S), "NETRA_MAX_IN_FLIGHT": str(max_in_flight)}
    async with FaultyAuthService() as service, gateway(service.url, **settings) as running:
        slots = running.assembled.gateway.parts.link.slots
        assert (await running.log_in()).status == 200
        await asyncio.sleep(2 * IDLE_S)  # until every connection to the auth service is retired
        tasks, open_before = asyncio.all_tasks(), open_count(os.getpid())
        service.answer(PATH, after(0.005, json_reply(200, session(EMAIL))))
        for begin in range(0, CLIENTS_COUNT, AT_ONCE):
            await asyncio.gather(*(log_in_and_leave(running.url, begin + each) for each in range(AT_ONCE)))
        await until(lambda: slots.taken_count == 0 and asyncio.all_tasks() - tasks <= of_the_service())
        ended = told(running)
        assert len(ended) > CLIENTS_COUNT / 2, "half of them have waited until we had everything"
        assert ended.count("Login succeeded") == len(service.delivered(PATH)), "what was sent is told, and well"
        assert set(ended) <= {"Login succeeded", "Login failed"}
        await asyncio.sleep(2 * IDLE_S)
        gc.collect()
        await until(lambda: open_count(os.getpid()) <= open_before)
        assert asyncio.all_tasks() <= tasks
        service.heal()
        assert (await running.log_in()).status == 200


def of_the_service() -> set["asyncio.Task[None]"]:
    """What serves the connections that wait for their next login."""
    return {each for each in asyncio.all_tasks() if "FaultyAuthService" in repr(each.get_coro())}
