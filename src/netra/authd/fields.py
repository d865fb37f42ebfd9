"""What a request's body has to hold, as rows: one reader for every route.

It must never put a value that was sent into an error.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from netra.asgi.words import FieldError, Refusal
from netra.authd.accounts import MAX_EMAIL_CHARS, MAX_NAME_CHARS, is_email
from netra.authd.passwords import MAX_PASSWORD_BYTES

MAX_REFRESH_TOKEN_CHARS: Final = 1_024

_C0_END: Final = 0x20
_C1_START: Final = 0x7F
_C1_END: Final = 0xA0

Objection = tuple[str, str] | None
"""Code and sentence of what is wrong with a value."""


class Field(NamedTuple):
    """One member of a body."""

    name: str
    check: Callable[[str], Objection]
    required: bool = True
    """Optional ones may also be null."""


def _email(text: str) -> Objection:
    if not text:
        return "too_short", "The e-mail is empty."
    if len(text) > MAX_EMAIL_CHARS:
        return "too_long", f"The e-mail is longer than {MAX_EMAIL_CHARS} characters."
    if _has_controls(text):
        return "invalid_format", "The e-mail holds control characters."
    return None


def _new_email(text: str) -> Objection:
    return _email(text) or (
        None if is_email(text.strip()) else ("invalid_format", "This does not look like an e-mail address.")
    )


def _password(text: str) -> Objection:
    if not text:
        return "too_short", "The password is empty."
    if len(text.encode()) > MAX_PASSWORD_BYTES:
        return "too_long", f"The password is longer than {MAX_PASSWORD_BYTES} bytes."
    return None


def _name(text: str) -> Objection:
    if len(text) > MAX_NAME_CHARS:
        return "too_long", f"The name is longer than {MAX_NAME_CHARS} characters."
    if _has_controls(text):
        return "invalid_format", "The name holds control characters."
    return None


def _refresh_token(text: str) -> Objection:
    if not text:
        return "too_short", "The refresh token is empty."
    if len(text) > MAX_REFRESH_TOKEN_CHARS:
        return "too_long", f"The refresh token is longer than {MAX_REFRESH_TOKEN_CHARS} characters."
    return None


def _anything(_: str) -> Objection:
    return None


def _has_controls(text: str) -> bool:
    return any(ord(each) < _C0_END or _C1_START <= ord(each) < _C1_END for each in text)


LOGIN: Final = (Field("email", _email), Field("password", _password))
REGISTER: Final = (Field("email", _new_email), Field("password", _password), Field("name", _name, required=False))
REFRESH: Final = (Field("refresh_token", _refresh_token),)
LOGOUT: Final = (Field("refresh_token", _refresh_token, required=False),)
VALIDATE: Final = (Field("token", _anything),)
"""A token is measured where it is read, and refused there as malformed, not here as a field."""


def read(body: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, str | None] | Refusal:
    """The fields of a body, absent optional ones as None; all errors at once. Unknown members are ignored."""
    values: dict[str, str | None] = {}
    errors: list[FieldError] = []
    for field in fields:
        value = body.get(field.name)
        objection = _objection(field, value, absent=field.name not in body)
        if objection is not None:
            errors.append(FieldError(f"/{field.name}", *objection))
        else:
            values[field.name] = value
    if errors:
        return Refusal(422, "invalid_fields", errors=tuple(errors))
    return values


def _objection(field: Field, value: object, *, absent: bool) -> Objection:
    if value is None and not field.required:
        return None
    if absent:
        return "missing", "This field is required."
    if not isinstance(value, str):
        return "wrong_type", "This field must be a string."
    return field.check(value)
