"""One HTTP/1.1 connection to the auth service: a request out, one reply in, read by the parser that servers use.

It must never hand a reply to anybody but the exchange that asked for it, nor take more of it than it was told.
"""

import asyncio
import select
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httptools

from netra.core.verdict.broken import broken
from netra.core.verdict.outcomes import UNTIMED, Spent
from netra.core.verdict.reply import Broken

MAX_REPLY_BYTES: Final = 64 * 1024
MAX_REPLY_HEAD_BYTES: Final = 16 * 1024
MAX_HEADERS_COUNT: Final = 128
MAX_RAW_BYTES: Final = 8 * MAX_REPLY_BYTES
"""What a whole reply may weigh on the wire: one that comes in chunks of a single byte is six times its size."""
_INTERIM_STATUSES: Final = frozenset(range(100, 200)) - {101}
MAX_INTERIM_COUNT: Final = 10
"""How many `1xx` replies may come before the one that counts."""

PARSER_ERRORS: Final = (httptools.HttpParserUpgrade, httptools.HttpParserError)
"""All that the parser raises; a test asks it whether there is more."""


class ReplyHeaders(Mapping[str, str]):
    """Headers by name in lower case, of those sent twice the first; made into that when somebody looks, as few do."""

    __slots__ = ("_first", "_pairs")

    def __init__(self, pairs: list[tuple[bytes, bytes]]) -> None:
        """As they came; nobody else changes these any more."""
        self._pairs = pairs
        self._first: dict[bytes, bytes] | None = None

    def _by_name(self) -> dict[bytes, bytes]:
        if self._first is None:
            self._first = {name.lower(): value for name, value in reversed(self._pairs)}
        return self._first

    def __getitem__(self, name: str) -> str:
        return self._by_name()[name.encode("latin-1")].decode("latin-1")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.encode("latin-1") in self._by_name()

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._by_name())

    def __len__(self) -> int:
        return len(self._by_name())


_NO_HEADERS: Final = ReplyHeaders([])
_ENCODING: Final = b"content-encoding"


