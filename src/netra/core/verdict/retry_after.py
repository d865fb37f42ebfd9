"""How long an auth service asks us to wait, made sane.

It must never return less than one second or more than an hour, whatever was sent.
"""

from datetime import UTC
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Final

MIN_S: Final = 1
MAX_S: Final = 3600
_MAX_CHARS: Final = 64


def seconds(value: str | None, received_at: float) -> int | None:
    """Whole seconds from 1 to 3600; None when the header is absent or unreadable.

    `received_at` is the wall clock in epoch seconds; zero or a date in the past means "now", hence 1. The oldest of
    the date forms names no zone: it is UTC, wherever this runs.
    Source: RFC 9110, section 10.2.3 (delay-seconds or HTTP-date, all three date forms).
    """
    if value is None or len(value) > _MAX_CHARS:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return clamp(int(text))
    try:
        date = parsedate_to_datetime(text)
        return clamp((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - received_at)
    except (ValueError, TypeError, OverflowError):
        return None


def clamp(wait_s: float) -> int:
    """Any wait as whole seconds from 1 to 3600."""
    return max(MIN_S, min(MAX_S, ceil(wait_s)))
