"""Does every route of the wire answer as promised? Each is asked once, with nothing said.

It must never send an identifier, a password or a token, nor what an auth service could make an account of.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from netra.core.findings import Finding, Severity
from netra.core.verdict.operations import (
    CONFIG,
    DISCOVERY,
    HANDSHAKE,
    HEALTH,
    KEYS,
    LOGIN,
    LOGOUT,
    OPERATIONS,
    REFRESH,
    REGISTER,
    REVOCATIONS,
    VALIDATE,
    Operation,
)
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Unknown, code_of
from netra.doctor.diagnosis import Check, Hop, State
from netra.doctor.hops.answers import NOT_A_REFUSAL, UNREADABLE
from netra.doctor.visit import Answered, Visit

_HOP: Final = Hop.CONTRACT
_AT_ONCE_COUNT: Final = 4
_LOOKED_AT: Final = frozenset({HEALTH.name, HANDSHAKE.name, DISCOVERY.name})
"""By the hops before."""
_NEED_NOBODY: Final = frozenset({CONFIG.name, KEYS.name, REVOCATIONS.name})
"""Asked as production asks them: nothing needs to be said, so they have to be accepted."""
_OF_LOGINS: Final = frozenset({LOGIN.name, REGISTER.name, REFRESH.name, LOGOUT.name})
_OF_TOKENS: Final = frozenset({VALIDATE.name, LOGOUT.name})
"""A refusal of one of these without any words may be meant for whoever shows no token."""
_WHY: Final[Mapping[str, str]] = {
    KEYS.name: "A gateway that starts now has no keys to check tokens with: 503 `keys_unavailable`.",
    REVOCATIONS.name: "Sessions that have ended elsewhere live on here until their tokens expire.",
}
"""What breaks without a route of which users hear nothing themselves."""
_COMPARE: Final = "Compare what {route} takes at the auth service with what the wire sends: `netra wire show`."
_MISSING: Final = "endpoint_not_found"
_NOT_UNDERSTOOD: Final = "request_not_understood"
_LIMITED: Final = "auth_service_rate_limited"
_UNAUTHORISED: Final = "401"
_UNREADABLE_TYPE: Final = "415"


async def checks(visit: Visit) -> AsyncIterator[Check]:
    """One check for each route, in the order of the operations; as many at once as hurt nobody."""
    routes = _routes(visit)
    if not routes:
        yield Check(_HOP, "routes", State.SKIP, "no routes besides those that were asked already")
        return
    offer = await visit.put(CONFIG) if CONFIG in routes else None
    at_once = asyncio.Semaphore(_AT_ONCE_COUNT)
    tasks = [asyncio.create_task(_looked_at(visit, each, offer, at_once)) for each in routes]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _routes(visit: Visit) -> tuple[Operation[Any], ...]:
    """What this gateway asks of the auth service, as far as no other hop does."""
    unused = set(_LOOKED_AT)
    if visit.settings.only == "verify":
        unused |= _OF_LOGINS
    if not visit.settings.registration:
        unused.add(REGISTER.name)
    if visit.settings.oidc_issuer:
        unused.add(KEYS.name)
    return tuple(each for name, each in OPERATIONS.items() if visit.wire.offers(each) and name not in unused)


async def _looked_at(
    visit: Visit, operation: Operation[Any], offer: Answered | None, at_once: asyncio.Semaphore
) -> Check:
    """`offer`: what came of the question what the auth service lets people do."""
    if operation is CONFIG and offer is not None:
        return _check(visit, operation, offer)
    async with at_once:
        # Some make an account of an empty form; of no form at all nobody does.
        answered = await visit.put(operation, bare=operation is REGISTER)
    if operation is REGISTER and code_of(answered.outcome) == _MISSING and _registers_nobody(offer):
        return _registration_differs(answered.elapsed_s)
    return _check(visit, operation, answered)


def _check(visit: Visit, operation: Operation[Any], answered: Answered) -> Check:
    name, route, outcome = f"route_{operation.name}", _route(visit, operation), answered.outcome
    state, seen = _judged(visit, operation, outcome)
    findings: tuple[Finding, ...] = ()
    if isinstance(outcome, Accepted):
        findings = (_taken(operation, route),) if state is State.FAIL else ()
    elif state in (State.FAIL, State.WARN):
        severity = Severity.ERROR if state is State.FAIL else Severity.WARNING
        finding = visit.finding(outcome, _HOP, severity)
        why = _WHY.get(operation.name, finding.why)
        # Its page would have us read this answer as a refusal of somebody, and nobody was named.
        fix = finding.fix if finding.code != _NOT_UNDERSTOOD else _COMPARE.format(route=route)
        if finding.code == UNREADABLE and operation.name not in _NEED_NOBODY:
            fix = NOT_A_REFUSAL
        # The same finding, with the route that it speaks of.
        what = finding.what if route in finding.what else f"{route}: {finding.what}"
        findings = (finding._replace(what=what, why=why, fix=fix),)
    return Check(_HOP, name, state, f"{route} {seen}", answered.elapsed_s, findings)


def _judged(visit: Visit, operation: Operation[Any], outcome: Outcome[Any]) -> tuple[State, str]:
    """What an answer says of its route, and the words for it behind the route's name."""
    code = code_of(outcome)
    if operation.name in _NEED_NOBODY:
        if isinstance(outcome, Accepted):
            return State.PASS, "answers as promised"
        return _hidden(visit, outcome) or (State.FAIL, f"does not answer as promised: {code}")
    if isinstance(outcome, Accepted):
        harmless = operation is LOGOUT
        return (State.PASS, "answers") if harmless else (State.FAIL, "accepts a form in which nothing is said")
    if isinstance(outcome, Rejected):
        return State.PASS, f"answers: an empty form is refused as {code}"
    return _hidden(visit, outcome) or _judged_unknown(operation, outcome)


