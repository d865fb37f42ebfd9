"""A refresh: a new access token for a session that goes on.

It must never end a session for a failure that says nothing about it.
"""

from hashlib import sha256

from netra.core.secret import Secret
from netra.core.verdict.operations import REFRESH, Session
from netra.core.verdict.outcomes import Outcome
from netra.gateway.attempts import TokenAttempt
from netra.gateway.parts import Parts
from netra.gateway.tokens import shared
from netra.link.calls import ask


async def refresh(attempt: TokenAttempt, parts: Parts) -> Outcome[Session]:
    """Trade a refresh token for new tokens; whoever shows the same one meanwhile gets the same."""
    token = attempt.refresh_token or Secret("")
    # The whole digest: two users who shared a shorter one would share a session.
    key = sha256(token.reveal().encode()).digest()
    outcome = await shared(parts.tokens.refreshes, key, lambda: _traded(token, attempt, parts))
    parts.ended("refresh", attempt.label, attempt.received_at_s, outcome)
    return outcome


async def _traded(token: Secret, attempt: TokenAttempt, parts: Parts) -> Outcome[Session]:
    with parts.place(parts.throttles.refresh, parts.token(token), attempt.label) as place:
        outcome = place.refusal or await _asked(token, attempt, parts)
        place.settle(outcome, parts.link.clock.now_s())
    return outcome


async def _asked(token: Secret, attempt: TokenAttempt, parts: Parts) -> Outcome[Session]:
    call = parts.wire.call(REFRESH, {"refresh_token": token}, parts.keyed(attempt.label))
    return await ask(call, parts.link, parts.token_deadline(attempt.received_at_s))
