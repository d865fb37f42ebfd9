"""In which line of a TOML text each table, key and list item stands: `tomllib` tells values and no places.

It must never judge a text: it reads only what `tomllib` has already understood.
"""

import re
import tomllib
from bisect import bisect_left
from typing import Any, Final

from netra.wires.problem import Path

_BLANK: Final = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_PART: Final = r"""(?:"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
_KEY: Final = re.compile(rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*")
_HEADER: Final = re.compile(rf"(\[\[?)[ \t]*({_KEY.pattern})[ \t]*\]\]?")
_EQUALS: Final = re.compile(r"[ \t]*=[ \t]*")
_STRING: Final = re.compile(
    r"""
    "{3} (?:\\.|[^\\])*? "{3,5}     | '{3} .*? '{3,5}
    | " (?:\\.|[^"\\\n])* "        | ' [^'\n]* '
    """,
    re.DOTALL | re.VERBOSE,
)
_WORD: Final = re.compile(r"[^,\]}#\n]*")


class Lines:
    """The lines of one text. Raises: ValueError for a text that is not TOML."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._ends = [at for at, char in enumerate(self._text) if char == "\n"]
        self._at = 0
        self._found: dict[Path, int] = {}
        self._tables_count: dict[Path, int] = {}
        """How many tables each list of tables has had so far."""
        self._read()

    def of(self, path: Path) -> int:
        """The line of a place, or of whatever is nearest around it; 1 for the whole file."""
        while path and path not in self._found:
            path = path[:-1]
        return self._found.get(path, 1)

    def _read(self) -> None:
        table: Path = ()
        while self._blank() < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._member(table)

    def _blank(self) -> int:
        self._at = self._past(_BLANK)
        return self._at

    def _past(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError("not TOML")
        return found.end()

    def _line(self) -> int:
        return bisect_left(self._ends, self._at) + 1

    def _header(self) -> Path:
        found = _HEADER.match(self._text, self._at)
        if found is None:
            raise ValueError("not TOML")
        keys, path = _keys(found[2]), Path()
        for key in keys[:-1]:
            self._found.setdefault((*path, key), self._line())
            path = self._newest((*path, key))
        path = (*path, keys[-1])
        if found[1] == "[[":
            self._found.setdefault(path, self._line())
            self._tables_count[path] = self._tables_count.get(path, 0) + 1
            path = self._newest(path)
        self._found[path] = self._line()
        self._at = found.end()
        return path

    def _newest(self, path: Path) -> Path:
        """In a list of tables, its last one."""
        count = self._tables_count.get(path)
        return (*path, count - 1) if count else path

    def _member(self, table: Path) -> None:
        start, line = self._at, self._line()
        self._at = self._past(_KEY)
        path = table
        for key in _keys(self._text[start : self._at]):
            path = (*path, key)
            self._found.setdefault(path, line)
        self._at = self._past(_EQUALS)
        self._value(path)

    def _value(self, path: Path) -> None:
        opening = self._text[self._at]
        if opening in "[{":
            self._items(path, opening)
        else:
            self._at = self._past(_STRING if opening in "\"'" else _WORD)

    def _items(self, path: Path, opening: str) -> None:
        self._at += 1
        count = 0
        while self._text[self._blank()] not in "]}":
            if opening == "{":
                self._member(path)
            else:
                self._found[*path, count] = self._line()
                self._value((*path, count))
            count += 1
            if self._text[self._blank()] == ",":
                self._at += 1
        self._at += 1


def _keys(dotted: str) -> list[str]:
    """The parts of a dotted key, without quotes."""
    keys = []
    value: Any = tomllib.loads(f"{dotted} = 0")
    while isinstance(value, dict):
        [(key, value)] = value.items()
        keys.append(key)
    return keys
