"""What tests of the one HTTP client share: an exchange that is closed again, and how to ask it.

It must never stand between client and server: both are real, and so is the socket between them.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from msgspec.structs import replace

from netra.core.secret import Secret
from netra.core.verdict.operations import LOGIN, Operation
from netra.core.verdict.outcomes import UNTIMED
from netra.core.verdict.reply import Broken, Reply
from netra.link.clock import SystemClock
from netra.link.exchange import HttpExchange
from netra.link.resolver import LookUp, system_addresses
from netra.link.seals import Seal
from netra.link.tls.trust import Trust
from tests.link.support import SECRET, SERVICE_ID, WIRE, call_of

SEAL: Final = Seal(WIRE, SERVICE_ID, Secret(SECRET))
LONGEST_S: Final = 10.0
"""How long an exchange may take that is meant to end by itself: a bound for what hangs, never a measurement."""


@asynccontextmanager
async def exchange_with(
    url: str,
    *,
    connect_timeout_s: float = 5.0,
    idle_connection_s: float = 30.0,
    look_up: LookUp = system_addresses,
    trust: Trust | None = None,
) -> AsyncIterator[HttpExchange]:
    """An exchange with the auth service at `url`."""
    exchange = HttpExchange(
        url,
        connect_timeout_s=connect_timeout_s,
        idle_connection_s=idle_connection_s,
        clock=SystemClock(),
        look_up=look_up,
        trust=trust,
    )
    try:
        yield exchange
    finally:
        await exchange.close()


async def put(exchange: HttpExchange, operation: Operation[Any] = LOGIN, left_s: float = LONGEST_S) -> Reply | Broken:
    """One question."""
    return await exchange(call_of(operation), SEAL, left_s)


async def code_from(exchange: HttpExchange, left_s: float = LONGEST_S) -> str:
    """Why one login broke; a reply is a failure of the test."""
    got = await put(exchange, left_s=left_s)
    assert isinstance(got, Broken), got
    return got.code


def untimed(got: Reply | Broken) -> Reply | Broken:
    """What an exchange came to, whatever its time was spent on."""
    return got._replace(spent=UNTIMED) if isinstance(got, Broken) else replace(got, spent=UNTIMED)


@contextmanager
def closed_port() -> Iterator[int]:
    """A port of this machine that nobody listens on, and that nobody else takes meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def black_hole() -> Iterator[int]:
    """A port whose queue of connections is full: no connection is refused there, and none comes about."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        crowd = [socket.socket() for _ in range(4)]
        for each in crowd:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        try:
            yield port
        finally:
            for each in crowd:
                each.close()


async def settled() -> None:
    """Let the event loop finish what it has been told to close."""
    for _ in range(5):
        await asyncio.sleep(0)
