"""How long an auth service asks us to wait, made sane.

It must never return less than one second or more than an hour, whatever was sent.
"""

from email.utils import parsedate_to_datetime
from math import ceil
from typing import Final

MIN_S: Final = 1
MAX_S: Final = 3600
_MAX_CHARS: Final = 64


def seconds(value: str | None, received_at: float) -> int | None:
    """Whole seconds from 1 to 3600; None when the header is absent or unreadable.

    `received_at` is the wall clock in epoch seconds; a date or a number in the past means "now", hence 1.
    Source: RFC 9110, section 10.2.3 (delay-seconds or HTTP-date, all three date forms).
    """
    if value is None or len(value) > _MAX_CHARS:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return clamp(int(text))
    try:
        return clamp(ceil(parsedate_to_datetime(text).timestamp() - received_at))
    except (ValueError, TypeError, OverflowError):
        return None


def clamp(wait_s: float) -> int:
    """Any wait as whole seconds from 1 to 3600."""
    return max(MIN_S, min(MAX_S, ceil(wait_s)))
