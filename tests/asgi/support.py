"""What tests of a listener share: a real server on a free port, and connections that send what they are told.

It must never know what a login is: routes here answer what they were asked.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, cast
from urllib.parse import urlsplit

from netra.asgi.adapter import App, Limits
from netra.asgi.body import json_object
from netra.asgi.problem import error_list, problem
from netra.asgi.server import Listener, Listening, bind, serve
from netra.asgi.words import Answer, Refusal, Request, Route

LONGEST_S: Final = 15.0
"""Nothing may take longer: a bound for what hangs, never a measurement."""
HOST: Final = b"Host: localhost\r\n"


def refuse(refusal: Refusal, request_id: str) -> Answer:
    """The plainest wording of a refusal."""
    shown = {
        "status": refusal.status, "code": refusal.code, "request_id": request_id, "detail": refusal.detail or None,
        "errors": error_list(refusal.errors),
    }  # fmt: skip
    return problem(refusal.status, shown, refusal.headers)


class Site:
    """An application of a few routes, with what it was told about crashes."""

    def __init__(self, **options: Any) -> None:
        self.crashes: list[tuple[Request, BaseException]] = []
        self.seen: list[Request] = []
        self.go_on = asyncio.Event()
        self.begun = asyncio.Event()
        extra: Iterable[Route] = options.pop("routes", ())
        self.app = App([*self._routes(), *extra], refuse, self._on_crash, **options)
        self.url = ""

    def _routes(self) -> Iterable[Route]:
        yield Route("GET", "/seen", self._tell_seen)
        yield Route("POST", "/seen", self._tell_seen, reads_json=True)
        yield Route("POST", "/json", self._tell_json, reads_json=True)
        yield Route("GET", "/pages/*", self._tell_seen)
        yield Route("GET", "/wait", self._wait)
        yield Route("POST", "/wait", self._wait, reads_json=True)
        yield Route("GET", "/crash", self._crash)
        yield Route("GET", "/empty", self._empty)

    async def _tell_seen(self, request: Request) -> Answer:
        self.seen.append(request)
        shown = {"method": request.method, "path": request.path, "query": request.query.decode(),
                 "body_bytes": len(request.body), "client": request.client_address}  # fmt: skip
        return Answer(200, json.dumps(shown).encode())

    async def _tell_json(self, request: Request) -> Answer:
        read = json_object(request)
        return refuse(read, request.request_id) if isinstance(read, Refusal) else Answer(200, json.dumps(read).encode())

    async def _wait(self, request: Request) -> Answer:
        self.begun.set()
        await self.go_on.wait()
        return Answer(200, b'"waited"')

    async def _crash(self, request: Request) -> Answer:
        raise KeyError("a value that nobody may read")

    async def _empty(self, request: Request) -> Answer:
        return Answer(204)

    def _on_crash(self, request: Request, crash: BaseException) -> None:
        self.crashes.append((request, crash))


@asynccontextmanager
async def serving(*sites: Site, drain_delay_s: float = 0.0) -> AsyncIterator[asyncio.Event]:
    """Serve sites on free ports of this machine; yields the event that stops them."""
    listeners = [Listener(f"listener {n}", site.app, "127.0.0.1", 0, "--port") for n, site in enumerate(sites)]
    bound = bind(listeners)
    stop, started = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(serve(bound, drain_delay_s=drain_delay_s, on_started=started.set, stop=stop))
    await started.wait()
    for site, each in zip(sites, bound, strict=True):
        site.url = each.url
    try:
        yield stop
    finally:
        stop.set()
        for site in sites:
            site.go_on.set()
        async with asyncio.timeout(LONGEST_S):
            assert await task == 0


@asynccontextmanager
async def site(**options: Any) -> AsyncIterator[Site]:
    """One site that is served."""
    made = Site(**options)
    async with serving(made):
        yield made


def quick(receipt_s: float = 0.1, **limits: Any) -> Limits:
    """Limits for tests that wait for the receipt deadline."""
    return Limits(receipt_s=receipt_s, **limits)


class Line:
    """A raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *pieces: bytes) -> None:
        """Send these pieces, each in a packet of its own as far as the machine allows."""
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(0.01)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer: status, headers, body."""
        async with asyncio.timeout(LONGEST_S):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, headers = _parsed(head)
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return status, headers, body

    async def status(self) -> int:
        """The status of the next answer."""
        return (await self.answer())[0]

    async def head(self) -> str:
        """The head of the next answer, whose body goes on."""
        async with asyncio.timeout(LONGEST_S):
            return (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")

    async def piece(self, size_bytes: int) -> bytes:
        """So much of a body, exactly."""
        async with asyncio.timeout(LONGEST_S):
            return await self._reader.readexactly(size_bytes)

    def fall_asleep(self) -> None:
        """Take nothing more off the line."""
        cast("asyncio.ReadTransport", self._writer.transport).pause_reading()

    def wake(self) -> None:
        """Take again what there is."""
        cast("asyncio.ReadTransport", self._writer.transport).resume_reading()

    async def rest(self) -> bytes:
        """Everything that comes until the server closes."""
        async with asyncio.timeout(LONGEST_S):
            return await self._reader.read()

    def finish(self) -> None:
        """Say that nothing more will be sent; answers may still come."""
        self._writer.write_eof()

    def close(self) -> None:
        """End it."""
        self._writer.close()


def _parsed(head: str) -> tuple[int, dict[str, str]]:
    first, *lines = head.split("\r\n")[:-2]
    named = (line.partition(": ") for line in lines)
    return int(first.split(" ")[1]), {name: value for name, _, value in named}


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    """A raw connection to a server."""
    place = urlsplit(url)
    line = Line(*await asyncio.open_connection(place.hostname, place.port))
    try:
        yield line
    finally:
        line.close()


def get(path: str = "/seen", *headers: str, version: str = "1.1") -> bytes:
    """A GET as bytes."""
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"GET {path} HTTP/{version}\r\nHost: localhost\r\n{lines}\r\n".encode("latin-1")


def post(body: bytes, path: str = "/seen", *headers: str) -> bytes:
    """A POST of JSON as bytes."""
    lines = "".join(f"{header}\r\n" for header in ("Content-Type: application/json", *headers))
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
    return head.encode("latin-1") + body


def bound_sites(*options: tuple[str, int]) -> Callable[[], list[Listening]]:
    """A way to bind listeners at these addresses."""
    app = Site().app
    return lambda: bind(
        [Listener("public listener", app, host, port, "--port or NETRA_PORT") for host, port in options]
    )
