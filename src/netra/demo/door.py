"""The door of the demo's auth service: a small relay in front of it that can be told to misbehave.

It must never look into what it passes on, and never be put in front of a real auth service.
"""

import asyncio
import re
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

_BLOCK_BYTES: Final = 64 * 1024
_SLOW_S: Final = 1.0
_DRIP_S: Final = 0.2
_LENGTH: Final = re.compile(rb"\r\ncontent-length:\s*(\d{1,8})\r\n", re.IGNORECASE)

_NGINX_PAGE: Final = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_NO_USER_ID: Final = (
    b'{"access_token":"x","refresh_token":"x","token_type":"Bearer","expires_in":900,"user":{"id":"","email":"x@y.z"}}'
)


def _reply(status: bytes, body: bytes, *headers: bytes, kind: bytes = b"application/json") -> bytes:
    head = [b"HTTP/1.1 " + status, b"Content-Type: " + kind, b"Content-Length: %d" % len(body), b"Connection: close"]
    return b"\r\n".join([*head, *headers, b"", body])


_REPLIES: Final = {
    "empty-reply": b"",
    "cut-short": _reply(b"200 OK", _NO_USER_ID)[:-20],
    "garbage": b"\x15\x03\x01\x00\x02\x02\x46",
    "html-error": _reply(b"502 Bad Gateway", _NGINX_PAGE, b"Server: nginx", kind=b"text/html"),
    "redirect": _reply(b"302 Found", b"", b"Location: http://127.0.0.1:1/"),
    "not-found": _reply(b"404 Not Found", b'{"detail":"Not Found"}'),
    "server-error": _reply(b"500 Internal Server Error", b'{"detail":"Internal Server Error"}'),
    "unavailable": _reply(b"503 Service Unavailable", b'{"status":"overhaul"}', b"Retry-After: 7"),
    "no-user-id": _reply(b"200 OK", _NO_USER_ID),
}
"""What is said in place of the auth service, by fault; then the connection is closed."""


class Door:
    """Stands at a bound socket and passes everything on to a port of this machine, until it is told otherwise."""

    def __init__(self, bound: socket.socket, inner_port: int) -> None:
        self._bound = bound
        self._inner_port = inner_port
        self._behaviour: Callable[[StreamReader, StreamWriter], Awaitable[None]] = self._pass_on
        self._visits: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._visited, sock=self._bound, limit=_BLOCK_BYTES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        await self._send_away()

    async def turn(self, fault: str) -> None:
        """Misbehave in this way from now on, `none` for not at all; open connections are closed."""
        if fault == "none":
            self._behaviour = self._pass_on
        elif fault == "slow":
            self._behaviour = self._pass_on_slowly
        elif fault == "dripping":
            self._behaviour = _drip
        else:
            self._behaviour = _saying(_REPLIES[fault])
        await self._send_away()

    async def _send_away(self) -> None:
        visits = tuple(self._visits)
        for visit in visits:
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)

    async def _visited(self, reader: StreamReader, writer: StreamWriter) -> None:
        visit = asyncio.current_task()
        if visit is not None:
            self._visits.add(visit)
        try:
            # A visitor who leaves, or says what is no request, is nobody's fault here.
            with suppress(OSError, EOFError, asyncio.LimitOverrunError):
                await self._behaviour(reader, writer)
            writer.close()
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            # Whoever turns the door may rely on it: the old connections are gone by then.
            with suppress(OSError):
                await writer.wait_closed()
            if visit is not None:
                self._visits.discard(visit)

    async def _pass_on(self, reader: StreamReader, writer: StreamWriter, delay_s: float = 0.0) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._inner_port)
        ways = (
            asyncio.ensure_future(_copy(reader, inner_writer, 0.0)),
            asyncio.ensure_future(_copy(inner_reader, writer, delay_s)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            inner_writer.close()

    async def _pass_on_slowly(self, reader: StreamReader, writer: StreamWriter) -> None:
        await self._pass_on(reader, writer, _SLOW_S)


async def _copy(reader: StreamReader, writer: StreamWriter, delay_s: float) -> None:
    while block := await reader.read(_BLOCK_BYTES):
        await asyncio.sleep(delay_s)
        writer.write(block)
        await writer.drain()


def _saying(reply: bytes) -> Callable[[StreamReader, StreamWriter], Awaitable[None]]:
    async def say(reader: StreamReader, writer: StreamWriter) -> None:
        await _read_request(reader)
        writer.write(reply)
        await writer.drain()

    return say


async def _drip(reader: StreamReader, writer: StreamWriter) -> None:
    await _read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(_DRIP_S)


async def _read_request(reader: StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    await reader.readexactly(int(length[1]) if length else 0)
