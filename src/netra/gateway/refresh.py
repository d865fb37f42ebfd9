"""A refresh: a new access token for a session that goes on.

It must never end a session for a failure that says nothing about it.
"""

from netra.core.verdict.operations import REFRESH, Session
from netra.core.verdict.outcomes import Outcome
from netra.gateway.attempts import TokenAttempt
from netra.gateway.parts import Parts
from netra.link.calls import ask


async def refresh(attempt: TokenAttempt, parts: Parts) -> Outcome[Session]:
    """Trade a refresh token for new tokens."""
    shown = parts.token(attempt.refresh_token) if attempt.refresh_token else ""
    with parts.place(parts.throttles.refresh, shown, attempt.label) as place:
        outcome = place.refusal or await _asked(attempt, parts)
        place.settle(outcome, parts.link.clock.now_s())
    parts.ended("refresh", attempt.label, attempt.received_at_s, outcome)
    return outcome


async def _asked(attempt: TokenAttempt, parts: Parts) -> Outcome[Session]:
    call = parts.wire.call(REFRESH, {"refresh_token": attempt.refresh_token}, parts.keyed(attempt.label))
    return await ask(call, parts.link, parts.token_deadline(attempt.received_at_s))