class Received:
    """A complete reply, as it came."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status: Final = status
        self.headers: Final = headers
        self.body: Final = body


class Connection(asyncio.Protocol):
    """Carries one exchange at a time. Belongs to the event loop that made it."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.opening = UNTIMED
        """What it has cost to open it, until an exchange has taken that upon itself."""
        self.retires_at_s = 0.0
        """When it is too old to be used again, however busy it is."""
        self.usable_until_s = 0.0
        """When it has been unused for too long, or is too old."""
        self._now_s = now_s
        self._sent_at_s = self._heard_at_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._due_s = 0.0
        self._transport: Any = None
        self._incoming = select.poll()
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[Received | Broken] | None = None
        self._reset()

    def _reset(self) -> None:
        self._pairs: list[tuple[bytes, bytes]] = []
        self._headers = _NO_HEADERS
        self._body = bytearray()
        self._raw_bytes = 0
        self._interim_count = 0
        self._head_complete = False

    @property
    def reusable(self) -> bool:
        """May another exchange begin here?"""
        return self._waiter is None and not self._transport.is_closing()

    @property
    def silent(self) -> bool:
        """Has nothing come in since the last reply, also nothing that the event loop has not read yet?

        What comes unasked would be taken for the next reply, and the end of the stream for a broken exchange.
        """
        return not self._incoming.poll(0)

    async def exchange(self, request: bytes, left_s: float) -> Received | Broken:
        """Send a request and await its reply; `give_up_if_due` ends the wait after `left_s`.

        Whoever is cancelled leaves no reply behind.
        """
        self._reset()
        waiter: asyncio.Future[Received | Broken] = self._loop.create_future()
        self._waiter = waiter
        self._due_s = self._loop.time() + left_s
        try:
            self._transport.write(request)
            self._sent_at_s, self._heard_at_s = self._now_s(), 0.0
            return await waiter
        finally:
            if self._waiter is not None:
                self._waiter = None
                self.abort()

    def spent(self, now_s: float) -> Spent:
        """Where the time of the exchange went that ended at this instant; the first one bears the opening's."""
        opening, self.opening = self.opening, UNTIMED
        heard_at_s = self._heard_at_s
        wait_s = (heard_at_s or now_s) - self._sent_at_s
        read_s = now_s - heard_at_s if heard_at_s else None
        return Spent(opening.dns_s, opening.connect_s, opening.tls_s, wait_s, read_s)

    def give_up_if_due(self) -> None:
        """End an exchange that has taken all the time it had."""
        if self._waiter is not None and self._loop.time() >= self._due_s:
            self._end(Broken("response_timeout"))

    def abort(self) -> None:
        """Close at once, if it has come about; whatever is still to come is dropped by the operating system."""
        if self._transport is not None:
            self._transport.abort()

    def _end(self, got: Received | Broken) -> None:
        waiter, self._waiter = self._waiter, None
        if isinstance(got, Broken):
            self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_result(got)

    def connection_made(self, transport: Any) -> None:
        """The connection stands."""
        self._transport = transport
        self._incoming.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Bytes of the reply; bytes that nobody asked for end the connection."""
        if self._waiter is None:
            self.abort()
            return
        self._raw_bytes += len(data)
        if not self._heard_at_s:
            self._heard_at_s = self._now_s()
        try:
            self._parser.feed_data(data)
        except PARSER_ERRORS as error:
            self._unreadable(error)
            return
        if not self._head_complete:
            self._check_head(self._raw_bytes)
        elif self._raw_bytes > MAX_RAW_BYTES:
            self._end(Broken("response_too_large"))

    def _unreadable(self, error: Exception) -> None:
        """What follows is not a reply to us: another protocol, or nothing that can be read."""
        switched = isinstance(error, httptools.HttpParserUpgrade)
        self._end(Received(101, self._headers, b"") if switched else Broken("http_protocol_error"))
        self.abort()

    def _check_head(self, size_bytes: int) -> None:
        if size_bytes > MAX_REPLY_HEAD_BYTES:
            self._end(Broken("response_too_large"))
        elif len(self._pairs) > MAX_HEADERS_COUNT:
            self._end(Broken("http_protocol_error"))

    def on_message_begin(self) -> None:
        """A reply begins; a second one was not asked for."""
        if self._waiter is None:
            self.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header of the reply."""
        self._pairs.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole; a body in an encoding that we did not ask for is not waited for."""
        self._head_complete = True
        pairs = self._pairs
        self._headers = ReplyHeaders(pairs)
        if self._raw_bytes > MAX_REPLY_HEAD_BYTES or len(pairs) > MAX_HEADERS_COUNT:
            self._check_head(sum(len(name) + len(value) for name, value in pairs))
        for name, value in pairs:
            if len(name) == len(_ENCODING) and name.lower() == _ENCODING:
                if value.lower() != b"identity":
                    self._end(Broken("http_protocol_error"))
                break  # of those sent twice the first counts
        self._pairs = []  # for headers behind the body, where nobody looks for any

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body += body
        if len(self._body) > MAX_REPLY_BYTES:
            self._end(Broken("response_too_large"))

    def on_message_complete(self) -> None:
        """A reply is whole: an interim one is forgotten, any other one is the answer."""
        status = self._parser.get_status_code()
        if status in _INTERIM_STATUSES:
            self._interim_count += 1
            self._raw_bytes = 0
            self._pairs, self._headers, self._head_complete = [], _NO_HEADERS, False
            if self._interim_count > MAX_INTERIM_COUNT:
                self._end(Broken("http_protocol_error"))
            return
        if not self._parser.should_keep_alive():
            self._transport.close()
        self._end(Received(status, self._headers, bytes(self._body)))

    def eof_received(self) -> None:
        """The auth service will send no more; only a body without a length may end so."""
        if self._waiter is None:
            return
        framed = "content-length" in self._headers or "transfer-encoding" in self._headers
        if self._head_complete and not framed:
            self._end(Received(self._parser.get_status_code(), self._headers, bytes(self._body)))
        elif self._head_complete:
            self._end(Broken("response_incomplete"))

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        if self._waiter is None:
            return
        cut = broken(error, sent=True) if isinstance(error, OSError) else Broken("connection_terminated")
        self._end(Broken("response_incomplete", cut.facts) if self._head_complete else cut)
