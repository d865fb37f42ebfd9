"""Credentials that are replaced while a question is under way: it goes on, and ends well if any of them are good.

It must never wait for real time.
"""

from typing import Final

from netra.core.secret import Secret
from netra.core.verdict.outcomes import Accepted, code_of
from netra.core.verdict.reply import Broken, Reply
from netra.link.calls import Link, ask
from netra.link.seals import Seals
from netra.testing.fakes import Asked, FakeClock, ScriptedExchange
from tests.link.support import (
    GOOD_LOGIN,
    PREVIOUS,
    SECRET,
    SERVICE_ID,
    WIRE,
    WRONG_PASSWORD,
    WRONG_SECRET,
    call_of,
    link_to,
    secret_on,
    two_seals,
    within,
)

NEW: Final = "test-only-new-Ux5nRw8Ek3Hy6Cb1Mz9Qd4"
NEW_SEALS: Final = Seals.of(WIRE, SERVICE_ID, Secret(NEW), None)


class Replaced:
    """An auth service that knows some secrets; while the first question is under way, ours are replaced."""

    def __init__(self, *known: str, seals: Seals, by: Seals = NEW_SEALS) -> None:
        self.clock = FakeClock()
        self.exchange = ScriptedExchange(self.first, then=self.answer)
        self.link: Link = link_to(self.exchange, self.clock, seals=seals)
        self._known = known
        self._by = by

    def first(self, asked: Asked) -> Reply | Broken:
        self.link.reseal(self._by)
        return self.answer(asked)

    def answer(self, asked: Asked) -> Reply | Broken:
        return GOOD_LOGIN if secret_on(asked.seal) in self._known else WRONG_SECRET

    def shown(self) -> list[str | None]:
        return [secret_on(each.seal) for each in self.exchange.asked]


async def test_who_is_refused_with_the_old_secret_goes_on_with_the_new_one() -> None:
    of = Replaced(NEW, seals=Seals.of(WIRE, SERVICE_ID, Secret(SECRET), None))
    assert isinstance(await ask(call_of(), of.link, within(of.clock)), Accepted)
    assert of.shown() == [SECRET, NEW]


async def test_who_is_accepted_with_the_old_secret_is_not_asked_again_and_chooses_nothing() -> None:
    of = Replaced(PREVIOUS, seals=two_seals(), by=Seals.of(WIRE, SERVICE_ID, Secret(NEW), Secret(SECRET)))
    of.link.good_seal = 1
    assert isinstance(await ask(call_of(), of.link, within(of.clock)), Accepted)
    assert (of.shown(), of.link.good_seal) == ([PREVIOUS], 0)


async def test_fewer_secrets_than_before_are_no_reason_to_stumble() -> None:
    of = Replaced(seals=two_seals())
    of.link.good_seal = 1
    assert code_of(await ask(call_of(), of.link, within(of.clock))) == "service_credentials_rejected"
    assert of.shown() == [PREVIOUS, NEW], "the other one once, and no more"


async def test_a_try_that_never_left_is_made_again_with_the_secret_that_it_began_with() -> None:
    clock = FakeClock()

    def replacing(asked: Asked) -> Broken:
        link.reseal(NEW_SEALS)
        return Broken("connection_refused")

    exchange = ScriptedExchange(replacing, GOOD_LOGIN)
    link = link_to(exchange, clock, seals=two_seals(), tries=2, good_seal=1)
    assert isinstance(await ask(call_of(), link, within(clock)), Accepted)
    assert [secret_on(each.seal) for each in exchange.asked] == [PREVIOUS, PREVIOUS]


async def test_a_verdict_on_seals_that_are_gone_chooses_none_of_the_new_ones() -> None:
    clock = FakeClock()

    def replacing(asked: Asked) -> Reply:
        link.reseal(Seals.of(WIRE, SERVICE_ID, Secret(NEW), Secret(SECRET)))
        return WRONG_PASSWORD

    link = link_to(ScriptedExchange(WRONG_SECRET, replacing), clock, seals=two_seals())
    await ask(call_of(), link, within(clock))
    assert link.good_seal == 0


async def test_a_refusal_is_remembered_and_looked_after_at_once() -> None:
    clock, looks = FakeClock(), list[int]()
    link = link_to(ScriptedExchange(WRONG_PASSWORD, WRONG_SECRET, then=GOOD_LOGIN), clock)
    link.look_again = lambda: looks.append(1)
    await ask(call_of(), link, within(clock))
    assert (link.doubted, looks) == (False, []), "a user was judged, not us"
    await ask(call_of(), link, within(clock))
    assert (link.doubted, looks) == (True, [1])
