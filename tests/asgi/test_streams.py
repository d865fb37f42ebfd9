"""Answers that go on: they end with whoever reads them, with whoever makes them, and with the listener.

They must never be able to keep a listener from stopping, nor outlive the client that asked for them.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import Final

import pytest

from netra.asgi.words import Request, Route, Stream
from tests.asgi.support import LONGEST_S, Site, get, line_to, quick, serving

STREAMS_COUNT: Final = 100
PIECE: Final = b"data: tick\n\n"
HEAVY: Final = b"data: " + b"x" * 64 * 1024 + b"\n\n"


class Source:
    """Whoever makes the pieces, and what became of each stream."""

    def __init__(self) -> None:
        self.begun_count = 0
        self.open_count = 0
        self.pieces_count = 0
        self.more = asyncio.Event()
        """Set it, and every stream goes on to its next piece."""

    async def ticking(self, request: Request) -> Stream:
        """A stream that says at once that it is there, and then nothing until it is told to."""
        return Stream(self._pieces(PIECE), b"text/event-stream", ((b"x-kind", b"ticking"),))

    async def flooding(self, request: Request) -> Stream:
        """A stream that never pauses."""
        self.more.set()
        return Stream(self._pieces(HEAVY), b"text/event-stream")

    async def failing(self, request: Request) -> Stream:
        """A stream that has a bug."""
        return Stream(self._broken(), b"text/event-stream")

    async def short(self, request: Request) -> Stream:
        """A stream of two pieces."""
        return Stream(self._two(), b"text/plain")

    async def _pieces(self, piece: bytes) -> AsyncGenerator[bytes, None]:
        self.begun_count += 1
        self.open_count += 1
        try:
            while True:
                self.pieces_count += 1
                yield piece
                await self.more.wait()
        finally:
            self.open_count -= 1

    async def _broken(self) -> AsyncGenerator[bytes, None]:
        yield PIECE
        raise KeyError("a value that nobody may read")

    async def _two(self) -> AsyncGenerator[bytes, None]:
        yield b"one "
        yield b"two"


def site_of(source: Source, receipt_s: float = 10.0) -> Site:
    """A site of such streams."""
    routes = [Route("GET", f"/{name}", getattr(source, name)) for name in ("ticking", "flooding", "failing", "short")]
    return Site(routes=routes, limits=quick(receipt_s))


@asynccontextmanager
async def streaming(receipt_s: float = 10.0) -> AsyncIterator[tuple[Source, Site]]:
    """Such a site, served."""
    source = Source()
    site = site_of(source, receipt_s)
    async with serving(site):
        yield source, site


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that has to come."""
    async with asyncio.timeout(LONGEST_S):
        while not true():
            await asyncio.sleep(0.005)


async def test_pieces_leave_as_they_come() -> None:
    async with streaming() as (source, site), line_to(site.url) as line:
        await line.send(get("/ticking"))
        head = await line.head()
        assert head.startswith("HTTP/1.1 200 OK\r\n")
        assert "content-type: text/event-stream" in head
        assert "x-kind: ticking" in head
        assert "cache-control: no-store" in head
        assert "connection: close" in head
        assert "content-length" not in head
        assert await line.piece(len(PIECE)) == PIECE
        source.more.set()
        assert [await line.piece(len(PIECE)) for _ in range(3)] == [PIECE] * 3


async def test_one_that_ends_by_itself_ends_its_connection() -> None:
    async with streaming() as (_, site), line_to(site.url) as line:
        await line.send(get("/short"))
        await line.head()
        assert await line.rest() == b"one two"


async def test_a_client_that_leaves_ends_it_although_nothing_is_sent() -> None:
    async with streaming() as (source, site):
        async with line_to(site.url) as line:
            await line.send(get("/ticking"))
            await line.head()
            await until(lambda: source.open_count == 1)
        await until(lambda: source.open_count == 0)
        assert source.pieces_count == 1
        assert site.crashes == []


