"""Bytes in, an attempt; an outcome, bytes out: login, register, refresh, logout.

It must never look into an outcome to decide what it means: that was decided when it was made.
"""

from typing import Any, Final

from netra.asgi.body import form_object, is_form, json_object
from netra.asgi.words import Answer, Refusal, Request
from netra.core.secret import Secret
from netra.core.token.claims import unchecked_claims
from netra.core.verdict.operations import LOGOUT, Session, User
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected
from netra.gateway import attempts
from netra.gateway.gate import Gateway
from netra.web.bodies import ENCODER, LoggedOutBody, RegisteredBody, SessionBody, UserBody
from netra.web.labels import label_of
from netra.web.render import problem_answer, refusal_answer
from netra.web.tokens import bearer_of
from netra.web.view import View

_LAST_INSTANT: Final = 253_402_300_799
"""The end of the year 9999: a token may say any number, however long."""


async def login(request: Request, gateway: Gateway, view: View) -> Answer:
    """POST /login."""
    forms = gateway.parts.forms
    read = form_object(request, forms.identifier.name) if view.form_login and is_form(request) else json_object(request)
    if isinstance(read, Refusal):
        return refusal_answer(read, request.request_id, view)
    attempt = forms.login_attempt(read, label_of(request), request.received_at_s)
    if isinstance(attempt, Rejected):
        return problem_answer(attempt, view, request.request_id)
    return _session_answer(await gateway.log_in(attempt), request, view)


async def register(request: Request, gateway: Gateway, view: View) -> Answer:
    """POST /register."""
    read = json_object(request)
    if isinstance(read, Refusal):
        return refusal_answer(read, request.request_id, view)
    attempt = gateway.parts.forms.register_attempt(read, label_of(request), request.received_at_s)
    if isinstance(attempt, Rejected):
        return problem_answer(attempt, view, request.request_id)
    outcome = await gateway.register(attempt)
    if isinstance(outcome, Accepted):
        return Answer(201, ENCODER.encode(RegisteredBody(user_body(outcome.value))))
    return problem_answer(outcome, view, request.request_id)


async def refresh(request: Request, gateway: Gateway, view: View) -> Answer:
    """POST /refresh."""
    read = json_object(request)
    if isinstance(read, Refusal):
        return refusal_answer(read, request.request_id, view)
    attempt = attempts.refresh_attempt(read, label_of(request), request.received_at_s)
    if isinstance(attempt, Rejected):
        return problem_answer(attempt, view, request.request_id)
    return _session_answer(await gateway.refresh(attempt), request, view)


async def logout(request: Request, gateway: Gateway, view: View) -> Answer:
    """POST /logout: a bearer token, a refresh token in the body, or both; an empty body is no fault."""
    body: dict[str, Any] | Refusal = json_object(request) if request.body.strip() else {}
    if isinstance(body, Refusal):
        return refusal_answer(body, request.request_id, view)
    token = bearer_of(request)
    if isinstance(token, Rejected) and token.cause.code != "token_missing":
        return problem_answer(token, view, request.request_id)
    held = token if isinstance(token, Secret) else None
    needs = gateway.parts.wire.needs(LOGOUT)
    attempt = attempts.logout_attempt(body, held, label_of(request), request.received_at_s, needs)
    outcome = attempt if isinstance(attempt, Rejected) else await gateway.log_out(attempt)
    if isinstance(outcome, Accepted):
        return Answer(200, ENCODER.encode(LoggedOutBody(success=True, message="Logged out.")))
    return problem_answer(outcome, view, request.request_id)


def _session_answer(outcome: Outcome[Session], request: Request, view: View) -> Answer:
    if not isinstance(outcome, Accepted):
        return problem_answer(outcome, view, request.request_id)
    session = outcome.value
    remaining_s = session.expires_in_s
    return Answer(
        200,
        ENCODER.encode(
            SessionBody(
                access_token=session.access_token.reveal(),
                refresh_token=None if session.refresh_token is None else session.refresh_token.reveal(),
                token_type="Bearer",  # noqa: S106 - the scheme's name
                expires_in=_remaining_s(session.access_token, view) if remaining_s is None else remaining_s,
                user=user_body(session.user) if session.user else None,
            )
        ),
    )


def user_body(user: User) -> UserBody:
    """A user as clients see one."""
    return UserBody(user.id, user.email, user.name)


def _remaining_s(token: Secret, view: View) -> int | None:
    """What a JWT says of its own life, in seconds; None for any other token. Only shown, never believed."""
    expires_at = unchecked_claims(token.reveal()).get("exp")
    if not isinstance(expires_at, int | float) or isinstance(expires_at, bool):
        return None
    return max(0, int(max(0, min(expires_at, _LAST_INSTANT)) - view.wall_s()))
