"""HTTP: does an HTTP server answer at that path, is it the auth service, and how fast?

It must never judge what an answer says of our credentials: that is another hop's.
"""

from collections.abc import AsyncIterator
from typing import Any, Final

from netra.core.findings import Finding, Severity
from netra.core.verdict import intermediaries
from netra.core.verdict.operations import CONFIG, DISCOVERY, HEALTH, KEYS, LOGIN, REVOCATIONS, VALIDATE, Operation
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Unknown
from netra.core.verdict.reply import Broken, Reply
from netra.doctor.diagnosis import Check, Hop, State
from netra.doctor.visit import Answered, Visit
from netra.link.tls.peer_certificate import peer_certificate
from netra.observe.metrics.definitions import NEAR_BUDGET_RATIO

_HARMLESS: Final = (HEALTH, DISCOVERY, CONFIG, KEYS, REVOCATIONS)
"""Questions that need no user, the cheapest first."""
_FORMS: Final = (LOGIN, VALIDATE)
"""Questions that an auth service refuses when nothing is said, and has answered all the same."""
_OF_OTHERS: Final = frozenset({"service_credentials"})
"""Hops whose business a failure is, although HTTP itself went well."""
_EMPTY_FORM: Final = frozenset({"request_not_understood"})
"""What an auth service may well say to a login that names nobody."""
_REFUSALS: Final = frozenset({"401", "403"})
_OF_TLS_PORTS: Final = frozenset({"connection_terminated", "http_protocol_error"})
UNREADABLE: Final = "invalid_response"
NOT_A_REFUSAL: Final = (
    "See who answers there, since an auth service refuses a form in which nothing is said: check AUTH_SERVICE_URL and "
    "NETRA_WIRE; if that is its way to refuse, `netra wire learn` writes it down."
)
"""The cure for what answers an empty form as if it were something; its page would make a refusal of that."""
_BAD_REQUEST: Final = 400
_SLOW_RATIO: Final = 0.5
_ONE_PERCENT: Final = 0.01


async def checks(visit: Visit) -> AsyncIterator[Check]:
    """One cheap question; any answer of the auth service's own proves the way to it."""
    operation = _question(visit)
    if operation is None:
        yield Check(Hop.HTTP, "answer", State.SKIP, "this wire offers nothing that could be asked without a user")
        return
    answered = await visit.put(operation)
    outcome, template = answered.outcome, visit.wire.templates[operation.name]
    where = f"{template.method} {template.path.partition('?')[0]}"
    if isinstance(outcome, Unknown) and _may_be_of_tls(outcome, answered.got) and await _speaks_tls(visit):
        yield _with_https(visit, visit.failure(Hop.HTTP, "answer", outcome, answered.elapsed_s, where=where))
        return
    failed = _failed(operation, outcome)
    if failed is not None:
        check = visit.failure(Hop.HTTP, "answer", failed, answered.elapsed_s, where=where)
        yield _not_taught(check) if operation in _FORMS and failed.cause.code == UNREADABLE else check
        return
    doubts = (*_doubted(visit, outcome), *_slow(visit, answered))
    state = State.WARN if doubts else State.PASS
    yield Check(Hop.HTTP, "answer", state, f"{where}: {_told(answered)}", answered.elapsed_s, doubts)


def _may_be_of_tls(outcome: Unknown, got: Reply | Broken) -> bool:
    """Is it what plain HTTP comes to at a port that speaks TLS: a break, an alert, or a 400 that is no JSON?"""
    if isinstance(got, Reply):
        wordless = got.status == _BAD_REQUEST and "json" not in _media_type(got)
        return wordless and outcome.cause.code in _EMPTY_FORM
    return outcome.cause.code in _OF_TLS_PORTS


async def _speaks_tls(visit: Visit) -> bool:
    """Was plain HTTP spoken to a port that speaks TLS?"""
    if visit.tls:
        return False
    left_s = min(visit.settings.connect_timeout_s, visit.left_s() / 2)
    return await peer_certificate(visit.host, visit.port, left_s, visit.look_up) is not None


def _with_https(visit: Visit, failed: Check) -> Check:
    """The same failure, where the port speaks TLS: with that for its cure."""
    variable = "OIDC_ISSUER" if visit.verifies_only else "AUTH_SERVICE_URL"
    what = f"{visit.host} port {visit.port} speaks TLS, and {variable} says http."
    fix = f"Set {variable} to https{visit.base_url.removeprefix('http')}"
    return failed._replace(findings=(failed.findings[0]._replace(what=what, fix=fix),))


