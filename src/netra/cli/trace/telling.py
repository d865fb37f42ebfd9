"""The stories of a request as text, the way one would tell them: what happened, why, who can mend it, what to check.

It must never print a character that moves a terminal's cursor: some words come from logs that others can write to.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from netra.pages.explained import MENDERS
from netra.pages.page import plain

_GOT_TO: Final = {
    "never_sent": "never sent",
    "maybe_sent": "sent, no whole answer",
    "answered": "answered",
}
_PARTS: Final = ("dns", "connect", "tls", "wait", "read")
_WORST: Final = {"accepted": "good", "rejected": "warning", "unknown": "error"}
_LABEL_WIDTH: Final = 13
_MOST_FIELDS: Final = 6


class Line(NamedTuple):
    """One line, with the meaning by which a terminal may colour it."""

    text: str
    style: str = ""
    hanging: int = 0
    """The column at which it goes on where it is wrapped."""


def lines_of(document: Mapping[str, Any]) -> Iterator[Line]:
    """What is known of a request: its stories, the oldest first, then other lines that name it."""
    for number, story in enumerate(_objects(document.get("stories"))):
        if number:
            yield Line("")
        yield from _story(story)
    others = _objects(document.get("other_lines"))
    if others:
        yield Line("")
        yield Line("Other lines about it", "heading")
        yield from map(_other, others)
    for count, what in (
        (document.get("unreadable_lines"), "more line(s) name it and are no JSON: NETRA_LOG_FORMAT=json writes JSON"),
        (document.get("lines_left_out"), "more line(s) about it were left out"),
        (document.get("stories_left_out"), "earlier one(s) under the same id were left out"),
    ):
        if count:
            yield Line(f"{count} {what}.", "dim")


def _story(story: Mapping[str, Any]) -> Iterator[Line]:
    verdict, code = _word(story.get("verdict")), _word(story.get("code"))
    journey = _word(story.get("journey")) or "a bug"
    yield Line(f"{journey}: {_word(story.get('status'))} {code} ({verdict})", _WORST.get(verdict, "heading"))
    facts = (("at", story.get("at")), ("request", story.get("request_id")), ("trace", story.get("trace_id")))
    told = (*facts, ("account", story.get("account")), ("replica", story.get("source")))
    yield Line("  ".join(f"{name} {_word(value)}" for name, value in told if value), "dim")
    yield Line("")
    yield from _tries(story)
    if story.get("why"):
        yield Line("")
        yield from _why(story)


def _tries(story: Mapping[str, Any]) -> Iterator[Line]:
    """The timeline: each try, and the time that none of them took."""
    tries = _objects(story.get("tries"))
    rows = [
        (_word(each.get("code")), _GOT_TO.get(_word(each.get("phase")), ""), _ms(each), _spent(each)) for each in tries
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for number, (code, got_to, took, spent) in enumerate(rows, 1):
        columns = f"{code:{widths[0]}}  {got_to:{widths[1]}}  {took:>{widths[2]}}"
        yield Line(f"  try {number}  {columns}  {spent}".rstrip())
    elapsed_ms = _number(story.get("elapsed_ms"))
    rest_ms = elapsed_ms - sum(_number(each.get("elapsed_ms")) for each in tries)
    place = "between tries" if len(tries) > 1 else "outside of the try"
    where = f", {rest_ms:.1f} ms of it {place}" if tries and rest_ms >= 1 else ""
    # A log line tells the tries of failures alone.
    known = story.get("verdict") == "unknown" or "source" not in story
    never = "; the auth service was not asked" if known and not tries else ""
    yield Line(f"  answered after {elapsed_ms:.1f} ms{where}{never}")


def _why(story: Mapping[str, Any]) -> Iterator[Line]:
    yield _labelled("cause", story.get("why"))
    if story.get("public_code") != story.get("code"):
        yield _labelled("public reads", story.get("public_code"))
    if _word(story.get("owner")) in MENDERS:
        yield _labelled("can mend it", MENDERS[_word(story["owner"])])
    if story.get("limited_by"):
        yield _labelled("limited by", story["limited_by"])
    for error in _objects(story.get("errors")):
        yield _labelled("field", f"{_word(error.get('pointer'))}: {_word(error.get('code'))}")
    if story.get("error_type"):
        yield _labelled("raised", story["error_type"])
    for place in _texts(story.get("places")):
        yield _labelled("", place)
    for title, lines in (("check first", story.get("check_first")), ("still works", story.get("still_works"))):
        for number, line in enumerate(_texts(lines)):
            yield _labelled("" if number else title, f"{number + 1}. {line}" if title == "check first" else f"- {line}")


def _labelled(label: str, text: object) -> Line:
    return Line(f"{label:{_LABEL_WIDTH}}{_word(text)}", "", _LABEL_WIDTH)


def _spent(each: Mapping[str, Any]) -> str:
    """Where the time of a try went, as far as is known."""
    known = [(part, each.get(f"{part}_ms")) for part in _PARTS]
    return ", ".join(f"{part} {_number(spent_ms):.1f}" for part, spent_ms in known if spent_ms is not None)


def _other(line: Mapping[str, Any]) -> Line:
    fields = line.get("fields")
    listed = [f"{_word(name)}={_word(value)}" for name, value in fields.items()] if isinstance(fields, dict) else []
    told = (_word(line.get("at")), _word(line.get("source")), _word(line.get("event")), *listed[:_MOST_FIELDS])
    return Line("  " + "  ".join(each for each in told if each))


def _ms(each: Mapping[str, Any]) -> str:
    return f"{_number(each.get('elapsed_ms')):.1f} ms"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _word(value: object) -> str:
    """A value of a document as harmless text of bounded length."""
    return "" if value is None else plain(str(value))


def _objects(value: object) -> Sequence[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list | tuple) else []


def _texts(value: object) -> Sequence[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list | tuple) else []
