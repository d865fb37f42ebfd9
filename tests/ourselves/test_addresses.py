"""Where a name leads, and leads to after a while: the first address that works is used, and a move is followed in time.

It must never wait for real minutes: a clock that the test moves says how old a connection is.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from netra.core.verdict.operations import LOGIN
from netra.core.verdict.reply import Broken, Reply
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.link.clock import SystemClock
from netra.link.exchange import HttpExchange
from netra.link.resolver import Address
from tests.link.sockets import put
from tests.link.support import call_of

MOVED_BY_S = 60.0
MORE_S = 0.3
"""What a dead address may cost."""


class MovedClock(SystemClock):
    """The machine's clock, further ahead by as much as a test says."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now_s(self) -> float:
        return time.monotonic() + self.ahead_s


def to(*addresses: str) -> Callable[[str, int, int], list[Address]]:
    """A resolver that knows these addresses, in this order."""

    def look_up(host: str, port: int, family: int) -> list[Address]:
        kinds = [socket.AF_INET6 if ":" in each else socket.AF_INET for each in addresses]
        return [Address(kind, socket.IPPROTO_TCP, each, port) for kind, each in zip(kinds, addresses, strict=True)]

    return look_up


@contextlib.contextmanager
def hole_at(host: str, port: int) -> Iterator[None]:
    """An address at which connections vanish."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket(listening.family))
            waiting.setblocking(False)
            waiting.connect_ex((host, port))
        yield


@pytest.mark.row("address-changes")
@pytest.mark.parametrize("people_count", [1, 8])
async def test_a_name_that_moves_is_followed_within_a_minute_however_busy_its_connections_are(
    people_count: int,
) -> None:
    clock, known = MovedClock(), ["127.0.0.1"]

    def look_up(host: str, port: int, family: int) -> list[Address]:
        return to(*known)(host, port, family)

    async with FaultyAuthService() as old, FaultyAuthService(host="127.0.0.2", port=old.port) as new:
        exchange = HttpExchange(
            f"http://auth.test:{old.port}",
            connect_timeout_s=5.0,
            idle_connection_s=4.0,
            clock=clock,
            look_up=look_up,
        )

        async def log_in() -> None:
            got = await exchange(call_of(LOGIN), None, 10.0)
            assert isinstance(got, Reply), got

        for _ in range(20):
            await asyncio.gather(*(log_in() for _ in range(people_count)))
        assert old.connections_count == people_count, "connections are kept"
        known[:] = ["127.0.0.2"]
        moved_at_s = clock.ahead_s
        while clock.ahead_s < moved_at_s + MOVED_BY_S:
            clock.ahead_s += 1.0
            await asyncio.gather(*(log_in() for _ in range(people_count)))
        old.journal.clear()
        for _ in range(3):
            await asyncio.gather(*(log_in() for _ in range(people_count)))
        assert old.journal == [], "somebody has not followed"
        assert len(new.journal) >= 3 * people_count
        assert new.connections_count <= 2 * people_count, "a connection is not made anew for every login"
        await exchange.close()


@pytest.mark.row("first-address-dead")
@pytest.mark.parametrize(
    ("first", "how"),
    [("127.0.0.2", "vanishes"), ("127.0.0.2", "refuses"), ("::1", "vanishes"), ("::1", "refuses")],
)
async def test_a_first_address_that_is_dead_costs_a_login_less_than_three_tenths_of_a_second(
    first: str, how: str
) -> None:
    async with FaultyAuthService() as service:

        async def took_s(*addresses: str) -> float:
            exchange = HttpExchange(
                f"http://auth.test:{service.port}",
                connect_timeout_s=5.0,
                idle_connection_s=4.0,
                clock=SystemClock(),
                look_up=to(*addresses),
            )
            began_s = time.monotonic()
            got = await put(exchange)
            elapsed_s = time.monotonic() - began_s
            assert isinstance(got, Reply), got
            await exchange.close()
            return elapsed_s

        usual_s = min([await took_s("127.0.0.1") for _ in range(3)])
        with hole_at(first, service.port) if how == "vanishes" else contextlib.nullcontext():
            dead_s = min([await took_s(first, "127.0.0.1") for _ in range(3)])
        assert dead_s < usual_s + MORE_S
        assert how == "refuses" or dead_s > 0.2, "the first address was not tried, or not dead"


@pytest.mark.row("name-unknown")
async def test_a_name_without_any_address_is_a_dns_error() -> None:
    exchange = HttpExchange(
        "http://auth.test", connect_timeout_s=5.0, idle_connection_s=4.0, clock=SystemClock(), look_up=to()
    )
    got = await put(exchange)
    assert isinstance(got, Broken)
    assert got.code == "dns_error"
    await exchange.close()
