"""A login as it is tried and as it is written: one document, from what was said on the command line.

It must never hold the value of a secret: what looks like one is a gap in the document, and travels as `Secret`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

from netra.core.fill import gaps_in
from netra.core.secret import Secret
from netra.doctor.learn.usual import plain, usual
from netra.wires.literals import literal_problems
from netra.wires.schema import SEALS

BodyForm = Literal["json", "form"]

_ID, _SECRET = "{service_id}", "{service_secret}"
_SCHEME: Final = re.compile(r"(?:Basic|Bearer|Token|ApiKey) ", re.IGNORECASE)
_FILLED_FROM: Final[Mapping[str, tuple[str, ...]]] = {
    "service_id": ("SERVICE_ID",),
    "service_secret": ("SERVICE_SECRET",),
    "service_basic": ("SERVICE_ID", "SERVICE_SECRET"),
}
_NAME: Final = re.compile(r"[^\s=]{1,128}")


class Problem(NamedTuple):
    """An option that cannot be used; never its value."""

    option: str
    what: str


class Constant(NamedTuple):
    """A header or member that goes along with every login."""

    name: str
    text: str
    """As it stands in the document: a secret is a gap."""
    sealed: bool


class Constants(NamedTuple):
    """Everything that goes along, and what fills its gaps."""

    headers: tuple[Constant, ...] = ()
    members: tuple[Constant, ...] = ()
    service_id: str | None = None
    service_secret: Secret | None = None

    @property
    def sealed(self) -> bool:
        """Does a login carry credentials of ours?"""
        return any(each.sealed for each in (*self.headers, *self.members))


class Ours(NamedTuple):
    """Our own credentials as they are set in the environment."""

    service_id: str | None = None
    service_secret: Secret | None = None


class Guess(NamedTuple):
    """One way in which an auth service may want a login."""

    form: BodyForm
    identifier_field: str
    password_field: str


def constants(headers: Iterable[str], members: Iterable[str], ours: Ours) -> Constants | Problem:
    """What `NAME=VALUE` options say, with gaps in the place of secrets: one id and one secret, as in a wire."""
    reader = _Reader(ours)
    found: dict[str, list[Constant]] = {"--header": [], "--member": []}
    for option, texts in (("--header", headers), ("--member", members)):
        for text in texts:
            constant = reader.constant(option, text)
            if isinstance(constant, Problem):
                return constant
            found[option].append(constant)
    return Constants(tuple(found["--header"]), tuple(found["--member"]), reader.service_id, reader.service_secret)


class _Reader:
    """Reads the options one by one, and remembers the id and the secret that it has met."""

    def __init__(self, ours: Ours) -> None:
        self._ours = ours
        self.service_id: str | None = None
        self.service_secret: Secret | None = None

    def constant(self, option: str, text: str) -> Constant | Problem:
        name, mark, value = text.partition("=")
        if not mark or not _NAME.fullmatch(name):
            return Problem(option, "write NAME=VALUE")
        gaps = set(gaps_in(value)) & SEALS
        if gaps:
            return self._from_environment(option, name, value, gaps)
        scheme = _SCHEME.match(value) if option == "--header" else None
        bare = value[scheme.end() :] if scheme else value
        if scheme or _looks_secret(name, value):
            return self._secret(option, name, (scheme[0] if scheme else "") + _SECRET, Secret(bare))
        if plain(name) in usual().client_ids and self.service_id in (None, value):
            self.service_id = value
            return _sealed(option, name, _ID)
        return Constant(name, value, sealed=False)

    def _secret(self, option: str, name: str, text: str, secret: Secret) -> Constant | Problem:
        if self.service_secret not in (None, secret):
            return Problem(option, f"{name} is a second secret; a wire has one, beside an id")
        self.service_secret = secret
        return _sealed(option, name, text)

    def _from_environment(self, option: str, name: str, text: str, gaps: set[str]) -> Constant | Problem:
        """A text with gaps of a seal, filled from the environment."""
        wanted = {name for gap in gaps for name in _FILLED_FROM[gap]}
        there = {"SERVICE_ID": self._ours.service_id, "SERVICE_SECRET": self._ours.service_secret}
        missing = sorted(each for each in wanted if not there[each])
        if missing:
            return Problem(option, f"{name} is filled from {' and '.join(missing)}; set it in the environment")
        if "SERVICE_ID" in wanted:
            self.service_id = self._ours.service_id
        if "SERVICE_SECRET" in wanted and self._ours.service_secret is not None:
            return self._secret(option, name, text, self._ours.service_secret)
        return _sealed(option, name, text)


def _sealed(option: str, name: str, text: str) -> Constant | Problem:
    if option == "--member" and name.startswith("/"):
        return Problem(option, f"{name}: an id or a secret can only be a member at the top")
    return Constant(name, text, sealed=True)


def _looks_secret(name: str, value: str) -> bool:
    """By the same judgement by which a wire file is refused."""
    bare = value.replace("{", "").replace("}", "")
    return next(iter(literal_problems(("given",), {name.removeprefix("/"): bare})), None) is not None


def document(name: str, path: str, guess: Guess, given: Constants) -> dict[str, Any] | Problem:
    """The wire file for a guess, as far as it is known before anything is answered: all but its rows."""
    body: dict[str, Any] = {}
    members = [(each.name, each.text) for each in given.members if not each.sealed]
    members += [(guess.identifier_field, "{identifier}"), (guess.password_field, "{password}")]
    for member, text in members:
        if not _put(body, member, text, nested=guess.form == "json"):
            return Problem("--member", f"{member} is said twice")
    call: dict[str, Any] = {"method": "POST", "path": path, guess.form: body}
    if headers := {each.name: each.text for each in given.headers if not each.sealed}:
        call["headers"] = headers
    call["tells_caller"] = True
    seal = {each.name: each.text for each in given.headers if each.sealed}
    seal_fields = {each.name: each.text for each in given.members if each.sealed}
    made: dict[str, Any] = {"name": name}
    made |= {"seal": seal} if seal else {}
    made |= {"seal_fields": seal_fields} if seal_fields else {}
    return {**made, "calls": {"login": call}}


def _put(body: dict[str, Any], member: str, text: str, *, nested: bool) -> bool:
    """Put a member into a body; in JSON `/user/email` goes into a table. False when something stands there."""
    *above, last = member[1:].split("/") if nested and member.startswith("/") else [member]
    table: Any = body
    for each in above:
        table = table.setdefault(each, {})
        if not isinstance(table, dict):
            return False
    if last in table:
        return False
    table[last] = text
    return True


def with_rows(made: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The same document, with the rows of its login."""
    call = {**made["calls"]["login"], "replies": [dict(row) for row in rows]}
    return {**made, "calls": {"login": call}}
