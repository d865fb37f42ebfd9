"""What a gateway knows of tokens: by which keys they are checked, what it remembers of them, and which have ended.

It must never remember a token itself, only its fingerprint; nor be asked about anything but fingerprints and ids.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from math import inf
from typing import Any, Final, Protocol, TypeVar

from netra.core.secret import Secret
from netra.core.token.cache import Fingerprint, TokenCache
from netra.core.token.checks import LEEWAY_S, Expected
from netra.core.token.jwt import Header
from netra.core.token.profiles import RFC9068, Profile
from netra.core.token.revoked import Revocations, RevocationStore
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import Identity, Revoked, Session
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Unknown, unknown
from netra.core.verdict.reply import Standing
from netra.link.flight import Abandoned, Flights
from netra.upkeep.keyset import KeySet

T = TypeVar("T")

_NAMELESS: Final = "sha256:"
"""Begins the id of a token that has none of its own."""


class Keys(Protocol):
    """The published keys, as far as they are known."""

    @property
    def current(self) -> KeySet | None:
        """The set in use; None until there is one."""
        ...

    @property
    def last_code(self) -> str | None:
        """Why the latest fetch brought nothing; None when it did."""
        ...

    def age_s(self, now_s: float) -> float | None:
        """How old the set is; None while there is none."""
        ...

    async def for_token(self, header: Header, began_at_s: float, wait_until_s: float) -> KeySet | Unknown:
        """The set that may judge a token with this header, which came at `began_at_s`; both instants monotonic."""
        ...

    async def newer(self, began_at_s: float, wait_until_s: float) -> KeySet | Unknown:
        """A set as of that instant, or so late that it makes no difference."""
        ...


class Feed(Protocol):
    """Whoever tells which sessions have ended elsewhere."""

    @property
    def up(self) -> bool:
        """Do we hear of them?"""
        ...

    def soon(self) -> None:
        """Something has ended: ask now."""
        ...


@dataclass(slots=True, kw_only=True)
class Tokens:
    """How tokens are judged here. One event loop owns it."""

    issuer: str = ""
    """As it was set; "" for what the auth service says."""
    audience: frozenset[str] = frozenset()
    types: frozenset[str] = RFC9068.types
    profile: Profile = RFC9068
    keys: Keys | None = None
    """None where nobody publishes keys: the auth service is asked about every token."""
    feed: Feed | None = None
    revoked: RevocationStore = field(default_factory=Revocations)
    cache: TokenCache = field(default_factory=TokenCache)
    cache_s: float = 0.0
    stale_s: float = 0.0
    checks: Flights[bytes, Outcome[Identity]] = field(default_factory=Flights)
    refreshes: Flights[bytes, Outcome[Session]] = field(default_factory=Flights)
    _basis: tuple[Any, ...] | None = None
    _fingerprint: Fingerprint = field(default_factory=Fingerprint)
    _expected: Expected | None = None

    def expected(self, standing: Standing) -> Expected | None:
        """What a token must say to be checked here; None when that is not known, and the auth service is asked."""
        self._rebase(standing)
        return self._expected

    def key(self, token: Secret, standing: Standing) -> bytes:
        """By what a token is remembered: another one as soon as it would be judged by something else."""
        self._rebase(standing)
        return self._fingerprint.key(token.reveal())

    def _rebase(self, standing: Standing) -> None:
        """Judge by the issuer, audience and keys as of now."""
        keys = self.keys.current if self.keys is not None else None
        basis = (standing.issuer, standing.audience, keys)
        if basis == self._basis:
            return
        self._basis = basis
        issuer = self.issuer or standing.issuer
        audience = self.audience or (frozenset({standing.audience}) if standing.audience else frozenset())
        known = self.keys is not None and issuer and audience
        self._expected = Expected(issuer or "", audience, self.types, self.profile) if known else None
        self._fingerprint = Fingerprint(
            issuer or "", " ".join(sorted(audience)), keys.version if keys is not None else "", *sorted(self.types)
        )

    def known(self, key: bytes, now_s: float) -> Outcome[Identity] | None:
        """What is remembered of a token, unless it has ended meanwhile; None when it has to be judged."""
        found = self.cache.get(key, now_s)
        return Accepted(found) if isinstance(found, Identity) else found

    def stale(self, key: bytes, now_s: float) -> Accepted[Identity] | None:
        """What was known of a token before the auth service could not be asked any more."""
        found = self.cache.stale(key, now_s)
        return None if found is None else Accepted(found)

    def remember(self, key: bytes, outcome: Accepted[Identity] | Rejected, now_s: float, wall_s: float) -> None:
        """Keep a verdict for a while: what is good never beyond its own end."""
        if self.cache_s <= 0:
            return
        if isinstance(outcome, Rejected):
            self.cache.refuse(key, outcome, now_s)
        else:
            identity = outcome.value
            left_s = inf if identity.expires_at is None else max(0.0, identity.expires_at - wall_s)
            stale_s = self.stale_s if identity.source == "auth_service" else 0.0
            fresh_s = min(self.cache_s, left_s)
            self.cache.put(key, identity, now_s, now_s + fresh_s, now_s + min(fresh_s + stale_s, left_s))

    def ended(self, token: Secret, identity: Identity | None, standing: Standing, wall_s: float) -> None:
        """A session has ended here: its token is refused from now on, and whatever else is known to belong to it."""
        self.cache.forget(self.key(token, standing))
        kept_until = int(wall_s + max(self.cache_s + self.stale_s, LEEWAY_S))
        self.revoked.add(Revoked(nameless(token), None, kept_until), wall_s)
        if identity is not None:
            ends_at = identity.expires_at or kept_until
            self.revoked.add(Revoked(identity.token_id, identity.session_id, ends_at), wall_s)

    async def close(self) -> None:
        """Call off what is under way."""
        await self.checks.close()
        await self.refreshes.close()


async def shared(
    flights: Flights[bytes, Outcome[T]], key: bytes, make: Callable[[], Awaitable[Outcome[T]]]
) -> Outcome[T]:
    """What becomes of a question that many may ask at once."""
    try:
        return await flights.join(key, make)
    except Abandoned:
        return unknown(TABLE["draining"])


def nameless(token: Secret) -> str:
    """The id by which a token without one is revoked."""
    return _NAMELESS + sha256(token.reveal().encode()).hexdigest()
