"""How the auth service words what it found out: sessions, users, and every refusal with its status.

It must never put anything that was sent into a refusal.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from netra.asgi.problem import error_list, problem
from netra.asgi.words import Answer, FieldError, Refusal
from netra.authd.accounts import User
from netra.authd.idempotency import KeyReused, Refused
from netra.authd.sessions import REFUSED_REFRESH, Identity, Issued, TokenReused
from netra.authd.store.revocations import Page

REFUSALS: Final[Mapping[str, tuple[int, str]]] = {
    "invalid_credentials": (401, "The identifier or the password is wrong."),
    "account_locked": (423, "Too many attempts; the account is locked for a while."),
    "account_disabled": (403, "The account is disabled."),
    "email_taken": (409, "There is an account with this e-mail address already."),
    "password_rejected": (422, "The policy turns this password down."),
    "refresh_rejected": (401, "The refresh token is no longer good; log in again."),
    "token_missing": (401, "Send an access token, a refresh token, or both."),
    "token_malformed": (401, "This is not an access token."),
    "token_signature_invalid": (401, "The access token was not signed by this service."),
    "token_wrong_type": (401, "This is a token of another kind."),
    "service_credentials_missing": (401, "Send X-Service-ID and X-Service-Secret."),
    "service_credentials_rejected": (401, "The service id or its secret is not known here."),
    "idempotency_key_reused": (422, "This Idempotency-Key came before, with another body."),
    "overloaded": (503, "More logins are waiting than can be answered in time."),
    "store_unavailable": (503, "The database does not answer."),
}

_REUSED: Final = "This refresh token was used before; the session has ended."
_CHALLENGE: Final = (b"www-authenticate", b'Bearer realm="netra-authd"')


def worded(outcome: Refusal | Refused | KeyReused | TokenReused, request_id: str) -> Answer:
    """A refusal as a problem. Source: RFC 9457."""
    code = code_of(outcome)
    retry_after_s: int | None = None
    errors: tuple[FieldError, ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if isinstance(outcome, Refused):
        status, sentence = REFUSALS[code]
        detail, retry_after_s = outcome.detail or sentence, outcome.retry_after_s
    elif isinstance(outcome, KeyReused | TokenReused):
        status, sentence = REFUSALS[code]
        detail = _REUSED if isinstance(outcome, TokenReused) else sentence
    else:
        status, detail, errors, headers = outcome.status, outcome.detail, outcome.errors, outcome.headers
    if status == HTTPStatus.UNAUTHORIZED:
        headers = (*headers, _CHALLENGE)
    if retry_after_s is not None:
        headers = (*headers, (b"retry-after", str(retry_after_s).encode("ascii")))
    members = {
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail or None,
        "request_id": request_id,
        "retry_after": retry_after_s,
        "errors": error_list(errors),
    }
    return problem(status, members, headers)


def code_of(outcome: Refusal | Refused | KeyReused | TokenReused) -> str:
    """The machine word of a refusal."""
    if isinstance(outcome, TokenReused):
        return REFUSED_REFRESH.code
    return "idempotency_key_reused" if isinstance(outcome, KeyReused) else outcome.code


def session_answer(issued: Issued) -> Answer:
    """The tokens of a session, in clear: this answer is the only place that ever shows them."""
    return json_answer(
        {
            "access_token": issued.access_token.reveal(),
            "refresh_token": issued.refresh_token.reveal(),
            "token_type": "Bearer",
            "expires_in": issued.expires_in_s,
            "user": shown(issued.user),
        }
    )


def identity_answer(identity: Identity) -> Answer:
    """Whom a good access token speaks for, and what a revocation of it would name."""
    user = identity.user
    return json_answer(
        {
            "valid": True,
            "user_id": user.user_id,
            "email": user.email,
            "name": user.name,
            "expires_at": rfc3339(identity.expires_at_s),
            "jti": identity.jti,
            "sid": identity.sid,
        }
    )


def revocations_answer(page: Page) -> Answer:
    """A page of sessions that ended before their tokens."""
    items = [{"sid": each.sid, "exp": each.expires_at_s} for each in page.items]
    return json_answer({"cursor": page.cursor, "items": items})


def shown(user: User) -> dict[str, str | None]:
    """A user as every answer shows one."""
    return {"id": user.user_id, "email": user.email, "name": user.name}


def json_answer(members: Mapping[str, Any], status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode())


def rfc3339(epoch_s: float) -> str:
    """An instant in UTC, to the second. Source: RFC 3339."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
