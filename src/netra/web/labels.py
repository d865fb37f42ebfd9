"""What identifies a request on its way to the auth service.

It must never pass on a header that a client could use to speak for somebody else.
"""

import re
from os import urandom
from typing import Final

from netra.asgi.callers import serve
from netra.asgi.words import Request
from netra.core.trace import Beginning, Span, Tracing
from netra.core.verdict.wire import Label

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_TRACE_ID: Final = re.compile(r"(?!0{16})[0-9a-f]{32}")
_TRACESTATE: Final = re.compile(r"[\x20-\x7e]{1,512}")
_MAX_AGENT_CHARS: Final = 256
_NOT_PRINTABLE: Final = re.compile(r"[^\x20-\x7e]")


def label_of(request: Request) -> Label:
    """The label of a request, which is served from here on.

    A trace context that is not valid is made anew. Source: W3C Trace Context, section 3.
    """
    span = request.span
    traceparent, tracestate = _trace(request) if span is None else (span.traceparent, span.tracestate)
    agent = request.header(b"user-agent")
    label = Label(
        request.request_id,
        traceparent,
        tracestate,
        request.client_address,
        _NOT_PRINTABLE.sub("", agent)[:_MAX_AGENT_CHARS] if agent else None,
        None,
        request.address_shared,
        span,
    )
    serve(label.request_id, label.traceparent[3:35])
    return label


def begun(request: Request, name: str, tracing: Tracing, method: str = "", route: str = "") -> Span | None:
    """Record the attempt that a request makes, of the kind `name`; None when it is not recorded."""
    traceparent, tracestate = _trace(request)
    continues, address = traceparent == request.header(b"traceparent"), request.client_address
    span = tracing.attempt(
        Beginning(name, request.request_id, traceparent, tracestate, continues, method, route, address)
    )
    request.span = span
    return span


def _trace(request: Request) -> tuple[str, str | None]:
    traceparent = request.header(b"traceparent")
    if traceparent is None or request.count(b"traceparent") > 1 or not _TRACEPARENT.fullmatch(traceparent):
        return _new_traceparent(request.request_id), None
    tracestate = ",".join(_values(request, b"tracestate"))
    return traceparent, tracestate if _TRACESTATE.fullmatch(tracestate) else None


def _values(request: Request, name: bytes) -> list[str]:
    """Every value of a header: a list may be sent in parts."""
    return [value.decode("latin-1") for key, value in request.headers if key == name]


def _new_traceparent(request_id: str) -> str:
    """A trace context that is made of the request's id where that has its form, so that either finds the other."""
    digits = request_id if _TRACE_ID.fullmatch(request_id) else urandom(16).hex()
    return f"00-{digits}-{digits[:16]}-00"
