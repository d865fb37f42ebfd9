"""What traces ask of the way of a login: an attempt that somebody records, and the tries that it makes.

It must never be needed: without a trace everything goes the same way.
"""

from typing import NamedTuple, Protocol


class Beginning(NamedTuple):
    """What is known of an attempt when it begins."""

    name: str
    """Of its kind, e.g. `login`."""
    request_id: str
    traceparent: str
    """The trace that it belongs to. Source: W3C Trace Context, section 3.2."""
    tracestate: str | None = None
    continues: bool = False
    """Is that the trace of whoever asked? Else it begins here."""
    method: str = ""
    """Of the request; empty for an attempt that came by no request to a listener of ours."""
    route: str = ""
    """As it stands in the table of routes, with the prefix; empty likewise."""
    client_address: str | None = None


class TrySpan(Protocol):
    """One try while it is under way. Nothing of it raises."""

    @property
    def traceparent(self) -> str:
        """What the auth service is told: its own spans are children of this one."""
        ...

    def ended(self, code: str, *, answered: bool, status: int | None, spent_s: tuple[float | None, ...]) -> None:
        """The exchange is over. `answered`: with a verdict; `status`: of the reply; `spent_s`: as in `Spent`."""
        ...


class Span(Protocol):
    """One attempt that is recorded, while it is under way. Nothing of it raises."""

    @property
    def traceparent(self) -> str:
        """The attempt's own place in its trace."""
        ...

    @property
    def tracestate(self) -> str | None:
        """What others keep with the trace; None for nothing."""
        ...

    def a_try(self, method: str, path: str, before_count: int) -> TrySpan | None:
        """One more try, after `before_count` others; None when nobody records it."""
        ...

    def told(self, journey: str, verdict: str, code: str) -> None:
        """How the attempt ended, in the words of its event."""
        ...

    def ended(self, status: int | None, crashed: str | None = None) -> None:
        """It is over: with this status, where somebody was answered over HTTP; `crashed`: with a bug, by this code."""
        ...


class Tracing(Protocol):
    """Whoever records attempts. Nothing of it raises but `close`."""

    def attempt(self, beginning: Beginning) -> Span | None:
        """An attempt begins; None when it is not recorded."""
        ...

    def dropped_count(self) -> int:
        """How many spans nobody took."""
        ...

    def failures_count(self) -> int:
        """How often recording failed otherwise."""
        ...
