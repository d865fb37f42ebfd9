"""Who is asking, as a backend knows it, made into the label that every attempt carries.

It must never trust more than a listener would: what is not well formed is made anew or left out.
"""

from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from typing import TypedDict, Unpack

from netra.asgi import callers
from netra.asgi.words import Request
from netra.core.trace import Tracing
from netra.core.verdict.wire import Label
from netra.web import labels


class Caller(TypedDict, total=False):
    """What a backend may say of a request of its own; nothing of it is required."""

    client_address: str | None
    """The user's own address, without a port, as far as you trust whoever told you; anything else is left out."""
    user_agent: str | None
    request_id: str | None
    """Kept if it is well formed, else made anew; see `Gate.request_id`."""
    traceparent: str | None
    tracestate: str | None


def label_for(name: str, tracing: Tracing | None, **caller: Unpack[Caller]) -> Label:
    """The label of an attempt, by the rules that a listener has for headers; `tracing` records it under `name`."""
    request = _request(**caller)
    if tracing is not None:
        labels.begun(request, name, tracing)
    return labels.label_of(request)


def _request(
    *,
    client_address: str | None = None,
    user_agent: str | None = None,
    request_id: str | None = None,
    traceparent: str | None = None,
    tracestate: str | None = None,
) -> Request:
    said = {b"user-agent": user_agent, b"traceparent": traceparent, b"tracestate": tracestate}
    return Request(
        method="",
        path="",
        headers=[(name, text) for name, value in said.items() for text in _header(value)],
        request_id=request_id_of(request_id),
        received_at_s=0.0,
        client_address=_address(client_address),
    )


def request_id_of(given: str | None) -> str:
    """The given id when it is well formed, else a new one."""
    return callers.request_id(list(_header(given)))


def _header(value: object) -> Iterator[bytes]:
    """A value as a header's; nothing for what is no text."""
    if isinstance(value, str) and value:
        yield value.encode("latin-1", "replace")


def _address(given: str | None) -> str | None:
    """An address as it is told on: no brackets, no zone, no IPv4 in IPv6's clothes; None for anything else."""
    try:
        address = ip_address(str(given or "").strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # A zone may hold any character, and means nothing on another machine. Source: RFC 4007, section 6.
        return str(address.ipv4_mapped or IPv6Address(int(address)))
    return str(address)
