"""What to tell whoever describes an auth service of a reply that nothing in the description matches.

It must never show what a client said, nor any value that does not look like a code or a plain sentence.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from json import dumps
from typing import Any, Final, NamedTuple

from netra.core.fill import Said
from netra.core.secret import Secret

_NUMBER: Final = "[0-9]{1,4}"
_WORD: Final = f"[A-Za-z]+(?:{_NUMBER})?"
_PLAIN_WORD: Final = f"(?:[A-Z]?[a-z]{{2,}}(?:[A-Z][a-z]{{2,}})*|[A-Z]+|[a-z]+)(?:{_NUMBER})?"
_KEY: Final = re.compile(rf"(?=.{{1,40}}\Z)_{{0,2}}{_WORD}(?:[_.-](?:{_WORD}|{_NUMBER}))*")
_CODE: Final = re.compile(rf"(?=.{{2,64}}\Z){_PLAIN_WORD}(?:[_.:-](?:{_PLAIN_WORD}|{_NUMBER}))*")
"""Words as people write them, not letters and digits as tokens have them."""
_SENTENCE: Final = re.compile(r"(?=.{2,120}\Z)[A-Z][A-Za-z'-]*(?:,? [A-Za-z'-]+){1,15}[.!]?")
_WORDS_IN: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LONG_CHARS: Final = 4
"""From this length on a word of an identifier is looked for inside of others."""
_MAX_KEYS: Final = 8
_MEANING: Final[Mapping[str, str]] = {
    "login": "invalid_credentials",
    "refresh": "refresh_rejected",
    "register": "email_taken",
    "validate": "token_rejected",
    "logout": "token_rejected",
}
"""What a refusal of each call most often means."""


class Unread(NamedTuple):
    """A reply that nothing matches: the call that it answers, its status and its JSON."""

    operation: str
    status: int
    document: Mapping[str, Any]


def facts_of_unread(reply: Unread, said: Said, speaking: Iterable[str], ours: Collection[str]) -> dict[str, str]:
    """The names of a reply's members, and the row that would read it as a refusal, where one can be written.

    `speaking` are the members that may say why, the most telling first. `ours` are the codes that refuse us: a reply
    that says one of them refuses nobody else.
    """
    plain = (key for key in reply.document if _KEY.fullmatch(key) and not _echoes(key, said))
    keys = ", ".join(islice(plain, _MAX_KEYS))
    spoken = [(key, value) for key in speaking if isinstance(value := reply.document.get(key), str)]
    row = None if any(value in ours for _, value in spoken) else _row(reply, said, spoken)
    return {name: text for name, text in (("json_keys", keys), ("wire_row", row)) if text}


def _row(reply: Unread, said: Said, spoken: list[tuple[str, str]]) -> str | None:
    meaning = _MEANING.get(reply.operation)
    if meaning is None or reply.status // 100 not in (2, 4):
        return None
    if reply.status < 300 and any("token" in key.casefold() for key in reply.document):
        return None  # whoever hands out a token has refused nobody
    head = f"[[calls.{reply.operation}.replies]]\nstatus = [{reply.status}]"
    for key, value in spoken:
        if (_CODE.fullmatch(value) or _SENTENCE.fullmatch(value)) and not _echoes(value, said):
            about_us = "needs_standing = true\n" if reply.status in (401, 403) else ""
            return f'{head}\npointer = "/{key}"\nvalue = {dumps(value)}\n{about_us}code = "{meaning}"'
    if reply.status != 401:
        return None
    return f'{head}\nbody = ["object"]\ncoded = false\nneeds_standing = true\ncode = "{meaning}"'


def _echoes(text: str, said: Said) -> bool:
    """Does a text hold something that the client said, or a word of it?"""
    folded = text.casefold()
    words = {word.casefold() for word in _WORDS_IN.findall(text)}
    return any(part in (folded if whole or len(part) >= _LONG_CHARS else words) for part, whole in _parts(said))


def _parts(said: Said) -> Iterator[tuple[str, bool]]:
    """What the client said, each as a whole; and what is no secret in words of three letters and more."""
    for value in said.values():
        spoken = (value.reveal() if isinstance(value, Secret) else value or "").casefold()
        yield from ((part, True) for part in (spoken, *spoken.split("@")) if part)
        if not isinstance(value, Secret):
            yield from ((word.casefold(), False) for word in _WORDS_IN.findall(spoken) if len(word) > 2)
