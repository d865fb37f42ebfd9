"""A registration: asking the auth service for a new account.

It must never create an account twice for one wish.
"""

from netra.core.verdict.operations import REGISTER, User
from netra.core.verdict.outcomes import Outcome
from netra.gateway.attempts import RegisterAttempt
from netra.gateway.parts import Parts
from netra.link.calls import ask


async def register(attempt: RegisterAttempt, parts: Parts) -> Outcome[User]:
    """Ask the auth service for an account with these credentials."""
    label = parts.keyed(attempt.label)
    call = parts.wire.call(
        REGISTER, {"identifier": attempt.identifier, "password": attempt.password, "name": attempt.name}, label
    )
    outcome = await ask(call, parts.link, parts.login_deadline(attempt.received_at_s))
    parts.ended("register", label, attempt.received_at_s, outcome, parts.account(attempt.identifier))
    return outcome
