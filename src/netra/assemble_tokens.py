"""Settings to the judging of tokens: whose keys, which revocations, how much is remembered.

It must never have tokens checked here whose issuer or audience nobody vouches for: then the auth service is asked.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from netra.core.events import Event
from netra.core.token.cache import TokenCache
from netra.core.token.profiles import PROFILES
from netra.core.token.revoked import Revocations
from netra.core.verdict.operations import CONFIG, HANDSHAKE, HEALTH, KEYS, REVOCATIONS, VALIDATE
from netra.core.verdict.wire import Wire
from netra.gateway.tokens import Tokens
from netra.link.calls import Link
from netra.settings.variables import Settings
from netra.upkeep.discovery import Discovered
from netra.upkeep.keys import Fetch, KeyRing, ask_for_keys
from netra.upkeep.revocations import Feed
from netra.upkeep.rounds import Loop

ONLY_VERIFY = frozenset(each.name for each in (VALIDATE, KEYS, REVOCATIONS, HEALTH, HANDSHAKE, CONFIG))
"""The calls of a gateway that checks tokens and does nothing else."""
_NO_TYPE = "none"
_LOOK_S = 1.0
"""How often it is looked whether a handshake has said whose tokens these are."""


class Judging(NamedTuple):
    """How tokens are judged, and what has to run for it."""

    tokens: Tokens
    loops: tuple[Loop, ...]


class OnceKnown:
    """Keys that are of use once somebody says who signs tokens, and whom they are for; until then nobody is asked."""

    def __init__(self, ring: KeyRing, tokens: Tokens, link: Link, shaken: asyncio.Event) -> None:
        """`shaken` is set once the auth service was asked, for the first time, who signs tokens."""
        self.first_ended = ring.first_ended
        self._ring = ring
        self._tokens = tokens
        self._link = link
        self._shaken = shaken

    async def run(self) -> None:
        """Wait, then keep the keys fresh until cancelled."""
        await self._shaken.wait()
        while self._tokens.expected(self._link.standing) is None:
            self.first_ended.set()
            await self._link.clock.sleep(_LOOK_S)
        await self._ring.run()


def judging(
    settings: Settings,
    wire: Wire,
    link: Link,
    tell: Callable[[Event], None],
    *,
    link_of: Callable[[str], Link],
    shaken: asyncio.Event,
) -> Judging:
    """How tokens are judged by these settings.

    `link_of` gives the link to an origin, the same one each time; `shaken` is set after the first handshake.
    """
    profile, revoked = PROFILES[settings.token_profile], Revocations()
    fetch = _fetch(settings, wire, link, link_of)
    ring = KeyRing(fetch, link.clock, tell) if fetch is not None else None
    asks = link.enabled and wire.offers(REVOCATIONS)
    pace = {"interval_s": settings.revocations_interval_s, "budget_s": settings.token_budget_s}
    feed = Feed(wire, link, revoked, tell, **pace) if asks else None
    types = frozenset("" if each == _NO_TYPE else each for each in settings.token_types)
    tokens = Tokens(
        issuer=settings.token_issuer or settings.oidc_issuer,
        audience=frozenset(settings.token_audience),
        types=types or profile.types,
        profile=profile,
        keys=ring,
        feed=feed,
        revoked=revoked,
        cache=TokenCache(settings.token_cache_entries),
        cache_s=settings.token_cache_s,
        stale_s=settings.stale_while_down_s,
    )
    keeping: Loop | None = ring
    if ring is not None and not settings.oidc_issuer:
        keeping = OnceKnown(ring, tokens, link, shaken)
    return Judging(tokens, tuple(each for each in (keeping, feed) if each is not None))


def _fetch(settings: Settings, wire: Wire, link: Link, link_of: Callable[[str], Link]) -> Fetch | None:
    """Who is asked for keys; None where nobody publishes any, or nobody says whose and for whom tokens are."""
    if settings.oidc_issuer:
        return Discovered(settings.oidc_issuer, link_of, plaintext_hosts=settings.plaintext_hosts).fetch
    known = wire.offers(HANDSHAKE) or (settings.token_issuer and settings.token_audience)
    if not (link.enabled and wire.offers(KEYS) and known):
        return None
    return lambda: ask_for_keys(wire, link, settings.token_budget_s)
