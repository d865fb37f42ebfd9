"""One ASGI application for a table of routes: the rim where frameworks' words become ours.

It must never let an exception reach the server: whatever happens is answered as a problem.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from time import monotonic
from typing import Any, Final, NamedTuple

from netra.asgi.body import Receive, read_body
from netra.asgi.callers import Callers, request_id
from netra.asgi.cors import Cors
from netra.asgi.problem import problem
from netra.asgi.words import ANY_METHOD, CLOSE, Answer, Headers, Refusal, Refuse, Request, Route, Stream

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
OnCrash = Callable[[Request, BaseException], None]
Admit = Callable[[Request, Headers], Refusal | Answer | None]

_EVERY: Final = b"GET, HEAD, POST, PUT, PATCH, DELETE"
"""What a page may send where every method is taken."""
_BODILESS: Final = frozenset({204, 304})


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
        headers: Headers = scope["headers"]
        caller = self._callers.caller(client[0] if client else None, headers)
        request = Request(
            method=scope["method"],
            path=scope["path"].rstrip("/") or "/",
            query=scope["query_string"],
            headers=headers,
            request_id=request_id(headers),
            client_address=caller.address,
            address_shared=caller.shared,
            received_at_s=0.0,
        )
        answer = await self._answer(request, receive)
        if isinstance(answer, Stream):
            await self._go_on(request, answer, receive, send)
        elif answer is not None:
            await self._send(request, answer, send)

    async def _answer(self, request: Request, receive: Receive) -> Answer | Stream | None:
        try:
            route = self._route(request)
            if isinstance(route, (Refusal, Answer)):
                return self._worded(route, request)
            if route.reads_json:
                body = await read_body(receive, self.limits.body_bytes)
                if body is None:
                    return None
                if isinstance(body, Refusal):
                    return self._refuse(body, request.request_id)
                request.body = body
            request.received_at_s = monotonic()
            return await route.handler(request)
        except Exception as crash:  # noqa: BLE001 - the rim: a bug is answered and told, never dropped
            return self._crashed(request, crash)

    def _crashed(self, request: Request, crash: Exception) -> Answer:
        """The answer to a request that met a bug, even when what words and tells it has one, too."""
        with contextlib.suppress(Exception):
            self._on_crash(request, crash)
        try:
            return self._refuse(Refusal(500, "internal_error"), request.request_id)
        except Exception:  # noqa: BLE001 - the wording itself is broken: there is nobody left to ask
            return problem(500, {"status": 500, "code": "internal_error", "request_id": request.request_id})

    def _route(self, request: Request) -> Route | Refusal | Answer:
        refusal = self._admit(request, request.headers) if self._admit else None
        if refusal is not None:
            return refusal
        path = request.path
        preflight = self._cors.preflight(request.headers, _EVERY) if request.method == "OPTIONS" else None
        by_method = self._routes.get(path) or self._parents.get(path.rpartition("/")[0]) or self._tree(path)
        if by_method is None:
            return Refusal(404, "not_found")
        if preflight is not None and ANY_METHOD in by_method:
            return preflight
        route = by_method.get(request.method) or by_method.get(ANY_METHOD)
        if route is None and request.method == "HEAD":
            route = by_method.get("GET")
        if route is not None:
            return route
        allowed = ", ".join(sorted({*by_method, *(("HEAD",) if "GET" in by_method else ())})).encode("ascii")
        if request.method == "OPTIONS":
            preflight = self._cors.preflight(request.headers, allowed)
            if preflight is not None:
                return preflight
        return Refusal(405, "method_not_allowed", headers=((b"allow", allowed),))

    def _tree(self, path: str) -> dict[str, Route] | None:
        return next((found for above, found in self._trees.items() if path.startswith(f"{above}/")), None)

    def _worded(self, refused: Refusal | Answer, request: Request) -> Answer:
        return refused if isinstance(refused, Answer) else self._refuse(refused, request.request_id)

    async def _send(self, request: Request, answer: Answer, send: Send) -> None:
        headers = self._headers(answer, request.request_id, request.headers)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else answer.body})

    async def _go_on(self, request: Request, stream: Stream, receive: Receive, send: Send) -> None:
        """Send what comes until it ends, the client leaves, or streams are told to end."""
        headers = [(b"x-request-id", request.request_id.encode("ascii")), (b"cache-control", b"no-store")]
        headers += [*stream.headers, (b"content-type", stream.content_type), CLOSE]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        sending = asyncio.ensure_future(_sent(stream, send, bodiless=request.method == "HEAD" or self._streams_ended))
        leaving = asyncio.ensure_future(_left(receive))
        self._streams.add(sending)
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._streams.discard(sending)
            for task in (sending, leaving):
                task.cancel()
            ended, _ = await asyncio.gather(sending, leaving, return_exceptions=True)
            if isinstance(ended, Exception):
                with contextlib.suppress(Exception):
                    self._on_crash(request, ended)
            await send({"type": "http.response.body", "body": b""})

    def end_streams(self) -> None:
        """End all answers that go on, and those that would: the listener stops."""
        self._streams_ended = True
        for stream in self._streams:
            stream.cancel()

    def _headers(self, answer: Answer, labelled: str, asked: Headers) -> Headers:
        headers = [(b"x-request-id", labelled.encode("ascii")), (b"cache-control", b"no-store"), *answer.headers]
        if answer.status not in _BODILESS:
            headers.append((b"content-type", answer.content_type))
            headers.append((b"content-length", b"%d" % len(answer.body)))
        if self._cors.origins:
            headers.extend(self._cors.headers(asked))
        if self.draining and CLOSE not in answer.headers:
            headers.append(CLOSE)
        return headers

    def early(self, refusal: Refusal, asked: Headers) -> tuple[int, Headers, bytes]:
        """Status, headers and body for a request that never became one: its head or body was too long or too slow."""
        labelled = request_id(asked)
        answer = self._refuse(refusal, labelled)
        headers = self._headers(answer, labelled, asked)
        return answer.status, headers if CLOSE in headers else [*headers, CLOSE], answer.body


async def _sent(stream: Stream, send: Send, *, bodiless: bool) -> None:
    async with contextlib.aclosing(stream.pieces) as pieces:
        if bodiless:
            return
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)  # one that never pauses must let others have their turn, and hear that all have left


async def _left(receive: Receive) -> None:
    """Wait until the client has left; what it sends meanwhile is of no interest."""
    while (await receive())["type"] != "http.disconnect":
        pass
