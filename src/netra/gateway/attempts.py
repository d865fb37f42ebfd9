"""What each journey accepts from a client, as rows of fields.

It must never put a value into a fault, and never judge credentials: it speaks of form alone.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from netra.core.identifier import Kind
from netra.core.secret import Secret
from netra.core.value import Value
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import visible
from netra.core.verdict.outcomes import FieldFault, Rejected
from netra.core.verdict.wire import Extra, Label

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")
_DOMAIN_PART: Final = r"[^\s@.\"<>(),:;\\\[\]]{1,63}"
_EMAIL: Final = re.compile(rf"[^\s@\"<>(),:;\\\[\]]{{1,64}}@{_DOMAIN_PART}(?:\.{_DOMAIN_PART})+")
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_MAX_TOKEN_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a JSON body."""

    name: str
    max_chars: int
    aliases: tuple[str, ...] = ()
    required: bool = True
    max_bytes: int | None = None
    controls: bool = False
    """May it hold control characters? Passwords are passed on unchanged."""
    form: re.Pattern[str] | None = None
    secret: bool = False
    ascii_only: bool = False
    """Does it go into a header of a call? Source: RFC 9110, section 5.5."""


EMAIL: Final = Field("email", 320)
PASSWORD: Final = Field("password", 1024, max_bytes=1024, controls=True, secret=True)
CONFIRMATION: Final = Field("confirm_password", 1024, ("confirmPassword",), False, 1024, controls=True, secret=True)
NAME: Final = Field("name", 256, required=False)
REFRESH_TOKEN: Final = Field("refresh_token", _MAX_TOKEN_BYTES, ("refreshToken",), form=_TOKEN, secret=True)
MAYBE_REFRESH_TOKEN: Final = replace(REFRESH_TOKEN, required=False)
IDENTIFIERS: Final[Mapping[Kind, Field]] = {
    "email": EMAIL,
    "username": Field("username", 320),
    "phone": Field("phone", 64),
    "any": Field("identifier", 320, ("email", "username", "phone")),
}
"""The member that names who logs in, by what users log in with."""
_NEW_FORMS: Final[Mapping[Kind, re.Pattern[str] | None]] = {
    "email": _EMAIL,
    "username": None,
    "phone": re.compile(r"[+(]{0,2}[0-9][0-9 ()./-]{3,61}"),
    "any": None,
}
"""What a new identifier has to look like."""

REFRESH_FIELDS: Final = (REFRESH_TOKEN,)
LOGOUT_FIELDS: Final = (MAYBE_REFRESH_TOKEN,)


class LoginAttempt(Value, frozen=True):
    """Somebody wants to log in."""

    identifier: str
    password: Secret
    label: Label
    received_at_s: float
    extra: dict[str, str] = {}  # noqa: RUF012 - each has its own, msgspec sees to that
    """What the auth service wants beside, by name."""

    def __repr__(self) -> str:
        return f"LoginAttempt({self.label.request_id})"


class RegisterAttempt(Value, frozen=True):
    """Somebody wants an account."""

    identifier: str
    password: Secret
    name: str | None
    label: Label
    received_at_s: float
    extra: dict[str, str] = {}  # noqa: RUF012 - each has its own, msgspec sees to that
    """What the auth service wants beside, by name."""

    def __repr__(self) -> str:
        return f"RegisterAttempt({self.label.request_id})"


class TokenAttempt(Value, frozen=True):
    """Somebody shows tokens: to refresh, to log out, or to be told who they are."""

    token: Secret | None
    refresh_token: Secret | None
    label: Label
    received_at_s: float

    def __repr__(self) -> str:
        return f"TokenAttempt({self.label.request_id})"


class Forms:
    """What people fill in here: it follows from what they log in with, and from what the auth service wants beside."""

    def __init__(
        self, kind: Kind = "email", extra: Iterable[Extra] = (), in_headers: Collection[str] = frozenset()
    ) -> None:
        """`in_headers`: what of it the wire sends in headers, by the names of its gaps."""
        self.identifier = replace(IDENTIFIERS[kind], ascii_only="identifier" in in_headers)
        self.extra = tuple(
            Field(each.name, each.max_chars, required=each.required, ascii_only=each.name in in_headers)
            for each in extra
        )
        self.login = (self.identifier, PASSWORD, *self.extra)
        new = replace(self.identifier, form=_NEW_FORMS[kind])
        name = replace(NAME, ascii_only="name" in in_headers)
        self.register = (new, PASSWORD, CONFIRMATION, name, *self.extra)

    def login_attempt(self, body: dict[str, Any], label: Label, received_at_s: float) -> LoginAttempt | Rejected:
        """A login from a JSON object, or all that is wrong with its fields."""
        read, faults = _read(self.login, body)
        if faults:
            return _rejected(faults)
        return LoginAttempt(read[self.identifier.name], read["password"], label, received_at_s, self._extra(read))

    def register_attempt(self, body: dict[str, Any], label: Label, received_at_s: float) -> RegisterAttempt | Rejected:
        """A registration from a JSON object, or all that is wrong with its fields."""
        read, faults = _read(self.register, body)
        password, confirmation = read.get("password"), read.get("confirm_password")
        if None not in (password, confirmation) and password != confirmation:
            faults.append(FieldFault("/confirm_password", "mismatch", "The two passwords differ."))
        if faults:
            return _rejected(faults)
        identifier, name = read[self.identifier.name], read.get("name") or None
        return RegisterAttempt(identifier, read["password"], name, label, received_at_s, self._extra(read))

    def _extra(self, read: dict[str, Any]) -> dict[str, str]:
        return {each.name: read[each.name] for each in self.extra if each.name in read}


