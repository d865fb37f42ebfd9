"""The row of requests without end, cut down to some thousands: memory that grew by request would show by then.

It must never count the memory of the test itself: the gateway is a process of its own.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from netra.lab.healthy import WRONG_PASSWORD
from tests.faults.runner import AS_PRODUCT
from tests.support.gateways import ENVIRONMENT, LOGIN, PASSWORD, PREFIX
from tests.support.labs import lab
from tests.support.programs import Gateway
from tests.support.wire import KeptLine, as_json

LINES: Final = 8
BLOCK: Final = 3_000
"""Requests between two looks at the memory."""
BLOCKS: Final = 4
MOST_BYTES_A_REQUEST: Final = 60
JSON: Final = ("Content-Type", "application/json")
TOLD: Final = {
    **ENVIRONMENT, **AS_PRODUCT, "NETRA_TRUSTED_PROXIES": "127.0.0.1",
    "NETRA_THROTTLE_ACCOUNT": "off", "NETRA_THROTTLE_ADDRESS": "off",
}  # fmt: skip


@pytest.fixture
def program() -> Iterator[Gateway]:
    with lab(journal_limit=10) as service, Gateway(service.url, told=TOLD) as running:
        yield running


async def asked(line: KeptLine, number: int) -> int:
    """One request like no other: a login, a wrong password or a token check; returns its status."""
    email, address = f"user{number}@example.com", f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    headers = [("X-Forwarded-For", address), ("X-Request-ID", f"request-{number}")]
    if number % 3 == 2:
        token = ("Authorization", f"Bearer access-{email.encode().hex()}")
        return (await line.ask("GET", f"{PREFIX}/me", [*headers, token])).status
    password = PASSWORD if number % 3 else WRONG_PASSWORD
    body = as_json({"email": email, "password": password})
    return (await line.ask("POST", LOGIN, [*headers, JSON], body)).status


async def block(url: str, first: int) -> set[int]:
    """One block of requests over a few connections; returns the statuses."""

    async def in_turn(offset: int) -> set[int]:
        line = await KeptLine.to(url)
        statuses = {await asked(line, number) for number in range(first + offset, first + BLOCK, LINES)}
        line.close()
        return statuses

    return set().union(*await asyncio.gather(*map(in_turn, range(LINES))))


def memory_bytes(pid: int) -> int:
    """What a process has in memory that belongs to it alone."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


@pytest.mark.row("a-million-requests")
def test_requests_without_end_leave_no_memory_behind(program: Gateway) -> None:
    seen = []
    for number in range(BLOCKS):
        assert asyncio.run(block(program.url, number * BLOCK)) == {200, 401}
        seen.append(memory_bytes(program.pid))
    # The first blocks fill what is bounded; a leak would go on.
    grown = (seen[-1] - seen[1]) / ((BLOCKS - 2) * BLOCK)
    assert grown < MOST_BYTES_A_REQUEST, f"{grown:.0f} bytes a request: {seen}"
