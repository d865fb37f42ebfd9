"""The lines of a log that speak of one request: of many replicas, wrapped by whatever collected them, in any order.

It must never keep more than a bounded part of what it reads, nor trust any of it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Final, NamedTuple

from netra.observe.log.read_back import instant_of, story_of
from netra.observe.stories import Story, Teller, rfc3339

MOST_LINES: Final = 1_000
LONGEST_LINE_BYTES: Final = 1 << 20
_MOST_NESTED: Final = 3
_MOST_BRACES: Final = 3
_ESCAPE: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LONGEST_SOURCE_CHARS: Final = 80
_IDS: Final = ("request_id", "trace_id", "traceId", "trace.id")
"""What the members with an id are called, in our lines and in those of others."""
_SAYING: Final = ("event", "message", "msg")
_NOT_SHOWN: Final = frozenset({*_IDS, *_SAYING, "timestamp", "time", "level"})


class Other(NamedTuple):
    """A line about the request that tells no end of an attempt: of us, or of a neighbour."""

    at: str | None
    event: str
    source: str
    fields: Mapping[str, str]


class Told(NamedTuple):
    """What the lines say."""

    stories: tuple[tuple[str, Story], ...]
    """Each with what stood before its line, e.g. the name of a replica; the oldest first."""
    others: tuple[Other, ...]
    unreadable_count: int
    """Lines that name the id and are no JSON."""
    left_out_count: int
    """Lines beyond the most that are kept."""

    def as_json(self, an_id: str) -> dict[str, Any]:
        """The same as the admin listener's answer, and what only lines can tell."""
        return {
            "request_id": an_id,
            "stories": [{**story.as_json(), "source": source or None} for source, story in self.stories],
            "other_lines": [{**each._asdict(), "fields": dict(each.fields)} for each in self.others],
            "unreadable_lines": self.unreadable_count,
            "lines_left_out": self.left_out_count,
        }


def told_by(streams: Iterable[BinaryIO], an_id: str, teller: Teller) -> Told:
    """Everything that the lines of these streams say of a request id, or a trace id. Raises: OSError."""
    stories: list[tuple[str, Story]] = []
    others: list[Other] = []
    unreadable_count = left_out_count = 0
    wanted = an_id.encode("utf-8", "surrogateescape")
    for line in (line for stream in streams for line in _lines(stream) if wanted in line):
        if len(stories) + len(others) >= MOST_LINES:
            left_out_count += 1
            continue
        text = line.decode("utf-8", "replace")
        source, found = _documents(text)
        fields = next((each for each in found if _is_about(each, an_id)), None)
        story = None if fields is None else story_of(fields, teller)
        if not found:
            unreadable_count += 1
        elif story is not None:
            stories.append((source, story))
        elif fields is not None:
            others.append(_other(source, fields))
    stories.sort(key=lambda one: one[1].at)
    others.sort(key=lambda one: one.at or "")
    return Told(tuple(stories), tuple(others), unreadable_count, left_out_count)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Line by line; what is longer than any line of ours is read past."""
    whole = True
    while line := stream.readline(LONGEST_LINE_BYTES):
        if whole:
            yield line
        whole = line.endswith(b"\n")


def _documents(text: str) -> tuple[str, list[dict[str, Any]]]:
    """What stands before the JSON of a line, and its objects: the line may be a string in somebody's envelope."""
    start = -1
    for _ in range(_MOST_BRACES):
        start = text.find("{", start + 1)
        if start < 0:
            break
        parsed = _parsed(text[start:])
        if parsed is not None:
            return _source(text[:start]), list(_inside(parsed, _MOST_NESTED))
    return "", []


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        parsed, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _inside(document: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    """An object, and those in its members, also as strings."""
    yield document
    if not depth:
        return
    for value in document.values():
        inner = _parsed(value) if isinstance(value, str) and value.startswith("{") else value
        if isinstance(inner, dict):
            yield from _inside(inner, depth - 1)


def _is_about(fields: Mapping[str, Any], an_id: str) -> bool:
    return any(fields.get(name) == an_id for name in _IDS)


def _source(before: str) -> str:
    """What a collector wrote before a line, e.g. the name of a container: without its separators."""
    return _without_controls(before).strip(" |:\t[]")[:_LONGEST_SOURCE_CHARS]


def _other(source: str, fields: Mapping[str, Any]) -> Other:
    at = instant_of(fields)
    event = next((text for name in _SAYING if isinstance(text := fields.get(name), str)), "")
    shown = {name: value for name, value in fields.items() if name not in _NOT_SHOWN and value is not None}
    return Other(
        None if at is None else rfc3339(at),
        event,
        source,
        {name: value if isinstance(value, str) else json.dumps(value) for name, value in shown.items()},
    )


def _without_controls(text: str) -> str:
    """Without colours and other sequences that move a terminal's cursor."""
    return "".join(each for each in _ESCAPE.sub("", text) if each.isprintable())
