"""Do the auth service's clock and ours agree?

It must never set a clock, nor doubt one for less than people could notice.
"""

from collections.abc import AsyncIterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from netra.core.findings import Severity
from netra.core.verdict.reply import Reply
from netra.doctor.diagnosis import Check, Hop, State
from netra.doctor.visit import Visit
from netra.upkeep.agreement import LEEWAY_S, clock_difference

_HOP: Final = Hop.CLOCK
_NAME: Final = "clock"
_LITTLE_S: Final = 2.0
"""Both clocks are told in whole seconds."""
_LONGEST_AGE_CHARS: Final = 9


async def checks(visit: Visit) -> AsyncIterator[Check]:
    """One check: by the auth service's own word, else by the date of an answer."""
    said = _by_handshake(visit)
    ahead_s = _by_date(visit) if said is None else said
    if ahead_s is None:
        yield Check(_HOP, _NAME, State.SKIP, "no answer says what time it is there")
        return
    source = "an answer's date" if said is None else "the handshake"
    yield _check(ahead_s, source)


def _by_handshake(visit: Visit) -> float | None:
    standing = visit.standing
    if standing.their_clock_s is None:
        return None
    return standing.skew_s(visit.clock.now_s(), visit.clock.wall_s())


def _by_date(visit: Visit) -> float | None:
    """By the newest answer with a date; None where there is none."""
    replies = [each.got for each in visit.heard.values() if isinstance(each.got, Reply)]
    for reply in sorted(replies, key=lambda each: each.received_at, reverse=True):
        sent_at = _sent_at(reply.headers)
        if sent_at is not None:
            return sent_at - reply.received_at
    return None


def _sent_at(headers: Mapping[str, str]) -> float | None:
    """When an answer was sent, epoch seconds, by the clock over there. Source: RFC 9110, section 6.6.1; RFC 9111, 5.1.

    What was kept on the way is so much older.
    """
    try:
        date = parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    age = headers.get("age", "0")
    if date.tzinfo is None or not (age.isascii() and age.isdigit() and len(age) <= _LONGEST_AGE_CHARS):
        return None
    return date.timestamp() + int(age)


def _check(ahead_s: float, source: str) -> Check:
    side = "ahead of" if ahead_s > 0 else "behind"
    apart = f"{abs(ahead_s):.0f} s {side} ours" if abs(ahead_s) >= _LITTLE_S else "as ours, within two seconds"
    what = f"the auth service's clock is {apart}, by {source}"
    finding = clock_difference(ahead_s)
    if finding is None:
        return Check(_HOP, _NAME, State.PASS, what)
    beyond = abs(ahead_s) > LEEWAY_S
    told = f"the clock of the auth service is {abs(ahead_s):.0f} s {side} that of this machine"
    finding = finding._replace(severity=Severity.ERROR if beyond else Severity.WARNING, what=told)
    return Check(_HOP, _NAME, State.FAIL if beyond else State.WARN, what, None, (finding,))
