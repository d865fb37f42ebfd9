"""What handshakes say of tokens: who signs them, for whom, and what time it is there.

It must never wait for real time.
"""

import pytest

from netra.core.events import ConfigurationProblem
from netra.core.verdict.reply import Reply
from netra.testing.fakes import Asked, reply
from tests.upkeep.test_rounds import KNOWN, Service, Upkeep

SIGNED = {"service_id": "netra-under-test", "issuer": "https://id.test", "audience": "shop"}


async def test_the_first_handshake_says_who_signs_tokens_and_whom_they_are_for() -> None:
    upkeep = Upkeep(Service(handshake=reply(200, SIGNED)))
    await upkeep.go()
    assert (upkeep.link.standing.issuer, upkeep.link.standing.audience) == ("https://id.test", "shop")


@pytest.mark.parametrize("name", ["issuer", "audience"])
async def test_a_later_handshake_that_says_otherwise_is_told_once_and_changes_nothing(name: str) -> None:
    service = Service(handshake=reply(200, SIGNED))
    upkeep = Upkeep(service)
    await upkeep.go(12)
    service.handshake = reply(200, SIGNED | {name: "https://elsewhere.test"})
    await upkeep.go(36)
    assert (upkeep.link.standing.issuer, upkeep.link.standing.audience) == ("https://id.test", "shop")
    (told,) = upkeep.told.of(ConfigurationProblem)
    assert (told.finding.code, told.finding.subject) == (f"{name}_changed", f"NETRA_TOKEN_{name.upper()}")
    service.handshake = reply(200, SIGNED)
    await upkeep.go(12)
    service.handshake = reply(200, SIGNED | {name: "https://elsewhere.test"})
    await upkeep.go(12)
    assert len(upkeep.told.of(ConfigurationProblem)) == 2, "it had been well again"


async def test_an_auth_service_that_says_it_later_is_believed_then() -> None:
    service = Service()
    upkeep = Upkeep(service)
    await upkeep.go(12)
    assert upkeep.signer() is None
    service.handshake = reply(200, SIGNED)
    await upkeep.go(12)
    assert upkeep.signer() == "https://id.test"
    assert upkeep.told.of(ConfigurationProblem) == []


@pytest.mark.parametrize("ahead_s", [-3600, 0, 90])
async def test_how_far_the_clocks_are_apart_is_measured_by_the_handshake(ahead_s: int) -> None:
    service = Service()
    upkeep = Upkeep(service)

    def handshake(_: Asked) -> Reply:
        said = int(upkeep.clock.wall_s()) + ahead_s
        upkeep.clock.advance(2.0)  # the answer's way back: half of the whole is taken for each way
        return reply(200, SIGNED | {"server_time": said})

    service.handshake = handshake
    await upkeep.go()
    clock = upkeep.clock
    assert upkeep.link.standing.skew_s(clock.now_s(), clock.wall_s()) == pytest.approx(ahead_s, abs=1.5)
    assert upkeep.link.standing.skew_s(clock.now_s(), clock.wall_s() + 3600) == pytest.approx(ahead_s - 3600, abs=1.5)
    service.handshake = KNOWN
    await upkeep.go(12)
    assert upkeep.link.standing.their_clock_s is None, "it says no time any more"
    assert upkeep.link.standing.skew_s(0.0, 0.0) == 0.0
