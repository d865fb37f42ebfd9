"""A backend that keeps what reaches it: every byte that a proxy passes on is in hand, and its answers are scripted.

It must never decide who somebody is: it shows what a backend behind the proxy would have to believe.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

GREETING: Final = b'{"said": "by the backend"}'
_SAYS: Final = "/says/"


class Seen(NamedTuple):
    """One request as it arrived."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    """Names in lower case."""
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name.lower()]

    def identities(self) -> dict[str, list[str]]:
        """All headers that some backend might take for an identity, under their names as they came."""
        names = [key for key, _ in self.headers if key.replace("_", "-").startswith("x-auth-")]
        return {name: self.all(name) for name in names}


class Backend:
    """Answers 200, or what `/says/STATUS` asks for, one request a connection."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["Backend"]:
        """From here to the end of the block."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A proxy that only looks whether somebody listens closes without a word.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            seen = await _read(reader)
            self.seen.append(seen)
            writer.write(_answer(seen))
            await writer.drain()
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Seen:
    line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = line.split(" ")
    headers = tuple((name.lower(), value.strip()) for name, _, value in (each.partition(":") for each in lines))
    told = dict(headers)
    if told.get("transfer-encoding") == "chunked":
        body = b"".join([piece async for piece in _chunks(reader)])
    else:
        body = await reader.readexactly(int(told.get("content-length", "0")))
    return Seen(method, target, headers, body)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size_bytes := int(await reader.readline(), 16):
        yield await reader.readexactly(size_bytes)
        await reader.readline()
    await reader.readline()


def _answer(seen: Seen) -> bytes:
    status = int(seen.target.removeprefix(_SAYS)) if seen.target.startswith(_SAYS) else 200
    told = f"Content-Type: application/json\r\nContent-Length: {len(GREETING)}\r\nConnection: close"
    body = b"" if seen.method == "HEAD" else GREETING
    return f"HTTP/1.1 {status} Said\r\n{told}\r\n\r\n".encode() + body
