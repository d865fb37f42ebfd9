"""What the background probe means to an open circuit: good news ends its wait, bad news prolongs it, neither closes it.

It must never decide for logins: an auth service whose health route is well may still fail every login.
"""

import pytest

from netra.core.pace.breaker import MAX_OPEN_S, MIN_CALLS_COUNT, Breaker
from netra.core.verdict.causes import TABLE
from netra.core.verdict.outcomes import unknown
from netra.core.verdict.reply import Broken
from netra.link.calls import never_open
from netra.testing.fakes import Scripted, reply
from tests.upkeep.test_rounds import REFUSED, WELL, Service, Upkeep

LATE = unknown(TABLE["response_timeout"])


def guarded(health: Scripted) -> tuple[Service, Upkeep, Breaker]:
    """A loop whose logins have a circuit."""
    service, breaker = Service(health=health), Breaker(20.0)
    return service, Upkeep(service, circuits={**never_open(), "login": breaker}), breaker


def open_it(breaker: Breaker, now_s: float) -> None:
    """Let logins fail until it is open."""
    for _ in range(MIN_CALLS_COUNT):
        breaker.settle(breaker.admit(now_s), LATE, now_s, 0.5)
    assert breaker.state == "open"


async def test_a_probe_that_sees_it_come_back_ends_the_wait() -> None:
    service, upkeep, breaker = guarded(REFUSED)
    open_it(breaker, upkeep.clock.now_s())
    await upkeep.go(2)
    assert breaker.refuses(upkeep.clock.now_s())
    service.health = WELL
    await upkeep.go(every_s=0.0)
    assert not breaker.refuses(upkeep.clock.now_s())
    assert breaker.state == "open", "only a call of its own kind closes it"


async def test_a_probe_that_sees_it_come_back_during_a_trial_spares_the_next_one_its_wait() -> None:
    service, upkeep, breaker = guarded(REFUSED)
    open_it(breaker, upkeep.clock.now_s())
    await upkeep.go()
    now_s = upkeep.clock.now_s() + MAX_OPEN_S
    trial = breaker.admit(now_s)
    assert breaker.state == "half_open"
    service.health = WELL
    await upkeep.go(every_s=0.0)
    breaker.settle(trial, LATE, now_s, 0.5)
    assert not breaker.refuses(now_s)


async def test_a_probe_that_never_failed_ends_nothing() -> None:
    _, upkeep, breaker = guarded(WELL)
    await upkeep.go(every_s=0.0)
    open_it(breaker, upkeep.clock.now_s())
    await upkeep.go(2)
    assert breaker.seen(upkeep.clock.now_s()).next_try_in_s == pytest.approx(10.0)


async def test_probes_that_fail_prolong_the_wait_to_a_minute_at_most() -> None:
    _, upkeep, breaker = guarded(Broken("response_timeout"))
    open_it(breaker, upkeep.clock.now_s())
    await upkeep.go(11)
    assert breaker.refuses(upkeep.clock.now_s())
    await upkeep.go(1)
    assert upkeep.clock.now_s() == pytest.approx(1000.0 + MAX_OPEN_S)
    assert not breaker.refuses(upkeep.clock.now_s())


@pytest.mark.parametrize("health", [reply(404), reply(302), reply(429), reply(503, {"code": "overloaded"})])
async def test_a_probe_that_is_no_evidence_changes_no_wait(health: Scripted) -> None:
    _, upkeep, breaker = guarded(health)
    open_it(breaker, upkeep.clock.now_s())
    await upkeep.go(3)
    assert breaker.seen(upkeep.clock.now_s()).next_try_in_s == pytest.approx(5.0)
