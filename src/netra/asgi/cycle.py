"""One request and its answer, between a connection and an application.

It must never write an answer in pieces unless it goes on, nor one whose headers break their lines.
"""

import asyncio
import select
from collections.abc import Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from time import time
from typing import Any, Final, Protocol
from urllib.parse import unquote

import httptools

from netra.asgi.adapter import App
from netra.asgi.body import too_large
from netra.asgi.words import BODILESS, CLOSE, NOT_STORED, Answer, Headers, Refusal, Request, Route, Stream

_SAME_COUNT: Final = 1024
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_FRAGMENT: Final = ord("#")
"""As a number, which is looked for in bytes in a tenth of the time."""
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

    goes_on = False
    """Has the answer left in part?"""
    task: "asyncio.Task[None] | None" = None
    """Where the application runs, if it has to wait."""
    answered = False
    gone = False
    """Has the client left?"""
    _body = b""
    _more = True
    _news: "asyncio.Future[None] | None" = None
    """Ends when more of the request has come, or its client has left; None while nobody waits for it."""

    def __init__(self, carrier: Carrier, app: App, request: Request, *, keep_alive: bool, is_old: bool) -> None:
        """`is_old`: of HTTP/1.0, which knows of no leave to wait for. Source: RFC 9110, section 10.1.1."""
        self._carrier = carrier
        self._app = app
        self.request = request
        self.keep_alive = keep_alive
        self._is_old = is_old

    def begin(self) -> Answer | Route | None:
        """Answer at once if that can be; else what `run` goes on with, in a task of its own."""
        begun = self._app.begin(self.request)
        if isinstance(begun, Answer) and self._carrier.waiting_to_write is None:
            self._say(begun)
            return None
        return begun

    async def run(self, begun: Answer | Route) -> None:
        """Have the application answer; a request that it leaves without an answer ends its connection."""
        try:
            answer = begun if isinstance(begun, Answer) else await self._app.respond(self.request, begun, self.body)
            if isinstance(answer, Stream):
                await self._say_pieces(answer)
            elif answer is not None:
                await self._taken()
                if not self.gone:
                    self._say(answer)
        finally:
            self._carrier.ended(self)
            if not self.answered and not self.gone:
                self._carrier.close()

    def more(self, body: bytes) -> None:
        """A piece of the body has come."""
        self._body = self._body + body if self._body else body
        if self._news is not None:
            self._tell()

    def whole(self) -> None:
        """The body is complete."""
        self._more = False
        if self._news is not None:
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
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def _hear(self) -> None:
        """Wait until more has come, or the client has left."""
        self._news = asyncio.get_running_loop().create_future()
        try:
            await self._news
        finally:
            self._news = None

    async def body(self, limit_bytes: int) -> bytes | Refusal | None:
        """The whole body; a refusal when it is larger than `limit_bytes`; None when the client left."""
        if self._more and self._asks_leave():
            self._carrier.write(_CONTINUE)
        while self._more and not self.gone and len(self._body) <= limit_bytes:
            await self._hear()
        if self.gone:
            return None
        return self._body if len(self._body) <= limit_bytes else too_large(limit_bytes)

    def _asks_leave(self) -> bool:
        """May the client wait for leave to send its body? Source: RFC 9110, section 10.1.1."""
        return not self._is_old and any(value.lower() == b"100-continue" for value in self.request.values(b"expect"))

    async def _taken(self) -> None:
        """Wait for a client that takes too little."""
        if self._carrier.waiting_to_write is not None:
            await asyncio.shield(self._carrier.waiting_to_write)

    def _say(self, answer: Answer) -> None:
        """Write an answer, head and body at once; one that cannot be written is a bug like any other."""
        try:
            head = self._head(answer)
        except Exception as crash:  # noqa: BLE001 - the rim: a bug is answered and told, never dropped
            answer = self._app.crashed(self.request, crash)
            head = self._head(answer)
        self.answered = True
        self._carrier.write(head if self.request.method == "HEAD" else head + answer.body)
        self._carrier.answered(self)

    def _head(self, answer: Answer) -> bytes:
        """The head of an answer, with what every answer carries. Raises: ValueError, see `answer_bytes`."""
        worded = answer.worded
        if worded is None:
            bodiless = answer.status in BODILESS
            worded = answer.worded = _same(bodiless, answer.content_type, answer.headers, len(answer.body))
        lines, closes = worded
        more = self._app.more_headers(answer, self.request)
        if closes or (more and CLOSE in more):
            self.keep_alive = False
        elif not self.keep_alive:
            more = (*more, CLOSE)
        return b"%sx-request-id: %s\r\n%s%s%s" % (
            _STATUS_LINES[answer.status],
            self.request.request_id.encode("ascii"),
            lines,
            _lines(more) if more else b"",
            _date_line(int(time())),
        )

    async def _say_pieces(self, stream: Stream) -> None:
        """Write an answer that goes on, piece by piece as they come."""
        head = answer_bytes(200, self._app.stream_headers(stream, self.request))
        self.keep_alive = False
        await self._take(head)
        await self._app.flow(self.request, stream, self._take, self._left())
        await self._taken()
        self.answered = True
        if not self.gone:
            self._carrier.answered(self)

    async def _take(self, piece: bytes) -> None:
        await self._taken()
        if not self.gone:
            self.goes_on = True
            self._carrier.write(piece)

    async def _left(self) -> None:
        """Wait until the client has left; what it sends meanwhile is of no interest."""
        while not self.gone:
            await self._hear()


