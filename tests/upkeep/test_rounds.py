"""The background loop: what it asks, what it tells, what it changes, and that nothing ends it but its owner.

It must never wait for real time where a clock can be moved.
"""

import asyncio
from typing import Any

import pytest

from netra.core.events import ConnectivityChecked, Crashed, Event, HandshakeEnded
from netra.core.verdict.reply import Broken, Reply, Standing
from netra.link.slots import Slots
from netra.testing.fakes import Asked, FakeClock, Held, Recorded, Scripted, ScriptedExchange, reply
from netra.upkeep.agreement import Ours
from netra.upkeep.rounds import Rounds, begin
from tests.link.support import PREVIOUS, SECRET, WIRE, link_to, secret_on, two_seals, until

WELL = reply(200, {"status": "ok"})
KNOWN = reply(200, {"service_id": "netra-under-test", "environment": "staging", "idempotency": True})
UNKNOWN_TO_THEM = reply(401, {"code": "service_credentials_rejected"})
NO_SUCH_ROUTE = reply(404, {"title": "Not Found"})
REFUSED = Broken("connection_refused")
FRESH = Standing(credentials_configured=True)


class Service:
    """What the auth service answers to a probe and to a handshake, until a test changes it."""

    def __init__(self, health: Scripted = WELL, handshake: Scripted = KNOWN) -> None:
        self.health = health
        self.handshake = handshake

    def __call__(self, asked: Asked) -> Reply | Broken:
        answer = self.health if asked.call.operation.name == "health" else self.handshake
        assert not isinstance(answer, Held)
        return answer(asked) if callable(answer) else answer


class Upkeep:
    """A loop with everything that it touches."""

    def __init__(self, service: Scripted, held: Ours | None = None, **changes: Any) -> None:
        """`held`: what handshakes are compared with, if anything is."""
        self.clock = FakeClock(held=True)
        self.exchange = ScriptedExchange(then=service)
        self.told = Recorded()
        self.link = link_to(self.exchange, self.clock, **{"standing": FRESH, **changes})
        self.rounds = Rounds(WIRE, self.link, self.told, interval_s=5.0, budget_s=2.0, ours=lambda: held or Ours())

    async def go(self, rounds: int = 1, every_s: float = 5.0) -> None:
        """Some rounds, one after the other."""
        for _ in range(rounds):
            await self.rounds.once()
            self.clock.advance(every_s)

    def signer(self) -> str | None:
        """Who signs tokens, as far as it is known."""
        return self.link.standing.issuer

    def asked(self) -> list[str]:
        """What was asked so far, and forget it."""
        names = [each.call.operation.name for each in self.exchange.asked]
        self.exchange.asked.clear()
        return names


# --- what a round asks ----------------------------------------------------------------------------------------------


async def test_the_first_round_asks_how_it_is_and_who_we_are() -> None:
    upkeep = Upkeep(Service())
    await upkeep.go()
    assert upkeep.asked() == ["health", "handshake"]
    standing = upkeep.link.standing
    assert (standing.connectivity, standing.probe_code, standing.probed_at_s) == ("success", None, 1000.0)
    assert (standing.handshake, standing.idempotency, standing.environment) == ("accepted", True, "staging")
    assert standing.credentials_configured


async def test_a_round_is_one_light_question_until_a_handshake_is_due_again() -> None:
    upkeep = Upkeep(Service())
    await upkeep.go(12)
    assert upkeep.asked() == ["health", "handshake", *["health"] * 11]
    await upkeep.go()
    assert upkeep.asked() == ["health", "handshake"]


async def test_a_probe_carries_no_credentials_and_a_handshake_does() -> None:
    upkeep = Upkeep(Service())
    await upkeep.go()
    assert [secret_on(each.seal) for each in upkeep.exchange.asked] == [None, SECRET]
    assert all(each.left_s == 2.0 for each in upkeep.exchange.asked)


