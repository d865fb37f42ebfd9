"""What Netra would like of every answer: connections that last, waits that can be read, nothing kept by caches, speed.

It must never fail a service for what only costs time.
"""

from typing import Final

from netra.core.verdict import retry_after
from netra.core.verdict.operations import LOGIN
from netra.core.verdict.outcomes import Accepted, Rejected
from netra.core.verdict.reply import Broken, Reply
from netra.testing.conformance.interview import Answered, Interview
from netra.testing.conformance.results import CannotTell, Check, Result, failed, misread, passed, warned

_BUDGETS_S: Final = {"login": 5.0, "token": 2.0, "upkeep": 2.0}
"""The defaults of NETRA_LOGIN_BUDGET_S and NETRA_TOKEN_BUDGET_S."""
_COMFORTABLE_RATIO: Final = 0.5
_WAITING: Final = frozenset({423, 429, 503})


async def connections(interview: Interview) -> Result:
    """A refused and an accepted login over one connection, as it comes about all day."""
    refused = await interview.nobody()
    good = await interview.log_in("login over a used connection")
    for answered in (refused, good):
        if isinstance(answered.got, Broken):
            fix = "Say Connection: close before you end a connection, and end none in the middle of a request."
            return misread(f"a {answered.what} should be answered", answered, fix)
    if not isinstance(refused.outcome, Rejected):
        raise CannotTell("somebody who has no account was not refused")
    if not isinstance(good.outcome, Accepted):
        fix = "Answer the same, whatever the connection was used for before."
        return misread("after a refusal the right password should be accepted", good, fix)
    if refused.reply is not None and refused.reply.headers.get("connection", "").lower() == "close":
        fix = "Keep connections open for a minute: each new one costs a round trip, with TLS two."
        return warned("it closes the connection after each answer", fix)
    return passed("a refused and an accepted login went over what is kept open")


async def waits(interview: Interview) -> Result:
    """Retry-After wherever somebody is to come back, and in a form that can be read."""
    await interview.good()
    await interview.refused()
    replies = interview.replies()
    for reply in replies:
        said = reply.headers.get("retry-after")
        if said is None and reply.status in _WAITING:
            fix = "Send Retry-After with whole seconds on 423, 429 and 503."
            return warned(f"an answer with {reply.status} does not say when to come back", fix)
        if said is not None and retry_after.seconds(said, reply.received_at) is None:
            return warned("a Retry-After cannot be read", "Send whole seconds, or a date as RFC 9110 writes it.")
    named = sum("retry-after" in reply.headers for reply in replies)
    return passed(f"{named or 'none'} of {len(replies)} answers asked anybody to wait")


async def caching(interview: Interview) -> Result:
    """Tokens are for one caller. Source: RFC 6749, section 5.1."""
    reply = (await interview.good()).reply
    if reply is None or reply.status >= 300:
        raise CannotTell("there is no answer with tokens")
    if "set-cookie" in reply.headers:
        fix = "Nothing to do for Netra, which neither keeps nor passes on cookies; do not rely on them."
        return warned("a login is answered with a cookie", fix)
    if not _is_json(reply):
        return warned("the answer to a login does not say that it is JSON", "Send Content-Type: application/json.")
    if "no-store" not in reply.headers.get("cache-control", "").lower():
        fix = "Send Cache-Control: no-store with every answer that holds a token."
        return warned("an answer with tokens may be kept by a cache", fix)
    return passed("the answer to a login is JSON, sets no cookie, and may not be stored")


def _is_json(reply: Reply) -> bool:
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


async def speed(interview: Interview) -> Result:
    """The slowest answers of each kind, beside what the gateway allows by default."""
    await interview.good()
    await interview.refused()
    interview.replies()
    slowest: dict[str, Answered] = {}
    for answered in interview.memory.asked:
        kind = answered.call.operation.kind
        if kind not in slowest or slowest[kind].elapsed_s < answered.elapsed_s:
            slowest[kind] = answered
    noted = ", ".join(f"{each.what} {each.elapsed_s * 1000:.0f} ms" for each in slowest.values())
    over = [each for kind, each in slowest.items() if each.elapsed_s > _BUDGETS_S[kind]]
    near = [each for kind, each in slowest.items() if each.elapsed_s > _BUDGETS_S[kind] * _COMFORTABLE_RATIO]
    fix = "Make it faster, or raise NETRA_LOGIN_BUDGET_S or NETRA_TOKEN_BUDGET_S."
    if over:
        return failed(f"slower than the gateway waits by default: {noted}", fix, "response_timeout")
    if near:
        return warned(f"more than half of what the gateway waits by default is used up: {noted}", fix)
    return passed(f"the slowest: {noted}; a login may take {_BUDGETS_S[LOGIN.kind]:g} s by default")


CHECKS: Final = (
    Check(
        "a_connection_can_be_used_again",
        "a login of somebody who has no account, then the right password over the same connection",
        connections,
    ),
    Check("it_says_when_to_come_back", "nothing more: all answers so far are looked at", waits),
    Check("answers_with_tokens_are_not_kept_by_caches", "nothing more: the headers of the good login", caching),
    Check("it_answers_within_the_budgets", "nothing more: how long each answer took", speed),
)
