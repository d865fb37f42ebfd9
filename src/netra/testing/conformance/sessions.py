"""What Netra needs of sessions: that they go on, that their tokens can be asked about, and that they end.

It must never end the session that other checks look at.
"""

from typing import Final

from netra.core.secret import Secret
from netra.core.verdict.operations import LOGOUT, REFRESH, VALIDATE, Session, Vouched
from netra.core.verdict.outcomes import Accepted, Rejected, Unknown, code_of
from netra.testing.conformance.interview import Answered, Interview, Said, made_up_token
from netra.testing.conformance.results import CannotTell, Check, Result, failed, misread, passed, told

_OF_REFRESH: Final = "refresh_rejected"
_JWT_PARTS: Final = 3


async def refresh(interview: Interview) -> Result:
    """Two refreshes in a row: the second one with whatever the first has left."""
    interview.offers(REFRESH)
    begun = _refresh_token(await interview.new_session())
    first = await _refresh(interview, "refresh", begun)
    fix = "Look at the rows of refresh in the wire, and at what the auth service wants for one."
    if not isinstance(first.outcome, Accepted):
        return misread("a good refresh token should open the next session", first, fix)
    session: Session = first.outcome.value
    rotates = session.refresh_token is not None and session.refresh_token != begun
    second = await _refresh(interview, "second refresh", session.refresh_token or begun)
    if not isinstance(second.outcome, Accepted):
        whose = "the new refresh token" if rotates else "a refresh token that was not replaced"
        return misread(f"{whose} should open the session after that", second, fix)
    return passed(f"twice in a row; the refresh token is {'replaced each time' if rotates else 'kept'}")


async def made_up_refresh(interview: Interview) -> Result:
    """The user's refusal, which sends him to the login."""
    interview.offers(REFRESH)
    answered = await _refresh(interview, "made-up refresh token", made_up_token())
    if isinstance(answered.outcome, Accepted):
        return failed("a made-up refresh token opened a session", "Nobody may use it until it checks refresh tokens.")
    if code_of(answered.outcome) != _OF_REFRESH:
        fix = "Refuse it with 401 and the code refresh_rejected, or mend the row of refresh in the wire."
        return misread("a made-up refresh token should be refused as refresh_rejected", answered, fix)
    return passed(f"it {told(answered)}")


async def good_token(interview: Interview) -> Result:
    """The same user as at the login."""
    interview.offers(VALIDATE)
    session = await interview.session()
    answered = await interview.ask("validation of a good token", VALIDATE, {"token": session.access_token})
    if not isinstance(answered.outcome, Accepted):
        fix = "Look at the rows of validate in the wire, and at whether a 401 there speaks of the token or of us."
        return misread("a fresh token should be good", answered, fix)
    vouched: Vouched = answered.outcome.value
    identity = vouched.identity
    if session.user is not None and session.user.id != identity.user.id:
        fix = "Let both name the same: backends store the one, and are told the other by X-Auth-Subject."
        return failed("the login and the validation name different user ids for one token", fix, "invalid_response")
    until = "without saying until when" if identity.expires_at is None else "and says until when"
    return passed(f"it names the user of the login, {until}")


async def made_up_access(interview: Interview) -> Result:
    """A refusal of the token, with the signature alone changed, too."""
    interview.offers(VALIDATE)
    tokens = {"made-up token": made_up_token()}
    if forged := _forged(await interview.good()):
        tokens["token with a changed signature"] = forged
    for what, token in tokens.items():
        answered = await interview.ask(f"validation of a {what}", VALIDATE, {"token": token})
        if isinstance(answered.outcome, Accepted):
            return failed(f"a {what} is taken for good", "Let it check signatures before anybody relies on its tokens.")
        if not isinstance(answered.outcome, Rejected):
            fix = "Say no to a token as the wire reads it: with 200 and valid: false, or with a token code."
            return misread(f"a {what} should be refused", answered, fix)
    return passed(f"a {' and a '.join(tokens)} are refused" if len(tokens) > 1 else "it is refused")


def _forged(good: Answered) -> Secret | None:
    """The access token of a login with one letter of its signature changed; None when it is no JWT."""
    if not isinstance(good.outcome, Accepted):
        return None
    session: Session = good.outcome.value
    parts = session.access_token.reveal().split(".")
    if len(parts) != _JWT_PARTS or not all(parts):
        return None
    signature = parts[2]
    changed = ("B" if signature.startswith("A") else "A") + signature[1:]
    return Secret(".".join((*parts[:2], changed)))


async def logout(interview: Interview) -> Result:
    """The end of a session, proven by its refresh token."""
    interview.offers(LOGOUT)
    session = await interview.new_session()
    ended = await interview.ask("logout", LOGOUT, _both(session))
    if not isinstance(ended.outcome, Accepted):
        fix = "Look at the rows of logout in the wire; until then nobody's session ends before its time."
        return misread("a logout should end the session", ended, fix)
    if session.refresh_token is None or not interview.wire.offers(REFRESH):
        return passed("it says that the session has ended; there is no refresh token that could prove it")
    after = await _refresh(interview, "refresh after the logout", session.refresh_token)
    if isinstance(after.outcome, Accepted):
        fix = "Revoke the refresh token, and all that came of it, when its session ends."
        return failed("after the logout its refresh token still opened a session", fix)
    if not isinstance(after.outcome, Rejected):
        fix = "Refuse it with 401 and the code refresh_rejected: an error is taken for an outage."
        return misread("after the logout its refresh token should be refused", after, fix)
    return passed(f"after the logout its refresh token {told(after)}")


async def second_logout(interview: Interview) -> Result:
    """No failure: logouts are repeated when their answer is lost."""
    interview.offers(LOGOUT)
    said = _both(await interview.new_session())
    first = await interview.ask("logout", LOGOUT, said)
    if not isinstance(first.outcome, Accepted):
        raise CannotTell(f"the first logout {told(first)}")
    second = await interview.ask("second logout", LOGOUT, said)
    if isinstance(second.outcome, Unknown):
        fix = "Answer a logout of what is over with success, or refuse the token by its code."
        return misread("a second logout should be a success or a refusal of the token", second, fix)
    return passed(f"the second logout {told(second)}")


def _both(session: Session) -> Said:
    return {"token": session.access_token, "refresh_token": session.refresh_token}


async def _refresh(interview: Interview, what: str, token: Secret) -> Answered:
    return await interview.ask(what, REFRESH, {"refresh_token": token})


def _refresh_token(session: Session) -> Secret:
    if session.refresh_token is None:
        raise CannotTell("the login comes without a refresh token")
    return session.refresh_token


CHECKS: Final = (
    Check("a_refresh_token_opens_the_next_session", "a login, then two refreshes in a row", refresh),
    Check("a_made_up_refresh_token_is_refused", "a refresh with a made-up token", made_up_refresh),
    Check("a_good_token_names_the_user_of_the_login", "whom the token of the good login stands for", good_token),
    Check(
        "a_made_up_token_is_refused_and_no_error",
        "whom a made-up token stands for; of a JWT also one with a changed signature",
        made_up_access,
    ),
    Check("after_a_logout_the_refresh_token_is_refused", "a login, a logout, a refresh", logout),
    Check("a_second_logout_is_no_failure", "a login, and two logouts", second_logout),
)
