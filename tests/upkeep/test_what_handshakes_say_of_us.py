"""What handshakes say of us: differences are told when they come up, stand while they last, and are gone when mended.

It must never wait for real time.
"""

from typing import Any, Final

import pytest

from netra.core.events import Changed, ConfigurationProblem, HandshakeEnded
from netra.core.verdict.reply import Broken, Reply
from netra.link.calls import ask
from netra.testing.fakes import Asked, ScriptedExchange, reply
from netra.upkeep.agreement import Ours
from tests.link.support import SECRET, WRONG_SECRET, call_of, secret_on, two_seals, within
from tests.upkeep.test_rounds import KNOWN, REFUSED, UNKNOWN_TO_THEM, Service, Upkeep

HELD: Final = Ours(service_id="netra-under-test", environment="staging", secret="aaaaaaaa")
SAYS: Final[dict[str, Any]] = {"service_id": "netra-under-test", "environment": "staging", "idempotency": True}


def comparing(service: Any, held: Ours = HELD, **changes: Any) -> Upkeep:
    """A loop that compares handshakes with what we hold."""
    return Upkeep(service, held, **changes)


def standing_codes(upkeep: Upkeep) -> list[str]:
    return [each.code for each in upkeep.link.standing.differences]


def told_codes(upkeep: Upkeep) -> list[str]:
    return [each.finding.code for each in upkeep.told.of(ConfigurationProblem)]


async def test_a_difference_is_told_at_the_change_and_stands_until_it_is_mended() -> None:
    service = Service(handshake=reply(200, SAYS | {"environment": "production"}))
    upkeep = comparing(service)
    await upkeep.go(36)
    assert (told_codes(upkeep), standing_codes(upkeep)) == (["environment_differs"], ["environment_differs"])
    service.handshake = reply(200, SAYS | {"environment": "production", "service_id": "another"})
    await upkeep.go(12)
    assert told_codes(upkeep)[1:] == ["service_id_differs"], "only what is new"
    service.handshake = reply(200, SAYS)
    await upkeep.go(12)
    assert upkeep.link.standing.differences == ()
    service.handshake = reply(200, SAYS | {"environment": "production"})
    await upkeep.go(12)
    assert told_codes(upkeep)[2:] == ["environment_differs"], "it had been well again"


async def test_a_note_stands_and_is_not_told() -> None:
    upkeep = comparing(Service(handshake=reply(200, SAYS | {"idempotency": False})), HELD._replace(tries=3))
    await upkeep.go()
    assert (told_codes(upkeep), standing_codes(upkeep)) == ([], ["idempotency_absent"])


@pytest.mark.parametrize("answer", [UNKNOWN_TO_THEM, REFUSED, reply(500), reply(404, {})])
async def test_a_handshake_that_says_nothing_changes_no_difference(answer: Reply | Broken) -> None:
    service = Service(handshake=reply(200, SAYS | {"environment": "production"}))
    upkeep = comparing(service)
    await upkeep.go(12)
    service.handshake = answer
    await upkeep.go(12)
    assert standing_codes(upkeep) == ["environment_differs"]


async def test_clocks_that_are_apart_are_a_difference() -> None:
    service = Service()
    upkeep = comparing(service)
    service.handshake = lambda _: reply(200, SAYS | {"server_time": int(upkeep.clock.wall_s()) - 90})
    await upkeep.go(25)
    assert (told_codes(upkeep), standing_codes(upkeep)) == (["clock_differs"], ["clock_differs"])


async def test_what_the_first_handshake_said_stands_as_a_difference_as_long_as_a_later_one_says_otherwise() -> None:
    service = Service(handshake=reply(200, SAYS | {"issuer": "https://id.test"}))
    upkeep = comparing(service)
    await upkeep.go(12)
    service.handshake = reply(200, SAYS | {"issuer": "https://elsewhere.test"})
    await upkeep.go(12)
    assert standing_codes(upkeep) == ["issuer_changed"]
    service.handshake = reply(200, SAYS | {"issuer": "https://id.test"})
    await upkeep.go(12)
    assert standing_codes(upkeep) == []


