"""A login, from the wish to the verdict.

It must never send what may have arrived, and never call an unknown verdict a refusal.
"""

from typing import TYPE_CHECKING

from netra.core.verdict.operations import LOGIN, Session
from netra.core.verdict.outcomes import Outcome
from netra.gateway.attempts import LoginAttempt
from netra.gateway.parts import Parts
from netra.link.calls import ask

if TYPE_CHECKING:
    from netra.core.fill import Said


async def log_in(attempt: LoginAttempt, parts: Parts) -> Outcome[Session]:
    """Ask the auth service whether these credentials are good, and tell observers what became of it."""
    account = parts.account(attempt.identifier)
    with parts.place(parts.throttles.login, account, attempt.label) as place:
        outcome: Outcome[Session] | None = place.refusal
        if outcome is None:
            said: Said = {**attempt.extra, "identifier": attempt.identifier, "password": attempt.password}
            call = parts.wire.call(LOGIN, said, parts.keyed(attempt.label))
            outcome = await ask(call, parts.link, parts.login_deadline(attempt.received_at_s))
        place.settle(outcome, parts.link.clock.now_s())
    parts.ended("login", attempt.label, attempt.received_at_s, outcome, account)
    return outcome
