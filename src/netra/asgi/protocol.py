"""What uvicorn's HTTP protocol lacks for a public listener: a receipt deadline, head limits, one write per answer.

It must never parse HTTP itself, and never change what an answer says.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from netra.asgi.adapter import App, Limits
from netra.asgi.words import Headers, Refusal

_SWEEPS_PER_DEADLINE: Final = 10


class _OneWrite:
    """A transport that holds an answer's head until its body comes, so that both leave in one packet."""

    __slots__ = ("_held", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held = b""

    def write(self, data: bytes) -> None:
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
        self.flush()
        self._transport.close()

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
        self.transport: Any = _OneWrite(transport)
        self.receiving_since_s: float | None = self.loop.time()
        self.head_bytes: int = 0
        self.head_complete = False
        self.refused = False

    def data_received(self, data: bytes) -> None:
        """More bytes of a request, or of its head."""
        if self.refused:
            return
        if not self.head_complete:
            self.head_bytes += len(data)
        if self.receiving_since_s is None and (self.cycle is None or self.cycle.response_complete):
            self.receiving_since_s = self.loop.time()
        super().data_received(data)
        if not self.head_complete and self.head_bytes > self.limits.head_bytes:
            self._refuse_head()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self.head_complete = False

    def on_headers_complete(self) -> None:
        """The head is whole: the last moment to refuse it unseen."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers or ())
        if len(self.url) > self.limits.target_bytes or size > self.limits.head_bytes:
            self._refuse_head()
            raise _HeadTooLong
        super().on_headers_complete()
        self.head_complete = True
        self.head_bytes = 0

    def on_message_complete(self) -> None:
        """The request is whole: its receipt has no deadline any more."""
        super().on_message_complete()
        self.receiving_since_s = None
        self.head_complete = False

    def on_response_complete(self) -> None:
        """The answer is whole, even one without a body."""
        self.transport.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """What the parser could not read is answered as a problem, too."""
        self.refuse(Refusal(400, "malformed_request", "This is not an HTTP request that can be read."))

    def _refuse_head(self) -> None:
        if len(self.url or b"") > self.limits.target_bytes:
            self.refuse(Refusal(414, "uri_too_long"))
        else:
            self.refuse(Refusal(431, "headers_too_large"))

    def refuse(self, refusal: Refusal) -> None:
        """Answer in place of the application, which never saw this request whole, and close."""
        if self.refused or self.transport.is_closing():
            return
        self.refused = True
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            status, headers, body = self.guarded_app.early(refusal, self.headers or [])
            self.transport.write(_wire_bytes(status, headers, body))
        self.transport.close()

    def overdue(self, now_s: float) -> bool:
        """Has this connection been sending one request for longer than the receipt deadline?"""
        return self.receiving_since_s is not None and now_s - self.receiving_since_s > self.limits.receipt_s

    def give_up(self) -> None:
        """End an overdue receipt: a word for whoever has begun a request, silence for whoever has said nothing."""
        if self.head_bytes or self.head_complete:
            self.refuse(Refusal(408, "request_timeout"))
        else:
            self.transport.close()


class _HeadTooLong(Exception):
    """Stops the parser; the refusal has been written. uvicorn catches it as a parser error."""


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
