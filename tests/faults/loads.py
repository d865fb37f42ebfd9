"""Many clients at once, and what became of their logins over time.

It must never wait for an answer before the next client comes: overload is made by those who do not.
"""

import asyncio
from typing import NamedTuple

from tests.support.gateways import Running


class Login(NamedTuple):
    """One login of a load."""

    began_at_s: float
    took_s: float
    status: int
    code: str | None


async def one(running: Running, email: str) -> Login:
    """One login, and what became of it."""
    loop = asyncio.get_running_loop()
    began_at_s = loop.time()
    answer = await running.log_in(email)
    code = None if answer.status == 200 else answer.code
    return Login(began_at_s, loop.time() - began_at_s, answer.status, code)


async def clients(running: Running, count: int, lasting_s: float) -> list[Login]:
    """So many clients that log in again and again, each when its last login has ended."""

    async def client(number: int) -> list[Login]:
        loop, ended = asyncio.get_running_loop(), []
        until_s = loop.time() + lasting_s
        while loop.time() < until_s:
            ended.append(await one(running, f"client{number}@example.com"))
            await asyncio.sleep(0.005)
        return ended

    return [login for each in await asyncio.gather(*map(client, range(count))) for login in each]


async def arrivals(running: Running, per_s: float, lasting_s: float) -> list[asyncio.Task[Login]]:
    """Logins that begin at this rate, whether or not earlier ones have ended."""
    loop = asyncio.get_running_loop()
    begun: list[asyncio.Task[Login]] = []
    began_at_s = loop.time()
    while (passed_s := loop.time() - began_at_s) < lasting_s:
        while len(begun) < passed_s * per_s:
            begun.append(asyncio.create_task(one(running, f"user{len(begun)}@example.com")))
        await asyncio.sleep(0.5 / per_s)
    return begun


def good_ratio(logins: list[Login]) -> float:
    """The share of logins that succeeded."""
    return sum(each.status == 200 for each in logins) / max(1, len(logins))
