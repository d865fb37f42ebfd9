"""A logout: ending a session at the auth service.

It must never say that a session has ended when nobody knows.
"""

from typing import Final

from netra.core.verdict.operations import LOGOUT, Done
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected
from netra.gateway.attempts import TokenAttempt
from netra.gateway.parts import Parts
from netra.gateway.verify import judged_here
from netra.link.calls import ask

ALREADY_OVER: Final = frozenset({"token_expired", "token_revoked", "refresh_rejected"})
"""Refusals that say what a logout wants to hear: this session no longer lives."""


async def log_out(attempt: TokenAttempt, parts: Parts) -> Outcome[Done]:
    """End the session of these tokens, here at once; one that is over already is success."""
    said = {"token": attempt.token, "refresh_token": attempt.refresh_token}
    call = parts.wire.call(LOGOUT, said, attempt.label)
    outcome = await ask(call, parts.link, parts.token_deadline(attempt.received_at_s))
    if isinstance(outcome, Rejected) and outcome.cause.code in ALREADY_OVER:
        outcome = Accepted(Done(), outcome.tried)
    if isinstance(outcome, Accepted):
        _forget(attempt, parts)
    parts.ended("logout", attempt.label, attempt.received_at_s, outcome)
    return outcome


def _forget(attempt: TokenAttempt, parts: Parts) -> None:
    """Refuse the session from now on. Its ids are believed only of a token that is good: anybody can write a name."""
    tokens, link = parts.tokens, parts.link
    if attempt.token is not None:
        judged = judged_here(attempt.token, parts)
        if not isinstance(judged, Rejected):  # what is never accepted need not be remembered
            tokens.ended(attempt.token, judged, link.standing, link.clock.wall_s())
    if tokens.feed is not None:
        tokens.feed.soon()
