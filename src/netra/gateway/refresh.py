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
    label = parts.keyed(attempt.label)
    call = parts.wire.call(REFRESH, {"refresh_token": attempt.refresh_token}, label)
    outcome = await ask(call, parts.link, parts.token_deadline(attempt.received_at_s))
    parts.ended("refresh", label, attempt.received_at_s, outcome)
    return outcome
