"""Spans of a gateway inside another program: children of its current span, by the tracer that it has set.

It must never set a tracer itself, nor let a program's own tracing fail a login.
"""

from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState

from netra.core.trace import Beginning, Span, TrySpan
from netra.observe.traces.attributes import (
    Attributes,
    Destination,
    failed,
    name_of,
    of_attempt,
    of_end,
    of_tried,
    state_of,
)

_FAILED: Final = Status(StatusCode.ERROR)


class HostTracing:
    """Records attempts as whoever embeds us records everything else; nobody does until it has set a tracer."""

    def __init__(self, destination: Destination, version: str) -> None:
        self.tracer = trace.get_tracer("netra", version)
        self.destination = destination
        self.failed_count = 0
        """How often the program's tracing failed."""

    def attempt(self, beginning: Beginning) -> Span | None:
        """An attempt begins, below the current span, else below whatever its caller names; None without a tracer."""
        try:
            parent, told = _parent(beginning), beginning._replace(route="")  # the request is told by the program
            span = self.tracer.start_span(name_of(told), parent, SpanKind.INTERNAL, of_attempt(told))
            context = span.get_span_context()
            # Where no tracer is set, what is begun is the parent itself.
            begun = context.is_valid and context != trace.get_current_span(parent).get_span_context()
            return _Attempt(self, span, context) if begun else None
        except Exception:  # noqa: BLE001 - a program's tracing may fail in any way; no login is to suffer from it
            self.failed_count += 1
            return None

    def dropped_count(self) -> int:
        """None that we know of: what becomes of spans is the program's business."""
        return 0

    def failures_count(self) -> int:
        """How often the program's tracing failed."""
        return self.failed_count

    def over(self, span: trace.Span, attributes: Attributes) -> None:
        """A span has ended."""
        try:
            span.set_attributes(attributes)
            if failed(attributes):
                span.set_status(_FAILED)
            span.end()
        except Exception:  # noqa: BLE001 - as above
            self.failed_count += 1


def _parent(beginning: Beginning) -> Context | None:
    """Below what an attempt belongs; None for the current span."""
    if trace.get_current_span().get_span_context().is_valid or not beginning.continues:
        return None
    asked = beginning.traceparent
    tracestate = state_of(beginning.tracestate)
    afar = SpanContext(
        int(asked[3:35], 16),
        int(asked[36:52], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(asked[53:55], 16)),
        trace_state=TraceState.from_header([tracestate]) if tracestate else None,
    )
    return trace.set_span_in_context(NonRecordingSpan(afar))


class _Open:
    """A span under way, with what W3C Trace Context says of it."""

    __slots__ = ("context", "span", "traceparent", "tracestate", "tracing")

    def __init__(self, tracing: HostTracing, span: trace.Span, context: SpanContext) -> None:
        self.tracing = tracing
        self.span = span
        self.context = context
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
        self.tracestate = context.trace_state.to_header() or None


class _Attempt(_Open):
    __slots__ = ("_told",)

    def __init__(self, tracing: HostTracing, span: trace.Span, context: SpanContext) -> None:
        super().__init__(tracing, span, context)
        self._told: tuple[str, str, str] | None = None

    def a_try(self, method: str, path: str, before_count: int) -> TrySpan | None:
        tracing = self.tracing
        try:
            within = trace.set_span_in_context(self.span)
            attributes: Any = tracing.destination.of_try(method, path, before_count)
            span = tracing.tracer.start_span(method, within, SpanKind.CLIENT, attributes)
            return _Try(tracing, span, span.get_span_context())
        except Exception:  # noqa: BLE001 - as above
            tracing.failed_count += 1
            return None

    def told(self, journey: str, verdict: str, code: str) -> None:
        self._told = journey, verdict, code

    def ended(self, status: int | None, crashed: str | None = None) -> None:
        self.tracing.over(self.span, of_end(self._told, status, crashed))


class _Try(_Open):
    __slots__ = ()

    def ended(self, code: str, *, answered: bool, status: int | None, spent_s: tuple[float | None, ...]) -> None:
        self.tracing.over(self.span, of_tried(code, answered=answered, status=status, spent_s=spent_s))
