"""What is wrong with a file, said so that whoever wrote it can mend it: the line, the place, the cure.

It must never show a value that may be a secret: keys, codes and pointers are shown, what is sent is not.
"""

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Final, NamedTuple

Path = tuple[str | int, ...]
"""The way to a value of a document: keys of tables, and places in lists from 0 on."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ROWS: Final = frozenset({"replies", "reply"})
_MAX_SHOWN_CHARS: Final = 80


class Found(NamedTuple):
    """One thing that is wrong, and the way to it."""

    path: Path
    what: str


class Problem(NamedTuple):
    """One thing that is wrong, and where it stands."""

    line: int
    """In the file, from 1 on; 0 where there is no file."""
    where: str
    """The table or row and the key, e.g. `[calls.login] path`."""
    what: str
    """What is wrong and what to write instead."""


class WireProblem(Exception):
    """A file cannot be used; `problems` holds all that is wrong with it, in the order of its lines."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = tuple(sorted(problems, key=lambda each: each.line))
        super().__init__("\n".join(self.lines()))

    def lines(self) -> tuple[str, ...]:
        """One line for each problem, e.g. `my.toml:14: [calls.login] path: must begin with /`."""
        return tuple(
            ": ".join(filter(None, (f"{self.source}:{each.line}" if each.line else self.source, each.where, each.what)))
            for each in self.problems
        )


def where(path: Path) -> str:
    """How people call a place in a wire file, e.g. `[[calls.login.replies]] row 2 status`."""
    for at, each in enumerate(path):
        if isinstance(each, int) and path[at - 1] in _ROWS:
            return f"[[{_dotted(path[:at])}]] row {each + 1} {_dotted(path[at + 1 :])}".rstrip()
    head = {"calls": 2, "seal": 1, "seal_fields": 1, "extra": 1}.get(str(path[0]), 0) if path else 0
    table = f"[{_dotted(path[:head])}]" if head else ""
    return f"{table} {_dotted(path[head:])}".strip()


def _dotted(path: Path) -> str:
    text = "".join(f"[{each}]" if isinstance(each, int) else f".{shown_key(each)}" for each in path)
    return text.removeprefix(".")


def shown_key(key: str) -> str:
    """A key as it may stand in a problem: on one line, and not for ever."""
    return key if _BARE.fullmatch(key) else ascii(key[:_MAX_SHOWN_CHARS])


def shown(value: object) -> str:
    """A word of a file that is no secret, e.g. a code or a pointer, on one line."""
    text = ascii(value)
    return text if len(text) <= _MAX_SHOWN_CHARS else f"{text[:_MAX_SHOWN_CHARS]}…"


def listed(words: Iterable[str]) -> str:
    """Words in the order of the alphabet."""
    return ", ".join(sorted(words))


def gaps(names: Iterable[str]) -> str:
    """Names as they stand in a text, in braces."""
    return ", ".join(f"{{{name}}}" for name in sorted(names)) or "no gap at all"


def likely(word: str, words: Collection[str]) -> str:
    """The word that was probably meant, in parentheses; nothing when no word is like it."""
    close = get_close_matches(word, words, n=1, cutoff=0.7)
    return f" (did you mean {close[0]}?)" if close else ""
