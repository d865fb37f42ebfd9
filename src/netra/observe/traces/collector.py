"""Finished spans in OpenTelemetry's own form, handed to a collector over OTLP and HTTP.

It must never say what an exporter says: its words may hold a header with a key, or bytes of whoever answered.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import (
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    OTEL_BSP_MAX_QUEUE_SIZE,
    OTEL_BSP_SCHEDULE_DELAY,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from netra.observe.traces.attributes import Destination, failed
from netra.observe.traces.outlet import USUAL, Pace, SpanOutlet
from netra.observe.traces.own import OwnTracing, Place, Recorded

if TYPE_CHECKING:
    import requests

_KINDS: Final[Mapping[str, SpanKind]] = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT}
_FAILED: Final = Status(StatusCode.ERROR)
_WELL: Final = Status(StatusCode.UNSET)
_DIGITS: Final = 8
_FIRST_ELSEWHERE, _FIRST_REFUSAL = 300, 400
_MOST_ANSWER_BYTES: Final = 65_536
_OF_OTHERS: Final = (
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER",
)


def opened(base_url: str, version: str, environment: str) -> OwnTracing:
    """Attempts recorded, and their spans sent, as OpenTelemetry's variables say. Nothing is sent before the first.

    Raises: ValueError, OSError, RuntimeError for variables that cannot be used.
    """
    provider = TracerProvider(resource=_resource(version, environment), shutdown_on_exit=False)
    collector = Collector(provider.resource, version)
    outlet = SpanOutlet(collector, _pace())
    return OwnTracing(provider.sampler, Destination(base_url), outlet, collector.close)


def _resource(version: str, environment: str) -> Resource:
    """Who we are, as the variables say, and as we say ourselves where they are silent."""
    told = Resource.create()
    nameless = str(told.attributes.get("service.name", "")).startswith("unknown_service")
    ours = Resource({"service.version": version, "deployment.environment.name": environment}).merge(told)
    return ours.merge(Resource({"service.name": "netra"})) if nameless else ours


def _pace() -> Pace:
    """How much is kept and handed on, as the variables of OpenTelemetry's batch processor say."""
    return Pace(
        _number(OTEL_BSP_MAX_QUEUE_SIZE, USUAL.kept_count),
        _number(OTEL_BSP_MAX_EXPORT_BATCH_SIZE, USUAL.batch_count),
        _number(OTEL_BSP_SCHEDULE_DELAY, int(USUAL.pause_s * 1e3)) / 1e3,
    )


def _number(variable: str, usual: int) -> int:
    """A whole number from 1 on; the usual one for anything else. Source: OpenTelemetry, environment variables."""
    given = os.environ.get(variable, "").strip()
    return int(given) if given.isascii() and given.isdigit() and len(given) < _DIGITS and int(given) else usual


class Collector:
    """Where spans go, as OpenTelemetry's variables say. Used by one thread."""

    def __init__(self, resource: Resource, version: str) -> None:
        """Raises: ValueError, OSError, RuntimeError for variables that cannot be used."""
        self._resource = resource
        self._scope = InstrumentationScope("netra", version)
        self._said = _Said()
        self._busy = self._closed = False
        self._exporter: SpanExporter = OTLPSpanExporter(session=_session())
        self._logger = logging.getLogger(trace_exporter.__name__)
        self._logger.addFilter(self._said)

    def __call__(self, batch: Sequence[Recorded]) -> str | None:
        """Hand spans on; why they were not taken, None when they were."""
        self._said.newest = "no collector took them in time"
        self._busy = True
        try:
            taken = self._exporter.export([self._span(each) for each in batch])
        finally:
            self._busy = False
            self._hush()
        return None if taken is SpanExportResult.SUCCESS else self._said.newest

    def close(self) -> None:
        """Hand on no more."""
        self._closed = True
        self._exporter.shutdown()
        self._hush()

    def _hush(self) -> None:
        """Let the exporter's lines be, once it has no more to say of ours: it may hang for longer than we wait."""
        if self._closed and not self._busy:
            self._logger.removeFilter(self._said)

    def _span(self, recorded: Recorded) -> ReadableSpan:
        kind, name, place, span_id, began_ns, lasted_s, attributes = recorded
        parent = None if place.parent_id is None else _context(place, place.parent_id, from_afar=place.from_afar)
        return ReadableSpan(
            name,
            context=_context(place, span_id),
            parent=parent,
            resource=self._resource,
            attributes=attributes,
            kind=_KINDS[kind],
            status=_FAILED if failed(attributes) else _WELL,
            start_time=began_ns,
            end_time=began_ns + int(lasted_s * 1e9),
            instrumentation_scope=self._scope,
        )


class Redirected(Exception):
    """The collector sent us elsewhere, which the exporter takes for a success."""


class EndlessAnswer(Exception):
    """The collector said more than anybody would keep."""


def _session() -> "requests.Session | None":
    """What the exporter asks with; None where somebody else's is asked for, with credentials of its own."""
    if any(map(os.environ.get, _OF_OTHERS)):
        return None
    import requests  # noqa: PLC0415 - it opens a socket when it is loaded, to see whether there is IPv6

    session = requests.Session()
    session.hooks["response"].append(_checked)
    return session


def _checked(response: "requests.Response", *_: object, **__: object) -> None:
    """Take an answer that is one, and read no more of it than is sensible. Raises: Redirected, EndlessAnswer."""
    if _FIRST_ELSEWHERE <= response.status_code < _FIRST_REFUSAL:
        response.close()
        raise Redirected
    if len(response.raw.read(_MOST_ANSWER_BYTES + 1)) > _MOST_ANSWER_BYTES:
        response.close()
        raise EndlessAnswer


class _Said(logging.Filter):
    """Keeps the exporter's lines from the log, and of each what is safe to tell: a status, or the type of an error."""

    newest = ""

    def filter(self, record: logging.LogRecord) -> bool:
        for each in record.args if isinstance(record.args, tuple) else ():
            if isinstance(each, int) and not isinstance(each, bool):
                self.newest = f"the collector answered {each}"
            elif isinstance(each, BaseException):
                self.newest = f"no collector took them ({type(each).__name__})"
        return False


def _context(place: Place, span_id: str, *, from_afar: bool = False) -> SpanContext:
    """Without the trace's state, which is passed on to the auth service: it is what anybody said."""
    flags = TraceFlags(place.flags)
    return SpanContext(int(place.trace_id, 16), int(span_id, 16), is_remote=from_afar, trace_flags=flags)
