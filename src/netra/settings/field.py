"""One setting as a row: what it is called, what it means, what it may be, and how it is shown.

It must never show a secret: dots, and for a long one a fingerprint, are all there is.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

from netra.core.findings import Finding, Severity
from netra.core.secret import Secret

SHORTEST_SECRET: Final = 32
DOTS: Final = "••••••"
NOT_ACCEPTED: Final = "not accepted"
ENVIRONMENTS: Final = ("development", "test", "staging", "production")

Sort = Literal["secret", "id", "url", "path", "free", "closed"]
"""Which checks of text a value gets: the closed ones (choices, switches, numbers) need the fewest."""


class Problem(NamedTuple):
    """Why a text is not a value of its kind; it never quotes the text."""

    code: str
    what: str
    fix: str


class Kind(NamedTuple):
    """How text becomes a value."""

    parse: Callable[[str], object]
    """Returns the value or a `Problem`; never raises."""
    accepts: str
    """What it may be, in words, for the reference."""
    sort: Sort = "free"


class Columns(NamedTuple):
    """A default that depends on the environment."""

    development: object
    test: object
    staging: object
    production: object


class Derived(NamedTuple):
    """A default that is made from the settings above it."""

    of: Callable[[Mapping[str, Any]], object]
    words: str


class Gathered(NamedTuple):
    """A value made from several variables whose names are not known beforehand."""

    value: object
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """Everything there is to know about one setting except its value."""

    name: str
    kind: Kind
    group: str
    meaning: str
    breaks: str
    """What goes wrong in practice when it is wrong."""
    default: object
    """A value, `Columns` or `Derived`; None and "" mean that there is none."""
    goes_first: str = ""
    """Another variable that is asked before this one."""
    goes_with: str = ""
    """Another variable without which this one is of no use."""
    unit: str = ""
    file: bool = False
    """May it be read from the file that `<NAME>_FILE` names?"""
    empty: Severity | None = Severity.WARNING
    """How bad it is when the variable is there but empty; None leaves the judgement to a rule."""
    gather: Callable[[Mapping[str, str]], Gathered] | None = None
    required: str = ""
    """When it must be set, in words, for the reference."""

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that are asked, in this order."""
        return (self.goes_first, self.name) if self.goes_first else (self.name,)

    @property
    def known_names(self) -> tuple[str, ...]:
        """Every environment variable that this row reads, the ones of files included."""
        if self.gather:
            return ()
        return (*self.names, f"{self.name}_FILE") if self.file else self.names


class Effective(NamedTuple):
    """One setting as it may be shown: its value if it is harmless, where it came from."""

    variable: str
    value: str | int | float | bool | list[str] | None
    fingerprint: str | None
    origin: str


def about(variable: Variable) -> dict[str, Variable]:
    """The metadata of a dataclass field that is a setting."""
    return {"variable": variable}


def rows(table: type[Any]) -> Iterator[tuple[str, Variable]]:
    """Attribute name and row of each setting of a dataclass, in the order in which they are read."""
    for one in fields(table):
        if "variable" in one.metadata:
            yield one.name, one.metadata["variable"]


def fingerprint(secret: Secret) -> str | None:
    """Eight hex digits by which two machines can compare a secret without telling it; None for one under 32 characters.

    A short secret could be guessed from its fingerprint, so it has none.
    """
    text = secret.reveal()
    if len(text) < SHORTEST_SECRET:
        return None
    return sha256(b"netra-fp:" + text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def configuration_fingerprint(settings: Any) -> str:
    """Twelve hex digits by which two machines, or two starts, can tell whether their settings are the same.

    Secrets count by their fingerprints; where a value came from makes no difference.
    """
    shown = [effective(row, getattr(settings, name), "", frozenset())[:3] for name, row in rows(type(settings))]
    return sha256(json.dumps(shown).encode()).hexdigest()[:12]


def effective(variable: Variable, value: object, origin: str, hidden: frozenset[str]) -> Effective:
    """What may be shown of a setting; a harmless setting that holds one of the `hidden` texts is not harmless."""
    if isinstance(value, Secret):
        return Effective(variable.name, DOTS, fingerprint(value), origin)
    if isinstance(value, tuple):
        return Effective(variable.name, [DOTS if _holds(str(one), hidden) else str(one) for one in value], None, origin)
    if value is None or isinstance(value, bool | int | float):
        return Effective(variable.name, value, None, origin)
    return Effective(variable.name, DOTS if _holds(str(value), hidden) else str(value), None, origin)


_TELLING: Final = re.compile(
    r"^\s*(bearer|basic)\s|://[^/?#\s]*:[^/?#\s]*@|^\s*[{\[].*[\"'].*:", re.IGNORECASE | re.DOTALL
)
"""A header, an address with a password, a document: whatever they were put in, they were not meant for it."""


def _holds(text: str, hidden: frozenset[str]) -> bool:
    return any(one in text for one in hidden) or _TELLING.search(text) is not None
