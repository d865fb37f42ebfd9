"""Do logins end as they should: a stranger's in a refusal, that of somebody who was named in a session?

It must never log in unasked, show who was named, or leave a session behind that it can end.
"""

from collections.abc import AsyncIterator
from secrets import randbelow, token_hex
from typing import Final

from netra.core.findings import Finding, Severity
from netra.core.identifier import Kind
from netra.core.secret import Secret
from netra.core.token.checks import Expected, refused
from netra.core.token.jwt import read_header
from netra.core.verdict.operations import LOGIN, LOGOUT, VALIDATE, Identity, Session
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, code_of
from netra.doctor.diagnosis import Check, Hop, State
from netra.doctor.hops.keysets import expected
from netra.doctor.visit import Answered, Visit
from netra.gateway.logout import ALREADY_OVER
from netra.gateway.verify import by_keys
from netra.upkeep.keyset import KeySet

_HOP: Final = Hop.LOGIN
_REFUSED: Final = "invalid_credentials"
_LIMITED: Final = frozenset({"too_many_attempts", "auth_service_rate_limited"})
_NOBODY_AT: Final = "invalid.example"
_NOBODY_CALLS: Final = "+999"
"""No country has this code. Source: ITU-T E.164."""


async def checks(visit: Visit) -> AsyncIterator[Check]:
    """What was asked for: a login of nobody, one of somebody; else no check at all."""
    wanted = visit.wanted
    if not wanted.rejection_check and wanted.canary is None:
        return
    impossible = _impossible(visit)
    if impossible is not None:
        yield Check(_HOP, "logins", State.SKIP, f"not tried: {impossible}")
        return
    if wanted.rejection_check:
        yield await _stranger(visit)
    if wanted.canary is not None:
        async for check in _canary(visit, *wanted.canary):
            yield check


def _impossible(visit: Visit) -> str | None:
    """Why nobody can be logged in from here; None when it can be tried."""
    if visit.settings.only == "verify" or not visit.wire.offers(LOGIN):
        return "there are no logins through this gateway"
    if visit.standing.handshake == "refused":
        return "the auth service refuses our credentials, and looks at nobody"
    lacking = [each.name for each in visit.wire.extra if each.required]
    return f"a login here wants {', '.join(lacking)} as well, which only a client has" if lacking else None


def nobody(kind: Kind) -> Secret:
    """An identifier that nobody has, of the kind that people log in with."""
    if kind == "username":
        return Secret(f"netra-doctor-{token_hex(6)}")
    if kind == "phone":
        return Secret(f"{_NOBODY_CALLS}{randbelow(10**9):09}")
    return Secret(f"netra-doctor-{token_hex(6)}@{_NOBODY_AT}")


async def _stranger(visit: Visit) -> Check:
    """One login for nobody: it has to be refused, as wrong and for nothing else."""
    said = {"identifier": nobody(visit.settings.identifier), "password": Secret(f"Netra-{token_hex(12)}-1!")}
    answered = await visit.put(LOGIN, said)
    outcome, name = answered.outcome, "rejection"
    counted = "(it counts as one attempt)"
    if isinstance(outcome, Accepted):
        ended = await _log_out(visit, outcome.value)
        what = f"a login for nobody is accepted {counted}; {_ending(ended)}"
        return Check(_HOP, name, State.FAIL, what, answered.elapsed_s, (_anybody(),))
    code = code_of(outcome)
    if code == _REFUSED:
        what = f"a login for nobody is refused as {_REFUSED} {counted}"
        return Check(_HOP, name, State.PASS, what, answered.elapsed_s)
    severity = Severity.WARNING if code in _LIMITED else Severity.ERROR
    finding = visit.finding(outcome, _HOP, severity)
    if isinstance(outcome, Rejected):
        finding = _for_another_reason(finding)
    state = State.WARN if severity is Severity.WARNING else State.FAIL
    return Check(_HOP, name, state, f"a login for nobody ends as {code} {counted}", answered.elapsed_s, (finding,))


def _anybody() -> Finding:
    return Finding(
        Severity.ERROR,
        "stranger_accepted",
        _HOP,
        "The auth service accepts a login for an identifier that nobody has.",
        "Anybody gets in with any password.",
        "Take it off the network until it checks passwords; see whether AUTH_SERVICE_URL leads to a stand-in.",
    )


