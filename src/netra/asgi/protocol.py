"""One connection of a listener, on the parser that uvicorn uses: limits, deadlines, answers in order.

It must never parse HTTP itself, and never change what an answer says.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import httptools

from netra.asgi.adapter import App
from netra.asgi.body import too_large
from netra.asgi.cycle import Cycle, address_of, answer_bytes, has_unread, head_without_upgrade, manners_of, target_of
from netra.asgi.words import Headers, Refusal

_UNREADABLE: Final = Refusal(400, "malformed_request", "This is not an HTTP request that can be read.")
_MOST_QUEUED: Final = 64
"""How many requests may wait behind one that is being answered: each costs a hundred times its bytes.

One that is answered at once leads to the next on the same stack.
"""
_IMPATIENT: Final = Refusal(400, "malformed_request", "Too many requests were sent without waiting for an answer.")
_HOSTLESS: Final = Refusal(400, "malformed_request", "A request names exactly one host.")
_WELCOME_S: Final = 0.5
"""How long whoever connects just before the end has for his first word."""
_FAREWELL_BYTES: Final = 8 * 1024 * 1024
"""How much of a refused request is still taken off the line, so that its answer is not lost with a reset."""

MakeRoom = Callable[[set[Any], Any], None]
"""Is told of every new connection, and ends some when they become too many."""


class GuardedProtocol(asyncio.Protocol):
    """An HTTP connection that refuses heads that are too long and requests that arrive too slowly.

    Requests that come before an earlier one is answered wait in line, and nothing more is read meanwhile.
    """

    def __init__(
        self, app: App, make_room: MakeRoom, *, config: Any, server_state: Any, app_state: Any, _loop: Any = None
    ) -> None:
        self.limits = app.limits
        self._app = app
        self._make_room = make_room
        self.loop = asyncio.get_running_loop()
        self._connections: set[Any] = server_state.connections
        self._tasks: set[asyncio.Task[None]] = server_state.tasks
        self._waiting: deque[Cycle] = deque()
        self._cycle: Cycle | None = None
        """The request that came last."""
        self._answering: Cycle | None = None
        """The request that is being answered."""
        self._unstarted: Cycle | None = None
        """The same, until all that came with it has been read."""
        self._parser = self._new_parser()
        self.waiting_to_write: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._refused = False
        self._held_refusal: Refusal | None = None
        """What is to be said once earlier requests have their answers."""
        self._lingering = False
        self._part_bytes = self._discarded_bytes = 0
        """So many bytes came of a head, or of a body, behind what the end of the part before came with."""
        self._seen_bytes = 0
        """At most so many bytes has the request that is coming in so far."""
        self._chunk_bytes = 0
        self._begun = False
        """Has a request begun that is not whole yet?"""
        self._head_complete = False
        """Is its head whole, and taken for a request? One that wishes for another protocol is read once more."""
        self._url = b""
        self._headers: Headers = []

    def _new_parser(self) -> Any:
        """A parser for the requests to come; one that refuses what follows `Connection: close` would lose its place."""
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    # --- the transport

    def connection_made(self, transport: Any) -> None:
        """A client is there: its first request is awaited from now on."""
        self.transport = transport
        self._connections.add(self)
        self.since_s: float = self.loop.time()
        """When the receipt of a request, or the wait for one, has begun."""
        self._taken_at_s = self.since_s
        """When the client was last seen to have taken all that it was sent."""
        self._receiving = True
        """Is a request owed, as the first one is from the beginning?"""
        address = address_of(transport.get_extra_info("peername"))
        self._peer = None if address is None else address[0]
        self._make_room(self._connections, self)

    @property
    def waits(self) -> bool:
        """Is it the client's turn, so that nothing but its patience is lost with this connection?"""
        return self._answering is None or (self._receiving and not self._owes_earlier_answers())

    def eof_received(self) -> bool:
        """The client sends no more, but may still read: what was asked for in full is answered, then comes the end.

        Source: RFC 9112, section 9.6.
        """
        if self._closing():
            return False
        if self._held_refusal is None:
            if self._head_complete:  # half a request
                if not self._waiting:
                    return False
                self._waiting.pop()
            last = self._waiting[-1] if self._waiting else self._answering
            if last is None or last.goes_on:  # who leaves a stream has no other way to say so
                return False
            last.keep_alive = False
        self._begun = False
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """The client has left: whoever answers it is told, and what waits is dropped."""
        self._connections.discard(self)
        for cycle in (self._answering, *self._waiting):
            if cycle is not None:
                cycle.leave()
        self._waiting.clear()
        self.resume_writing()

    def pause_writing(self) -> None:
        """The client takes too little."""
        self.waiting_to_write = self.loop.create_future()

    def resume_writing(self) -> None:
        """The client takes more again."""
        if self.waiting_to_write is not None:
            self.waiting_to_write.set_result(None)
            self.waiting_to_write = None

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if not self._lingering:
            self.transport.write(data)

    def close(self) -> None:
        """Close, or linger when the client is still sending; the second call closes in any case.

        What is closed with bytes unread is reset, and a reset takes the answer with it.
        Source: RFC 9112, section 9.6.
        """
        if self._lingering or self.transport.is_closing() or not self._begun:
            self.transport.close()
            return
        self._lingering = True
        self.transport.write_eof()
        self._read_on()

    def _closing(self) -> bool:
        return self._lingering or bool(self.transport.is_closing())

    def _read_on(self) -> None:
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()

    # --- bytes in

    def data_received(self, data: bytes) -> None:
        """More bytes of a request, or of its head."""
        if self._refused or self._lingering:
            self._discard(data)
            return
        self._chunk_bytes = len(data)
        self._seen_bytes += self._chunk_bytes
        self._part_bytes += self._chunk_bytes
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._parse_on(data, upgrade)
        except httptools.HttpParserError:
            self.refuse(_UNREADABLE)
        if self._unstarted is not None:
            self._start(self._unstarted)
        if self._begun:
            self._await_rest()
        elif self._part_bytes > self.limits.head_bytes:
            self._refuse_head()

    def _await_rest(self) -> None:
        """A request is not whole yet: it has a deadline, and must not become too much."""
        if not self._receiving and not self._owes_earlier_answers():
            self._receiving, self.since_s = True, self.loop.time()
        if not self._head_complete:
            if self._part_bytes > self.limits.head_bytes:
                self._refuse_head()
        elif self._part_bytes > self.limits.weight_bytes:
            self.refuse(too_large(self.limits.body_bytes))

    def _discard(self, data: bytes) -> None:
        self._discarded_bytes += len(data)
        if self._lingering and self._discarded_bytes > _FAREWELL_BYTES:
            self.transport.close()

    def _parse_on(self, data: bytes, upgrade: httptools.HttpParserUpgrade) -> None:
        """Parse what follows the head of a request that would rather speak another protocol."""
        left = memoryview(data)
        pending: httptools.HttpParserUpgrade | None = upgrade
        try:
            while pending is not None:
                left, pending = left[pending.args[0] :], None
                self._go_on_without_upgrade()
                if left:
                    try:
                        self._parser.feed_data(left)
                    except httptools.HttpParserUpgrade as another:
                        pending = another
        except httptools.HttpParserError:
            self.refuse(_UNREADABLE)

    def _go_on_without_upgrade(self) -> None:
        """Say the head once more without its wish, to a new parser: the old one takes what follows for no body.

        Clients that know HTTP/2 wish for it with every request, also those that carry a password.
        Source: RFC 9110, section 7.8: a server may ignore an Upgrade.
        """
        parser = self._parser
        head = head_without_upgrade(parser.get_method(), self._url, parser.get_http_version(), self._headers)
        self._parser = self._new_parser()
        self._parser.feed_data(head)

    # --- the parser

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._url, self._headers = b"", []
        self._begun, self._head_complete = True, False
        self._seen_bytes = self._chunk_bytes

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. What follows a body is nobody's header. Source: RFC 9110, section 6.5.1."""
        if self._head_complete:
            return
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole: the last moment to refuse it unseen."""
        parser = self._parser
        if parser.should_upgrade():
            if parser.get_method() == b"CONNECT":
                self._stop(_UNREADABLE)
            return
        if self._seen_bytes > self.limits.target_bytes and not self.limits.allow(self._url, self._headers):
            self._refuse_head()
            raise _Refused
        path, query = target_of(self._url)
        method = parser.get_method().decode("ascii")
        request = self._app.request(method, path, query, self._headers, self._peer)
        is_old, keep_alive = manners_of(parser, request)
        hosts_count = request.count(b"host")
        if hosts_count > 1 or (not hosts_count and not is_old):
            self._stop(_HOSTLESS)
        cycle = self._cycle = Cycle(self, self._app, request, keep_alive=keep_alive, is_old=is_old)
        if self._answering is None:
            self._answering = self._unstarted = cycle
        else:
            self._wait(cycle)
        self._head_complete = True
        self._part_bytes = 0

    def _wait(self, cycle: Cycle) -> None:
        """A request that came before an earlier one was answered."""
        if len(self._waiting) >= _MOST_QUEUED:
            self._stop(_IMPATIENT)
        self._waiting.append(cycle)
        if not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()

    def _stop(self, refusal: Refusal) -> None:
        self.refuse(refusal)
        raise _Refused

    def on_body(self, body: bytes) -> None:
        """A piece of the body; nobody waits for it once the answer is given."""
        if self._cycle is not None and self._head_complete and not self._cycle.answered:
            self._cycle.more(body)

    def on_message_complete(self) -> None:
        """The request is whole: its receipt has no deadline any more."""
        if self._cycle is not None and self._head_complete:
            self._cycle.whole()
            self._receiving = self._begun = self._head_complete = False
            self._part_bytes = 0

    # --- answers out

    def _start(self, cycle: Cycle) -> None:
        self._unstarted, self._answering = None, cycle
        begun = cycle.begin()
        if begun is not None:
            cycle.task = self.loop.create_task(cycle.run(begun))
            self._tasks.add(cycle.task)

    def ended(self, cycle: Cycle) -> None:
        """The application is done with this request."""
        if cycle.task is not None:
            self._tasks.discard(cycle.task)

    def answered(self, cycle: Cycle) -> None:
        """The answer of a request has been sent: the next one's turn."""
        self._answering = None
        if not cycle.keep_alive:
            self.close()
        if self._lingering or self.transport.is_closing():
            return
        self.since_s, self._receiving = self.loop.time(), self._begun
        if self._waiting:
            self._start(self._waiting.popleft())
        elif self._held_refusal is not None:
            self._say(self._held_refusal)
        if self._reading_paused and not self._waiting:
            self._read_on()

    def shutdown(self) -> None:
        """The server stops: what is asked by now is answered, and whoever has just come may still ask."""
        if self._answering is not None:
            if self._answering.finish():
                self.transport.abort()
        elif (self._receiving and self.loop.time() - self.since_s < _WELCOME_S) or has_unread(self.transport):
            self.loop.call_later(_WELCOME_S, self.shutdown)
        elif not self._begun:
            self.close()

    def _refuse_head(self) -> None:
        if len(self._url) > self.limits.target_bytes:
            self.refuse(Refusal(414, "uri_too_long"))
        else:
            self.refuse(Refusal(431, "headers_too_large"))

    def refuse(self, refusal: Refusal) -> None:
        """Answer in place of the application, which never saw this request whole, and close.

        Requests before it are answered first.
        """
        if self._refused or self._closing():
            return
        self._refused = True
        if not self._owes_earlier_answers():
            self._say(refusal)
            return
        self._held_refusal = refusal
        if self._head_complete:
            self._waiting.pop()

    def _owes_earlier_answers(self) -> bool:
        """Does a request before the one that is coming in wait for its answer?"""
        return self._answering is not None and not (self._head_complete and self._answering is self._cycle)

    def _say(self, refusal: Refusal) -> None:
        cycle = self._cycle if self._head_complete else None
        answered = cycle is not None and (cycle.answered or cycle.goes_on)
        if self._held_refusal is not None or not answered:
            self.write(answer_bytes(*self._app.early(refusal, self._headers)))
        if self._answering is not None:  # what the application may still say of it is not heard
            self._answering.leave()
            self._answering = self._unstarted = None
        self.close()

    # --- deadlines

    def overdue(self, now_s: float) -> bool:
        """Has the client taken too long: over a request, over taking an answer, or between the two?

        While an earlier request is being answered nothing is read: that is not the client's fault.
        """
        if not self.transport.get_write_buffer_size():
            self._taken_at_s = now_s
        elif now_s - self._taken_at_s > self.limits.receipt_s:
            return True
        if self._receiving:
            return not self._owes_earlier_answers() and now_s - self.since_s > self.limits.receipt_s
        return self._answering is None and now_s - self.since_s > self.limits.idle_s

    def give_up(self) -> None:
        """End an overdue receipt: a word for whoever has begun a request, silence for whoever has said nothing."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        elif self._begun and not self._refused and not self._closing():
            self.refuse(Refusal(408, "request_timeout"))
        else:
            self.transport.close()


class _Refused(Exception):
    """Stops the parser: this request has been refused."""
