"""Problem details (RFC 9457) as bytes, with the members in the order in which people read them.

It must never be given anything but words of ours: no exception text, no bytes of a peer.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from netra.asgi.words import PROBLEM_TYPE, Answer, FieldError

_ENCODER = msgspec.json.Encoder()


def problem(status: int, members: Mapping[str, Any], headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    """An `application/problem+json` answer. `members` is written as it stands, absent (None) members left out.

    Source: RFC 9457, section 3.1.
    """
    shown = {name: value for name, value in members.items() if value is not None}
    return Answer(status, _ENCODER.encode(shown), PROBLEM_TYPE, headers)


def error_list(errors: Iterable[FieldError]) -> list[dict[str, str]] | None:
    """The `errors` member, or None when there is nothing to list."""
    return [error._asdict() for error in errors] or None