async def test_a_failed_probe_is_not_repeated_at_once_and_no_handshake_follows() -> None:
    upkeep = Upkeep(Service(health=REFUSED), tries=3)
    await upkeep.go()
    assert upkeep.asked() == ["health"]
    assert (upkeep.link.standing.connectivity, upkeep.link.standing.probe_code) == ("failed", "connection_refused")


async def test_after_a_recovery_a_handshake_is_due() -> None:
    service = Service()
    upkeep = Upkeep(service)
    await upkeep.go(2)
    service.health = REFUSED
    await upkeep.go(2)
    upkeep.asked()
    service.health = WELL
    await upkeep.go(2)
    assert upkeep.asked() == ["health", "handshake", "health"]


@pytest.mark.parametrize("answer", [UNKNOWN_TO_THEM, reply(500), Broken("response_timeout")])
async def test_a_handshake_without_a_good_end_is_asked_again_in_every_round(answer: Reply | Broken) -> None:
    upkeep = Upkeep(Service(handshake=answer))
    await upkeep.go(3)
    assert upkeep.asked() == ["health", "handshake"] * 3


async def test_where_there_is_no_handshake_it_is_seldom_asked_for() -> None:
    upkeep = Upkeep(Service(handshake=NO_SUCH_ROUTE))
    await upkeep.go(12)
    assert upkeep.asked().count("handshake") == 1
    assert upkeep.link.standing.handshake == "absent"


async def test_a_wire_without_a_probe_or_a_handshake_is_not_asked_for_them() -> None:
    upkeep = Upkeep(Service())
    for left_out, asked in [({"health"}, ["handshake"]), ({"health", "handshake"}, [])]:
        templates = {name: each for name, each in WIRE.templates.items() if name not in left_out}
        rounds = Rounds(WIRE._replace(templates=templates), upkeep.link, upkeep.told, interval_s=5.0, budget_s=2.0)
        await rounds.once()
        assert upkeep.asked() == asked
    assert upkeep.link.standing.connectivity == "not_run"


async def test_a_handshake_finds_the_secret_that_is_accepted() -> None:
    def knows_the_old_one(asked: Asked) -> Reply | Broken:
        return KNOWN if secret_on(asked.seal) == PREVIOUS else UNKNOWN_TO_THEM

    upkeep = Upkeep(Service(handshake=knows_the_old_one), seals=two_seals())
    await upkeep.go()
    assert (upkeep.link.standing.handshake, upkeep.link.good_seal) == ("accepted", 1)


# --- what a round changes -------------------------------------------------------------------------------------------

TRANSIENT = [
    REFUSED, Broken("dns_error"), Broken("response_timeout"), Broken("connection_terminated"), reply(500), reply(502),
    reply(503), reply(429), reply(302), reply(400), reply(200, {"idempotency": "yes"}),
    Reply(403, {}, b"<html><body>Forbidden</body></html>", 0.0),
    Reply(502, {}, b"<html><hr><center>nginx</center></html>", 0.0), reply(401, {"code": "invalid_credentials"}),
]  # fmt: skip


@pytest.mark.parametrize("answer", TRANSIENT, ids=range(len(TRANSIENT)))
@pytest.mark.parametrize("before", ["accepted", "absent", "refused", "not_yet"])
async def test_what_is_no_clear_word_about_us_changes_nothing_we_knew(answer: Reply | Broken, before: Any) -> None:
    known = FRESH._replace(handshake=before, idempotency=before == "accepted", environment="staging")
    upkeep = Upkeep(Service(handshake=answer), standing=known)
    await upkeep.go()
    after = upkeep.link.standing
    assert (after.handshake, after.idempotency, after.environment) == (before, known.idempotency, "staging")


@pytest.mark.parametrize("code", ["service_credentials_rejected", "invalid_client", "service_credentials_missing"])
async def test_a_clear_refusal_ends_what_was_promised(code: str) -> None:
    upkeep = Upkeep(Service(handshake=reply(401, {"code": code})), standing=FRESH._replace(handshake="accepted"))
    await upkeep.go()
    assert (upkeep.link.standing.handshake, upkeep.link.standing.idempotency) == ("refused", False)
    assert not upkeep.link.standing.credentials_accepted


