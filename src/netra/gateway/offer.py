"""What people may do here: the auth service's offer, and the last good copy of it through an outage.

It must never fail for an outage once it has succeeded.
"""

from typing import Final

from netra.core.verdict.operations import CONFIG, REGISTER, Offer
from netra.core.verdict.outcomes import Accepted, Outcome
from netra.core.verdict.wire import Label
from netra.gateway.parts import Parts
from netra.link.calls import ask

FRESH_S: Final = 30.0
FAILED_S: Final = 1.0
"""For so long nobody asks again after a failure: anybody may want the offer, however often."""
_SILENT: Final = Offer(None, None, None, None, ())
"""The offer of an auth service that takes no such question."""


class Offers:
    """The offer of one auth service, asked for at most every `FRESH_S` seconds. One event loop owns it."""

    def __init__(self) -> None:
        self._good: Accepted[Offer] | None = None
        self._read_at_s = 0.0
        self._failure: Outcome[Offer] | None = None
        self._failed_at_s = 0.0

    async def current(self, label: Label, received_at_s: float, parts: Parts) -> Outcome[Offer]:
        """The offer as of now, or the last good one; an unknown outcome only when there never was one."""
        if self._good is not None and received_at_s - self._read_at_s < FRESH_S:
            return self._good
        if not parts.wire.offers(CONFIG):
            return Accepted(_with_ours(_SILENT, parts))
        if self._failure is not None and received_at_s - self._failed_at_s < FAILED_S:
            return self._good or self._failure
        call = parts.wire.call(CONFIG, {}, label)
        outcome = await ask(call, parts.link, parts.token_deadline(received_at_s))
        parts.ended("config", label, received_at_s, outcome)
        if isinstance(outcome, Accepted):
            self._good = Accepted(_with_ours(outcome.value, parts), outcome.tried)
            self._read_at_s = received_at_s
            self._failure = None
            return self._good
        self._failure, self._failed_at_s = outcome, received_at_s
        return self._good or outcome


def _with_ours(offer: Offer, parts: Parts) -> Offer:
    """An offer cut to what this gateway lets through."""
    possible = parts.registration and parts.wire.offers(REGISTER)
    return offer._replace(
        registration_enabled=possible and offer.registration_enabled is not False,
        oauth_providers=tuple(dict.fromkeys((*offer.oauth_providers, *parts.oauth_providers))),
    )