def _not_taught(failed: Check) -> Check:
    return failed._replace(findings=(failed.findings[0]._replace(fix=NOT_A_REFUSAL),))


def _question(visit: Visit) -> Operation[Any] | None:
    """The cheapest question of the wire; a form in which nothing is said where there is no other."""
    return next((each for each in (*_HARMLESS, *_FORMS) if visit.wire.offers(each)), None)


def _failed(operation: Operation[Any], outcome: Outcome[Any]) -> Rejected | Unknown | None:
    """The outcome where it says that HTTP did not go well."""
    if isinstance(outcome, Accepted) or outcome.cause.hop in _OF_OTHERS:
        return None
    if _refusal(outcome) is not None:
        return None
    if operation in _FORMS and (isinstance(outcome, Rejected) or outcome.cause.code in _EMPTY_FORM):
        return None
    return outcome


def _refusal(outcome: Outcome[Any]) -> Unknown | None:
    """The outcome where the auth service itself does not let us ask: it is there, and the next hops tell why."""
    if not isinstance(outcome, Unknown) or outcome.cause.code not in _EMPTY_FORM:
        return None
    return outcome if outcome.facts.get("status", "") in _REFUSALS else None


def _doubted(visit: Visit, outcome: Outcome[Any]) -> tuple[Finding, ...]:
    """The probe in the background asks the same, and gets no better answer."""
    refusal = _refusal(outcome)
    return () if refusal is None else (visit.finding(refusal, Hop.HTTP, Severity.WARNING),)


def _told(answered: Answered) -> str:
    """Status, media type and who else is on the way, in words of ours."""
    got = answered.got
    if not isinstance(got, Reply):
        return "answered"
    media_type = _media_type(got)
    said = [str(got.status), *([media_type[:60]] if media_type.isascii() and media_type.isprintable() else [])]
    told = " ".join(each for each in said if each)
    between = intermediaries.named(got.headers)
    return f"{told}, by way of {between}" if between else told


def _media_type(got: Reply) -> str:
    return got.headers.get("content-type", "").partition(";")[0].strip().lower()


def _slow(visit: Visit, answered: Answered) -> tuple[Finding, ...]:
    """Is the cheapest question slow, by what a login may take?"""
    budget_s = visit.settings.token_budget_s
    if answered.elapsed_s < _SLOW_RATIO * budget_s:
        return ()
    what = f"The cheapest question took {answered.elapsed_s:.1f} s of the {budget_s:g} s that it may take."
    why = "A little more load, and users get 504 `response_timeout`."
    fix = "Look at what the auth service waits for; raise NETRA_TOKEN_BUDGET_S and NETRA_LOGIN_BUDGET_S only if it must"
    return (Finding(Severity.WARNING, "slow_answer", Hop.HTTP, what, why, f"{fix} take so long."),)


async def in_time(visit: Visit) -> AsyncIterator[Check]:
    """Do answers come well within their budgets? By what a gateway in use has measured, else by this diagnosis."""
    hop = Hop.BUDGET
    for each in visit.wanted.measured:
        doubtful = each.finding is not None and each.finding.severity is not Severity.NOTE
        found = () if each.finding is None else (each.finding,)
        yield Check(hop, each.name, State.WARN if doubtful else State.PASS, each.text, None, found)
    if visit.wanted.measured:
        return
    if not visit.timed:
        yield Check(hop, "probes", State.SKIP, "no question was answered, so nothing was measured")
        return
    slowest = max(visit.timed, key=lambda each: each.elapsed_s / each.budget_s)
    ratio = slowest.elapsed_s / slowest.budget_s
    share = f"{100 * ratio:.0f} %" if ratio >= _ONE_PERCENT else "less than 1 %"
    many = f"{len(visit.timed)} question{'s' * (len(visit.timed) != 1)} of this diagnosis"
    allowed = f"the {slowest.budget_s:g} s of {slowest.variable}"
    what = (
        f"the slowest of {many} took {share} of {allowed} ({slowest.route}); "
        "how long users wait, a gateway in use has measured: `netra doctor --admin URL`"
    )
    if ratio < NEAR_BUDGET_RATIO:
        yield Check(hop, "probes", State.PASS, what, slowest.elapsed_s)
        return
    finding = Finding(
        Severity.WARNING,
        "budget_nearly_used",
        hop,
        f"{slowest.route} took {slowest.elapsed_s:.2g} s of {allowed}, the slowest of {many}.",
        "A little more load, and users get 504 `response_timeout`.",
        "See what the auth service waits for; `netra doctor --admin URL` says what users wait for, and how long.",
    )
    yield Check(hop, "probes", State.WARN, what, slowest.elapsed_s, (finding,))