async def test_a_refusal_is_taken_back_as_soon_as_we_are_accepted() -> None:
    service = Service(handshake=UNKNOWN_TO_THEM)
    upkeep = Upkeep(service)
    await upkeep.go()
    service.handshake = KNOWN
    await upkeep.go()
    assert upkeep.link.standing.handshake == "accepted"


async def test_a_probe_that_we_could_not_send_says_nothing_of_the_auth_service() -> None:
    held = Held()
    upkeep = Upkeep(held, slots=Slots(1, wait_s=0.0))
    busy = asyncio.create_task(upkeep.rounds.once())
    await held.begun.wait()
    await upkeep.rounds.once()
    assert upkeep.link.standing.connectivity == "not_run"
    assert upkeep.told.events == []
    busy.cancel()
    for code in ("local_resource_exhausted", "draining"):
        other = Upkeep(Service(health=Broken(code)))
        await other.go()
        assert other.link.standing.connectivity == "not_run"


async def test_an_address_of_ours_that_is_wrong_is_a_failed_probe() -> None:
    upkeep = Upkeep(Service(health=Broken("proxy_configuration_error")))
    await upkeep.go()
    assert upkeep.link.standing.probe_code == "proxy_configuration_error"


# --- what a round tells ---------------------------------------------------------------------------------------------


def connectivity(upkeep: Upkeep) -> list[tuple[str | None, str | None, bool]]:
    """Code, phase and whether it changed, of every probe that was told."""
    return [(each.code, each.phase, each.changed) for each in upkeep.told.of(ConnectivityChecked)]


async def test_connectivity_is_told_at_the_change_and_then_once_a_minute() -> None:
    service = Service(health=REFUSED)
    upkeep = Upkeep(service)
    await upkeep.go(12)
    assert connectivity(upkeep) == [("connection_refused", "never_sent", True)]
    await upkeep.go(13)
    assert connectivity(upkeep)[1:] == [("connection_refused", "never_sent", False)] * 2
    service.health = Broken("response_timeout")
    await upkeep.go(1)
    assert connectivity(upkeep)[3:] == [("response_timeout", "maybe_sent", True)]
    service.health = WELL
    await upkeep.go(30)
    assert connectivity(upkeep)[4:] == [(None, None, True)], "that all is well is told once"


async def test_a_probe_that_is_refused_in_so_many_words_was_answered() -> None:
    upkeep = Upkeep(Service(health=reply(401, {"code": "invalid_credentials"})))
    await upkeep.go()
    assert connectivity(upkeep) == [("invalid_credentials", "answered", True)]


async def test_a_probe_tells_how_long_it_took_and_under_which_id() -> None:
    upkeep = Upkeep(Service())
    upkeep.rounds._link.exchange = ScriptedExchange(WELL, KNOWN, clock=upkeep.clock, takes_s=0.125)
    await upkeep.go()
    told = upkeep.told.of(ConnectivityChecked)[0]
    assert told.elapsed_s == pytest.approx(0.125)
    assert told.request_id.startswith("probe-")


def handshakes(upkeep: Upkeep) -> list[tuple[str, str | None, str | None]]:
    """State, code and phase of every handshake that was told."""
    return [(each.state, each.code, each.phase) for each in upkeep.told.of(HandshakeEnded)]


async def test_a_handshake_is_told_when_its_state_changes() -> None:
    service = Service()
    upkeep = Upkeep(service)
    await upkeep.go(13)
    assert handshakes(upkeep) == [("accepted", None, None)]
    service.handshake = UNKNOWN_TO_THEM
    await upkeep.go(24)
    assert handshakes(upkeep)[1:] == [("refused", "service_credentials_rejected", "answered")]
    service.handshake = REFUSED
    await upkeep.go(3)
    service.handshake = NO_SUCH_ROUTE
    await upkeep.go(3)
    assert handshakes(upkeep)[2:] == [("absent", "endpoint_not_found", "answered")]


