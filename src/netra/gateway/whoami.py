"""Who is this? Asking the auth service whom a token stands for.

It must never answer from the token's own words: an unchecked token says whatever its bearer likes.
"""

from netra.core.verdict.operations import VALIDATE, Identity
from netra.core.verdict.outcomes import Outcome
from netra.gateway.attempts import TokenAttempt
from netra.gateway.parts import Parts
from netra.link.calls import ask


async def who_is(attempt: TokenAttempt, parts: Parts) -> Outcome[Identity]:
    """The identity behind a token, as the auth service vouches for it."""
    call = parts.wire.call(VALIDATE, {"token": attempt.token}, attempt.label)
    outcome = await ask(call, parts.link, parts.token_deadline(attempt.received_at_s))
    parts.ended("me", attempt.label, attempt.received_at_s, outcome)
    return outcome
