"""One accepted connection as scripts see it: requests in, any bytes out, and every way to end it.

It must never mend what a script breaks: bytes go out as they are given.
"""

import asyncio
import contextlib
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

_MAX_HEAD_BYTES: Final = 256 * 1024
_MAX_BODY_BYTES: Final = 256 * 1024
_FAREWELL_S: Final = 0.2
"""How long a peer may take to end TLS in order."""
_LINGER_NOT_AT_ALL: Final = struct.pack("ii", 1, 0)


class Delivery(NamedTuple):
    """One request that arrived whole."""

    connection: int
    """From 1 on: which connection it came over."""
    method: str
    path: str
    """Without the query."""
    query: str
    headers: tuple[tuple[str, str], ...]
    """As sent: spelling, order and repetitions."""
    body: bytes
    arrived_at_s: float = 0.0
    """When it was whole, monotonic."""
    fault: str = ""
    """The name of the fault that it met; empty when it met none, or a script."""

    def __repr__(self) -> str:
        # What a failing assertion shows goes into logs: no value that was sent does.
        names = ", ".join(name for name, _ in self.headers)
        return f"Delivery({self.method} {self.path}, headers {names}, {len(self.body)} bytes, fault {self.fault!r})"

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever its spelling; None when it was not sent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def count(self, name: str) -> int:
        """How often a header was sent."""
        return sum(key.lower() == name.lower() for key, _ in self.headers)

    @property
    def json(self) -> Any:
        """The body read as JSON; None when it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def email(self) -> str | None:
        """The member `email` of the body, when it is a text."""
        document = self.json
        email = document.get("email") if isinstance(document, dict) else None
        return email if isinstance(email, str) else None


class Connection:
    """One accepted connection. Owned by the task that serves it."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self._reader = reader
        self._writer = writer
        self._gone = False
        """Has a write failed? Over TLS, a connection whose peer has left does not say that it is closing."""

    @property
    def closing(self) -> bool:
        """Has a script, or the peer's leaving, ended it?"""
        return self._gone or self._writer.is_closing()

    async def receive(self) -> Delivery | None:
        """The next request, read to its end; None when the peer has left or does not speak HTTP.

        What cannot begin a request, such as a TLS handshake, is answered as servers of plain HTTP do.
        """
        try:
            first = await self._reader.readexactly(1)
            if not first.isalpha():
                await self.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                return None
            head = first + await self._reader.readuntil(b"\r\n\r\n")
            line, *lines = head.decode("latin-1").split("\r\n")[:-2]
            method, target, _ = line.split(" ")
            headers = tuple((name, value.strip()) for name, _, value in (each.partition(":") for each in lines))
            length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
            if length > _MAX_BODY_BYTES:
                return None
            body = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
            return None
        path, _, query = target.partition("?")
        return Delivery(self.number, method, path, query, headers, body, time.monotonic())

    async def send(self, content: bytes) -> None:
        """Write these bytes and nothing else; a peer that has gone is no fault."""
        try:
            self._writer.write(content)
            await self._writer.drain()
            # Whoever sends without end must hear that nobody is left: over TLS, `drain` does not wait for it.
            await asyncio.sleep(0)
        except ConnectionError:
            self._gone = True

    async def left(self) -> None:
        """Wait until the peer has gone, whatever it still says."""
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(64 * 1024):
                pass

    def close(self) -> None:
        """End it in order: what was written is delivered, then comes the end of the stream."""
        self._writer.close()

    def reset(self) -> None:
        """End it with RST instead of FIN; what was not read by the peer yet may be lost. Source: RFC 9293, 3.5.2."""
        raw: socket.socket | None = self._writer.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT_AT_ALL)
        self._writer.transport.abort()

    async def closed(self) -> None:
        """Close if that has not happened, and wait a moment until it is done."""
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await self._writer.wait_closed()
        self._writer.transport.abort()


Script = Callable[[Connection, Delivery], Awaitable[None]]
"""What to do with one delivery. Whoever returns without ending the connection keeps it open for the next request."""

READ_LIMIT_BYTES: Final = _MAX_HEAD_BYTES
