"""A registration: asking the auth service for a new account.

It must never create an account twice for one wish.
"""

from typing import TYPE_CHECKING

from netra.core.verdict.operations import REGISTER, User
from netra.core.verdict.outcomes import Outcome
from netra.gateway.attempts import RegisterAttempt
from netra.gateway.parts import Parts
from netra.link.calls import ask

if TYPE_CHECKING:
    from netra.core.fill import Said


async def register(attempt: RegisterAttempt, parts: Parts) -> Outcome[User]:
    """Ask the auth service for an account with these credentials."""
    account = parts.account(attempt.identifier)
    with parts.place(parts.throttles.register, account, attempt.label) as place:
        outcome = place.refusal or await _asked(attempt, parts)
        place.settle(outcome, parts.link.clock.now_s())
    parts.ended("register", attempt.label, attempt.received_at_s, outcome, account)
    return outcome


async def _asked(attempt: RegisterAttempt, parts: Parts) -> Outcome[User]:
    said: Said = {**attempt.extra, "identifier": attempt.identifier, "password": attempt.password, "name": attempt.name}
    call = parts.wire.call(REGISTER, said, parts.keyed(attempt.label))
    return await ask(call, parts.link, parts.login_deadline(attempt.received_at_s))
