"""Saved replies, read by a wire: what it makes of answers that an auth service once gave.

It must never show the body of a reply: it may hold tokens.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from netra.core.verdict.causes import TABLE
from netra.core.verdict.classify import classify
from netra.core.verdict.operations import OPERATIONS
from netra.core.verdict.outcomes import Accepted, Outcome, Unknown
from netra.core.verdict.reply import Reply, Standing
from netra.core.verdict.wire import Label, Wire
from netra.wires.load import Source, checked
from netra.wires.problem import Found, Path, likely, listed
from netra.wires.schema import key_problems, usable

ACCEPTED: Final = "accepted"
UNKNOWN: Final = "unknown"
NOT_OFFERED: Final = "not offered"
"""What a reply is read as to a call that the wire does not have."""
GOOD: Final = Standing(handshake="accepted", credentials_configured=True)
IN_DOUBT: Final = Standing(handshake="not_yet", credentials_configured=True)
_RECEIVED_AT: Final = 1_800_000_000.0
"""A day in January 2027: what dates in `Retry-After` are measured against."""
_LABEL: Final = Label("replay", "")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FILE_KEYS: Final[Mapping[str, type]] = {"reply": list}
_KEYS: Final[Mapping[str, type]] = {
    "name": str,
    "call": str,
    "status": int,
    "headers": dict,
    "body": str,
    "expect": str,
    "source": str,
}
_REQUIRED: Final = ("name", "call", "status", "expect")


class SavedReply(NamedTuple):
    """An answer that an auth service gave, or is documented to give."""

    name: str
    """What it is an answer to, e.g. `wrong password`."""
    call: str
    reply: Reply
    expect: str
    """`accepted`, a code of the table of causes, or `unknown` for whatever is no verdict."""
    source: str | None
    """Where it comes from."""


class Replayed(NamedTuple):
    """What a wire makes of a saved reply."""

    saved: SavedReply
    outcome: Outcome[Any] | None
    """While our own credentials are known to be good; None for a call that the wire does not have."""
    in_doubt: Outcome[Any] | None
    """While nothing is known of our own credentials yet."""

    @property
    def read_as(self) -> str:
        """`accepted`, or the code; `not offered` when there is nothing to read it by."""
        if self.outcome is None:
            return NOT_OFFERED
        return ACCEPTED if isinstance(self.outcome, Accepted) else self.outcome.cause.code

    @property
    def fits(self) -> bool:
        """Is that what was expected?"""
        if self.saved.expect == UNKNOWN:
            return isinstance(self.outcome, Unknown)
        return self.read_as == self.saved.expect


def saved_replies(text: str, source: str) -> tuple[SavedReply, ...]:
    """The replies in the text of a TOML file; `source` names the file in problems.

    Raises: WireProblem, with everything that is wrong.
    """
    document = checked(Source(source, text), _problems)
    return tuple(_saved(table) for table in document["reply"])


def replay(wire: Wire, replies: Iterable[SavedReply]) -> list[Replayed]:
    """What the wire makes of each of these replies."""
    return [_replayed(wire, saved) for saved in replies]


def _replayed(wire: Wire, saved: SavedReply) -> Replayed:
    operation = OPERATIONS[saved.call]
    if not wire.offers(operation):
        return Replayed(saved, None, None)
    call = wire.call(operation, {}, _LABEL)
    return Replayed(saved, classify(call, saved.reply, GOOD), classify(call, saved.reply, IN_DOUBT))


def _saved(table: Mapping[str, Any]) -> SavedReply:
    headers = {name.lower(): value for name, value in table.get("headers", {}).items()}
    reply = Reply(table["status"], headers, table.get("body", "").encode(), _RECEIVED_AT)
    return SavedReply(table["name"], table["call"], reply, table["expect"], table.get("source"))


def _problems(document: Mapping[str, Any]) -> Iterator[Found]:
    yield from key_problems((), document, _FILE_KEYS)
    replies = document.get("reply")
    if not replies:
        yield Found((), "no [[reply]] is here; save one at least")
    names: set[str] = set()
    for at, table in enumerate(replies if isinstance(replies, list) else ()):
        if isinstance(table, dict):
            yield from _reply_problems(("reply", at), table, names)
        else:
            yield Found(("reply", at), "must be a table")


def _reply_problems(path: Path, table: Mapping[str, Any], names: set[str]) -> Iterator[Found]:
    yield from key_problems(path, table, _KEYS)
    known = usable(table, _KEYS)
    for key in _REQUIRED:
        if key not in table:
            yield Found((*path, key), "is missing")
    name, call, expect = known.get("name"), known.get("call", "login"), known.get("expect", UNKNOWN)
    if name is not None and (not name or name in names):
        yield Found((*path, "name"), "give each reply a name of its own")
    names.add(name or "")
    if call not in OPERATIONS:
        yield Found((*path, "call"), f"no such call{likely(call, OPERATIONS)}; say one of {listed(OPERATIONS)}")
    if not 100 <= known.get("status", 200) <= 999:
        yield Found((*path, "status"), "a number of three digits")
    if expect not in {ACCEPTED, UNKNOWN, *TABLE}:
        say = f"say {ACCEPTED}, {UNKNOWN}, or a code of the table of causes"
        yield Found((*path, "expect"), f"no such outcome{likely(expect, TABLE)}; {say}")
    for header, value in known.get("headers", {}).items():
        if not _HEADER.fullmatch(header) or not isinstance(value, str):
            yield Found((*path, "headers", header), "a header has a plain name, and a text in quotes")