# --- the loop -------------------------------------------------------------------------------------------------------


async def ended(task: "asyncio.Task[Any]") -> None:
    """Cancel the loop and see that it ends."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(("chance", "wait_s"), [(0.0, 4.0), (0.5, 5.0), (0.999999, 6.0)])
async def test_rounds_come_at_their_interval_give_or_take_a_fifth(chance: float, wait_s: float) -> None:
    upkeep = Upkeep(Service())
    upkeep.clock.chance = chance
    loop = asyncio.create_task(upkeep.rounds.run())
    await until(lambda: upkeep.clock.sleeping_count == 1)
    assert upkeep.clock.slept == pytest.approx([wait_s], abs=1e-4)
    assert upkeep.link.standing.next_probe_at_s == pytest.approx(1000.0 + wait_s, abs=1e-4)
    upkeep.clock.advance(wait_s)
    await until(lambda: len(upkeep.clock.slept) == 2)
    assert upkeep.link.standing.next_probe_at_s == pytest.approx(1000.0 + 2 * wait_s, abs=1e-4)
    await ended(loop)


def buggy(asked: Asked) -> Reply:
    """An exchange with a bug."""
    raise ZeroDivisionError("a value that nobody may read")


async def test_a_bug_in_a_round_is_told_without_values_and_ends_nothing() -> None:
    service = Service(health=buggy)
    upkeep = Upkeep(service)
    loop = asyncio.create_task(upkeep.rounds.run())
    await until(lambda: upkeep.clock.sleeping_count == 1)
    told: list[Event] = upkeep.told.events
    assert [type(each) for each in told] == [Crashed]
    crash = upkeep.told.of(Crashed)[0]
    assert (crash.error_type, crash.places[-1].partition(":")[0]) == ("ZeroDivisionError", "test_rounds.py")
    assert crash.places[-1].endswith(" buggy")
    assert "nobody may read" not in repr(crash)
    assert upkeep.link.standing.next_probe_at_s == 1005.0
    service.health = WELL
    upkeep.clock.advance(5.0)
    await until(lambda: upkeep.clock.sleeping_count == 1 and len(upkeep.clock.slept) == 2)
    assert upkeep.link.standing.connectivity == "success"
    await ended(loop)


async def test_the_start_waits_for_the_first_round_and_the_second_one_comes_in_its_time() -> None:
    upkeep = Upkeep(Service())
    (loop,) = await begin([upkeep.rounds], 60.0)
    assert upkeep.link.standing.handshake == "accepted"
    await until(lambda: upkeep.clock.sleeping_count == 1)
    assert upkeep.asked() == ["health", "handshake"]
    assert upkeep.clock.slept == [5.0]
    await ended(loop)


async def test_the_start_does_not_wait_for_an_auth_service_that_hangs() -> None:
    held = Held()
    upkeep = Upkeep(held)
    (loop,) = await begin([upkeep.rounds], 0.01)
    assert held.begun.is_set()
    assert upkeep.link.standing.connectivity == "not_run"
    held.release(REFUSED)
    await until(lambda: upkeep.link.standing.connectivity == "failed")
    await ended(loop)
    assert upkeep.link.slots.taken_count == 0


async def test_a_start_with_a_bug_in_its_first_round_starts() -> None:
    upkeep = Upkeep(buggy)
    (loop,) = await begin([upkeep.rounds], 60.0)
    assert len(upkeep.told.of(Crashed)) == 1
    await ended(loop)


async def test_a_start_that_is_cancelled_leaves_no_loop_behind() -> None:
    held = Held()
    upkeep = Upkeep(held)
    before = asyncio.all_tasks()
    starting = asyncio.create_task(begin([upkeep.rounds], 60.0))
    await held.begun.wait()
    await ended(starting)
    await until(lambda: asyncio.all_tasks() == before)
    assert upkeep.exchange.under_way_count == 0
