"""What the claims of a token with a good signature are worth: an identity, or one of the refusals of the table.

It must never be asked about a token whose signature was not checked, and never refuse for want of knowledge: what
cannot be known is not decided here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from netra.core.token.jwt import MALFORMED, Header, short_type
from netra.core.token.profiles import Profile
from netra.core.verdict.causes import PUBLIC_INVALID_TOKEN, TABLE
from netra.core.verdict.operations import MAX_EPOCH_S, MAX_TEXT_CHARS, Identity, User
from netra.core.verdict.outcomes import Rejected

LEEWAY_S: Final = 60
"""By so much may two clocks differ before a token's times are doubted."""

_EXPIRED: Final = "token_expired"
_NOT_YET_VALID: Final = "token_not_yet_valid"
_WRONG_TYPE: Final = "token_wrong_type"
_WRONG_ISSUER: Final = "token_wrong_issuer"
_WRONG_AUDIENCE: Final = "token_wrong_audience"
_ACCESS_TYPE: Final = "at+jwt"
_TRUE: Final = (1, "1", "true")
"""`True` equals the first; some issuers write truth as text."""

_REFUSALS: Final[Mapping[str, Rejected]] = MappingProxyType(
    {code: Rejected(cause) for code, cause in TABLE.items() if cause.public_code == PUBLIC_INVALID_TOKEN}
)


class Expected(NamedTuple):
    """What a token must say to be accepted here."""

    issuer: str
    audience: frozenset[str]
    """The names by which we are meant: one of them suffices."""
    types: frozenset[str]
    """The accepted values of `typ`, in any spelling; "" accepts a token without one."""
    profile: Profile
    leeway_s: int = LEEWAY_S


class _Refused(Exception):
    """A check that failed, on its way to where it becomes a value."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def check(header: Header, claims: dict[str, Any], expected: Expected, wall_s: float) -> Identity | Rejected:
    """Whom a genuine token stands for, or why it is refused: the first of the checks that fails says so.

    `wall_s`: epoch seconds. Source: RFC 7519, section 4.1; RFC 9068, section 4; RFC 8725, section 3.
    """
    try:
        _check_type(header, claims, expected)
        _check_issuer(claims, expected)
        _check_audience(claims, expected)
        expires_at_s = _check_times(claims, expected.leeway_s, wall_s)
        return _identity(claims, expected.profile, int(expires_at_s))
    except _Refused as refusal:
        return _REFUSALS[refusal.code]


def refused(code: str) -> Rejected:
    """The refusal of a token for what was found before its claims, or beside them: its form, its signature, its end.

    Raises `KeyError` for a code that is no refusal of a token.
    """
    return _REFUSALS[code]


def time_refusal(code: str) -> bool:
    """Is it a refusal that a wrong clock of ours could have caused?"""
    return code in (_EXPIRED, _NOT_YET_VALID)


def _check_type(header: Header, claims: dict[str, Any], expected: Expected) -> None:
    """Is it an access token? Source: RFC 9068, sections 2.1 and 5; RFC 8725, section 3.11."""
    profile, typ = expected.profile, short_type(header.typ)
    if not any(short_type(each) == typ for each in expected.types):
        raise _Refused(_WRONG_TYPE)
    if profile.says_access is not None:
        claim, values = profile.says_access
        said = claims.get(claim)
        if not isinstance(said, str) or said not in values:
            raise _Refused(_WRONG_TYPE)
    if profile.has_one_of and profile.has_one_of.isdisjoint(claims):
        raise _Refused(_WRONG_TYPE)
    if typ != _ACCESS_TYPE and not profile.other_purpose.isdisjoint(claims):
        raise _Refused(_WRONG_TYPE)


def _check_issuer(claims: dict[str, Any], expected: Expected) -> None:
    if not _text(claims, "iss") or claims["iss"] != expected.issuer:
        raise _Refused(_WRONG_ISSUER)


def _check_audience(claims: dict[str, Any], expected: Expected) -> None:
    for claim in expected.profile.audience_claims:
        named = _texts(claims, claim)
        if not expected.audience.isdisjoint(named):
            return
        if any(each not in expected.profile.idle_audiences for each in named):
            break
    raise _Refused(_WRONG_AUDIENCE)


def _check_times(claims: dict[str, Any], leeway_s: int, wall_s: float) -> float:
    """When it expires, if that is not yet; epoch seconds."""
    expires_at_s, not_before_s, issued_at_s = _instant(claims, "exp"), _instant(claims, "nbf"), _instant(claims, "iat")
    if expires_at_s is None:
        raise _Refused(MALFORMED)
    if expires_at_s + leeway_s <= wall_s:
        raise _Refused(_EXPIRED)
    for begins_at_s in (not_before_s, issued_at_s):
        if begins_at_s is not None and begins_at_s - leeway_s > wall_s:
            raise _Refused(_NOT_YET_VALID)
    return expires_at_s


def _identity(claims: dict[str, Any], profile: Profile, expires_at: int) -> Identity:
    user_id = _text(claims, profile.user_id)
    if not user_id:
        raise _Refused(MALFORMED)
    token_id, session_id = _text(claims, profile.token_id), _text(claims, profile.session_id)
    if token_id == "" or session_id == "":
        raise _Refused(MALFORMED)
    name = _text(claims, profile.name_of_user)
    user = User(user_id, _email(claims, profile), name or None)
    return Identity(user, expires_at, "jwt", token_id, session_id)


def _email(claims: dict[str, Any], profile: Profile) -> str | None:
    """The address, unless it may be a stranger's. Source: OpenID Connect Core 1.0, section 5.1 and 5.7."""
    email, vouched = _text(claims, profile.email), claims.get(profile.email_vouched_by)
    trusted = not profile.email_needs_vouching if vouched is None else vouched in _TRUE
    return email or None if trusted else None


def _text(claims: dict[str, Any], name: str) -> str | None:
    """A claim that has to be a text; None when it is absent or null, "" when it is blank."""
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_TEXT_CHARS:
        raise _Refused(MALFORMED)
    return value if value.strip() else ""


def _texts(claims: dict[str, Any], name: str) -> list[str]:
    """A claim that may be a text or a list of them; none when it is absent. Source: RFC 7519, section 4.1.3."""
    value = claims.get(name, [])
    if isinstance(value, str):
        return [value] if value else []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _Refused(MALFORMED)
    return [each for each in value if each]


def _instant(claims: dict[str, Any], name: str) -> float | None:
    """A claim that has to be an instant; None when it is absent. Source: RFC 7519, section 2 (NumericDate)."""
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_EPOCH_S:
        raise _Refused(MALFORMED)
    return value