def refresh_attempt(body: dict[str, Any], label: Label, received_at_s: float) -> TokenAttempt | Rejected:
    """A refresh from a JSON object, or all that is wrong with its fields."""
    read, faults = _read(REFRESH_FIELDS, body)
    return _rejected(faults) if faults else TokenAttempt(None, read["refresh_token"], label, received_at_s)


def logout_attempt(
    body: dict[str, Any], token: Secret | None, label: Label, received_at_s: float, needs: Collection[str] = ()
) -> TokenAttempt | Rejected:
    """A logout by the tokens that the auth service `needs`, else by either; or what is wrong."""
    read, faults = _read(LOGOUT_FIELDS, body)
    if faults:
        return _rejected(faults)
    refresh_token = read.get("refresh_token") or None
    if "refresh_token" in needs and refresh_token is None:
        return _rejected([FieldFault("/refresh_token", "missing", "This field is required.")])
    if token is None and ("token" in needs or refresh_token is None):
        return Rejected(TABLE["token_missing"])
    return TokenAttempt(token, refresh_token, label, received_at_s)


def not_offered() -> Rejected:
    """What somebody is told who wants what is not to be had here."""
    return Rejected(TABLE["not_found"])


def bearer(values: list[str], *, query_has_token: bool) -> Secret | Rejected:
    """The one token of the `Authorization` headers.

    No header or another scheme is a missing token; two headers, or a token in the query, a malformed one.
    Source: RFC 6750, sections 2 and 3.1; RFC 9700, section 4.3.2.
    """
    shown = shown_bearer(values[0] if values else "", is_only=not query_has_token and len(values) < 2)
    return shown if isinstance(shown, Rejected) else malformed(shown) or shown


def shown_bearer(value: str, *, is_only: bool) -> Secret | Rejected:
    """The same for the one header of a request, or its first, whatever the token is made of: see `malformed`."""
    if not is_only:
        return Rejected(TABLE["token_malformed"])
    scheme, _, rest = value.partition(" ")
    token = rest.strip(" ")
    if scheme.lower() != "bearer" or not token:
        return Rejected(TABLE["token_missing"])
    return Rejected(TABLE["token_malformed"]) if len(token) > _MAX_TOKEN_BYTES else Secret(token)


def malformed(token: Secret) -> Rejected | None:
    """The refusal of a token with characters that no token has: all that are not visible ASCII."""
    return None if visible(token.reveal()) else Rejected(TABLE["token_malformed"])


def _read(fields: tuple[Field, ...], body: dict[str, Any]) -> tuple[dict[str, Any], list[FieldFault]]:
    values: dict[str, Any] = {}
    faults: list[FieldFault] = []
    for field in fields:
        name = field.name
        value = body.get(name)
        if value is None and field.aliases:
            value = next((body[alias] for alias in field.aliases if body.get(alias) is not None), None)
        wrong = _wrong(field, value)
        if wrong is not None:
            faults.append(FieldFault(f"/{name}", *wrong))
        elif value is not None:
            values[name] = Secret(value) if field.secret else value
    return values, faults


def _wrong(field: Field, value: Any) -> tuple[str, str] | None:
    """Code and sentence of what is wrong with a member."""
    if value is None:
        return ("missing", "This field is required.") if field.required else None
    if not isinstance(value, str):
        return "wrong_type", "This field is a text."
    if not value:
        return ("too_short", "This field is empty.") if field.required else None
    if field.form is None and len(value) <= field.max_chars and value.isascii() and value.isprintable():
        return None
    return _wrong_text(field, value)


def _wrong_text(field: Field, text: str) -> tuple[str, str] | None:
    """Code and sentence of what is wrong with a text that is not plain."""
    if len(text) > field.max_chars:
        return "too_long", f"At most {field.max_chars} characters."
    if _SURROGATES.search(text):
        return "invalid_format", "Half of a surrogate pair is not allowed."
    if field.max_bytes is not None and len(text.encode()) > field.max_bytes:
        return "too_long", f"At most {field.max_bytes} bytes of UTF-8."
    if not field.controls and _CONTROLS.search(text):
        return "invalid_format", "Control characters are not allowed."
    if field.ascii_only and not text.isascii():
        return "invalid_format", "Only ASCII characters are allowed."
    if field.form is not None and not field.form.fullmatch(text):
        return "invalid_format", "This is not of the expected form."
    return None


def _rejected(faults: list[FieldFault]) -> Rejected:
    return Rejected(TABLE["invalid_fields"], errors=tuple(faults))
