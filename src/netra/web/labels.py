"""What identifies a request on its way to the auth service.

It must never pass on a header that a client could use to speak for somebody else.
"""

import re
from os import urandom
from typing import Final

from netra.asgi.words import Request
from netra.core.verdict.wire import Label

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_TRACESTATE: Final = re.compile(r"[\x20-\x7e]{1,512}")
_MAX_AGENT_CHARS: Final = 256
_NOT_PRINTABLE: Final = re.compile(r"[^\x20-\x7e]")


def label_of(request: Request) -> Label:
    """The label of a request; a trace context that is not valid is made anew. Source: W3C Trace Context, section 3."""
    traceparent = request.header(b"traceparent")
    kept = traceparent is not None and request.count(b"traceparent") == 1 and _TRACEPARENT.fullmatch(traceparent)
    tracestate = ",".join(_values(request, b"tracestate")) if kept else None
    agent = request.header(b"user-agent")
    return Label(
        request_id=request.request_id,
        traceparent=traceparent if kept and traceparent else _new_traceparent(),
        tracestate=tracestate if tracestate and _TRACESTATE.fullmatch(tracestate) else None,
        client_address=request.client_address,
        user_agent=_NOT_PRINTABLE.sub("", agent)[:_MAX_AGENT_CHARS] if agent else None,
    )


def _values(request: Request, name: bytes) -> list[str]:
    """Every value of a header: a list may be sent in parts."""
    return [value.decode("latin-1") for key, value in request.headers if key == name]


def _new_traceparent() -> str:
    digits = urandom(24).hex()
    return f"00-{digits[:32]}-{digits[32:]}-00"
