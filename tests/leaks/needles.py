"""Every form in which something secret may lie in what is told, and where it was found.

It must never print what it looks for: a hit names the secret, its form and the place.
"""

import html
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus, unquote_to_bytes

_SHORTEST_BYTES: Final = 9
"""Anything shorter is met by chance."""
NOTHING: Final[frozenset[str]] = frozenset()


class Hit(NamedTuple):
    """One find."""

    place: str
    secret: str
    """Its name, never its value."""
    form: str


class Piece(NamedTuple):
    """Something that was told, and where."""

    place: str
    content: bytes
    allowed: frozenset[str] = NOTHING
    """What may stand there: the answer to a login holds its tokens."""


class Needles:
    """Secrets by name, in every form. Everything is compared in lower case."""

    def __init__(self, secrets: Mapping[str, Iterable[str]]) -> None:
        """Each secret with its texts: the whole, and parts by which it would be known if it were cut."""
        self._forms: dict[str, dict[bytes, str]] = {}
        for name, texts in secrets.items():
            for text in texts:
                self.add(name, text)

    def __len__(self) -> int:
        return sum(map(len, self._forms.values()))

    def add(self, name: str, text: str) -> None:
        """One more text of a secret. Of forms that hold another one of the same secret, that one is enough."""
        known = dict(self._forms.get(name, {}))
        for form, needle in forms(text):
            if len(needle) >= _SHORTEST_BYTES:
                known.setdefault(needle.lower(), form)
        shorter = sorted(known, key=len)
        self._forms[name] = {
            needle: known[needle]
            for at, needle in enumerate(shorter)
            if not any(each in needle for each in shorter[:at])
        }

    def hits(self, piece: Piece) -> Iterator[Hit]:
        """Everything secret that a piece holds and may not hold."""
        lowered = piece.content.lower()
        for name, known in self._forms.items():
            if name not in piece.allowed:
                yield from (Hit(piece.place, name, form) for needle, form in known.items() if needle in lowered)

    def hits_among(self, words: Mapping[bytes, str], allowed: frozenset[str]) -> Iterator[Hit]:
        """The same for words in lower case, each with the place where it stood: nothing is looked for across two."""
        everything = b"\n".join(words)
        for name, known in self._forms.items():
            for needle, form in known.items() if name not in allowed else ():
                if needle in everything:
                    yield from (Hit(place, name, form) for word, place in words.items() if needle in word)

    def across(self, between: re.Pattern[bytes]) -> list[Hit]:
        """What would not be found in words that are parted there."""
        return [
            Hit("", name, form)
            for name, known in self._forms.items()
            for needle, form in known.items()
            if between.search(needle)
        ]


def forms(text: str) -> Iterator[tuple[str, bytes]]:
    """A text in every form that programs write texts in."""
    raw = text.encode()
    yield "raw", raw
    yield "latin-1", text.encode("latin-1", "replace")
    yield "utf-16", text.encode("utf-16-le")
    yield "reversed", text[::-1].encode()
    yield "hex", raw.hex().encode()
    yield "hex with colons", raw.hex(":").encode()
    yield from (("base64", each) for each in base64_of(raw))
    yield "percent-encoded", quote(text, safe="").encode()
    yield "percent-encoded, slashes kept", quote(text).encode()
    yield "percent-encoded, all of it", "".join(f"%{byte:02x}" for byte in raw).encode()
    yield "form-encoded", quote_plus(text).encode()
    yield "percent-decoded", unquote_to_bytes(text)
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield "json", once.encode()
        yield "json in json", json.dumps(once, ensure_ascii=ascii_only)[1:-1].encode()
    yield "json, all of it escaped", "".join(f"\\u{ord(each):04x}" for each in text).encode()
    yield "html", html.escape(text).encode()
    yield "html, all of it escaped", "".join(f"&#{ord(each)};" for each in text).encode()
    yield "repr", repr(text)[1:-1].encode()
    yield "repr of bytes", repr(raw)[2:-1].encode()


def base64_of(raw: bytes) -> Iterator[bytes]:
    """What every Base64 text that holds these bytes must contain, wherever in it they begin."""
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        standard = b64encode(bytes(before) + raw)[first:last]
        yield standard
        yield standard.replace(b"+", b"-").replace(b"/", b"_")
