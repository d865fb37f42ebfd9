"""An issuer that nobody here trusts: upkeep finds out who it is, and logins that fail alike name it.

It must never be looked for more often than it is told, nor be named where something else is wrong.
"""

from typing import Any

from netra.core.events import ConnectivityChecked
from netra.core.verdict.outcomes import Unknown
from netra.core.verdict.reply import Broken, Reply
from netra.link.calls import ask
from netra.link.tls.peer_certificate import PeerCertificate
from netra.testing.fakes import Asked, FakeClock, Recorded, ScriptedExchange
from netra.upkeep.rounds import Rounds
from tests.link.support import WIRE, call_of, link_to, within

UNTRUSTED = Broken("tls_certificate_error", {"certificate_fault": "nothing here trusts its issuer", "issuer": "x"})
EXPIRED = Broken("tls_certificate_error", {"certificate_fault": "it has expired"})
REFUSED = Broken("connection_refused")
NAME = "Internal CA (Shop Ltd)"
PRESENTED = PeerCertificate("auth.internal", NAME, ("auth.internal",), None)


class Upkeep:
    """Rounds against an auth service whose every answer is `answer`, and whose certificate is `presented`."""

    def __init__(self, answer: Broken, presented: PeerCertificate | None) -> None:
        self.answer = answer
        self.presented = presented
        self.looked_count = 0
        self.clock = FakeClock(held=True)
        self.told = Recorded()
        self.link = link_to(ScriptedExchange(then=self._answered), self.clock)
        self._rounds = Rounds(WIRE, self.link, self.told, interval_s=5.0, budget_s=2.0, peer=self._peer)

    def _answered(self, asked: Asked) -> Reply | Broken:
        return self.answer

    async def _peer(self, timeout_s: float) -> PeerCertificate | None:
        assert timeout_s == 2.0
        self.looked_count += 1
        return self.presented

    async def go(self, rounds: int = 1) -> None:
        """Some rounds, five seconds apart."""
        for _ in range(rounds):
            await self._rounds.once()
            self.clock.advance(5.0)

    def facts(self) -> Any:
        """What the last probe that was told had to say."""
        return self.told.of(ConnectivityChecked)[-1].facts


async def test_an_unknown_issuer_is_looked_up_whenever_it_is_told() -> None:
    upkeep = Upkeep(UNTRUSTED, PRESENTED)
    await upkeep.go(12)
    assert (upkeep.looked_count, len(upkeep.told.of(ConnectivityChecked))) == (1, 1)
    assert upkeep.facts()["issuer"] == NAME
    assert upkeep.link.standing.probe_facts == {"issuer": NAME}
    await upkeep.go()
    assert (upkeep.looked_count, len(upkeep.told.of(ConnectivityChecked))) == (2, 2)


async def test_it_is_forgotten_when_something_else_goes_wrong() -> None:
    upkeep = Upkeep(UNTRUSTED, PRESENTED)
    await upkeep.go()
    upkeep.answer = REFUSED
    await upkeep.go()
    assert upkeep.link.standing.probe_facts == {}


async def test_a_login_that_fails_alike_names_the_issuer_and_one_that_fails_otherwise_does_not() -> None:
    upkeep = Upkeep(UNTRUSTED, PRESENTED)
    await upkeep.go()
    for answer, issuer in ((UNTRUSTED, NAME), (EXPIRED, None), (REFUSED, None)):
        upkeep.answer = answer
        outcome = await ask(call_of(), upkeep.link, within(upkeep.clock))
        assert isinstance(outcome, Unknown)
        assert outcome.facts.get("issuer") == issuer


async def test_an_issuer_that_cannot_be_found_out_stays_unknown() -> None:
    for presented in (None, PRESENTED._replace(issuer="")):
        upkeep = Upkeep(UNTRUSTED, presented)
        await upkeep.go()
        assert (upkeep.looked_count, upkeep.facts()["issuer"]) == (1, "x")
        assert upkeep.link.standing.probe_facts == {}


async def test_nobody_looks_at_certificates_when_something_else_is_wrong() -> None:
    for answer in (REFUSED, EXPIRED):
        upkeep = Upkeep(answer, PRESENTED)
        await upkeep.go(24)
        assert upkeep.looked_count == 0
