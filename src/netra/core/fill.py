"""Texts with gaps, and bodies made of them: how what a client said becomes a request.

They must never print what fills them, nor run anything: a gap is a name in braces and nothing else.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json import dumps
from json.encoder import encode_basestring
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote_plus

from netra.core.secret import Secret

Said = Mapping[str, Secret | str | None]
"""What fills the gaps, by name; None, and a name that is not there, is absent."""

NOTHING_SAID: Final[Said] = MappingProxyType({})

_GAP: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Gap:
    """A text that is one gap."""

    name: str

    def filled(self, said: Said) -> str | None:
        """What fills the gap."""
        value = said.get(self.name)
        return value.reveal() if isinstance(value, Secret) else value

    @property
    def gaps(self) -> frozenset[str]:
        """Its name."""
        return frozenset((self.name,))


@dataclass(frozen=True, slots=True)
class Words:
    """A text without gaps."""

    text: str

    def filled(self, said: Said) -> str | None:
        """The text itself."""
        return self.text

    @property
    def gaps(self) -> frozenset[str]:
        """It has none."""
        return frozenset()


@dataclass(frozen=True, slots=True)
class Mixed:
    """Words and gaps in turns; all gaps must be filled."""

    parts: tuple[Words | Gap, ...]

    def filled(self, said: Said) -> str | None:
        """The whole text, or None when one gap is absent."""
        values = [part.filled(said) for part in self.parts]
        return None if None in values else "".join(value or "" for value in values)

    @property
    def gaps(self) -> frozenset[str]:
        """The names of all its gaps."""
        return frozenset[str]().union(*(part.gaps for part in self.parts))


Text = Gap | Words | Mixed
"""A text with gaps: `filled` says the whole of it, or None when something that it needs is absent."""


def text_of(text: str) -> Text:
    """A text as it stands in a file: names in braces are gaps, other braces are braces."""
    pieces = _GAP.split(text)
    parts: list[Words | Gap] = [
        Gap(piece) if number % 2 else Words(piece) for number, piece in enumerate(pieces) if piece
    ]
    return parts[0] if len(parts) == 1 else Mixed(tuple(parts)) if parts else Words("")


def gaps_in(value: Any) -> Iterator[str]:
    """The names of all gaps in a value of a file, however deep."""
    if isinstance(value, str):
        yield from _GAP.findall(value)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from gaps_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from gaps_in(each)


class FormBody:
    """`application/x-www-form-urlencoded`. Source: WHATWG URL, section 5.2."""

    __slots__ = ("_members", "content_type")

    def __init__(self, members: Mapping[str, str]) -> None:
        self.content_type = "application/x-www-form-urlencoded"
        self._members = tuple((name, text_of(text)) for name, text in members.items())

    def filled(self, said: Said) -> str:
        """The body with its gaps filled."""
        return _form((name, value) for name, text in self._members if (value := text.filled(said)) is not None)

    def with_members(self, body: str, members: tuple[tuple[str, str], ...]) -> str:
        """A filled body with more members at its end."""
        return "&".join(filter(None, (body, _form(iter(members)))))


def _form(members: Iterator[tuple[str, str]]) -> str:
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in members)


class JsonBody:
    """`application/json`: a table of texts, tables, lists and constants."""

    __slots__ = ("_table", "content_type")

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.content_type = "application/json"
        self._table = _table(table)

    def filled(self, said: Said) -> str:
        """The body with its gaps filled."""
        return self._table.json(said)

    def with_members(self, body: str, members: tuple[tuple[str, str], ...]) -> str:
        """A filled body with more members at its end."""
        added = ",".join(f"{encode_basestring(name)}:{encode_basestring(value)}" for name, value in members)
        return f"{body[:-1]}{',' if added and body != '{}' else ''}{added}}}"


@dataclass(frozen=True, slots=True)
class _Constant:
    text: str

    def json(self, said: Said) -> str | None:
        return self.text


@dataclass(frozen=True, slots=True)
class _Filled:
    text: Text

    def json(self, said: Said) -> str | None:
        value = self.text.filled(said)
        return None if value is None else encode_basestring(value)


@dataclass(frozen=True, slots=True)
class _List:
    nodes: tuple["_Node", ...]

    def json(self, said: Said) -> str | None:
        return f"[{','.join(text for node in self.nodes if (text := node.json(said)) is not None)}]"


@dataclass(frozen=True, slots=True)
class _Table:
    members: tuple[tuple[str, "_Node"], ...]
    """Each name as JSON, with its colon."""

    def json(self, said: Said) -> str:
        texts = []
        for name, node in self.members:
            text = node.json(said)
            if text is not None:
                texts.append(name + text)
        return "{" + ",".join(texts) + "}"


_Node = _Constant | _Filled | _List | _Table
"""What `json` writes, or leaves out with None."""


def _node(value: Any) -> _Node:
    if isinstance(value, str):
        return _Filled(text_of(value)) if _GAP.search(value) else _Constant(encode_basestring(value))
    if isinstance(value, Mapping):
        return _table(value)
    if isinstance(value, list):
        return _List(tuple(_node(each) for each in value))
    return _Constant(dumps(value))


def _table(members: Mapping[str, Any]) -> _Table:
    return _Table(tuple((f"{encode_basestring(name)}:", _node(value)) for name, value in members.items()))


Body = FormBody | JsonBody
"""A body with gaps."""
