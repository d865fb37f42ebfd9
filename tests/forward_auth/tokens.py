"""Tokens of the lab, a new one for each name, and what a healthy auth service says of them.

They must never be the same in two tests: a gateway remembers what it was told of a token.
"""

from collections.abc import Mapping
from itertools import count
from typing import Any, Final

from tests.support.wire import Headers

VALIDATE: Final = "/auth/validate"
_NUMBERS: Final = count()


def new_token() -> tuple[str, str]:
    """A token that a healthy lab vouches for, and the e-mail address that it names."""
    email = f"ada+{next(_NUMBERS)}%@example.com"
    return f"access-{email.encode().hex()}", email


def bearing(token: str) -> Headers:
    """The header that carries a token."""
    return [("Authorization", f"Bearer {token}")]


def vouched(**members: Any) -> Mapping[str, Any]:
    """A reply that vouches for a token."""
    return {"valid": True, "user_id": "u-1", "expires_at": "2099-01-01T00:00:00Z", **members}
