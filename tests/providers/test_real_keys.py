"""Keys and tokens of real identity providers: found by discovery, checked, rotated, and good through an outage.

It must never mend what a provider sends: tokens are checked as they come.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from netra.core.pace.budget import RetryBudget
from netra.core.token.checks import Expected, check
from netra.core.token.jwt import payload_of, read_header
from netra.core.token.profiles import RFC9068
from netra.core.verdict.operations import Identity
from netra.core.verdict.outcomes import Unknown
from netra.link.calls import Link
from netra.link.clock import SystemClock
from netra.link.exchange import HttpExchange
from netra.link.seals import Seals
from netra.link.slots import Slots
from netra.testing.fakes import Recorded
from netra.upkeep.discovery import Discovered
from netra.upkeep.keys import ON_DEMAND_S, KeyRing
from tests.providers.conftest import KINDS, Starting
from tests.providers.provider import USER, Provider

HERE = ("127.0.0.1",)
PATIENCE_S = 10.0


class LaterClock(SystemClock):
    """The machine's clock, which a test sets forward: nobody waits until a set has grown old."""

    ahead_s = 0.0

    def now_s(self) -> float:
        return SystemClock.now_s() + self.ahead_s


class Checks(NamedTuple):
    """Judges tokens by what a provider publishes."""

    ring: KeyRing
    clock: LaterClock
    expected: Expected

    async def of(self, token: str) -> Identity | str:
        """Whom a token stands for, or the code of its refusal."""
        header = read_header(token)
        if isinstance(header, str):
            return header
        now_s = self.clock.now_s()
        keys = await self.ring.for_token(header, now_s, now_s + PATIENCE_S)
        if isinstance(keys, Unknown):
            return keys.cause.code
        payload = keys.signed(token, header)
        if not isinstance(payload, bytes):
            return payload or "no such key"
        claims = payload_of(payload)
        if isinstance(claims, str):
            return claims
        verdict = check(header, claims, self.expected, self.clock.wall_s())
        return verdict if isinstance(verdict, Identity) else verdict.cause.code


@asynccontextmanager
async def checking(provider: Provider, *algorithms: str) -> AsyncIterator[Checks]:
    """Checks by the keys of a provider, once they are there."""
    clock, links = LaterClock(), dict[str, Link]()
    exchanges: list[HttpExchange] = []

    def link_of(origin: str) -> Link:
        if origin not in links:
            exchanges.append(HttpExchange(origin, connect_timeout_s=1.0, idle_connection_s=2.0, clock=clock))
            links[origin] = Link(exchanges[-1], Seals.none(), Slots(2), RetryBudget(clock.now_s()), clock, 1)
        return links[origin]

    ring = KeyRing(Discovered(provider.issuer, link_of, plaintext_hosts=HERE).fetch, clock, Recorded())
    audience = frozenset(provider.audience(each) for each in algorithms or ("ES256",))
    running = asyncio.create_task(ring.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            await ring.first_ended.wait()
        assert ring.last_code is None
        yield Checks(ring, clock, Expected(provider.issuer, audience, RFC9068.types, RFC9068))
    finally:
        running.cancel()
        for each in exchanges:
            await each.close()


async def test_the_keys_are_found_and_a_token_of_a_service_is_good(provider: Provider) -> None:
    async with checking(provider) as checks:
        identity = await checks.of(provider.for_a_service())
        assert isinstance(identity, Identity), identity
        assert (identity.user.id, identity.source) == ("shop", "jwt")
        assert identity.token_id
        assert identity.expires_at is not None
        assert 200 < identity.expires_at - checks.clock.wall_s() <= 301


async def test_a_token_of_a_user_names_him_and_his_address(provider: Provider) -> None:
    async with checking(provider) as checks:
        identity = await checks.of(provider.for_a_user().access)
        assert isinstance(identity, Identity), identity
        assert identity.user.id
        assert identity.user.id != "shop"
        assert identity.user.email == f"{USER}@example.com"


async def test_an_id_token_is_no_access_token_however_genuine_it_is(provider: Provider) -> None:
    async with checking(provider) as checks:
        assert await checks.of(provider.for_a_user().identity) == "token_wrong_type"
        lenient = checks._replace(
            expected=checks.expected._replace(types=frozenset({"", "JWT", "at+jwt"}), audience=frozenset({"shop"}))
        )
        assert await lenient.of(provider.for_a_user().identity) == "token_wrong_type"


async def test_a_token_is_good_for_its_audience_alone(provider: Provider) -> None:
    async with checking(provider) as checks:
        others = checks._replace(expected=checks.expected._replace(audience=frozenset({"https://other.example.com/"})))
        assert await others.of(provider.for_a_service()) == "token_wrong_audience"


async def test_a_token_with_one_character_changed_is_refused(provider: Provider) -> None:
    async with checking(provider) as checks:
        head, payload, signature = provider.for_a_service().split(".")
        at = len(signature) // 2
        forged = signature[:at] + ("A" if signature[at] != "A" else "B") + signature[at + 1 :]
        assert await checks.of(f"{head}.{payload}.{forged}") == "token_signature_invalid"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_each_way_of_signing_is_understood(algorithm: str, starting: Starting) -> None:
    with starting("oidc-provider") as provider:
        async with checking(provider, algorithm) as checks:
            assert isinstance(await checks.of(provider.for_a_service(algorithm)), Identity)


async def test_a_token_of_a_new_key_is_good_at_once_and_one_of_a_key_that_is_gone_is_not(provider: Provider) -> None:
    async with checking(provider) as checks:
        old = provider.for_a_service()
        assert isinstance(await checks.of(old), Identity)
        checks.clock.ahead_s += ON_DEMAND_S
        provider.change_keys()
        assert isinstance(await checks.of(old), Identity), "nobody has said yet that its key is gone"
        assert isinstance(await checks.of(provider.for_a_service()), Identity)
        assert await checks.of(old) == "no such key"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_provider_that_is_gone_takes_no_good_token_with_it_and_refuses_none(
    kind: str, starting: Starting
) -> None:
    with starting(kind) as provider:
        async with checking(provider) as checks:
            good = provider.for_a_service()
            header = read_header(good)
            assert not isinstance(header, str)
            provider.stop()
            checks.clock.ahead_s += ON_DEMAND_S
            assert isinstance(await checks.of(good), Identity)
            now_s = checks.clock.now_s()
            missing = await checks.ring.for_token(header._replace(kid="another"), now_s, now_s + PATIENCE_S)
            assert isinstance(missing, Unknown)
            assert (missing.cause.code, missing.facts["last_code"]) == ("keys_unavailable", "connection_refused")
            assert isinstance(await checks.of(good), Identity)
