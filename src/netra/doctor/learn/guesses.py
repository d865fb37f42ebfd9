"""In which form an auth service wants a login: guesses, and what a reply that understood nothing says of the next one.

It must never guess on when a reply may be a verdict, nor for ever.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import product
from typing import Any, Final

from netra.core.verdict.reply import Reply
from netra.doctor.learn.drafts import BodyForm, Guess
from netra.doctor.learn.places import document_of
from netra.doctor.learn.refusals import mentions
from netra.doctor.learn.usual import plain, usual

MOST_GUESSES: Final = 4
_NOT_UNDERSTOOD: Final = frozenset({400, 415, 422})
_WORDS: Final = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()/-]{5,}")
_MOST_WORDS: Final = 2000


class Guesses:
    """The ways in which a login has been put so far, and the next one."""

    def __init__(
        self, identifier: str, sent: Collection[str], form: BodyForm | None, identifier_field: str, password_field: str
    ) -> None:
        """What is given is not guessed: no form, and empty fields, are. `sent`: what replies may only repeat."""
        nested = any(field.startswith("/") for field in (identifier_field, password_field))
        self._forms: list[BodyForm] = [form] if form else ["json"] if nested else ["json", "form"]
        self._identifier_field = identifier_field
        self._password_field = password_field
        self._sent = sent
        self._usual = usual().identifiers[kind_of(identifier)]
        self.made: list[Guess] = []

    @property
    def only(self) -> bool:
        """Is there nothing to guess?"""
        return len(self._forms) == 1 and bool(self._identifier_field)

    def first(self) -> Guess:
        """The likeliest one."""
        field = self._identifier_field or self._usual[0]
        self.made.append(Guess(self._forms[0], field, self._password_field or "password"))
        return self.made[-1]

    def next(self, reply: Reply) -> Guess | None:
        """Another one, led by what the reply complains of; None when it complains of nothing, or all are made."""
        if reply.status not in _NOT_UNDERSTOOD or len(self.made) >= MOST_GUESSES:
            return None
        last, words = self.made[-1], list(_words(document_of(reply), self._sent))
        if reply.status == 415:
            self._forms = [form for form in self._forms if form != last.form]
        # A member that was sent and is missed has not been read.
        unread = last.password_field in words
        forms = sorted(self._forms, key=lambda form: (form == last.form) == unread)
        found = next((guess for guess in self._all(forms, words) if guess not in self.made), None)
        if found is not None:
            self.made.append(found)
        return found

    def _all(self, forms: Sequence[BodyForm], words: Sequence[str]) -> Iterator[Guess]:
        names = usual()
        missed = [word for word in words if plain(word) in names.missing_identifier]
        secret = next((word for word in words if plain(word) in names.missing_password), "password")
        fields = [self._identifier_field] if self._identifier_field else [*missed, *self._usual]
        for form, field in product(forms, fields):
            yield Guess(form, field, self._password_field or secret)


def kind_of(identifier: str) -> str:
    """What kind of identifier it looks like: `email`, `phone` or `username`."""
    if "@" in identifier:
        return "email"
    return "phone" if _PHONE.fullmatch(identifier) else "username"


def _words(value: Any, sent: Collection[str]) -> Iterator[str]:
    """The words of a document, keys and texts, in their order and bounded, without what it only repeats."""
    waiting = [value]
    for _ in range(_MOST_WORDS):
        if not waiting:
            return
        each = waiting.pop(0)
        if isinstance(each, dict):
            said = [pair for pair in each.items() if not (isinstance(pair[1], str) and mentions(pair[1], sent))]
            waiting[:0] = [part for pair in said for part in pair]
        elif isinstance(each, list):
            waiting[:0] = each
        elif isinstance(each, str) and not mentions(each, sent):
            yield from _WORDS.findall(each)