async def test_another_release_of_the_auth_service_is_told() -> None:
    service = Service(handshake=reply(200, SAYS | {"version": "2.3.1"}))
    upkeep = comparing(service)
    await upkeep.go(12)
    assert (upkeep.link.standing.version, upkeep.told.of(Changed)) == ("2.3.1", [])
    service.handshake = reply(200, SAYS | {"version": "2.4.0"})
    await upkeep.go(24)
    assert upkeep.told.of(Changed) == [Changed("auth_service_version", "2.4.0", "2.3.1")]


async def test_it_is_known_whether_we_were_ever_accepted_and_when_there_was_a_clear_word_last() -> None:
    service = Service(handshake=UNKNOWN_TO_THEM)
    upkeep = comparing(service)
    await upkeep.go()
    assert (upkeep.link.standing.ever_accepted, upkeep.link.standing.shaken_at_s) == (False, 1000.0)
    service.handshake = KNOWN
    await upkeep.go()
    assert (upkeep.link.standing.ever_accepted, upkeep.link.standing.shaken_at_s) == (True, 1005.0)
    service.handshake = UNKNOWN_TO_THEM
    upkeep.link.doubted = True
    await upkeep.go()
    assert (upkeep.link.standing.handshake, upkeep.link.standing.ever_accepted) == ("refused", True)
    service.handshake = REFUSED
    await upkeep.go()
    assert upkeep.link.standing.shaken_at_s == 1010.0


async def test_a_login_that_was_refused_for_our_secret_brings_a_handshake_in_the_next_round() -> None:
    service = Service()
    upkeep = comparing(service)
    await upkeep.go(2)
    upkeep.asked()
    well, upkeep.link.exchange = upkeep.link.exchange, ScriptedExchange(WRONG_SECRET)
    await ask(call_of(), upkeep.link, within(upkeep.clock))
    upkeep.link.exchange = well
    await upkeep.go(2)
    assert upkeep.asked() == ["health", "handshake", "health"], "once, and then as seldom as before"


async def test_a_secret_that_becomes_known_there_is_shown_first_again() -> None:
    knows_new = False

    def service(asked: Asked) -> Reply:
        if asked.call.operation.name == "health":
            return reply(200, {"status": "ok"})
        if secret_on(asked.seal) == SECRET and not knows_new:
            return WRONG_SECRET
        known = ["bbbbbbbb", "aaaaaaaa"] if knows_new else ["bbbbbbbb"]
        return reply(200, SAYS | {"secret_fingerprints": known})

    upkeep = comparing(service, HELD._replace(previous="bbbbbbbb"), seals=two_seals())
    await upkeep.go()
    assert (upkeep.link.good_seal, standing_codes(upkeep)) == (1, ["secret_unknown_there"])
    knows_new = True
    await upkeep.go(12)
    assert (upkeep.link.good_seal, standing_codes(upkeep)) == (0, [])


async def test_credentials_that_come_while_a_handshake_is_under_way_are_asked_about_in_the_next_round() -> None:
    def renewed(asked: Asked) -> Reply:
        if secret_on(asked.seal) == SECRET:
            upkeep.link.reseal(two_seals())
            upkeep.link.doubted = True
        return reply(200, SAYS)

    service = Service(handshake=renewed)
    upkeep = comparing(service)
    await upkeep.go(1)
    upkeep.asked()
    service.handshake = KNOWN
    await upkeep.go(2)
    assert upkeep.asked() == ["health", "handshake", "health"]


async def test_a_handshake_that_nobody_can_read_is_told_once_and_says_why() -> None:
    service = Service(handshake=reply(200, SAYS | {"audience": ["shop"]}))
    upkeep = comparing(service)
    await upkeep.go(24)
    told = [(each.state, each.code) for each in upkeep.told.of(HandshakeEnded)]
    assert told == [("unclear", "invalid_response")]
    assert (upkeep.link.standing.handshake, upkeep.link.standing.handshake_code) == ("not_yet", "invalid_response")
    service.handshake = reply(200, SAYS)
    await upkeep.go(12)
    assert (upkeep.link.standing.handshake, upkeep.link.standing.handshake_code) == ("accepted", None)
    assert [each.state for each in upkeep.told.of(HandshakeEnded)] == ["unclear", "accepted"]
