"""What uvicorn's HTTP protocol lacks for a public listener: a receipt deadline, head limits, one write per answer.

It must never parse HTTP itself, and never change what an answer says.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from netra.asgi.adapter import App, Limits
from netra.asgi.body import too_large
from netra.asgi.words import Headers, Refusal

_SWEEPS_PER_DEADLINE: Final = 10
_BYTES_PER_BODY_BYTE: Final = 8
"""What a body may weigh on the wire: one that comes in chunks of a single byte is six times its size."""
_OF_AN_UPGRADE: Final = frozenset({b"connection", b"upgrade", b"http2-settings"})
_UNREADABLE: Final = Refusal(400, "malformed_request", "This is not an HTTP request that can be read.")
_MOST_QUEUED: Final = 64
"""How many requests may wait behind one that is being answered: each costs a hundred times its bytes."""
_IMPATIENT: Final = Refusal(400, "malformed_request", "Too many requests were sent without waiting for an answer.")
_HOSTLESS: Final = Refusal(400, "malformed_request", "A request names exactly one host.")
_FAREWELL_BYTES: Final = 8 * 1024 * 1024
"""How much of a refused request is still taken off the line, so that its answer is not lost with a reset."""


class _OneWrite:
    """A transport that holds an answer's head until its body comes, so that both leave in one packet.

    Closed while its peer is still sending, it first says only that nothing more will come: what is closed with bytes
    unread is reset, and a reset takes the answer with it. Source: RFC 9112, section 9.6.
    """

    __slots__ = ("_held", "_still_sending", "_transport", "lingering")

    def __init__(self, transport: asyncio.Transport, still_sending: Callable[[], bool]) -> None:
        self._transport = transport
        self._still_sending = still_sending
        self._held = b""
        self.lingering = False

    def write(self, data: bytes) -> None:
        if self.lingering:
            return
        if self._held:
            self._transport.write(self._held + data)
            self._held = b""
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1"):
            self._held = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        if self._held:
            self._transport.write(self._held)
            self._held = b""

    def close(self) -> None:
        """Close, or linger when the peer is still sending; the second call closes in any case."""
        self.flush()
        if self.lingering or self._transport.is_closing() or not self._still_sending():
            self._transport.close()
        else:
            self.lingering = True
            self._transport.write_eof()
            self._transport.resume_reading()

    def is_closing(self) -> bool:
        """Is there nothing more to say?"""
        return self.lingering or self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class GuardedProtocol(HttpToolsProtocol):
    """An HTTP connection that refuses heads that are too long and requests that arrive too slowly."""

    guarded_app: App
    limits: Limits
    cycle: RequestResponseCycle | None  # type: ignore[assignment] # None before the first request
    headers: Headers | None  # type: ignore[assignment] # None before the first request
    url: bytes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn does
        """A client is there: its first request is awaited from now on."""
        super().connection_made(transport)
        self.transport: Any = _OneWrite(transport, lambda: self.begun)
        self.receiving_since_s: float | None = self.loop.time()
        self.url = b""
        self.head_bytes: int = 0
        self.body_bytes: int = 0
        self.begun = False
        """Has a request begun that is not whole yet?"""
        self.head_complete = False
        """Is its head whole?"""
        self.refused = False
        self.held_refusal: Refusal | None = None
        """What is to be said once earlier requests have their answers."""
        self.discarded_bytes: int = 0

    def data_received(self, data: bytes) -> None:
        """More bytes of a request, or of its head."""
        if self.refused or self.transport.is_closing():
            self._discard(data)
            return
        self._unset_keepalive_if_required()
        if self.head_complete:
            self.body_bytes += len(data)
        else:
            self.head_bytes += len(data)
        if self.receiving_since_s is None and (self.cycle is None or self.cycle.response_complete):
            self.receiving_since_s = self.loop.time()
        try:
            left = memoryview(data)
            while left:
                left = self._parsed(left)
        except httptools.HttpParserError:
            self.refuse(_UNREADABLE)
        self._refuse_too_much()

    def _discard(self, data: bytes) -> None:
        self.discarded_bytes += len(data)
        if self.transport.lingering and self.discarded_bytes > _FAREWELL_BYTES:
            self.transport.close()

    def _parsed(self, data: memoryview) -> memoryview:
        """Parse; what is left is what follows the head of a request that would rather speak another protocol."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_without_upgrade()
            return data[upgrade.args[0] :]
        return data[len(data) :]

    def _go_on_without_upgrade(self) -> None:
        """Say the head once more without its wish, to a new parser: the old one takes what follows for no body.

        Clients that know HTTP/2 wish for it with every request, also those that carry a password.
        Source: RFC 9110, section 7.8: a server may ignore an Upgrade.
        """
        version, kept = self.parser.get_http_version(), []
        for name, value in self.headers or ():
            if name not in _OF_AN_UPGRADE:
                kept.append(b"%s: %s\r\n" % (name, value))
            elif name == b"connection" and b"close" in value.lower():
                kept.append(b"connection: close\r\n")
        head = b"%s %s HTTP/%s\r\n%s\r\n" % (self.parser.get_method(), self.url, version.encode(), b"".join(kept))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(head)

    def _refuse_too_much(self) -> None:
        if self.head_complete:
            if self.body_bytes > self.limits.body_bytes * _BYTES_PER_BODY_BYTE + self.limits.head_bytes:
                self.refuse(too_large(self.limits.body_bytes))
        elif self.head_bytes > self.limits.head_bytes:
            self._refuse_head()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self.begun, self.head_complete = True, False
        if self.receiving_since_s is None:
            self.receiving_since_s = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. What follows a body is nobody's header. Source: RFC 9110, section 6.5.1."""
        if not self.head_complete:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole: the last moment to refuse it unseen."""
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                self.refuse(_UNREADABLE)
                raise _Refused
            return
        headers = self.headers or []
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in headers)
        if len(self.url) > self.limits.target_bytes or size > self.limits.head_bytes:
            self._refuse_head()
            raise _Refused
        hosts = sum(name == b"host" for name, _ in headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() != "1.0"):
            self.refuse(_HOSTLESS)
            raise _Refused
        if len(self.pipeline) >= _MOST_QUEUED:
            self.refuse(_IMPATIENT)
            raise _Refused
        super().on_headers_complete()
        self.head_complete = True
        self.head_bytes = self.body_bytes = 0

    def on_message_complete(self) -> None:
        """The request is whole: its receipt has no deadline any more."""
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self.receiving_since_s = None
        self.begun = self.head_complete = False

    def on_response_complete(self) -> None:
        """The answer is whole, even one without a body."""
        self.transport.flush()
        if self.held_refusal is not None and not self.pipeline:
            self._say(self.held_refusal)
            return
        super().on_response_complete()
        if self.receiving_since_s is not None:
            self.receiving_since_s = self.loop.time()

    def _refuse_head(self) -> None:
        if len(self.url or b"") > self.limits.target_bytes:
            self.refuse(Refusal(414, "uri_too_long"))
        else:
            self.refuse(Refusal(431, "headers_too_large"))

    def refuse(self, refusal: Refusal) -> None:
        """Answer in place of the application, which never saw this request whole, and close.

        Requests before it are answered first.
        """
        if self.refused or self.transport.is_closing():
            return
        self.refused = True
        if not self._owes_earlier_answers():
            self._say(refusal)
            return
        self.held_refusal = refusal
        if self.head_complete:
            self.pipeline.popleft()

    def _owes_earlier_answers(self) -> bool:
        """Does a request before the one that is coming in wait for its answer?"""
        if self.head_complete:
            return bool(self.pipeline)
        return self.cycle is not None and not self.cycle.response_complete

    def _say(self, refusal: Refusal) -> None:
        if self.transport.is_closing():
            return
        answered = self.head_complete and self.cycle is not None and self.cycle.response_started
        if self.held_refusal is not None or not answered:
            status, headers, body = self.guarded_app.early(refusal, self.headers or [])
            self.transport.write(_wire_bytes(status, headers, body))
        self.transport.close()

    def overdue(self, now_s: float) -> bool:
        """Has this connection been sending one request for longer than the receipt deadline?

        While an earlier request is being answered nothing is read: that is not the client's fault.
        """
        if self.receiving_since_s is None or self._owes_earlier_answers():
            return False
        return now_s - self.receiving_since_s > self.limits.receipt_s

    def give_up(self) -> None:
        """End an overdue receipt: a word for whoever has begun a request, silence for whoever has said nothing."""
        if self.begun and not self.refused and not self.transport.is_closing():
            self.refuse(Refusal(408, "request_timeout"))
        else:
            self.transport.close()


class _Refused(Exception):
    """Stops the parser: this request has been refused."""


def _wire_bytes(status: int, headers: Headers, body: bytes) -> bytes:
    lines = [name + b": " + value + b"\r\n" for name, value in headers]
    return b"".join([STATUS_LINE[status], *lines, b"\r\n", body])


def protocol_for(app: App) -> type[GuardedProtocol]:
    """The protocol class of one listener, for `uvicorn.Config(http=…)`."""
    return type("GuardedProtocolOfListener", (GuardedProtocol,), {"guarded_app": app, "limits": app.limits})


async def sweep(connections: set[Any], limits: Limits) -> None:
    """Give up on overdue receipts until cancelled; one timer for a whole listener keeps the path free of timers."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(limits.receipt_s / _SWEEPS_PER_DEADLINE)
        for connection in list(connections):
            if connection.overdue(loop.time()):
                connection.give_up()
