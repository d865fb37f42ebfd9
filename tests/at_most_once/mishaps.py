"""What befalls logins at the auth service: drawn for each delivery, from a seed, and written down.

It must never depend on the order in which logins arrive: the same login meets the same, whatever the others do.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Final

from netra.lab.connection import Connection, Delivery
from netra.lab.healthy import healthy_message
from netra.lab.scripts import HTML, JSON, json_message, message, problem_message, session

STRANGER: Final = "mallory@example.com"
"""In whose name nobody logs in: whoever is told of this user was told of somebody else."""

Mishap = Callable[[Connection, bytes, Random], Awaitable[None]]
"""What is done with the good answer."""


async def _good(connection: Connection, good: bytes, rand: Random) -> None:
    await connection.send(good)


async def _late(connection: Connection, good: bytes, rand: Random) -> None:
    await asyncio.sleep(rand.uniform(0.001, 0.03))
    await connection.send(good)


async def _reset(connection: Connection, good: bytes, rand: Random) -> None:
    connection.reset()


async def _close(connection: Connection, good: bytes, rand: Random) -> None:
    connection.close()


async def _cut(connection: Connection, good: bytes, rand: Random) -> None:
    await connection.send(good[: rand.randrange(1, len(good))])
    connection.close()


async def _cut_by_reset(connection: Connection, good: bytes, rand: Random) -> None:
    await connection.send(good[: rand.randrange(1, len(good))])
    await asyncio.sleep(0.005)
    connection.reset()


async def _one_more(connection: Connection, good: bytes, rand: Random) -> None:
    await connection.send(good + json_message(200, session(STRANGER)))


def _instead(content: bytes) -> Mishap:
    async def said(connection: Connection, good: bytes, rand: Random) -> None:
        await connection.send(content)

    return said


_NGINX_PAGE: Final = b"<html><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>"
_BUSY: Final = json_message(503, {"detail": "busy"})

MISHAPS: Final[Mapping[str, tuple[int, Mishap]]] = {
    "none": (56, _good),
    "late": (6, _late),
    "reset": (4, _reset),
    "closed": (4, _close),
    "cut": (5, _cut),
    "cut by a reset": (3, _cut_by_reset),
    "502": (3, _instead(json_message(502, {"detail": "bad gateway"}))),
    "503": (3, _instead(_BUSY)),
    "504": (3, _instead(json_message(504, {"detail": "timeout"}))),
    "502 of a proxy": (2, _instead(message(502, [HTML, ("Server", "nginx")], _NGINX_PAGE))),
    "500": (2, _instead(json_message(500, {"detail": "error"}))),
    "not JSON": (2, _instead(message(200, [JSON], b"{"))),
    "locked": (2, _instead(problem_message(423, "account_locked", [("Retry-After", "60")]))),
    "not HTTP": (1, _instead(b"\x15\x03\x01\x00\x02\x02\x46")),
    "another answer": (2, _one_more),
}
"""Each with its weight among the others."""

TRANSIENT: Final = frozenset({"reset", "closed", "cut", "cut by a reset", "502", "503", "504", "502 of a proxy"})
"""After these a call may be asked again, if it is repeatable."""

SENT_WHOLE: Final = ("none", "late", "another answer")
"""With these, the good answer is sent to its last byte."""


STORM: Final = tuple(name for name in MISHAPS if name not in SENT_WHOLE)
"""Nothing goes well."""


class Mishaps:
    """A script for logins, under which one thing or another befalls each delivery."""

    def __init__(self, seed: int, *, idempotency: bool) -> None:
        self.met: dict[str, list[str]] = {}
        """By e-mail: what befell each of its deliveries, in order."""
        self.possible = tuple(MISHAPS)
        """What can happen now."""
        self._seed = seed
        self._idempotency = idempotency

    async def __call__(self, connection: Connection, delivery: Delivery) -> None:
        email = str(delivery.email)
        met = self.met.setdefault(email, [])
        rand = Random(f"{self._seed}/{email}/{len(met)}")  # noqa: S311 - it is to be repeated, not to be secret
        name = rand.choices(self.possible, [MISHAPS[each][0] for each in self.possible])[0]
        met.append(name)
        good = healthy_message(delivery, idempotency=self._idempotency)
        assert good is not None
        await MISHAPS[name][1](connection, good, rand)

    async def at_connect(self, connection: Connection) -> None:
        """Some connections are reset before anything of them is read."""
        rand = Random(f"{self._seed}/{connection.number}")  # noqa: S311
        if rand.random() < 0.05:
            await asyncio.sleep(0.002)
            connection.reset()
