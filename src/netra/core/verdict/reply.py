"""What came back from an exchange, and what was known when it came.

They must never be printed whole: a reply's body is the auth service's, and may hold tokens.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from netra.core.findings import Finding
from netra.core.value import Value
from netra.core.verdict.outcomes import NO_FACTS, UNTIMED, Spent

Answering = Literal["not_run", "success", "failed"]
Shake = Literal["not_yet", "absent", "accepted", "refused"]


class Reply(Value, frozen=True):
    """A complete HTTP answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at: float
    """Wall clock, epoch seconds: what an HTTP-date in it is measured against."""
    spent: Spent = UNTIMED

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes)"


class Broken(NamedTuple):
    """An exchange without a complete answer: the code of its cause, and the facts that its page may name."""

    code: str
    facts: Mapping[str, str] = NO_FACTS
    spent: Spent = UNTIMED


class Standing(NamedTuple):
    """How we stand with the auth service, as upkeep last saw it. Replaced whole, read for free."""

    handshake: Shake = "not_yet"
    credentials_configured: bool = False
    trust_uncoded_401: bool = True
    idempotency: bool = False
    """Does the auth service honour `Idempotency-Key`?"""
    connectivity: Answering = "not_run"
    """What the background probe last saw."""
    probe_code: str | None = None
    """Why the last probe failed; None when it did not."""
    probe_facts: Mapping[str, str] = NO_FACTS
    """What has been found out about that failure, for the sentences of others of its kind."""
    probed_at_s: float | None = None
    """Monotonic."""
    next_probe_at_s: float | None = None
    """Monotonic."""
    environment: str | None = None
    """What the auth service says of its own environment."""
    issuer: str | None = None
    """Who signs tokens, as the first handshake said: a later one that says otherwise is told, and changes nothing."""
    audience: str | None = None
    """Whom tokens are for, likewise."""
    their_clock_s: float | None = None
    """The auth service's clock (epoch seconds) less our monotonic one, by the last handshake; None: it did not say."""
    handshake_code: str | None = None
    """Why the last handshake was refused, not to be had, or never of any use; None when it was accepted."""
    shaken_at_s: float | None = None
    """When a handshake last ended with a clear word about us (monotonic)."""
    ever_accepted: bool = False
    """Has a handshake accepted our credentials since this gateway was started?"""
    version: str | None = None
    """The release of the auth service, as it names it itself."""
    differences: tuple[Finding, ...] = ()
    """In what the last accepted handshake and our settings do not agree; notes among them."""

    def skew_s(self, now_s: float, wall_s: float) -> float:
        """By how much the auth service's clock is ahead of ours, also when ours was set since; 0 when nobody knows."""
        return 0.0 if self.their_clock_s is None else self.their_clock_s + now_s - wall_s

    @property
    def credentials_accepted(self) -> bool:
        """May an uncoded 401 speak of the user? Only while our own credentials are known to be good."""
        if self.handshake in ("not_yet", "refused"):
            return False
        return self.handshake == "accepted" or self.trust_uncoded_401
