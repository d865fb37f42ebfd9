"""What Netra needs of logins: who is let in, who is refused, and that a refusal of the user is never one of us.

It must never try a second wrong password where one tells enough.
"""

import json
import time
from typing import Final

from netra.core.token.claims import unchecked_claims
from netra.core.verdict.classify import classify
from netra.core.verdict.operations import LOGIN, REGISTER, Session
from netra.core.verdict.outcomes import Accepted, Rejected, Unknown, code_of
from netra.core.verdict.reply import Broken
from netra.doctor.learn.masks import shape
from netra.doctor.learn.refusals import refusals
from netra.testing.conformance.interview import Answered, Interview
from netra.testing.conformance.results import (
    CannotTell,
    Check,
    Result,
    failed,
    misread,
    passed,
    skipped,
    told,
    warned,
)  # fmt: skip
from netra.testing.conformance.subject import secret

_LEEWAY_S: Final = 60
_OF_THE_REQUEST: Final = frozenset({"invalid_fields", "malformed_request"})
"""Rejections that speak of the form of a request, and of nobody."""
_ROWS: Final = "Look at the rows of this call in the wire: netra wire check FILE, netra wire learn."


async def right_password(interview: Interview) -> Result:
    """A session with a user whose id says something."""
    answered = await interview.good()
    if not isinstance(answered.outcome, Accepted):
        fix = "Is it the right password, the right path, the right wire? netra wire learn finds out how it speaks."
        if answered.outcome.cause.refuses_us:
            fix = "Are service_id and service_secret the ones that it knows?"
        return misread("the right password should open a session", answered, fix)
    session: Session = answered.outcome.value
    if session.user is None:
        return _nobody_named(interview)
    if session.expires_in_s == 0 or _is_over(session):
        fix = "Look at the lifetime of its tokens, and at its clock."
        return failed("the access token is over in the moment in which it is given out", fix, "token_expired")
    kept = "with" if session.refresh_token else "without"
    return passed(f"the session has an access token and a user id, and comes {kept} a refresh token")


def _nobody_named(interview: Interview) -> Result:
    accepting = [row.accept for row in interview.wire.templates[LOGIN.name].rows if row.accept]
    names = {name for each in accepting for _, members in each.members for name, _ in members}
    names |= {name for each in accepting for name, _ in each.others}
    if "user_id" in names:
        fix = "Let the auth service name the user's id in its answer, where the wire looks for user_id."
        return failed("the answer to a login names no user id", fix, "invalid_response")
    fix = 'Add user_id to the row of the login, e.g. user_id = "jwt:sub", if the answer names it anywhere.'
    return warned("the wire looks for no user id in the answer to a login, so clients get none", fix)


def _is_over(session: Session) -> bool:
    ends_at = unchecked_claims(session.access_token.reveal()).get("exp")
    return isinstance(ends_at, int | float) and ends_at < time.time() - _LEEWAY_S


async def wrong_password(interview: Interview) -> Result:
    """A rejection, and the one that speaks of credentials."""
    answered = await interview.refused()
    if isinstance(answered.outcome, Accepted):
        fix = "Nobody may use this auth service until it checks passwords."
        return failed("a wrong password was LET IN", fix)
    if code_of(answered.outcome) != "invalid_credentials":
        return misread("a wrong password should be refused as invalid_credentials", answered, _ROWS)
    return passed(f"it {told(answered)}")


async def unknown_user(interview: Interview) -> Result:
    """The same rejection, so that nobody finds out who has an account."""
    nobody = await interview.nobody()
    if isinstance(nobody.outcome, Accepted):
        return failed("somebody who does not exist was LET IN", "Nobody may use this auth service until it checks.")
    if code_of(nobody.outcome) != "invalid_credentials":
        return misread("an unknown user should be refused as invalid_credentials", nobody, _ROWS)
    wrong, good = await interview.refused(), await interview.good()
    if wrong.reply is None or nobody.reply is None or good.reply is None:
        raise CannotTell("there is no refusal of a wrong password to compare with")
    sent = interview.sent()
    found = refusals(good.reply, wrong.reply, nobody.reply, sent)
    same = list(shape(wrong.reply, sent)) == list(shape(nobody.reply, sent)) and wrong.status == nobody.status
    if not same or (found is not None and found.differ):
        fix = "Answer both alike, word for word. The gateway does; whoever asks the auth service itself is told."
        return warned("a wrong password and an unknown user are answered differently: it tells who has an account", fix)
    return passed("the two cannot be told apart by what is said")