def _judged_unknown(operation: Operation[Any], outcome: Unknown) -> tuple[State, str]:
    """Any refusal of an empty form shows that the route is there; whoever refuses nothing is no auth service."""
    code, status = outcome.cause.code, outcome.facts.get("status", "")
    if code == _NOT_UNDERSTOOD and status != _UNREADABLE_TYPE:
        return State.PASS, f"answers: an empty form is refused with {status}"
    if code == _LIMITED:
        return State.WARN, "says that we ask too often, so nobody knows whether it is there"
    wordless = outcome.cause.refuses_us and not outcome.nobody_judged
    if wordless and (status == _UNAUTHORISED or operation.name in _OF_TOKENS):
        return State.PASS, f"answers: an empty form is refused with {status}"
    return State.FAIL, f"does not answer as promised: {code}"


def _hidden(visit: Visit, outcome: Rejected | Unknown) -> tuple[State, str] | None:
    """Behind a refusal of our credentials that was told before there is nothing to be seen."""
    if visit.standing.handshake == "refused" and isinstance(outcome, Unknown) and outcome.cause.refuses_us:
        return State.SKIP, "is there, and refuses our credentials: more is not to be seen"
    return None


def _route(visit: Visit, operation: Operation[Any]) -> str:
    template = visit.wire.templates[operation.name]
    return f"{template.method} {template.path}"


def _taken(operation: Operation[Any], route: str) -> Finding:
    return Finding(
        Severity.ERROR,
        "nothing_said_accepted",
        _HOP,
        f"{route} accepts a form in which nothing is said, as if it were a good one",
        f"Whoever sends nothing at all gets through {operation.name}.",
        "See who answers there: no auth service does; check AUTH_SERVICE_URL and NETRA_WIRE.",
    )


def _registers_nobody(offer: Answered | None) -> bool:
    outcome = offer.outcome if offer else None
    return isinstance(outcome, Accepted) and outcome.value.registration_enabled is False


def _registration_differs(elapsed_s: float) -> Check:
    finding = Finding(
        Severity.WARNING,
        "registration_differs",
        "NETRA_REGISTRATION",
        "is on, and the auth service says that it registers nobody",
        f"Whoever registers gets 502 `{_MISSING}`.",
        "Set NETRA_REGISTRATION=false, or let the auth service register people.",
    )
    what = "there is none: the auth service registers nobody"
    return Check(_HOP, f"route_{REGISTER.name}", State.WARN, what, elapsed_s, (finding,))
