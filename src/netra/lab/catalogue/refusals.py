"""Healthy refusals of every kind: what an auth service says of a user, a registration or a token.

It must never be played where it makes no sense: a token's refusal says nothing about a login.
"""

from collections.abc import Iterable
from typing import Any, Final

from netra.lab.catalogue.fault import LOGIN, REFRESH, REGISTER, VALIDATE, CallName, Fault
from netra.lab.scripts import json_reply, problem

_PATHS: Final = {"login": LOGIN, "register": REGISTER, "refresh": REFRESH, "validate": VALIDATE}
_LOCKED_S: Final = ("Retry-After", "900")


def _refusal(
    code: str,
    status: int,
    what: str,
    *,
    call: CallName = "login",
    headers: Iterable[tuple[str, str]] = (),
    **members: Any,
) -> Fault:
    said = tuple(headers)
    return Fault(
        code.replace("_", "-"), what, "user", status, code, lambda _: problem(status, code, said, **members),
        call=call, paths=frozenset({_PATHS[call]}),
    )  # fmt: skip


def _token(code: str, what: str) -> Fault:
    """A token's refusal comes with 200: it is an answer to the question whether the token is good."""
    return Fault(
        code.replace("_", "-"), what, "user", 401, code, lambda _: json_reply(200, {"valid": False, "code": code}),
        call="validate", paths=frozenset({VALIDATE}),
    )  # fmt: skip


def _uncoded(status: int, code: str, what: str) -> Fault:
    return Fault(
        f"status-{status}", what, "user", status, code, lambda _: json_reply(status, {"message": "no"}),
        paths=frozenset({LOGIN}),
    )  # fmt: skip


_FIELDS: Final = [{"pointer": "/email", "code": "invalid_format", "detail": "This is no e-mail address."}]

REFUSALS: Final = (
    _refusal("invalid_credentials", 401, "The identifier or the password is wrong."),
    _refusal("account_locked", 423, "The account is locked for 15 minutes.", headers=[_LOCKED_S]),
    _refusal("account_disabled", 403, "The account is disabled."),
    _refusal("too_many_attempts", 429, "This user has tried too often.", headers=[("Retry-After", "60")]),
    _refusal("second_factor_required", 403, "The password is right; a second factor is wanted."),
    _refusal("password_change_required", 403, "The password is right, and must be changed."),
    _refusal("email_unverified", 403, "The password is right; the e-mail address is not confirmed."),
    _refusal("invalid_fields", 422, "A field of the request is not accepted.", errors=_FIELDS),
    _refusal("email_taken", 409, "There is an account with this e-mail address already.", call="register"),
    _refusal("password_rejected", 422, "The policy turns this password down.", call="register"),
    _refusal("refresh_rejected", 401, "The refresh token is no longer good.", call="refresh"),
    _uncoded(401, "invalid_credentials", "401 in JSON, without a code."),
    _uncoded(423, "account_locked", "423 in JSON, without a code."),
    _token("token_malformed", "The token is none."),
    _token("token_expired", "The token has expired."),
    _token("token_not_yet_valid", "The token is not valid yet."),
    _token("token_revoked", "The token was revoked."),
    _token("token_wrong_audience", "The token is for somebody else."),
    _token("token_wrong_issuer", "The token is from somebody else."),
    _token("token_wrong_type", "The token is of another kind."),
    _token("token_signature_invalid", "The token's signature is wrong."),
    _token("token_rejected", "The token is no good, without a reason."),
)
