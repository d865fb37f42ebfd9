"""The two ends of a TCP connection in a test's hand, as raw bytes, and how each of them ended.

It must never mend what happens between them.
"""

import asyncio
import contextlib
import inspect
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Final, Literal, NamedTuple, Self

from netra.lab.chaos_proxy import ChaosProxy

PATIENCE_S: Final = 10.0
SILENCE_S: Final = 0.15
"""Nothing came for so long: nothing will."""

Ended = Literal["closed", "reset", "open"]


class End:
    """One end of a connection."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def receive(self, count: int) -> bytes:
        """Exactly so many bytes."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.readexactly(count)

    async def rest(self, patience_s: float = PATIENCE_S) -> tuple[bytes, Ended]:
        """All that still comes, and how it ended; `open` when nothing more came for so long."""
        got = b""
        while True:
            try:
                async with asyncio.timeout(patience_s):
                    block = await self.reader.read(64 * 1024)
            except TimeoutError:
                return got, "open"
            except ConnectionError:
                return got, "reset"
            if not block:
                return got, "closed"
            got += block

    def reset(self) -> None:
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.writer.transport.abort()


class RawServer:
    """Accepts connections and does nothing with them: the test does."""

    def __init__(self) -> None:
        self.accepted_count = 0
        self.port = 0
        self._waiting: asyncio.Queue[End] = asyncio.Queue()
        self._ends: list[End] = []
        self._server: asyncio.Server | None = None

    async def next(self) -> End:
        """The next connection that was accepted."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._waiting.get()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        await hang_up(self._ends)

    async def _accepted(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.accepted_count += 1
        end = End(reader, writer)
        self._ends.append(end)
        self._waiting.put_nowait(end)


async def hang_up(ends: list[End]) -> None:
    for end in ends:
        end.writer.transport.abort()
    for end in ends:
        with contextlib.suppress(OSError):
            await end.writer.wait_closed()


class Bench(NamedTuple):
    """A chaos proxy in front of a raw server, and clients of it."""

    proxy: ChaosProxy
    server: RawServer
    clients: list[End]

    async def connect(self) -> End:
        """A client's end of a new connection. Raises: OSError."""
        async with asyncio.timeout(PATIENCE_S):
            client = End(*await asyncio.open_connection("127.0.0.1", self.proxy.port))
        self.clients.append(client)
        return client

    async def pair(self, direction: str) -> tuple[End, End]:
        """A new connection that has been used, as its sender and its receiver in this direction."""
        client = await self.connect()
        server = await self.server.next()
        return (client, server) if direction == "to_server" else (server, client)

    async def settled(self) -> None:
        """No connection is open in the proxy any more."""
        async with asyncio.timeout(PATIENCE_S):
            while self.proxy.open_count:
                await asyncio.sleep(0.005)


def where(task: "asyncio.Task[object]") -> str:
    """The file of what a task does."""
    coroutine = task.get_coro()
    return coroutine.cr_code.co_filename if inspect.iscoroutine(coroutine) else ""


@contextlib.asynccontextmanager
async def bench(*, seed: int | None = None, most_connections: int = 100) -> AsyncIterator[Bench]:
    """A bench that ends without leaving a task behind."""
    async with RawServer() as server:
        proxy = ChaosProxy("127.0.0.1", server.port, seed=seed, most_connections=most_connections)
        clients: list[End] = []
        before = asyncio.all_tasks()
        async with proxy:
            yield Bench(proxy, server, clients)
            await hang_up(clients)
        assert [task for task in asyncio.all_tasks() - before if "chaos_" in where(task)] == []
        assert proxy.open_count == 0
