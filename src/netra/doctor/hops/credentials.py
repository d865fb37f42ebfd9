"""Does the auth service know us? Each of our secrets is shown to it, and what it says of us is compared with ours.

It must never print a secret, nor ask about a user.
"""

from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

from netra.core.findings import Finding, Severity
from netra.core.verdict.operations import CONFIG, HANDSHAKE, HEALTH, KEYS, REVOCATIONS, Handshake, Operation
from netra.core.verdict.outcomes import Accepted, Outcome, Unknown, code_of
from netra.doctor.diagnosis import Check, Hop, State
from netra.doctor.visit import Answered, Visit
from netra.link.seals import Seals
from netra.upkeep.agreement import differences, ours, printable, unspoken
from netra.upkeep.standing import after_handshake

_HOP: Final = Hop.SERVICE_CREDENTIALS
_VARIABLES: Final = ("SERVICE_SECRET", "SERVICE_SECRET_PREVIOUS")
"""In the order of the seals."""
_QUESTIONS: Final[tuple[Operation[Any], ...]] = (HANDSHAKE, CONFIG, REVOCATIONS, HEALTH, KEYS)
"""By which it may show whether we are known, the most telling first: none of them is about a user."""
_GET: Final = "GET"
_ROUTE_MISSING: Final = "endpoint_not_found"
_LEFT_TO_OTHERS: Final = frozenset({"endpoint_not_listed"})
"""Differences that another hop looks at itself."""
_WORST_FIRST: Final = tuple(Severity)
_UNSEEN: Final = "whether the auth service knows these credentials shows at the first login"


class _Shown(NamedTuple):
    """A question that was put with one of our secrets, and what came of it."""

    operation: Operation[Any]
    answered: Answered

    @property
    def outcome(self) -> Outcome[Any]:
        return self.answered.outcome


async def checks(visit: Visit) -> AsyncIterator[Check]:
    """One check for each secret, then one for what the two sides say of each other.

    The visit's standing is then that of a gateway after its handshake, and its first seal one that is accepted.
    """
    if visit.verifies_only or not visit.wire.credentials:
        whom = "an issuer of tokens" if visit.verifies_only else "this auth service"
        yield Check(_HOP, "service_secret", State.SKIP, f"{whom} is asked without credentials")
        return
    current = await _ask(visit)
    if current is None:
        yield Check(_HOP, "service_secret", State.SKIP, f"{_no_handshake(visit)}: {_UNSEEN}; {_about(visit, 0)}")
        return
    previous = await _with_previous(visit, current)
    yield _current_check(visit, current, previous)
    if previous is not None:
        yield _previous_check(visit, current, previous)
    elif visit.settings.service_secret_previous is not None:
        what = f"not shown to the auth service: it did not say what it thinks of the other; {_about(visit, 1)}"
        yield Check(_HOP, "service_secret_previous", State.SKIP, what)
    fallen_over = previous is not None and _falls_over(current, previous)
    if fallen_over:
        visit.seals = Seals((visit.seals.in_order[1], visit.seals.in_order[0]))
    elif _refuses_us(current.outcome):
        visit.standing = visit.standing._replace(handshake="refused")
    said = previous if fallen_over else current
    if said is not None and said.operation is HANDSHAKE and isinstance(said.outcome, Accepted):
        visit.handshake = said.outcome.value
        yield _agreement(visit, said.outcome.value, fallen_over=fallen_over)


async def _ask(visit: Visit) -> _Shown | None:
    """The first question that shows what the auth service thinks of our current secret; None when none does."""
    for operation in _QUESTIONS:
        template = visit.wire.templates.get(operation.name)
        if template is None or not template.sealed or template.method != _GET:
            continue
        shown = await _show(visit, operation, 0)
        if code_of(shown.outcome) == _ROUTE_MISSING:
            continue
        if operation is HANDSHAKE or not isinstance(shown.outcome, Accepted):
            return shown
        # Who answers everybody has not looked at our credentials.
        stranger = await visit.put(operation, seal_number=None)
        if not isinstance(stranger.outcome, Accepted):
            return shown
    return None


async def _show(visit: Visit, operation: Operation[Any], number: int) -> _Shown:
    started_s = visit.clock.now_s()
    answered = await visit.put(operation, seal_number=number)
    if operation is HANDSHAKE and isinstance(answered.outcome, Accepted):
        hidden = {each for seal in visit.seals.in_order for each in seal.hidden}
        told = unspoken(answered.outcome.value, hidden)
        answered = answered._replace(outcome=Accepted(told, answered.outcome.tried))
    if operation is HANDSHAKE and (number == 0 or isinstance(answered.outcome, Accepted)):
        asked_at_s = (started_s + visit.clock.now_s()) / 2
        visit.standing = after_handshake(visit.standing, answered.outcome, asked_at_s)
    return _Shown(operation, answered)


async def _with_previous(visit: Visit, current: _Shown) -> _Shown | None:
    """The same with the secret before, if there is one and the auth service is there to say something of it."""
    clear = isinstance(current.outcome, Accepted) or _refuses_us(current.outcome)
    return await _show(visit, current.operation, 1) if clear and len(visit.seals.in_order) > 1 else None


def _refuses_us(outcome: Outcome[Any]) -> bool:
    return isinstance(outcome, Unknown) and outcome.cause.refuses_us


