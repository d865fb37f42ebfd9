"""Rows that no reply ever gets to: all that they would take is taken by rows before them, or no reply is like that.

It must never call a row unreachable that some reply would get to.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final, NamedTuple, get_args

from netra.core.verdict.wire import BodyKind, Pointer, ReplyRow
from netra.wires.problem import Found, Path, where

Placed = tuple[Path, ReplyRow]
"""A row, and the way to it in its file."""

_BODIES: Final[tuple[BodyKind, ...]] = get_args(BodyKind)


class _Kind(NamedTuple):
    """Replies that rows cannot tell apart."""

    status: int
    body: BodyKind
    coded: bool
    pointer: Pointer | None
    """A place where something stands."""
    value: tuple[Any] | None
    """What stands there; None for anything but null."""


def unreachable(calls: Mapping[str, Sequence[Placed]]) -> Iterator[Found]:
    """The rows of these calls that never speak. A row that several calls share speaks when it does so in one."""
    spoken: set[Path] = set()
    silent: dict[Path, set[Path]] = {}
    for rows in calls.values():
        for number, (path, row) in enumerate(rows):
            takers = _takers(row, rows[:number])
            if takers is None:
                spoken.add(path)
            else:
                silent.setdefault(path, set()).update(takers)
    for path, takers in silent.items():
        if path not in spoken:
            yield Found(path, _sentence(takers))


def _sentence(takers: set[Path]) -> str:
    if not takers:
        return "is never reached: no reply is like that, e.g. nothing stands at a pointer into an empty body"
    by = " and ".join(where(path) for path in sorted(takers, key=str))
    return f"is never reached: all that it would take is taken by {by}; put it first, or narrow the other"


def _takers(row: ReplyRow, earlier: Sequence[Placed]) -> set[Path] | None:
    """The earlier rows that leave nothing for this one; None when something is left."""
    takers = set()
    for kind in _kinds(row):
        taker = next((path for path, each in earlier if _takes(each, kind)), None)
        if taker is None:
            return None
        takers.add(taker)
    return takers


def _kinds(row: ReplyRow) -> Iterator[_Kind]:
    """All kinds of replies that a row would take."""
    values = [None] if row.values is None else [(value,) for value in row.values]
    bodies = _BODIES if row.bodies is None else row.bodies
    for status, body, coded, value in product(row.statuses, bodies, (True, False), values):
        possible = body == "object" or not (coded or (row.pointer and body == "empty"))
        if possible and row.coded in {None, coded}:
            yield _Kind(status, body, coded, row.pointer, value)


def _takes(row: ReplyRow, kind: _Kind) -> bool:
    if kind.status not in row.statuses or row.coded not in {None, kind.coded}:
        return False
    if row.bodies is not None and kind.body not in row.bodies:
        return False
    if row.pointer is None:
        return True
    if kind.pointer is None:
        return False
    if row.values is None:
        return kind.pointer[: len(row.pointer)] == row.pointer
    return row.pointer == kind.pointer and kind.value is not None and _is_one_of(kind.value[0], row.values)


def _is_one_of(value: Any, values: tuple[Any, ...]) -> bool:
    return any(type(value) is type(each) and value == each for each in values)
