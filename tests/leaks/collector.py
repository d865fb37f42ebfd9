"""A collector of spans that keeps whatever it is sent, as bytes.

It must never read what it keeps: the scan looks at every byte, whatever the form.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_TAKEN: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"


class Collector:
    """What arrived so far."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[bytes] = []
        self._visits: set[asyncio.Task[None]] = set()

    async def visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of an exporter, until it leaves."""
        task = asyncio.current_task()
        assert task is not None
        self._visits.add(task)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while True:
                    head = (await reader.readuntil(b"\r\n\r\n")).lower()
                    size_bytes = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
                    self.bodies.append(await reader.readexactly(size_bytes))
                    writer.write(_TAKEN)
                    await writer.drain()
        finally:
            writer.close()
            self._visits.discard(task)

    async def leave(self) -> None:
        """End every connection."""
        for task in tuple(self._visits):
            task.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector on a free port of the loopback."""
    collector = Collector()
    server = await asyncio.start_server(collector.visit, "127.0.0.1", 0, limit=1 << 20)
    collector.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield collector
    finally:
        server.close()
        await collector.leave()
