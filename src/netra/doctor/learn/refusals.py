"""What a refusal says that a good answer does not: rows that refuse the user, and nobody else.

It must never make a row of something that an outage, a proxy or a refusal of ourselves could say.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from netra.core.verdict.classify import at
from netra.core.verdict.reply import Reply
from netra.core.verdict.wire import Pointer
from netra.doctor.learn.places import document_of, every_leaf, text_of_pointer
from netra.doctor.learn.usual import plain, usual

MAX_VALUE_CHARS: Final = 200
_MIN_MENTION_CHARS: Final = 3
_WORD: Final = re.compile(r"[A-Za-z][\w.:/#-]{2,79}", re.ASCII)
_OF_A_CLASS: Final = re.compile(r"(?:Exception|Error)$")
_CHANGES: Final = re.compile(
    r"[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}:[0-9]{2}|[0-9a-f]{8}-[0-9a-f]{4}-|"
    r"(?=[a-f]*[0-9])[0-9a-f]{16}|(?=[A-Za-z]*[0-9])[A-Za-z0-9]{20}"
)
"""What is another one in the next reply: ids, instants, random texts."""

Row = Mapping[str, Any]
"""One row of replies, as a wire file has it."""


class Told(NamedTuple):
    """What one refusal says: a value at a place, or no more than its kind."""

    status: int
    pointer: Pointer | None
    value: str | int | None


class Refusals(NamedTuple):
    """The rows of both refusals, and what a person should know of them."""

    rows: tuple[Row, ...]
    kept: frozenset[tuple[Pointer, Any]]
    """The values that the rows look for."""
    differ: bool
    """Does the auth service tell whether there is such an account?"""


def refusals(good: Reply, wrong: Reply, nobody: Reply, sent: Collection[str]) -> Refusals | None:
    """The rows for a wrong password and for an unknown user; None when one of them says nothing of its own.

    `sent` is all that went out and may be repeated in a reply: no row ever holds it.
    """
    told = [_told(good, reply, sent) for reply in (wrong, nobody)]
    first, second = told
    if first is None or second is None:
        return None
    kept = frozenset((each.pointer, each.value) for each in (first, second) if each.pointer is not None)
    return Refusals(tuple(_rows(first, second)), kept, _differ(wrong, nobody, sent))


def steady(value: Any, sent: Collection[str]) -> bool:
    """Is it a text that the next reply will hold, too, and that repeats nothing that was sent?"""
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_VALUE_CHARS or not value.isprintable():
        return False
    return not _CHANGES.search(value) and not mentions(value, sent)


def mentions(text: str, sent: Collection[str]) -> bool:
    """Does a text hold something that was sent?"""
    folded = text.casefold()
    return any(len(each) >= _MIN_MENTION_CHARS and each.casefold() in folded for each in sent)


def _told(good: Reply, refused: Reply, sent: Collection[str]) -> Told | None:
    document = document_of(refused)
    if document is None:
        return None
    expected = document_of(good)
    found = [
        (rank, len(pointer), pointer, value)
        for pointer, value in every_leaf(document)
        if at(expected, pointer) != value and (rank := _rank(pointer, value, refused.status, sent)) is not None
    ]
    if found:
        _, _, pointer, value = min(found)
        return Told(refused.status, pointer, value)
    return Told(refused.status, None, None) if refused.status == 401 else None


def _rank(pointer: Pointer, value: Any, status: int, sent: Collection[str]) -> tuple[int, int] | None:
    """How well a value says why, the least best: codes, then sentences, then names of classes, then other sentences."""
    names, name = usual(), _name(pointer)
    if isinstance(value, int) and not isinstance(value, bool):
        own = name in names.codes and value > 0 and value != status and not 100 <= value <= 599
        return (0, names.codes.index(name)) if own else None
    if not steady(value, sent) or plain(value) in names.of_anything:
        return None
    if name in names.codes and _WORD.fullmatch(value):
        return (2 if _OF_A_CLASS.search(value) else 0, names.codes.index(name))
    if re.search(r"[0-9]", value):
        return None
    if name in names.sentences:
        return (1, names.sentences.index(name))
    return (3, 0) if " " in value.strip() else None


def _name(pointer: Pointer) -> str:
    """The member at whose value a pointer ends; in a list, that of the list."""
    return next((plain(each) for each in reversed(pointer) if not each.isdigit()), "")


def _rows(first: Told, second: Told) -> Iterator[Row]:
    if (first.pointer, first.value) == (second.pointer, second.value):
        yield _row(first, sorted({first.status, second.status}))
        return
    # What is no more than a kind would take all that has a value, too.
    for each in sorted((first, second), key=lambda told: told.pointer is None):
        yield _row(each, [each.status])


def _row(told: Told, statuses: list[int]) -> Row:
    if told.pointer is None:
        said: dict[str, Any] = {"body": ["object"], "coded": False, "needs_standing": True}
    else:
        said = {"pointer": text_of_pointer(told.pointer), "value": told.value}
    return {"status": statuses, **said, "code": "invalid_credentials"}


def _differ(wrong: Reply, nobody: Reply, sent: Collection[str]) -> bool:
    """Can the two be told apart by anything that does not change from reply to reply?"""
    return (wrong.status, _steady(wrong, sent)) != (nobody.status, _steady(nobody, sent))


def _steady(reply: Reply, sent: Collection[str]) -> set[tuple[Pointer, Any]]:
    told = {*usual().codes, *usual().sentences}
    return {
        (pointer, value if _name(pointer) in told and steady(value, sent) else "")
        for pointer, value in every_leaf(document_of(reply))
    }
