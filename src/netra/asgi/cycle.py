"""One request and its answer, between a connection and an ASGI application.

It must never write an answer in pieces unless it goes on, nor one whose headers break their lines.
"""

import asyncio
import select
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from time import time
from typing import Any, Final, Protocol
from urllib.parse import unquote

import httptools

from netra.asgi.words import CLOSE, Headers

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_GONE: Final = "http.disconnect"
_OF_AN_UPGRADE: Final = frozenset({b"connection", b"upgrade", b"http2-settings"})


def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode("ascii")


_STATUS_LINES: Final = {int(status): _status_line(status) for status in HTTPStatus}


class Carrier(Protocol):
    """The connection that a request came by."""

    waiting_to_write: asyncio.Future[None] | None
    """Ends when the client, which takes too little, takes more; None while it takes all."""

    def write(self, data: bytes) -> None:
        """Send bytes."""
        ...

    def answered(self, cycle: "Cycle") -> None:
        """The answer of this request has been sent."""
        ...

    def ended(self, cycle: "Cycle") -> None:
        """The application is done with this request."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class Cycle:
    """One request and its answer. Belongs to the event loop of its connection."""

    __slots__ = (
        "_body", "_carrier", "_more", "_news", "_scope", "_start", "_waiter", "_wants_leave", "answered", "begun",
        "goes_on", "gone", "keep_alive", "task",
    )  # fmt: skip

    def __init__(self, carrier: Carrier, scope: Message, *, keep_alive: bool, wants_leave: bool) -> None:
        self._carrier = carrier
        self._scope = scope
        self._body = b""
        self._more = True
        self._news = False
        """Is there something that the application was not told yet?"""
        self._wants_leave = wants_leave
        """May the client wait for leave to send its body? Source: RFC 9110, section 10.1.1."""
        self._waiter: asyncio.Future[None] | None = None
        self._start: Message | None = None
        self.goes_on = False
        """Has the answer left in part?"""
        self.task: asyncio.Task[None] | None = None
        """Where the application runs, once it does."""
        self.keep_alive = keep_alive
        self.begun = False
        """Has the application begun to answer?"""
        self.answered = False
        self.gone = False
        """Has the client left?"""

    async def run(self, application: Application) -> None:
        """Have the application answer; a request that it leaves without an answer ends its connection."""
        try:
            await application(self._scope, self.receive, self.send)
        finally:
            self._carrier.ended(self)
            if not self.answered and not self.gone:
                self._carrier.close()

    def more(self, body: bytes) -> None:
        """A piece of the body has come."""
        self._body = self._body + body if self._body else body
        self._tell()

    def whole(self) -> None:
        """The body is complete."""
        self._more = False
        self._tell()

    def finish(self) -> bool:
        """The connection ends with this answer. Is it one without an end, and nobody takes what it has said already?"""
        self.keep_alive = False
        return self.goes_on and self._carrier.waiting_to_write is not None

    def leave(self) -> None:
        """The client has left."""
        self.gone = True
        self._tell()

    def _tell(self) -> None:
        self._news = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def receive(self) -> Message:
        """What has come of the body since the last call (ASGI)."""
        if self._wants_leave and self._more and not self.begun and self._asks_leave():
            self._carrier.write(_CONTINUE)
        self._wants_leave = False
        if not self._news:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        self._news = False
        if self.gone or self.answered:
            return {"type": _GONE}
        body, self._body = self._body, b""
        return {"type": "http.request", "body": body, "more_body": self._more}

    def _asks_leave(self) -> bool:
        headers: Headers = self._scope["headers"]
        return any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)

    async def send(self, message: Message) -> None:
        """Take the head, then the body, and write both at once; one that comes in pieces leaves as it comes (ASGI).

        Raises: ValueError, for a header that breaks its line.
        """
        if self._start is None:
            self._start, self.begun = message, True
            return
        if self._carrier.waiting_to_write is not None:
            await asyncio.shield(self._carrier.waiting_to_write)
        if self.gone or self.answered:
            return
        if self.goes_on:
            data = message["body"]
        else:
            headers: Headers = self._start["headers"]
            if CLOSE in headers:
                self.keep_alive = False
            elif not self.keep_alive:
                headers.append(CLOSE)
            data = answer_bytes(self._start["status"], headers, message["body"])
        if message.get("more_body"):
            self.goes_on = True
            self._carrier.write(data)
            return
        self.answered = True
        self._carrier.write(data)
        self._carrier.answered(self)


def answer_bytes(status: int, headers: Headers, body: bytes) -> bytes:
    """An answer as it is sent.

    Raises: ValueError, for a header that breaks its line. Source: RFC 9110, section 5.5.
    """
    head = _STATUS_LINES[status] + b"".join([b"%s: %s\r\n" % header for header in headers])
    if head.count(b"\n") != len(headers) + 1 or head.count(b"\r") != len(headers) + 1:
        raise ValueError("a header breaks its line")
    return head + _date_line(int(time())) + body


@lru_cache(maxsize=1)
def _date_line(second: int) -> bytes:
    """When an answer was made, and the end of its head; worded once a second. Source: RFC 9110, section 6.6.1."""
    return b"date: " + formatdate(second, usegmt=True).encode("ascii") + b"\r\n\r\n"


def address_of(name: Any) -> tuple[str, int] | None:
    """Host and port of a socket's name; None for a socket without any."""
    return (str(name[0]), int(name[1])) if isinstance(name, Sequence) and len(name) > 1 else None


def target_of(url: bytes) -> tuple[str, bytes]:
    """Decoded path and query of a request's target. Source: RFC 9112, section 3.2."""
    if url.startswith(b"/") and b"#" not in url:
        raw_path, _, query = url.partition(b"?")
    else:
        parsed = httptools.parse_url(url)
        raw_path, query = parsed.path or b"/", parsed.query or b""
    path = raw_path.decode("ascii")
    return unquote(path) if "%" in path else path, query


def head_without_upgrade(method: bytes, url: bytes, version: str, headers: Headers) -> bytes:
    """The head of a request as if it had not wished for another protocol. Its wish to close is kept."""
    kept = []
    for name, value in headers:
        if name not in _OF_AN_UPGRADE:
            kept.append(b"%s: %s\r\n" % (name, value))
        elif name == b"connection" and b"close" in value.lower():
            kept.append(b"connection: close\r\n")
    return b"%s %s HTTP/%s\r\n%s\r\n" % (method, url, version.encode(), b"".join(kept))


def has_unread(transport: Any) -> bool:
    """Has something come over this connection that the event loop has not read yet?"""
    if transport.is_closing():
        return False
    incoming = select.poll()
    incoming.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(incoming.poll(0))
