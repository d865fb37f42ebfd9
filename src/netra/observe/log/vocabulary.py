"""The words by which security people know events everywhere, for those of our lines that have one.

It must never call an unknown verdict a failed login: nobody has judged these credentials.
"""

from collections.abc import Mapping
from typing import Final

LOGIN_SUCCESS: Final = "authn_login_success"
LOGIN_FAIL: Final = "authn_login_fail"
LOGIN_FAIL_MAX: Final = "authn_login_fail_max"
LOGIN_LOCK: Final = "authn_login_lock"
TOKEN_REUSE: Final = "authn_token_reuse"  # noqa: S105 - a word, not a token
ACCESS_REFUSED: Final = "authz_fail"
LIMIT_EXCEEDED: Final = "excess_rate_limit_exceeded"
BAD_INPUT: Final = "input_validation_fail"
SESSION_RENEWED: Final = "session_renewed"
TOKEN_REVOKED: Final = "authn_token_revoked"  # noqa: S105 - a word, not a token
SESSION_OVER: Final = "session_use_after_expire"
USER_CREATED: Final = "user_created"
STARTED: Final = "sys_startup"
STOPPED: Final = "sys_shutdown"
CRASHED: Final = "sys_crash"

WHATEVER_THE_CODE: Final[Mapping[str, str]] = {
    "Login succeeded": LOGIN_SUCCESS,
    "Registration succeeded": USER_CREATED,
    "Refresh succeeded": SESSION_RENEWED,
    "Logout succeeded": TOKEN_REVOKED,
    "Internal error": CRASHED,
    "Netra started": STARTED,
    "Netra stopped": STOPPED,
    # of the embedded auth service
    "Session refreshed": SESSION_RENEWED,
    "Session ended": TOKEN_REVOKED,
    "Refresh token reused": TOKEN_REUSE,
    "Auth service listening": STARTED,
    "Auth service stopped": STOPPED,
}
"""Events that mean the same whatever else their line says. Source: OWASP Application Logging Vocabulary."""

OF_A_LOGIN: Final[Mapping[str, str]] = {
    "invalid_credentials": LOGIN_FAIL,
    "account_disabled": LOGIN_FAIL,
    "account_locked": LOGIN_LOCK,
    "too_many_attempts": LOGIN_FAIL_MAX,
}
"""By code, for a login that was rejected; otherwise as for every rejection."""

OF_A_REJECTION: Final[Mapping[str, str]] = {
    "too_many_attempts": LIMIT_EXCEEDED,
    "password_rejected": BAD_INPUT,
    "malformed_request": BAD_INPUT,
    "body_too_large": BAD_INPUT,
    "uri_too_long": BAD_INPUT,
    "headers_too_large": BAD_INPUT,
    "unsupported_media_type": BAD_INPUT,
    "invalid_fields": BAD_INPUT,
    "token_malformed": BAD_INPUT,
    "token_expired": SESSION_OVER,
    "token_revoked": TOKEN_REUSE,
    "token_not_yet_valid": ACCESS_REFUSED,
    "token_wrong_audience": ACCESS_REFUSED,
    "token_wrong_issuer": ACCESS_REFUSED,
    "token_wrong_type": ACCESS_REFUSED,
    "token_signature_invalid": ACCESS_REFUSED,
    "token_rejected": ACCESS_REFUSED,
}
"""By code, for what was rejected."""

CODES_WITHOUT_A_WORD: Final[Mapping[str, str]] = {
    "second_factor_required": "the password was right",
    "password_change_required": "the password was right",
    "email_unverified": "the password was right",
    "email_taken": "whoever registers twice does nothing wrong",
    "refresh_rejected": "whether the session is over or never was is not said",
    "token_missing": "nobody has claimed to be anybody",
    "not_found": "nothing that exists was asked for",
    "method_not_allowed": "nothing that exists was asked for",
    "request_timeout": "a slow network does nothing wrong",
}
"""Rejections that the vocabulary has no word for, and why."""

_REJECTED: Final = " rejected"
_LOGIN_REJECTED: Final = "Login rejected"


def word_of(event: str, code: str | None = None) -> str | None:
    """The word for a line with this event and code; None where the vocabulary has none, as for every unknown verdict.

    What may follow a colon in that vocabulary, a user, stands in the line's `account` alone, as a keyed hash.
    """
    if code is not None and event.endswith(_REJECTED):
        of_a_login = OF_A_LOGIN.get(code) if event == _LOGIN_REJECTED else None
        return of_a_login or OF_A_REJECTION.get(code)
    return WHATEVER_THE_CODE.get(event)