async def test_a_bug_in_it_is_told_and_ends_the_answer() -> None:
    async with streaming() as (_, site), line_to(site.url) as line:
        await line.send(get("/failing"))
        await line.head()
        assert await line.rest() == PIECE
        await until(lambda: bool(site.crashes))
        [(request, crash)] = site.crashes
        assert (request.path, type(crash)) == ("/failing", KeyError)


async def test_head_says_what_get_would_and_begins_nothing() -> None:
    async with streaming() as (source, site), line_to(site.url) as line:
        await line.send(get("/ticking").replace(b"GET", b"HEAD", 1))
        head = await line.head()
        assert head.startswith("HTTP/1.1 200 OK\r\n")
        assert "content-type: text/event-stream" in head
        assert await line.rest() == b""
        assert (source.begun_count, site.crashes) == (0, [])


async def test_a_reader_that_stops_reading_is_dropped() -> None:
    async with streaming(receipt_s=0.3) as (source, site), line_to(site.url) as line:
        await line.send(get("/flooding"))
        await until(lambda: source.open_count == 1)
        line.fall_asleep()
        await until(lambda: source.open_count == 0)
        assert site.crashes == []
        assert source.pieces_count * len(HEAVY) < 16 * 1024 * 1024, "what nobody takes is not made either"


async def test_a_stop_ends_it_and_does_not_wait_for_it() -> None:
    source = Source()
    site = site_of(source)
    async with AsyncExitStack() as lines:
        async with serving(site):
            line = await lines.enter_async_context(line_to(site.url))
            await line.send(get("/ticking"))
            await line.head()
            await until(lambda: source.open_count == 1)
            began_s = monotonic()
        assert monotonic() - began_s < LONGEST_S / 2, "the stop was held up"
        assert source.open_count == 0
        assert await line.rest() == PIECE, "what was sent arrives, and then comes the end"


async def test_a_stop_does_not_wait_for_a_reader_that_has_stopped_reading() -> None:
    source = Source()
    site = site_of(source, receipt_s=LONGEST_S * 2)
    async with AsyncExitStack() as lines:
        async with serving(site):
            line = await lines.enter_async_context(line_to(site.url))
            await line.send(get("/flooding"))
            await line.head()
            line.fall_asleep()
            before = -1
            while before != source.pieces_count:
                before = source.pieces_count
                await asyncio.sleep(0.1)
            began_s = monotonic()
        assert monotonic() - began_s < LONGEST_S / 2, "the stop was held up"
        assert source.open_count == 0


async def test_whoever_asks_for_one_after_the_stop_began_gets_an_end_at_once() -> None:
    async with streaming() as (source, site), line_to(site.url) as line:
        site.app.end_streams()
        await line.send(get("/ticking"))
        await line.head()
        assert await line.rest() == b""
        assert source.begun_count == 0


async def test_a_hundred_at_once_all_get_every_piece_and_leave_nothing_behind() -> None:
    async with streaming() as (source, site):
        async with AsyncExitStack() as stack:
            lines = [await stack.enter_async_context(line_to(site.url)) for _ in range(STREAMS_COUNT)]
            for line in lines:
                await line.send(get("/ticking"))
            for line in lines:
                await line.head()
            assert source.open_count == STREAMS_COUNT
            async with line_to(site.url) as other:
                await other.send(get("/seen"))
                assert await other.status() == 200, "others are served meanwhile"
            source.more.set()
            for line in lines:
                assert [await line.piece(len(PIECE)), await line.piece(len(PIECE))] == [PIECE] * 2
        await until(lambda: source.open_count == 0)
        assert site.crashes == []


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_other_methods_are_refused_as_everywhere(method: str) -> None:
    async with streaming() as (source, site), line_to(site.url) as line:
        await line.send(get("/ticking").replace(b"GET", method.encode(), 1))
        assert (await line.answer())[0] == 405
        assert source.begun_count == 0