def _falls_over(current: _Shown, previous: _Shown) -> bool:
    """Do logins get through with the secret before, while the current one is refused?"""
    return _refuses_us(current.outcome) and isinstance(previous.outcome, Accepted)


def _current_check(visit: Visit, current: _Shown, previous: _Shown | None) -> Check:
    name, about, elapsed_s = "service_secret", _about(visit, 0), current.answered.elapsed_s
    if isinstance(current.outcome, Accepted):
        return Check(_HOP, name, State.PASS, f"accepted: {about}", elapsed_s)
    finding = visit.finding(current.outcome, _HOP)
    if not _refuses_us(current.outcome):
        what = f"no word on our credentials: {finding.code}; {about}"
        return Check(_HOP, name, State.FAIL, what, elapsed_s, (finding,))
    if previous is not None and _falls_over(current, previous):
        what = f"refused, while the previous one is accepted: {about}"
        return Check(_HOP, name, State.WARN, what, elapsed_s, (_fallen_over(visit, finding),))
    return Check(_HOP, name, State.FAIL, f"refused: {about}", elapsed_s, (finding,))


def _fallen_over(visit: Visit, finding: Finding) -> Finding:
    """The current secret is refused, and logins get through all the same."""
    fingerprints = [_fingerprint(visit, number) for number in range(2)]
    return finding._replace(
        severity=Severity.WARNING,
        subject=_VARIABLES[0],
        what=f"is not known to the auth service{fingerprints[0]}, which accepts {_VARIABLES[1]}{fingerprints[1]}",
        why=f"Logins get through with {_VARIABLES[1]} until that is retired; then {finding.why[:1].lower()}"
        f"{finding.why[1:]}",
        fix=f"Register this secret at the auth service, or set {_VARIABLES[0]} to the one that it knows.",
    )


def _previous_check(visit: Visit, current: _Shown, previous: _Shown) -> Check:
    name, about, elapsed_s = "service_secret_previous", _about(visit, 1), previous.answered.elapsed_s
    if isinstance(previous.outcome, Accepted):
        return Check(_HOP, name, State.PASS, f"accepted: {about}", elapsed_s)
    finding = visit.finding(previous.outcome, _HOP)
    if isinstance(current.outcome, Accepted) and _refuses_us(previous.outcome):
        return Check(_HOP, name, State.PASS, f"stale, the rotation is over: {about}", elapsed_s, (_stale(visit),))
    what = "refused" if _refuses_us(previous.outcome) else f"no word on it: {finding.code}"
    state = State.WARN if isinstance(current.outcome, Accepted) else State.FAIL
    severity = Severity.WARNING if state is State.WARN else Severity.ERROR
    return Check(_HOP, name, state, f"{what}: {about}", elapsed_s, (finding._replace(severity=severity),))


def _stale(visit: Visit) -> Finding:
    return Finding(
        Severity.NOTE,
        "secret_stale",
        _VARIABLES[1],
        f"is not known to the auth service any more{_fingerprint(visit, 1)}",
        f"Nothing breaks: it knows {_VARIABLES[0]}.",
        f"The rotation is over: remove {_VARIABLES[1]}.",
    )


def _agreement(visit: Visit, said: Handshake, *, fallen_over: bool) -> Check:
    """What the auth service says of us and of itself. `fallen_over`: was our current secret refused? That was told."""
    told = _LEFT_TO_OTHERS | {"secret_unknown_there" if fallen_over else "secret_stale"}
    found = tuple(each for each in differences(said, ours(visit.settings, visit.wire)) if each.code not in told)
    findings = tuple(sorted(found, key=lambda each: _WORST_FIRST.index(each.severity)))
    pairs = {"service id": said.service_id, "environment": said.environment, "version": said.version}
    words = ", ".join(f"{name} {printable(value)}" for name, value in pairs.items() if value)
    what = f"the auth service says: {words}" if words else "the auth service says nothing of itself"
    worst = next((each.severity for each in findings), Severity.NOTE)
    state = {Severity.ERROR: State.FAIL, Severity.WARNING: State.WARN}.get(worst, State.PASS)
    if state is not State.PASS:
        what = f"{what}; both sides differ in {', '.join(dict.fromkeys(each.subject for each in findings))}"
    return Check(_HOP, "agreement", state, what, None, findings)


def _no_handshake(visit: Visit) -> str:
    offered = visit.wire.offers(HANDSHAKE)
    return "the auth service has no handshake (404)" if offered else "this auth service has no handshake"


def _about(visit: Visit, number: int) -> str:
    """Which secret, by name and fingerprint, where it comes from, and what a change of it takes."""
    variable = _VARIABLES[number]
    shown = next((each for each in visit.effective if each.variable == variable), None)
    if shown is None or shown.value is None:
        return f"{variable} is not set"
    source = f"from the {shown.origin}" if shown.origin != "option" else "given as an option"
    taken = "followed when it changes" if shown.origin.startswith("file ") else "a change needs a restart"
    return f"{variable}{_fingerprint(visit, number)} {source}: {taken}"


def _fingerprint(visit: Visit, number: int) -> str:
    shown = next((each for each in visit.effective if each.variable == _VARIABLES[number]), None)
    return f" (fingerprint {shown.fingerprint})" if shown is not None and shown.fingerprint else ""
