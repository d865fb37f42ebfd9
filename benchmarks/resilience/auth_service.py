"""An auth service of settable capacity that can freeze, refuse or fail, and notes every call that reaches it.

It must never be quicker than its workers are: a call that waits is worked on also when its caller has long gone, as in
a pool of threads, so that work for nobody costs what work for somebody does.
"""

import asyncio
import json
import socket
import struct
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import Any, Final, Literal, NamedTuple

import httptools

Fault = Literal["none", "frozen", "refusing", "failing", "logins failing"]
"""`frozen`: takes calls and never answers them; `refusing`: the port is closed; `failing`: 503 and resets in turn;
`logins failing`: 500 for each login, while everything else, the route of probes among it, is well."""

LOGIN_PATH: Final = "/auth/login"
WRONG_PASSWORD: Final = "wrong-password"  # noqa: S105 - what the flood of guesses consists of
_HANDSHAKE: Final = {"service_id": "resilience", "idempotency": True}
_RESET: Final = struct.pack("ii", 1, 0)
_GOLDEN: Final = 0.6180339887498949
_PHRASES: Final = {
    200: "OK",
    401: "Unauthorized",
    404: "Not Found",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Capacity(NamedTuple):
    """What it can do: `workers_count / work_s` logins a second."""

    workers_count: int
    work_s: float
    """The mean; single logins take from half of it to one and a half."""
    queue_count: int
    """So many wait for a worker; whoever comes then is told 503."""
    sheds: bool = False
    """Does that 503 say `overloaded`?"""


class Call(NamedTuple):
    """One request that reached it."""

    at_s: float
    path: str
    guess: bool = False
    """Did it bring a wrong password?"""


class AuthService:
    """Serves on a loopback port between `start` and `stop`. Owned by one event loop."""

    def __init__(self, capacity: Capacity) -> None:
        self.calls: list[Call] = []
        self.fault: Fault = "none"
        self.port = 0
        self._capacity = capacity
        self._server: asyncio.Server | None = None
        self._peers: set[_Peer] = set()
        self._queue: deque[tuple[_Peer, bytes]] = deque()
        self._busy_count = 0
        self._worked_count = 0
        self._failed_count = 0

    async def start(self) -> None:
        """Take the port, the same as before if there was one."""
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", self.port))
        self.port = bound.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Peer(self._peers, self._called), sock=bound, backlog=1024)

    async def stop(self) -> None:
        """Give the port up, and reset every connection."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for peer in list(self._peers):
            peer.reset()
        self._queue.clear()
        await asyncio.sleep(0)

    async def turn(self, fault: Fault) -> None:
        """From now on be like this."""
        before, self.fault = self.fault, fault
        if fault == "refusing":
            await self.stop()
        elif before == "refusing":
            await self.start()

    def _called(self, peer: "_Peer", path: str, body: bytes) -> None:
        self.calls.append(Call(monotonic(), path, WRONG_PASSWORD.encode() in body))
        if self.fault == "frozen":
            peer.never_answer()
        elif self.fault == "failing":
            self._failed_count += 1
            if self._failed_count % 2:
                peer.answer(503, {"code": "maintenance"})
            else:
                peer.reset()
        elif path == LOGIN_PATH and self.fault == "logins failing":
            peer.answer(500, {"code": "no_database"})
        elif path == LOGIN_PATH:
            self._take(peer, body)
        elif path == "/health":
            peer.answer(200, {"status": "ok"})
        elif path == "/auth/handshake":
            peer.answer(200, _HANDSHAKE)
        else:
            peer.answer(404, {"code": "no_such_route"})

    def _take(self, peer: "_Peer", body: bytes) -> None:
        if self._busy_count < self._capacity.workers_count:
            self._begin(peer, body)
        elif len(self._queue) < self._capacity.queue_count:
            self._queue.append((peer, body))
        else:
            peer.answer(503, {"code": "overloaded" if self._capacity.sheds else "unavailable"})

    def _begin(self, peer: "_Peer", body: bytes) -> None:
        self._busy_count += 1
        self._worked_count += 1
        # Spread evenly and the same in every run.
        work_s = self._capacity.work_s * (0.5 + self._worked_count * _GOLDEN % 1)
        asyncio.get_running_loop().call_later(work_s, self._end, peer, body)

    def _end(self, peer: "_Peer", body: bytes) -> None:
        self._busy_count -= 1
        if self.fault not in ("frozen", "refusing"):
            peer.answer(*_verdict(body))
        if self._queue:
            self._begin(*self._queue.popleft())


def _verdict(body: bytes) -> tuple[int, dict[str, Any]]:
    said = json.loads(body)
    if said["password"] == WRONG_PASSWORD:
        return 401, {"code": "invalid_credentials"}
    email = said["email"]
    return 200, {
        "access_token": f"access-of-{email}",
        "refresh_token": f"refresh-of-{email}",
        "token_type": "Bearer",
        "expires_in": 900,
        "user": {"id": email, "email": email, "name": "Ada"},
    }


class _Peer(asyncio.Protocol):
    """One connection, a request at a time."""

    def __init__(self, peers: "set[_Peer]", called: Any) -> None:
        self._peers = peers
        self._called = called
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._path = ""
        self._body = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._peers.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._peers.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_message_begin(self) -> None:
        self._path, self._body = "", b""

    def on_url(self, url: bytes) -> None:
        self._path += url.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._called(self, self._path, self._body)

    def answer(self, status: int, document: dict[str, Any]) -> None:
        """Answer the request; whoever has gone is not told."""
        if self._transport.is_closing():
            return
        body = json.dumps(document).encode()
        kind = "application/json" if status < 400 else "application/problem+json"
        head = f"HTTP/1.1 {status} {_PHRASES[status]}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)

    def never_answer(self) -> None:
        """Keep the connection, and say nothing on it ever again."""

    def reset(self) -> None:
        """End the connection as a machine does that knows nothing of it."""
        opened = self._transport.get_extra_info("socket")
        with suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()
