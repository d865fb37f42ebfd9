"""Our own log lines read back: the story of an attempt, from the line that told its end.

It must never believe a line: whoever can write to a log can write anything, so that all of it is checked and bounded.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

from netra.core.events import Crashed
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.outcomes import Spent, Tried
from netra.observe.log.lines import JOURNEYS, SPENT_WORDS
from netra.observe.stories import Ended, Story, Teller

_ENDED: Final = re.compile(
    rf"(?P<journey>{'|'.join(dict.fromkeys(JOURNEYS.values()))}) (?:succeeded|rejected|failed(?:: Access forbidden)?)"
    r"|All [0-9]+ login attempts failed"
)
_JOURNEY_OF: Final = {words: journey for journey, words in JOURNEYS.items()}
_TRY: Final = re.compile(r"([a-z_]+) ([0-9.]+) ms(?: \(([^)]*)\))?")
_PART: Final = re.compile(r"([a-z]+) ([0-9.]+)")
_MOST_TRIES: Final = 100
_MOST_PLACES: Final = 50
_LIMITING: Final = frozenset({"gateway", "auth_service"})


def instant_of(fields: Mapping[str, Any]) -> datetime | None:
    """When a line was written, in UTC; None when it does not say so in RFC 3339."""
    try:
        at = datetime.fromisoformat(str(fields.get("timestamp") or fields.get("time") or ""))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def story_of(fields: Mapping[str, Any], teller: Teller) -> Story | None:
    """The story of a line that tells how an attempt ended; None for any other line."""
    at, event = instant_of(fields), _event(fields)
    if at is None or event is None:
        return None
    story = teller.crash(event, at) if isinstance(event, Crashed) else teller.attempt(event, at)
    why, first, limited_by = fields.get("why"), fields.get("check_first"), _text(fields.get("limited_by"))
    if limited_by in _LIMITING:
        story = story._replace(limited_by=limited_by)
    if isinstance(first, str):
        # The line was told with facts of its installation, of which the page here knows nothing.
        story = story._replace(check_first=(first, *(each for each in story.check_first if each != first)))
    return story._replace(why=why) if isinstance(why, str) else story


def _event(fields: Mapping[str, Any]) -> Ended | Crashed | None:
    named, request_id = fields.get("event"), fields.get("request_id")
    if not isinstance(named, str) or not isinstance(request_id, str):
        return None
    code, elapsed_s = fields.get("code"), _seconds(fields.get("elapsed_ms"))
    if named == "Internal error" and code == "internal_error":
        return Crashed(request_id, _text(fields.get("error_type")) or "unknown", _places(fields), elapsed_s)
    found = _ENDED.fullmatch(named)
    cause = TABLE.get(code) if isinstance(code, str) else None
    if found is None or (code is not None and cause is None):  # the code may be of a later release
        return None
    said = _text(fields.get("journey"))
    journey = said if said and said in JOURNEYS else _JOURNEY_OF[found["journey"] or JOURNEYS["login"]]
    account, trace_id = _text(fields.get("account")), _text(fields.get("trace_id"))
    facts = {name: text for name in ("os_error", "answered_by") if (text := _text(fields.get(name)))}
    tried = tuple(_tried(fields.get("tries")))
    return Ended(journey, request_id, cause, tried, elapsed_s, account, trace_id, facts)


def _tried(tries: object) -> Iterator[Tried]:
    """The tries of a line, as `observe.log.lines` words them."""
    for number, each in enumerate(tries[:_MOST_TRIES] if isinstance(tries, list) else (), 1):
        found = _TRY.fullmatch(each) if isinstance(each, str) else None
        if found is not None:
            cause = TABLE.get(found[1])
            parts = {name: _seconds(ms) for name, ms in _PART.findall(found[3] or "")}
            spent = Spent(*(parts.get(word) for word in SPENT_WORDS))
            yield Tried(number, cause.phase if cause else Phase.ANSWERED, found[1], _seconds(found[2]), spent)


def _seconds(milliseconds: object) -> float:
    try:
        elapsed_s = float(milliseconds) / 1e3 if isinstance(milliseconds, int | float | str) else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return elapsed_s if isfinite(elapsed_s) else 0.0


def _places(fields: Mapping[str, Any]) -> tuple[str, ...]:
    places = fields.get("places")
    return tuple(map(str, places[:_MOST_PLACES])) if isinstance(places, list) else ()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
