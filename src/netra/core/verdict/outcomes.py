"""The three verdicts as values: the auth service vouched, it refused, or nobody knows.

They must never carry a body, a header or a secret: an outcome is shown to people and written to logs.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, Generic, Literal, NamedTuple, TypeVar

from netra.core.value import Value
from netra.core.verdict.causes import Cause, Phase

T = TypeVar("T")

NO_FACTS: Final[Mapping[str, str]] = MappingProxyType({})


class Spent(NamedTuple):
    """Where the time of one exchange went, in seconds; None for what it did not come to, or did not need."""

    dns_s: float | None = None
    connect_s: float | None = None
    tls_s: float | None = None
    wait_s: float | None = None
    """From the request's last byte out to the reply's first byte in."""
    read_s: float | None = None
    """From the reply's first byte to its last."""


UNTIMED: Final = Spent()


class Tried(Value, frozen=True):
    """One try of a call, as operators see it. `code` is `ok` when the reply could be used."""

    number: int
    phase: Phase
    code: str
    elapsed_s: float
    spent: Spent = UNTIMED


class FieldFault(NamedTuple):
    """A field that cannot be used: its place and a closed code, never its value."""

    pointer: str
    code: str
    detail: str = ""


class Accepted(Generic[T]):
    """The auth service vouched, or a check against its own keys came out well."""

    # Written out, as it is made several times for each request: a named tuple takes five times as long.
    __slots__ = ("tried", "value")
    __match_args__: ClassVar = ("value", "tried")

    def __init__(self, value: T, tried: tuple[Tried, ...] = ()) -> None:
        self.value: Final = value
        self.tried: Final = tried

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Accepted) and self.value == other.value and self.tried == other.tried

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"Accepted(value={self.value!r}, tried={self.tried!r})"


class Rejected(NamedTuple):
    """A definite refusal: a healthy answer, which counts against nobody and is never asked again."""

    cause: Cause
    retry_after_s: int | None = None
    """Whole seconds, at least 1, when the refusal says how long it lasts."""
    errors: tuple[FieldFault, ...] = ()
    tried: tuple[Tried, ...] = ()
    detail: str = ""
    """A sentence of ours that is more precise than the page's; safe for the public."""


class Unknown(NamedTuple):
    """No verdict: unreachable, late, broken, unreadable, misconfigured, or refused us instead of the user."""

    cause: Cause
    transient: bool
    """May the same call succeed soon? Read here, not from the row: a 502 and a 500 share a code, not a future."""
    counts: bool
    """Is it evidence that the auth service is unwell?"""
    retry_after_s: int | None = None
    """What the auth service asked for, clamped to 1-3600 s."""
    facts: Mapping[str, str] = NO_FACTS
    """What the pages' sentences may name, e.g. `status`, `answered_by`, `os_error`."""
    tried: tuple[Tried, ...] = ()
    nobody_judged: bool = False
    """Did the auth service refuse us in so many words? Then it has not looked at the user."""

    @property
    def phase(self) -> Phase:
        """How far the request got."""
        return self.cause.phase

    @property
    def sheds(self) -> bool:
        """Did the auth service say that it is overloaded? Then fewer calls help, and it is not ill."""
        return self.cause.code == "auth_service_unavailable" and not self.counts


Outcome = Accepted[T] | Rejected | Unknown


def unknown(cause: Cause, facts: Mapping[str, str] = NO_FACTS) -> Unknown:
    """No verdict for the reason in `cause`, with what its row says of transience and blame."""
    return Unknown(cause, transient=cause.again, counts=cause.counts == "yes", facts=facts)


Verdict = Literal["accepted", "rejected", "unknown"]


def in_short(outcome: Outcome[Any]) -> tuple[Verdict, Phase, str]:
    """Which of the three verdicts an outcome is, how far its request got, and its code: `ok` for what was accepted."""
    if isinstance(outcome, Accepted):
        return "accepted", Phase.ANSWERED, "ok"
    if isinstance(outcome, Rejected):
        return "rejected", Phase.ANSWERED, outcome.cause.code
    return "unknown", outcome.cause.phase, outcome.cause.code


def verdict_of(outcome: Outcome[Any]) -> Verdict:
    """Which of the three verdicts an outcome is."""
    return in_short(outcome)[0]


def phase_of(outcome: Outcome[Any]) -> Phase:
    """How far the request got that led to an outcome."""
    return in_short(outcome)[1]


def code_of(outcome: Outcome[Any]) -> str:
    """The code of an outcome in one word, `ok` for what was accepted."""
    return in_short(outcome)[2]