@lru_cache(maxsize=_SAME_COUNT)
def _same(
    bodiless: bool,  # noqa: FBT001 - a key of what is kept
    content_type: bytes,
    headers: tuple[tuple[bytes, bytes], ...],
    body_bytes: int,
) -> tuple[bytes, bool]:
    """What answers have in common that differ in the text of their body, and whether it ends their connections."""
    sized = () if bodiless else ((b"content-type", content_type), (b"content-length", b"%d" % body_bytes))
    return _lines((NOT_STORED, *headers, *sized)), CLOSE in headers


def answer_bytes(status: int, headers: Headers, body: bytes = b"") -> bytes:
    """An answer as it is sent. Raises: ValueError, for a header that breaks its line."""
    return _STATUS_LINES[status] + _lines(headers) + _date_line(int(time())) + body


def _lines(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Raises: ValueError, for a header that breaks its line. Source: RFC 9110, section 5.5."""
    lines = b"".join([b"%s: %s\r\n" % header for header in headers])
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers):
        raise ValueError("a header breaks its line")
    return lines


@lru_cache(maxsize=1)
def _date_line(second: int) -> bytes:
    """When an answer was made, and the end of its head; worded once a second. Source: RFC 9110, section 6.6.1."""
    return b"date: " + formatdate(second, usegmt=True).encode("ascii") + b"\r\n\r\n"


def address_of(name: Any) -> tuple[str, int] | None:
    """Host and port of a socket's name; None for a socket without any."""
    return (str(name[0]), int(name[1])) if isinstance(name, Sequence) and len(name) > 1 else None


def target_of(url: bytes) -> tuple[str, bytes]:
    """Path, decoded and without a slash at its end, and query of a request's target. Source: RFC 9112, section 3.2."""
    if url.startswith(b"/") and _FRAGMENT not in url:
        raw_path, _, query = url.partition(b"?")
    else:
        parsed: Any = httptools.parse_url(url)
        raw_path, query = parsed.path or b"/", parsed.query or b""
    path = raw_path.decode("ascii")
    return (unquote(path) if "%" in path else path).rstrip("/") or "/", query


def manners_of(parser: Any, request: Request) -> tuple[bool, bool]:
    """Is a request, whose head the parser has just read, of HTTP/1.0; and may its connection live on?

    The parser words the version anew whenever it is asked, which costs more than reading a header. Where it would keep
    a connection without having been wished to, it has seen for itself that the version is later.
    Source: RFC 9112, section 9.3.
    """
    kept = parser.should_keep_alive()
    wished = request.count(b"connection") + request.count(b"proxy-connection") > 0
    is_old = (wished or not kept) and parser.get_http_version() == "1.0"
    return is_old, kept and not is_old


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
