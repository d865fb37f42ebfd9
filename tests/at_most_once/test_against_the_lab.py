"""Twenty thousand logins through random faults: nobody is asked about twice, and nobody gets the answer of another.

It must never trust the gateway's word: the auth service's own journal is compared with what was sent.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import NamedTuple

import pytest

from netra.core.pace.breaker import Breaker, State
from netra.core.verdict.operations import LOGIN as LOGIN_CALL
from netra.lab.chaos_proxy import ChaosProxy
from netra.lab.chaos_ways import Faults
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.healthy import WRONG_PASSWORD
from netra.lab.scripts import session
from tests.at_most_once.callers import Answered, Wish, all_answered, shaken_hands, tally
from tests.at_most_once.mishaps import MISHAPS, SENT_WHOLE, STORM, TRANSIENT, Mishaps
from tests.support.gateways import gateway

LOGIN_THERE = "/auth/login"
KEY = "Idempotency-Key"
TRIES = 3


class Round(NamedTuple):
    """What was asked, what was answered, and what the auth service saw of it."""

    answers: Sequence[Answered]
    keys: dict[str, list[str | None]]
    """By e-mail: the idempotency key of each delivery, in order."""
    met: dict[str, list[str]]
    """By e-mail: what befell each delivery."""
    events: Counter[str]
    """How often each event was logged; below errors only where circuits may open."""

    @property
    def told(self) -> str:
        """The tally, for the message of whatever fails."""
        deliveries = Counter(len(each) for each in self.keys.values())
        befell = Counter(name for each in self.met.values() for name in each)
        return f"answers {dict(tally(self.answers))}, deliveries of a login {dict(deliveries)}, mishaps {dict(befell)}"


def wishes(count: int, seed: int) -> list[Wish]:
    """So many users, one login each; every sixth has a wrong password."""
    rand = Random(seed)  # noqa: S311 - it is to be repeated, not to be secret
    rights = [rand.random() > 1 / 6 for _ in range(count)]
    return [
        Wish(f"user-{number}@example.com", f"right-{number}" if right else WRONG_PASSWORD, right)
        for number, right in enumerate(rights)
    ]


Weather = Callable[[ChaosProxy, Mishaps, Breaker], Awaitable[None]]
"""What changes from moment to moment; it goes on until it is cancelled."""


async def calm(proxy: ChaosProxy, mishaps: Mishaps, circuit: Breaker) -> None:
    """Nothing changes."""


async def flickering(proxy: ChaosProxy, mishaps: Mishaps, circuit: Breaker) -> None:
    """Every other moment the port is closed. Open connections go on: what is refused was never sent."""
    while True:
        proxy.switch(Faults(welcome="refuse"))
        await asyncio.sleep(0.04)
        proxy.switch()
        await asyncio.sleep(0.04)


async def storms(proxy: ChaosProxy, mishaps: Mishaps, circuit: Breaker) -> None:
    """Nothing goes well until the circuit opens, all goes well until it closes, then it is as ever for a while."""
    while True:
        mishaps.possible = STORM
        await until(circuit, "open")
        await asyncio.sleep(0.1)
        mishaps.possible = SENT_WHOLE
        await until(circuit, "closed")
        mishaps.possible = tuple(MISHAPS)
        await asyncio.sleep(0.5)


async def until(circuit: Breaker, state: State) -> None:
    """Wait for a state of the circuit; logins bring it about."""
    while circuit.state != state:
        await asyncio.sleep(0.01)


async def a_round(
    count: int, seed: int, *, idempotency: bool, weather: Weather = calm, pause_s: float = 0.0, breaker: bool = False
) -> Round:
    """So many logins through a gateway, each delivery with its mishap. `pause_s`: what callers wait between two."""
    asked = wishes(count, seed)
    mishaps = Mishaps(seed, idempotency=idempotency)
    told = {"NETRA_TRIES": str(TRIES), "NETRA_BREAKER_OPEN_S": "0.1"}
    told |= {"NETRA_BREAKER": str(breaker).lower(), "NETRA_LOG_LEVEL": "info" if breaker else "error"}
    async with (
        FaultyAuthService(idempotency=idempotency, by_email=False) as service,
        ChaosProxy("127.0.0.1", service.port) as proxy,
        gateway(service.url if weather is calm else f"http://127.0.0.1:{proxy.port}", **told) as running,
    ):
        await shaken_hands(running)
        circuit = running.assembled.gateway.parts.link.circuits[LOGIN_CALL.kind]
        service.answer(LOGIN_THERE, mishaps)
        service.at_connect = mishaps.at_connect
        changing = asyncio.ensure_future(weather(proxy, mishaps, circuit))
        answers = await all_answered(running.url, asked, pause_s=pause_s)
        changing.cancel()
        return Round(answers, keys_of(service), mishaps.met, Counter(running.events()))


def keys_of(service: FaultyAuthService) -> dict[str, list[str | None]]:
    keys: dict[str, list[str | None]] = {}
    for delivery in service.delivered(LOGIN_THERE):
        keys.setdefault(str(delivery.email), []).append(delivery.header(KEY))
    return keys


def assert_nobody_got_the_answer_of_another(seen: Round) -> None:
    """Every success names its caller, every verdict is the one that was given to this very login."""
    wrong = []
    for each in seen.answers:
        email, met = each.wish.email, seen.met.get(each.wish.email, [])
        if each.status == 200:
            own = session(email)
            good = each.wish.right and met[-1] in SENT_WHOLE
            good = good and all(each.document[name] == own[name] for name in ("access_token", "refresh_token", "user"))
        elif each.status == 401:
            good = not each.wish.right and each.code == "invalid_credentials" and met[-1] in SENT_WHOLE
        elif each.status == 423:
            good = met[-1] == "locked"
        else:
            good = each.status in {502, 503, 504} and "access_token" not in each.document
        if not good:
            wrong.append((each, met))
    assert wrong == [], seen.told


def assert_what_was_never_sent_never_arrived(seen: Round) -> None:
    liars = [
        each
        for each in seen.answers
        if each.phases and set(each.phases) == {"never_sent"} and each.wish.email in seen.keys
    ]
    assert liars == [], seen.told


def assert_delivered_at_most_once(seen: Round) -> None:
    again = {email: keys for email, keys in seen.keys.items() if len(keys) > 1}
    assert again == {}, f"{len(again)} logins were delivered again: {seen.told}"
    assert set(seen.keys) <= {each.wish.email for each in seen.answers}


def assert_repeated_only_by_key_and_after_a_transient_failure(seen: Round) -> None:
    several = {email: keys for email, keys in seen.keys.items() if len(keys) > 1}
    renamed = {email: keys for email, keys in several.items() if len(set(keys)) > 1 or not keys[0]}
    assert renamed == {}, f"another key for the same login: {seen.told}"
    needless = {email: seen.met[email] for email in several if not TRANSIENT.issuperset(seen.met[email][:-1])}
    assert needless == {}, f"asked again after a verdict, or after what does not pass: {seen.told}"
    assert max(map(len, seen.keys.values())) <= TRIES, seen.told
    firsts = [keys[0] for keys in seen.keys.values()]
    assert len(set(firsts)) == len(firsts), "two logins share a key"


def assert_the_mix_was_one(seen: Round) -> None:
    """Half succeeded or more, every mishap happened, and every kind of verdict was given."""
    counts = tally(seen.answers)
    assert counts["200 accepted"] > len(seen.answers) / 2, seen.told
    assert counts["401 invalid_credentials"] > len(seen.answers) / 20, seen.told
    assert counts["423 account_locked"] > len(seen.answers) / 200, seen.told
    assert {name for met in seen.met.values() for name in met} == set(MISHAPS), seen.told


async def test_without_idempotency_no_login_of_twenty_thousand_is_delivered_twice() -> None:
    seen = await a_round(20_000, 1, idempotency=False)
    assert_the_mix_was_one(seen)
    assert_delivered_at_most_once(seen)
    assert_nobody_got_the_answer_of_another(seen)
    assert_what_was_never_sent_never_arrived(seen)


async def test_with_idempotency_a_login_is_repeated_under_its_key_and_only_after_a_transient_failure() -> None:
    seen = await a_round(8_000, 2, idempotency=True)
    assert_the_mix_was_one(seen)
    assert_repeated_only_by_key_and_after_a_transient_failure(seen)
    assert_nobody_got_the_answer_of_another(seen)
    assert_what_was_never_sent_never_arrived(seen)
    assert sum(len(keys) > 1 for keys in seen.keys.values()) > 400, f"hardly anything was repeated: {seen.told}"


async def test_what_was_refused_before_it_was_sent_is_asked_again_and_still_arrives_once() -> None:
    seen = await a_round(2_000, 3, idempotency=False, weather=flickering)
    assert_delivered_at_most_once(seen)
    assert_nobody_got_the_answer_of_another(seen)
    assert_what_was_never_sent_never_arrived(seen)
    again = [each for each in seen.answers if len(each.phases) > 1]
    assert again, f"nothing was tried again: {seen.told}"
    assert all(phase == "never_sent" for each in again for phase in each.phases[:-1]), seen.told


@pytest.mark.parametrize("idempotency", [False, True], ids=["without idempotency", "with idempotency"])
async def test_a_circuit_that_opens_and_closes_changes_nothing_of_this(*, idempotency: bool) -> None:
    seen = await a_round(2_000, 4, idempotency=idempotency, weather=storms, pause_s=0.1, breaker=True)
    if idempotency:
        assert_repeated_only_by_key_and_after_a_transient_failure(seen)
    else:
        assert_delivered_at_most_once(seen)
    assert_nobody_got_the_answer_of_another(seen)
    assert_what_was_never_sent_never_arrived(seen)
    counts = tally(seen.answers)
    told = f"{seen.told}, {dict(seen.events)}"
    assert min(counts["503 destination_unavailable"], counts["200 accepted"]) > 0, told
    assert min(seen.events["Circuit opened"], seen.events["Circuit closed"]) > 0, told
    kept_out = [each for each in seen.answers if each.code == "destination_unavailable"]
    assert [each for each in kept_out if each.wish.email in seen.keys] == [], seen.told
