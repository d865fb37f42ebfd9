"""The claims of a JWT, read without any check: for what may be shown, never for what may be believed.

They must never decide who somebody is: whoever calls this has the token from the auth service itself.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from netra.core.verdict import strict_json

_NONE: Final[Mapping[str, Any]] = {}


def unchecked_claims(token: str) -> Mapping[str, Any]:
    """The claims that a JWT carries; none for a token of any other form. Source: RFC 7519, section 3."""
    segments = token.split(".")
    if len(segments) != 3:
        return _NONE
    try:
        claims = strict_json.parse(base64.urlsafe_b64decode(segments[1] + "=" * (-len(segments[1]) % 4)))
    except (binascii.Error, ValueError):
        return _NONE
    return claims if isinstance(claims, dict) else _NONE
