"""The front of all journeys: what listeners and embedding backends hold.

It must never know how a request came in, or how its answer goes out.
"""

from collections.abc import Awaitable

from netra.core.secret import Secret
from netra.core.verdict.operations import Done, Identity, Offer, Session, User
from netra.core.verdict.outcomes import Outcome
from netra.core.verdict.reply import Standing
from netra.core.verdict.wire import Label
from netra.gateway import login, logout, refresh, register, verify
from netra.gateway.attempts import LoginAttempt, RegisterAttempt, TokenAttempt
from netra.gateway.offer import Offers
from netra.gateway.parts import Parts


class Gateway:
    """One gateway to one auth service. Belongs to one event loop."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._offers = Offers()

    @property
    def standing(self) -> Standing:
        """How we stand with the auth service, as upkeep last saw it."""
        return self.parts.link.standing

    def log_in(self, attempt: LoginAttempt) -> Awaitable[Outcome[Session]]:
        """See `gateway.login`."""
        return login.log_in(attempt, self.parts)

    def register(self, attempt: RegisterAttempt) -> Awaitable[Outcome[User]]:
        """See `gateway.register`."""
        return register.register(attempt, self.parts)

    def refresh(self, attempt: TokenAttempt) -> Awaitable[Outcome[Session]]:
        """See `gateway.refresh`."""
        return refresh.refresh(attempt, self.parts)

    def log_out(self, attempt: TokenAttempt) -> Awaitable[Outcome[Done]]:
        """See `gateway.logout`."""
        return logout.log_out(attempt, self.parts)

    def who_is(self, attempt: TokenAttempt) -> Awaitable[Outcome[Identity]]:
        """See `gateway.verify`."""
        return verify.who_is(attempt, self.parts)

    def judge(self, attempt: TokenAttempt) -> Awaitable[Outcome[Identity]]:
        """See `gateway.verify`."""
        return verify.judge(attempt, self.parts)

    def remembered(self, token: Secret) -> Outcome[Identity] | None:
        """See `gateway.verify`."""
        return verify.remembered(token, self.parts)

    def forget_failures(self) -> None:
        """Close all circuits: the auth service is known to be another one than the one that failed."""
        link = self.parts.link
        for breaker in link.circuits.values():
            breaker.forget(link.clock.now_s())

    def offer(self, label: Label, received_at_s: float) -> Awaitable[Outcome[Offer]]:
        """See `gateway.offer`."""
        return self._offers.current(label, received_at_s, self.parts)
