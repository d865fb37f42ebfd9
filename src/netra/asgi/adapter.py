"""One application for a table of routes: what becomes of a request, on our own connections or as ASGI 3 anywhere.

It must never let an exception reach the server: whatever happens is answered as a problem.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from functools import partial
from time import monotonic
from typing import Any, Final, NamedTuple

from netra.asgi.body import Receive, read_body
from netra.asgi.callers import Callers, request_id, served
from netra.asgi.cors import Cors
from netra.asgi.problem import problem
from netra.asgi.words import (
    ANY_METHOD,
    BODILESS,
    CLOSE,
    NOT_STORED,
    Answer,
    Headers,
    Refusal,
    Refuse,
    Request,
    Route,
    Stream,
)

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
OnCrash = Callable[[Request, BaseException], None]
Body = Callable[[int], Awaitable[bytes | Refusal | None]]
"""Reads a body of at most so many bytes, or says why not; None when the client left."""
Take = Callable[[bytes], Awaitable[None]]
"""Takes a piece of an answer that goes on."""
Admit = Callable[[Request, Headers], Refusal | Answer | None]

_EVERY: Final = b"GET, HEAD, POST, PUT, PATCH, DELETE"
"""What a page may send where every method is taken."""


class Limits(NamedTuple):
    """How much a stranger may send, and for how long."""

    body_bytes: int = 16 * 1024
    head_bytes: int = 16 * 1024
    target_bytes: int = 8 * 1024
    receipt_s: float = 10.0
    """From the first byte of a request to its last; and as long may an answer lie there untaken."""
    idle_s: float = 75.0
    """From an answer to the next request.

    Longer than the balancers in front keep idle connections, 60 s as a rule: who closes first must be the client.
    """

    @property
    def weight_bytes(self) -> int:
        """What a body may weigh on the wire: one that comes in chunks of a single byte is six times its size."""
        return self.body_bytes * 8 + self.head_bytes

    def allow(self, url: bytes, headers: Headers) -> bool:
        """Is a head as short as it must be? A close look, for one that came with many bytes."""
        size_bytes = len(url) + sum(len(name) + len(value) + 4 for name, value in headers)
        return len(url) <= self.target_bytes and size_bytes <= self.head_bytes


class App:
    """Answers HTTP requests by a table of routes. Not bound to a server; safe for concurrent use in one event loop."""

    def __init__(  # noqa: PLR0913 - the parts of a listener, each optional
        self,
        routes: Iterable[Route],
        refuse: Refuse,
        on_crash: OnCrash,
        *,
        limits: Limits = Limits(),
        callers: Callers | None = None,
        cors: Cors | None = None,
        admit: Admit | None = None,
    ) -> None:
        self.limits = limits
        self.draining = False
        """While true, every answer asks the client to close its connection."""
        self._refuse = refuse
        self._on_crash = on_crash
        self._callers = callers or Callers()
        self._cors = cors or Cors()
        self._admit = admit
        self._routes: dict[str, dict[str, Route]] = {}
        self._parents: dict[str, dict[str, Route]] = {}
        self._trees: dict[str, dict[str, Route]] = {}
        self._streams: set[asyncio.Task[None]] = set()
        self._streams_ended = False
        for route in routes:
            path, _, star = route.path.partition("/*")
            table = self._routes if path == route.path else self._trees if star else self._parents
            table.setdefault(path, {})[route.method] = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3). Anything but HTTP is ignored."""
        if scope["type"] != "http":
            return
        client = scope.get("client")
        path = scope["path"].rstrip("/") or "/"
        request = self.request(scope["method"], path, scope["query_string"], scope["headers"], client and client[0])
        answer: Answer | Stream | Route | None = self.begin(request)
        if isinstance(answer, Route):
            answer = await self.respond(request, answer, partial(read_body, receive))
        if isinstance(answer, Stream):
            await self._send_pieces(request, answer, receive, send)
        elif answer is not None:
            await self._send(request, answer, send)

    def request(self, method: str, path: str, query: bytes, headers: Headers, peer: str | None) -> Request:
        """A request in our words; `path` is decoded and without a slash at its end, `peer` who sent it."""
        request = Request(method=method, path=path, query=query, headers=headers, request_id="", received_at_s=0.0)
        request.request_id = request_id(request.values(b"x-request-id"))
        caller = self._callers.caller(peer, request.values(b"x-forwarded-for"))
        request.client_address, request.address_shared = caller.address, caller.shared
        return request

    def begin(self, request: Request) -> Answer | Route:
        """The answer, if it needs neither a body nor a wait; else the route that answers this request."""
        try:
            found = self._route(request)
            if isinstance(found, Route):
                at_once = found.at_once
                return found if at_once is None else at_once(request) or found
            return found if isinstance(found, Answer) else self._refuse(found, request.request_id)
        except Exception as crash:  # noqa: BLE001 - the rim: a bug is answered and told, never dropped
            return self.crashed(request, crash)

    async def respond(self, request: Request, route: Route, body: Body) -> Answer | Stream | None:
        """The answer of a route; None for a client that left before its body was whole."""
        try:
            if route.reads_json:
                read = await body(self.limits.body_bytes)
                if read is None:
                    return None
                if isinstance(read, Refusal):
                    return self._refuse(read, request.request_id)
                request.body = read
            request.received_at_s = monotonic()
            return await route.handler(request)
        except Exception as crash:  # noqa: BLE001 - the rim: a bug is answered and told, never dropped
            return self.crashed(request, crash)
        finally:
            served()

    def crashed(self, request: Request, crash: Exception) -> Answer:
        """The answer to a request that met a bug, even when what words and tells it has one, too."""
        with contextlib.suppress(Exception):
            self._on_crash(request, crash)
        try:
            return self._refuse(Refusal(500, "internal_error"), request.request_id)
        except Exception:  # noqa: BLE001 - the wording itself is broken: there is nobody left to ask
            return problem(500, {"status": 500, "code": "internal_error", "request_id": request.request_id})

    def _route(self, request: Request) -> Route | Refusal | Answer:
        refused = self._admit and self._admit(request, request.headers)
        if refused:
            return refused
        path, method = request.path, request.method
        by_method = self._routes.get(path) or self._parents.get(path.rpartition("/")[0]) or self._tree(path)
        if by_method is None:
            return Refusal(404, "not_found")
        route = by_method.get(method) or by_method.get(ANY_METHOD) or (method == "HEAD" and by_method.get("GET"))
        if route and method != "OPTIONS":
            return route
        allowed = _EVERY if ANY_METHOD in by_method else _allowed(by_method)
        preflight = self._cors.preflight(request.headers, allowed) if method == "OPTIONS" else None
        return preflight or route or Refusal(405, "method_not_allowed", headers=((b"allow", allowed),))

    def _tree(self, path: str) -> dict[str, Route] | None:
        return next((found for above, found in self._trees.items() if path.startswith(f"{above}/")), None)

    async def _send(self, request: Request, answer: Answer, send: Send) -> None:
        body = b"" if request.method == "HEAD" else answer.body
        await send({"type": "http.response.start", "status": answer.status, "headers": self.headers(answer, request)})
        await send({"type": "http.response.body", "body": body})

    async def _send_pieces(self, request: Request, stream: Stream, receive: Receive, send: Send) -> None:
        async def take(piece: bytes) -> None:
            await send({"type": "http.response.body", "body": piece, "more_body": True})

        await send({"type": "http.response.start", "status": 200, "headers": self.stream_headers(stream, request)})
        await self.flow(request, stream, take, _left(receive))
        await send({"type": "http.response.body", "body": b""})

    async def flow(self, request: Request, stream: Stream, take: Take, left: Coroutine[Any, Any, None]) -> None:
        """Give `take` what comes until it ends, the client has `left`, or streams are told to end."""
        sending = asyncio.ensure_future(_sent(stream, take, bodiless=request.method == "HEAD" or self._streams_ended))
        leaving = asyncio.ensure_future(left)
        self._streams.add(sending)
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._streams.discard(sending)
            for task in (sending, leaving):
                task.cancel()
            await asyncio.wait({sending, leaving})
            for task in (sending, leaving):
                crash = None if task.cancelled() else task.exception()
                if isinstance(crash, Exception):
                    with contextlib.suppress(Exception):
                        self._on_crash(request, crash)

    def end_streams(self) -> None:
        """End all answers that go on, and those that would: the listener stops."""
        self._streams_ended = True
        for stream in self._streams:
            stream.cancel()

    def headers(self, answer: Answer, request: Request) -> Headers:
        """All headers of an answer."""
        headers = [(b"x-request-id", request.request_id.encode("ascii")), NOT_STORED, *answer.headers]
        if answer.status not in BODILESS:
            headers.append((b"content-type", answer.content_type))
            headers.append((b"content-length", b"%d" % len(answer.body)))
        headers.extend(self.more_headers(answer, request))
        return headers

    def more_headers(self, answer: Answer, request: Request) -> tuple[tuple[bytes, bytes], ...]:
        """What is of this answer alone, for pages of other origins, and said while the listener stops."""
        more = answer.once + self._cors.headers(request.headers) if self._cors.origins else answer.once
        return (*more, CLOSE) if self.draining and CLOSE not in answer.headers else more

    def stream_headers(self, stream: Stream, request: Request) -> Headers:
        """All headers of an answer that goes on."""
        headers = [(b"x-request-id", request.request_id.encode("ascii")), NOT_STORED]
        return [*headers, *stream.headers, (b"content-type", stream.content_type), CLOSE]

    def early(self, refusal: Refusal, asked: Headers) -> tuple[int, Headers, bytes]:
        """Status, headers and body for a request that never became one: its head or body was too long or too slow."""
        request = self.request("", "", b"", asked, None)
        answer = self._refuse(refusal, request.request_id)
        headers = self.headers(answer, request)
        return answer.status, headers if CLOSE in headers else [*headers, CLOSE], answer.body


def _allowed(methods: Iterable[str]) -> bytes:
    return ", ".join(sorted({*methods, *(("HEAD",) if "GET" in methods else ())})).encode("ascii")


async def _sent(stream: Stream, take: Take, *, bodiless: bool) -> None:
    async with contextlib.aclosing(stream.pieces) as pieces:
        if bodiless:
            return
        async for piece in pieces:
            await take(piece)
            await asyncio.sleep(0)  # one that never pauses must let others have their turn, and hear that all have left


async def _left(receive: Receive) -> None:
    """Wait until the client has left; what it sends meanwhile is of no interest."""
    while (await receive())["type"] != "http.disconnect":
        pass
