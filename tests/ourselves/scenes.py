"""Ways to come to an answer: a real link to a real auth service, and what happens before somebody asks.

It must never decide what is asserted: that is the test's.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from msgspec.structs import replace

from netra.core.pace.breaker import Breaker
from netra.core.pace.budget import RetryBudget
from netra.core.pace.deadline import Deadline
from netra.core.secret import Secret
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import LOGIN, Kind
from netra.core.verdict.outcomes import Accepted, unknown
from netra.core.verdict.reply import Standing
from netra.lab.certificates import Authority
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import after, in_turn, json_reply, problem, session
from netra.link.calls import Link, ask
from netra.link.clock import SystemClock
from netra.link.exchange import HttpExchange
from netra.link.seals import Seals
from netra.link.slots import Slots
from netra.link.tls.trust import Trust, TrustFiles
from tests.link.support import LABEL, PREVIOUS, SECRET, SERVICE_ID, WIRE, until

if TYPE_CHECKING:
    from netra.core.fill import Said

PATH: Final = "/auth/login"
CANCELLED: Final = "cancelled@example.com"


class HurriedClock(SystemClock):
    """A clock on which back-off is short."""

    @staticmethod
    def rand() -> float:
        """Little."""
        return 0.05


class Scene(NamedTuple):
    """One way of asking: an auth service, a link to it, and what happens before."""

    service: FaultyAuthService
    link: Link
    others: list["asyncio.Task[Any]"]
    """Logins of somebody else that are under way."""

    def tasks_of_service(self) -> set["asyncio.Task[Any]"]:
        """What runs for the auth service, which shares the event loop."""
        return {each for each in asyncio.all_tasks() if "Faulty" in repr(each.get_coro())}

    async def log_in(self, email: str) -> Any:
        """One question."""
        said: Said = {"identifier": email, "password": Secret("correct horse"), "name": None}
        call = WIRE.call(LOGIN, said, replace(LABEL, idempotency_key=email))
        return await ask(call, self.link, Deadline(self.link.clock.now_s() + 10.0, 10.0))

    async def assert_right(self, email: str) -> None:
        """Somebody logs in and gets his own tokens."""
        outcome = await self.log_in(email)
        assert isinstance(outcome, Accepted), outcome
        assert outcome.value.access_token.reveal() == f"access-{email.encode().hex()}"


Prepare = Callable[[Scene], Awaitable[None]]


@asynccontextmanager
async def scene(
    authority: Authority,
    *,
    host: str = "127.0.0.1",
    tls: bool = False,
    slots_count: int = 4,
    secret: str | None = None,
) -> AsyncIterator[Scene]:
    """A link that may try three times, to an auth service that honours keys."""
    clock = HurriedClock()
    async with FaultyAuthService(tls=authority.good() if tls else None, secret=secret) as service:
        exchange = HttpExchange(
            service.url.replace("127.0.0.1", host),
            connect_timeout_s=5.0,
            idle_connection_s=30.0,
            clock=clock,
            trust=Trust(clock, TrustFiles(str(authority.file), None, None)) if tls else None,
        )
        link = Link(
            exchange=exchange,
            seals=Seals.of(WIRE, SERVICE_ID, Secret(SECRET), Secret(PREVIOUS)),
            slots=Slots(slots_count, wait_s=5.0),
            budget=RetryBudget(clock.now_s() - 3600.0),
            clock=clock,
            tries=3,
            circuits={kind: Breaker(0.01) for kind in get_args(Kind)},
            standing=Standing(handshake="accepted", credentials_configured=True, idempotency=True),
        )
        try:
            yield Scene(service, link, [])
        finally:
            await exchange.close()


async def over_a_new_connection(scene: Scene) -> None:
    """Nothing was asked before."""


async def over_a_kept_connection(scene: Scene) -> None:
    """A connection is there, and the auth service takes its time."""
    await scene.assert_right("first@example.com")
    scene.service.answer(PATH, after(0.02, json_reply(200, session(CANCELLED))))


async def after_failures(scene: Scene) -> None:
    """Two tries come to nothing before the third is answered."""
    busy = problem(503, "unavailable")
    scene.service.answer(PATH, in_turn(busy, busy, json_reply(200, session(CANCELLED))))


async def as_the_one_trial(scene: Scene) -> None:
    """The circuit was open, and the next call decides."""
    breaker, now_s = scene.link.circuits["login"], scene.link.clock.now_s()
    while breaker.state != "open":
        breaker.settle(breaker.admit(now_s), unknown(TABLE["response_timeout"]), now_s, 0.0)
    await asyncio.sleep(0.02)
    assert not breaker.refuses(scene.link.clock.now_s())


async def behind_somebody_else(scene: Scene) -> None:
    """The one slot is taken, for a while."""
    scene.service.answer(PATH, after(0.05, json_reply(200, session("other@example.com"))), user="other")
    scene.others.append(asyncio.create_task(scene.log_in("other@example.com")))
    await until(lambda: scene.link.slots.taken_count == 1)


SCENES: dict[str, tuple[Prepare, dict[str, Any]]] = {
    "over a new connection": (over_a_new_connection, {}),
    "over a new connection to a name": (over_a_new_connection, {"host": "localhost"}),
    "over a new connection with TLS": (over_a_new_connection, {"tls": True}),
    "over a kept connection": (over_a_kept_connection, {}),
    "over a kept connection with TLS": (over_a_kept_connection, {"tls": True}),
    "after failures": (after_failures, {}),
    "with the other seal": (over_a_new_connection, {"secret": PREVIOUS}),
    "as the one trial": (as_the_one_trial, {}),
    "behind somebody else": (behind_somebody_else, {"slots_count": 1}),
}
