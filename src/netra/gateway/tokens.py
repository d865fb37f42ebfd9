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
from netra.core.token.claims import unchecked_claims
from netra.core.token.jwt import Header
from netra.core.token.profiles import RFC9068, Profile
from netra.core.token.revoked import Revocations, RevocationStore
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import Identity, Revoked, Session, Vouched
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Unknown, unknown
from netra.core.verdict.reply import Standing
from netra.link.flight import Abandoned, Flights
from netra.upkeep.keyset import KeySet

T = TypeVar("T")

_LONGEST_UNJUDGED_S: Final = 24 * 3600
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
    _basis: tuple[Any, ...] = ()
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

    def basis(self, standing: Standing) -> tuple[Any, ...]:
        """What tokens are judged by as of now: the same object for as long as that is so."""
        self._rebase(standing)
        return self._basis

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

    def made_for_others(self, vouched: Vouched) -> str | None:
        """Why a token that is good for somebody is not good here, as far as its issuer and audience were set and named.

        Source: RFC 7662, section 4: whoever asks has to see for whom a token is.
        """
        if self.issuer and vouched.issuer and vouched.issuer != self.issuer:
            return "token_wrong_issuer"
        if self.audience and vouched.audience and self.audience.isdisjoint(vouched.audience):
            return "token_wrong_audience"
        return None

    def known(self, key: bytes, now_s: float, at: float) -> Outcome[Identity] | None:
        """What is remembered of a token, unless it has ended meanwhile; None when it has to be judged.

        `at`: epoch seconds, by the right clock. A machine that slept has not counted the time.
        """
        found = self.cache.get(key, now_s)
        if not isinstance(found, Identity):
            return found
        return None if _is_over(found, at) else Accepted(found)

    def stale(self, key: bytes, now_s: float, at: float) -> Accepted[Identity] | None:
        """What was known of a token before the auth service could not be asked any more; `at` as for `known`."""
        found = self.cache.stale(key, now_s)
        return None if found is None or _is_over(found, at) else Accepted(found)

    def remember(self, key: bytes, outcome: Accepted[Identity] | Rejected, now_s: float, at: float) -> None:
        """Keep a verdict for a while: what is good never beyond its own end; `at` as for `known`."""
        if self.cache_s <= 0:
            return
        if isinstance(outcome, Rejected):
            self.cache.refuse(key, outcome, now_s)
        else:
            identity = outcome.value
            left_s = inf if identity.expires_at is None else max(0.0, identity.expires_at - at)
            stale_s = self.stale_s if identity.source == "auth_service" else 0.0
            fresh_s = min(self.cache_s, left_s)
            self.cache.put(key, identity, now_s, now_s + fresh_s, now_s + min(fresh_s + stale_s, left_s))

    def ended(self, token: Secret, identity: Identity | None, standing: Standing, wall_s: float) -> None:
        """A session has ended here: its token is refused from now on, and whatever else is known to belong to it.

        `identity` is None for a token that nobody could judge: what it says of its own end is then good enough to know
        for how long it must be refused, within a day.
        """
        self.cache.forget(self.key(token, standing))
        kept_until = int(wall_s + max(self.cache_s + self.stale_s, LEEWAY_S))
        said = unchecked_claims(token.reveal()).get("exp") if identity is None else identity.expires_at
        if isinstance(said, int):
            kept_until = max(kept_until, min(said, int(wall_s) + _LONGEST_UNJUDGED_S) if identity is None else said)
        self.revoked.add(Revoked(nameless(token), None, kept_until), wall_s)
        if identity is not None and (identity.token_id or identity.session_id):
            self.revoked.add(Revoked(identity.token_id, identity.session_id, kept_until), wall_s)

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


def _is_over(identity: Identity, at: float) -> bool:
    return identity.expires_at is not None and identity.expires_at + LEEWAY_S <= at


def nameless(token: Secret) -> str:
    """The id by which a token without one is revoked."""
    return _NAMELESS + sha256(token.reveal().encode()).hexdigest()
