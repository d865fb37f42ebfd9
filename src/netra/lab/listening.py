"""A port that can be served, closed, or open and full; and TLS of every quality on what it accepts.

It must never keep a connection that the one who serves was not given.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Final

from netra.lab.connection import READ_LIMIT_BYTES

_BACKLOG: Final = 1024
_FILLERS_COUNT: Final = 8
"""Connections of our own that a full port's queue is stuffed with."""
_PAUSE_S: Final = 0.2
"""How long nobody is accepted after the system had no resources for it."""
_HANDSHAKE_S: Final = 10.0

Accepted = Callable[[socket.socket], None]


class Listening:
    """One TCP port. Belongs to the event loop in which it is opened."""

    def __init__(self, host: str, port: int, accepted: Accepted) -> None:
        self.port = port
        """0 until a free one is taken; the same from then on."""
        self._host = host
        self._accepted = accepted
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket: socket.socket | None = None
        self._fillers: list[socket.socket] = []
        self._pause: asyncio.TimerHandle | None = None

    @property
    def serving(self) -> bool:
        """Is whoever connects let in?"""
        return self._socket is not None and not self._fillers

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the port and serve it in this event loop. Raises: OSError, when it cannot be had."""
        self._bind(_BACKLOG)
        self._loop = loop
        self._serve()

    def close(self) -> None:
        """Give the port up: who connects is refused."""
        if self._pause is not None:
            self._pause.cancel()
        if self._socket is not None:
            if self._loop is not None:
                self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
        while self._fillers:
            self._fillers.pop().close()

    def fill(self) -> None:
        """Keep the port and let nobody in: its queue is full, so that connecting waits without an answer."""
        address = self._bind(0)
        for _ in range(_FILLERS_COUNT):
            filler = socket.socket(address[0])
            filler.setblocking(False)
            self._fillers.append(filler)
            with contextlib.suppress(BlockingIOError):
                filler.connect(address[1])

    def _bind(self, backlog: int) -> tuple[int, tuple[str, int]]:
        self.close()
        family, kind, protocol, _, address = socket.getaddrinfo(
            self._host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(backlog)
            bound.setblocking(False)
        except OSError:
            bound.close()
            raise
        self._socket = bound
        self.port = bound.getsockname()[1]
        return family, bound.getsockname()

    def _serve(self) -> None:
        if self._socket is not None and self._loop is not None:
            self._loop.add_reader(self._socket.fileno(), self._accept)

    def _accept(self) -> None:
        while self._socket is not None and self._loop is not None:
            try:
                accepted, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                # Out of descriptors: whoever waits is taken in when some are free again.
                self._loop.remove_reader(self._socket.fileno())
                self._pause = self._loop.call_later(_PAUSE_S, self._serve)
                return
            accepted.setblocking(False)
            self._accepted(accepted)


async def streams(
    accepted: socket.socket, tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """An accepted connection as streams, after the handshake of TLS; None when that fails."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=READ_LIMIT_BYTES, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    timeout_s = _HANDSHAKE_S if tls else None
    try:
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, accepted, ssl=tls, ssl_handshake_timeout=timeout_s
        )
    except (OSError, asyncio.CancelledError) as error:
        accepted.close()
        if isinstance(error, asyncio.CancelledError):
            raise
        return None
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