async def named_refusal(interview: Interview) -> Result:
    """A refusal that would be one also if our own credentials were in doubt."""
    answered = await interview.refused()
    if not isinstance(answered.outcome, Rejected):
        raise CannotTell("a wrong password was not refused")
    in_doubt = interview.unshaken()._replace(handshake="refused")
    if isinstance(classify(answered.call, answered.got, in_doubt), Rejected):
        return passed("the refusal says by itself that it speaks of the user")
    fix = 'Let the refusal carry a code, e.g. {"code": "invalid_credentials"}, or a sentence that a row can look for.'
    return warned(
        "the refusal has no code: it is the user's only as long as nothing puts our own credentials in doubt", fix
    )


async def malformed_body(interview: Interview) -> Result:
    """No verdict on anybody, and no crash."""
    interview.offers(LOGIN)
    call = interview.wire.call(LOGIN, interview.credentials(interview.wrong), interview.label())
    broken = await interview.put("malformed body", call._replace(body=secret('{"')))
    nameless = {**interview.credentials(interview.wrong), "identifier": None}
    halves = await interview.ask("login without an identifier", LOGIN, nameless)
    for answered, grave in ((broken, True), (halves, False)):
        if result := _objection(answered, grave=grave):
            return result
    return passed(f"the malformed body {told(broken)}; a login without an identifier {told(halves)}")


def _objection(answered: Answered, *, grave: bool) -> Result | None:
    outcome, what = answered.outcome, answered.what
    if isinstance(outcome, Accepted):
        return failed(f"a {what} was LET IN", "Nobody may use this auth service until it checks.")
    fix = "Answer 400 or 422 to what cannot be read, and say so: a bug of a client is no wrong password, and no outage."
    if isinstance(outcome, Rejected) and outcome.cause.code not in _OF_THE_REQUEST:
        judge = failed if grave else warned
        return judge(f"a {what} {told(answered)}: as if a user had been refused", fix, outcome.cause.code)
    if isinstance(outcome, Unknown) and (isinstance(answered.got, Broken) or (answered.status or 0) >= 500):
        return failed(f"a {what} {told(answered)}: as if the auth service were unwell", fix, outcome.cause.code)
    return None


async def no_echo(interview: Interview) -> Result:
    """Bodies and headers without what was sent."""
    await malformed_body(interview)
    sent = [json.dumps(each)[1:-1] for each in interview.sent()]
    for answered in interview.memory.asked:
        reply = answered.reply
        said = "" if reply is None else reply.body.decode("utf-8", "replace") + " ".join(reply.headers.values())
        if any(each in said for each in sent):
            fix = "Never repeat input in an answer: it ends in the logs of everything in between."
            return warned(f"the answer to a {answered.what} repeats a password or a secret that was sent", fix)
    return passed(f"none of {len(interview.replies())} answers does")


async def registration(interview: Interview) -> Result:
    """An account for the throw-away identifier, and a refusal of the second one."""
    interview.offers(REGISTER)
    service = interview.service
    if service.new_identifier is None or service.new_password is None:
        return skipped(
            "no identifier was given that may be registered", "Give AuthService new_identifier and new_password."
        )
    who = {"identifier": secret(service.new_identifier), "password": secret(service.new_password), "name": None}
    said = {**service.extra, **who}
    first = await interview.ask("registration", REGISTER, said)
    if not isinstance(first.outcome, Accepted):
        fix = "Is the account there already? Give one that is not. Is the password good enough? Else look at the rows."
        return misread("a new account should be opened", first, fix)
    second = await interview.ask("second registration", REGISTER, said)
    if isinstance(second.outcome, Accepted):
        fix = "Refuse a taken identifier with 409 and the code email_taken, or know that you hide it on purpose."
        return warned("the same account was opened twice", fix)
    if not isinstance(second.outcome, Rejected):
        return misread("a taken identifier should be refused as email_taken", second, _ROWS)
    return passed(f"the account was opened, and the second time it {told(second)}")


CHECKS: Final = (
    Check(
        "the_right_password_opens_a_session_that_can_be_used", "a login with the right password", right_password
    ),
    Check(
        "a_wrong_password_is_refused_as_the_users_and_not_as_ours",
        "a login with a wrong password (1 of the wrong passwords)",
        wrong_password,
    ),
    Check(
        "an_unknown_user_is_refused_like_a_wrong_password", "a login of somebody who has no account", unknown_user
    ),
    Check(
        "a_refusal_says_by_itself_that_it_speaks_of_the_user",
        "nothing more: the refusal is read as if our own credentials were in doubt",
        named_refusal,
    ),
    Check(
        "a_malformed_login_is_no_refusal_of_a_user",
        "a login whose body cannot be read, and one without an identifier",
        malformed_body,
    ),
    Check(
        "no_answer_repeats_a_password_or_a_secret", "the malformed logins; all answers so far are looked at", no_echo
    ),
    Check(
        "a_new_account_is_opened_once",
        "a registration with the throw-away identifier, twice",
        registration,
    ),
)  # fmt: skip
