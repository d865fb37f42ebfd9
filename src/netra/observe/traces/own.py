"""Spans of a gateway that serves by itself: ids and the decision to record at the beginning, the rest afterwards.

It must never raise, nor leave more on the way of a login than a few strings: spans are made of them on another thread.
"""

import asyncio
from collections.abc import Callable
from os import urandom
from time import monotonic, time_ns
from typing import Final, Literal, NamedTuple

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context
from opentelemetry.trace.span import TraceState

from netra.core.trace import Beginning, Span, TrySpan
from netra.observe.traces.attributes import Attributes, Destination, name_of, of_attempt, of_end, of_tried, state_of
from netra.observe.traces.outlet import SpanOutlet

Kind = Literal["server", "client"]

_ALONE: Final = Context()


class Place(NamedTuple):
    """Where in which trace a span belongs."""

    trace_id: str
    parent_id: str | None
    """None for the first span of a trace."""
    flags: int
    tracestate: str | None
    from_afar: bool = False
    """Is the parent another program's?"""


class Recorded(NamedTuple):
    """A span that is over."""

    kind: Kind
    name: str
    place: Place
    span_id: str
    began_ns: int
    """Since the epoch."""
    lasted_s: float
    attributes: Attributes


class OwnTracing:
    """Records attempts by a sampler's decision. Belongs to one event loop."""

    def __init__(
        self,
        sampler: Sampler,
        destination: Destination,
        outlet: SpanOutlet[Recorded],
        at_the_end: Callable[[], None] = lambda: None,
    ) -> None:
        """`at_the_end` is called when the outlet has handed on what it could."""
        self._sampler = sampler
        self._outlet = outlet
        self._at_the_end = at_the_end
        self._failures_count = 0
        self.destination = destination
        self.take = outlet.take

    def attempt(self, beginning: Beginning) -> Span | None:
        """An attempt begins; None when the sampler does not want it, or fails."""
        try:
            return self._begun(beginning)
        except Exception:  # noqa: BLE001 - a sampler may be anybody's; no login is to suffer from it
            self._failures_count += 1
            return None

    def dropped_count(self) -> int:
        """How many spans nobody took."""
        return self._outlet.dropped_count

    def failures_count(self) -> int:
        """How often the sampler failed."""
        return self._failures_count

    async def close(self) -> None:
        """Hand on what is left, for a moment; the event loop goes on meanwhile."""
        await asyncio.to_thread(self._outlet.close)
        self._at_the_end()

    def _begun(self, beginning: Beginning) -> Span | None:
        trace_id, parent_id, flags = beginning.traceparent[3:35], None, 0
        context = _ALONE
        if beginning.continues:
            parent_id, flags = beginning.traceparent[36:52], int(beginning.traceparent[53:55], 16)
            context = _afar(trace_id, parent_id, flags, state_of(beginning.tracestate))
        name, attributes = name_of(beginning), of_attempt(beginning)
        sampled = self._sampler.should_sample(context, int(trace_id, 16), name, SpanKind.SERVER, attributes)
        if sampled.decision is not Decision.RECORD_AND_SAMPLE:
            return None
        tracestate = sampled.trace_state.to_header() if sampled.trace_state else None
        flags = TraceFlags.SAMPLED | flags & TraceFlags.RANDOM_TRACE_ID
        return _Attempt(self, name, Place(trace_id, parent_id, flags, tracestate, from_afar=True), attributes)


def _afar(trace_id: str, span_id: str, flags: int, tracestate: str | None) -> Context:
    """A parent in another program, as samplers want to see it."""
    state = TraceState.from_header([tracestate]) if tracestate else None
    parent = SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(flags), trace_state=state
    )
    return set_span_in_context(NonRecordingSpan(parent), _ALONE)


class _Open:
    """A span under way."""

    __slots__ = ("_attributes", "_began_at_s", "_began_ns", "_kind", "_name", "place", "span_id", "tracing")

    def __init__(self, tracing: OwnTracing, kind: Kind, name: str, place: Place, attributes: Attributes) -> None:
        self.tracing = tracing
        self.place = place
        self.span_id = urandom(8).hex()
        self._kind = kind
        self._name = name
        self._attributes = attributes
        self._began_at_s, self._began_ns = monotonic(), time_ns()

    @property
    def traceparent(self) -> str:
        return f"00-{self.place.trace_id}-{self.span_id}-{self.place.flags:02x}"

    @property
    def tracestate(self) -> str | None:
        return self.place.tracestate

    def over(self, more: Attributes) -> None:
        lasted_s, attributes = monotonic() - self._began_at_s, {**self._attributes, **more}
        self.tracing.take(
            Recorded(self._kind, self._name, self.place, self.span_id, self._began_ns, lasted_s, attributes)
        )


class _Attempt(_Open):
    __slots__ = ("_told",)

    def __init__(self, tracing: OwnTracing, name: str, place: Place, attributes: Attributes) -> None:
        super().__init__(tracing, "server", name, place, attributes)
        self._told: tuple[str, str, str] | None = None

    def a_try(self, method: str, path: str, before_count: int) -> TrySpan:
        place = self.place._replace(parent_id=self.span_id, from_afar=False)
        return _Try(self.tracing, "client", method, place, self.tracing.destination.of_try(method, path, before_count))

    def told(self, journey: str, verdict: str, code: str) -> None:
        self._told = journey, verdict, code

    def ended(self, status: int | None, crashed: str | None = None) -> None:
        self.over(of_end(self._told, status, crashed))


class _Try(_Open):
    __slots__ = ()

    def ended(self, code: str, *, answered: bool, status: int | None, spent_s: tuple[float | None, ...]) -> None:
        self.over(of_tried(code, answered=answered, status=status, spent_s=spent_s))
