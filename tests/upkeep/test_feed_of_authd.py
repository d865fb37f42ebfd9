"""The feed of a real auth service: who logs out there is known here, also after it lost its memory.

It must never name what the auth service has in its store: only what the feed says.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from netra.core.events import RevocationFeed
from netra.core.pace.budget import RetryBudget
from netra.core.pace.deadline import Deadline
from netra.core.secret import Secret
from netra.core.token.claims import unchecked_claims
from netra.core.token.revoked import Revocations
from netra.core.verdict.operations import LOGIN, LOGOUT, Operation, Session
from netra.core.verdict.outcomes import Accepted
from netra.core.verdict.reply import Standing
from netra.link.calls import Link, ask
from netra.link.clock import SystemClock
from netra.link.exchange import HttpExchange
from netra.link.seals import Seals
from netra.link.slots import Slots
from netra.testing.authds import AuthdBeside, authd_beside
from netra.testing.fakes import Recorded
from netra.upkeep.revocations import Feed
from tests.link.support import LABEL, WIRE, until

LONGEST_S = 10.0
"""How long anything here may take before it counts as hung."""


@asynccontextmanager
async def link_to(authd: AuthdBeside, secret: str | None = None) -> AsyncIterator[Link]:
    """A link as the gateway has one, to a real auth service."""
    clock = SystemClock()
    exchange = HttpExchange(authd.url, connect_timeout_s=LONGEST_S, idle_connection_s=30.0, clock=clock)
    try:
        yield made(authd, secret, exchange, clock)
    finally:
        await exchange.close()


def made(authd: AuthdBeside, secret: str | None, exchange: HttpExchange, clock: SystemClock) -> Link:
    """A link over an exchange."""
    return Link(
        exchange=exchange,
        seals=Seals.of(WIRE, authd.service_id, Secret(secret or authd.service_secret), None),
        slots=Slots(16),
        budget=RetryBudget(clock.now_s()),
        clock=clock,
        tries=1,
        standing=Standing(handshake="accepted", credentials_configured=True),
    )


async def accepted(link: Link, operation: Operation[Any], said: dict[str, Any]) -> Any:
    """What one call comes to."""
    outcome = await ask(WIRE.call(operation, said, LABEL), link, Deadline(time.monotonic() + LONGEST_S, LONGEST_S))
    assert isinstance(outcome, Accepted), outcome
    return outcome.value


async def session_id(link: Link, authd: AuthdBeside, *, leave: bool) -> str:
    """The id of a new session, which ends at once with `leave`."""
    said = {"identifier": authd.email, "password": Secret(authd.password)}
    session: Session = await accepted(link, LOGIN, said)
    if leave:
        await accepted(link, LOGOUT, {"token": session.access_token, "refresh_token": session.refresh_token})
    named = unchecked_claims(session.access_token.reveal())["sid"]
    assert isinstance(named, str)
    return named


def feed(link: Link, revoked: Revocations, told: Recorded | None = None) -> Feed:
    """The feed of that auth service."""
    return Feed(WIRE, link, revoked, told or Recorded(), budget_s=LONGEST_S)


@asynccontextmanager
async def running(each: Feed) -> AsyncIterator[None]:
    """A loop, until the end of the block; its first round has ended."""
    loop = asyncio.create_task(each.run())
    await asyncio.wait_for(each.first_ended.wait(), LONGEST_S)
    try:
        yield
    finally:
        loop.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loop


async def test_a_logout_elsewhere_is_known_here_within_five_seconds_and_other_sessions_are_left_alone(
    tmp_path: Path,
) -> None:
    revoked, told = Revocations(), Recorded()
    with authd_beside(tmp_path) as authd:
        async with link_to(authd) as elsewhere, link_to(authd) as here, running(feed(here, revoked, told)):
            stays = await session_id(elsewhere, authd, leave=False)
            left = await session_id(elsewhere, authd, leave=True)
            ended_s = time.monotonic()
            await until(lambda: revoked.holds(None, left))
            assert time.monotonic() - ended_s < 5.0 + 3.0, "five seconds, and some for a machine with much to do"
            assert not revoked.holds(None, stays)
    assert [(each.state, each.code) for each in told.of(RevocationFeed)] == [("up", None)]


async def test_a_gateway_that_starts_later_hears_of_everything_and_one_that_knows_it_of_nothing_twice(
    tmp_path: Path,
) -> None:
    revoked = Revocations()
    with authd_beside(tmp_path) as authd:
        async with link_to(authd) as link:
            left = [await session_id(link, authd, leave=True) for _ in range(3)]
            each = feed(link, revoked)
            assert (await each.once()).whole
            assert all(revoked.holds(None, session) for session in left)
            assert len(revoked) == 3
            last = await session_id(link, authd, leave=True)
            assert (await each.once()).whole
            assert revoked.holds(None, last)
            assert len(revoked) == 4


async def test_an_auth_service_that_lost_its_database_is_heard_anew_and_what_it_said_before_still_holds(
    tmp_path: Path,
) -> None:
    revoked, told = Revocations(), Recorded()
    folders = [tmp_path / name for name in ("before", "after")]
    for folder in folders:
        folder.mkdir()
    with authd_beside(folders[0]) as before, authd_beside(folders[1]) as after:
        async with link_to(before) as link, link_to(after) as renewed:
            each = feed(link, revoked, told)
            ended = [await session_id(link, before, leave=True) for _ in range(2)]
            assert (await each.once()).whole
            ended.append(await session_id(renewed, after, leave=True))
            link.exchange, link.seals = renewed.exchange, renewed.seals
            assert (await each.once()).whole
            assert all(revoked.holds(None, session) for session in ended)


async def test_a_feed_with_the_wrong_secret_is_down_and_says_why(tmp_path: Path) -> None:
    told = Recorded()
    with authd_beside(tmp_path) as authd:
        async with link_to(authd, secret="wrong-" * 8) as link, running(feed(link, Revocations(), told)):
            pass
    assert [(each.state, each.code) for each in told.of(RevocationFeed)] == [("down", "service_credentials_rejected")]