def _for_another_reason(finding: Finding) -> Finding:
    return finding._replace(
        what=f"A login for nobody is refused as `{finding.code}`, not as `{_REFUSED}`: {finding.what}",
        why=f"Whoever mistypes may be told something else than `{_REFUSED}`.",
        fix=f"Compare what the auth service answers to a wrong password with the wire: `netra explain {finding.code}`.",
    )


async def _canary(visit: Visit, identifier: str, password: Secret) -> AsyncIterator[Check]:
    """A whole visit of somebody: in, shown to whoever checks tokens, and out again."""
    answered = await visit.put(LOGIN, {"identifier": Secret(identifier), "password": password})
    outcome = answered.outcome
    if not isinstance(outcome, Accepted):
        finding = visit.finding(outcome, _HOP)
        if isinstance(outcome, Rejected):
            finding = _not_let_in(finding)
        what = f"the login that was to succeed ends as {finding.code}"
        yield Check(_HOP, "canary", State.FAIL, what, answered.elapsed_s, (finding,))
        return
    yield Check(_HOP, "canary", State.PASS, "the login succeeds", answered.elapsed_s)
    try:
        token_check = await _token_check(visit, outcome.value.access_token)
    finally:
        ended = await _log_out(visit, outcome.value)
    yield token_check
    yield _logout_check(visit, ended)


def _not_let_in(finding: Finding) -> Finding:
    return finding._replace(
        what=f"The login that was to succeed is refused as `{finding.code}`: {finding.what}",
        why="Whoever has this identifier cannot log in; if it should be able to, others cannot either.",
        fix="Check the identifier and the password that were given, then the account at the auth service.",
    )


async def _token_check(visit: Visit, token: Secret) -> Check:
    """Is the token that the login brought good here? By the published keys as in production, else by asking."""
    name, started_s, wanted = "canary_token", visit.clock.now_s(), expected(visit)
    if wanted is not None and visit.key_set is not None:
        verdict, how = _by_keys(token, visit.key_set, wanted, visit.clock.wall_s()), "checked here"
    elif wanted is None and visit.wire.offers(VALIDATE):
        verdict, how = (await visit.put(VALIDATE, {"token": token})).outcome, "asked of the auth service"
    else:
        return Check(_HOP, name, State.SKIP, "whether its token is good nobody can say: there are no keys")
    elapsed_s = visit.clock.now_s() - started_s
    if isinstance(verdict, Accepted):
        return Check(_HOP, name, State.PASS, f"its token is good ({how})", elapsed_s)
    finding = visit.finding(verdict, _HOP, whose="Users who have just logged in")
    return Check(_HOP, name, State.FAIL, f"its token comes to {finding.code} ({how})", elapsed_s, (finding,))


def _by_keys(token: Secret, keys: KeySet, wanted: Expected, wall_s: float) -> Outcome[Identity]:
    header = read_header(token.reveal())
    if isinstance(header, str):
        return refused(header)
    verdict = by_keys(token, header, keys, wanted, wall_s)
    return Accepted(verdict) if isinstance(verdict, Identity) else verdict


async def _log_out(visit: Visit, session: Session) -> Answered | None:
    """End a session that was opened here; None where there is no call for that."""
    said = {"token": session.access_token, "refresh_token": session.refresh_token}
    return await visit.put(LOGOUT, said) if visit.wire.offers(LOGOUT) else None


def _is_over(ended: Answered) -> bool:
    return isinstance(ended.outcome, Accepted) or code_of(ended.outcome) in ALREADY_OVER


def _ending(ended: Answered | None) -> str:
    """What has become of a session that should not have been."""
    return "its session was ended" if ended is not None and _is_over(ended) else "its session may live on"


def _logout_check(visit: Visit, ended: Answered | None) -> Check:
    name = "canary_logout"
    if ended is None:
        what = "its session lives on until it expires: this auth service has no logout"
        return Check(_HOP, name, State.SKIP, what)
    if isinstance(ended.outcome, Accepted) or _is_over(ended):
        return Check(_HOP, name, State.PASS, "its session was ended", ended.elapsed_s)
    finding = visit.finding(ended.outcome, _HOP, Severity.WARNING, whose="Users who log out")
    what = f"its session may live on until it expires: the logout ends as {finding.code}"
    return Check(_HOP, name, State.WARN, what, ended.elapsed_s, (finding,))
