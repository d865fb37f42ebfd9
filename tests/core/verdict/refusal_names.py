"""The code names that every wire shares, written by hand: what each means, and whose refusal it is.

It must never be read from the file that it is compared with.
"""

from collections.abc import Callable, Mapping
from typing import Final

TOKEN_CODES: Final = (
    "token_missing",
    "token_malformed",
    "token_expired",
    "token_not_yet_valid",
    "token_revoked",
    "token_wrong_audience",
    "token_wrong_issuer",
    "token_wrong_type",
    "token_signature_invalid",
    "token_rejected",
)
CREDENTIALS: Final = ("invalid_credentials", "invalid_grant", "bad_credentials", "user_not_found", "AUTH001")

OF_USERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(CREDENTIALS, "invalid_credentials"),
    "account_locked": "account_locked",
    "AUTH002": "account_locked",
    "account_disabled": "account_disabled",
    "user_inactive": "account_disabled",
    "too_many_attempts": "too_many_attempts",
    "second_factor_required": "second_factor_required",
    "mfa_required": "second_factor_required",
    "password_change_required": "password_change_required",
    "email_unverified": "email_unverified",
    "email_taken": "email_taken",
    "email_exists": "email_taken",
    "password_rejected": "password_rejected",
    "weak_password": "password_rejected",
    "refresh_rejected": "refresh_rejected",
    **{code: code for code in TOKEN_CODES},
    "invalid_token": "token_rejected",
}
"""A refusal of this user, with any 4xx."""

OF_FIELDS: Final = ("invalid_fields", "validation_error")
"""A refusal of what the user wrote, with 400 and 422 alone."""

OF_OURS: Final[Mapping[str, str]] = {
    "service_credentials_rejected": "service_credentials_rejected",
    "service_credentials_missing": "service_credentials_missing",
    "invalid_client": "service_credentials_rejected",
    "AUTH003": "service_credentials_rejected",
    "invalid_service_id": "service_credentials_rejected",
    "invalid_service_secret": "service_credentials_rejected",
    "service_not_configured": "service_credentials_missing",
}
"""A refusal of us."""

ON_REFRESH: Final[Mapping[str, str]] = dict.fromkeys(
    (
        *CREDENTIALS,
        "invalid_token",
        "token_malformed",
        "token_expired",
        "token_revoked",
        "token_signature_invalid",
        "token_rejected",
    ),
    "refresh_rejected",
)
"""A refresh has one refusal: to be told to refresh again would go round for ever."""

OVERLOAD: Final = ("overloaded",)

PLACES: Final[Mapping[str, Callable[[object], object]]] = {
    "/code": lambda name: {"code": name},
    "/error": lambda name: {"error": name, "message": "no"},
    "/error_code": lambda name: {"error_code": name},
    "/detail/code": lambda name: {"detail": {"code": name}},
    "/detail/error": lambda name: {"detail": {"error": name}},
    "/detail/error_code": lambda name: {"detail": {"error_code": name}},
}
"""Where a code stands, in the order in which they are read."""
