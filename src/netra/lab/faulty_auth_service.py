"""An auth service on raw sockets that is well until it is told how to fail, path by path or user by user.

It must never stand between real users and a gateway: it lets everybody in whose password is not `wrong`.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self

from netra.lab.connection import READ_LIMIT_BYTES, Connection, Delivery, Script
from netra.lab.healthy import HANDSHAKE, UNSEALED, healthy
from netra.lab.scripts import problem

AtConnect = Callable[[Connection], None]


class FaultyAuthService:
    """Serves from `async with` until its end, on a loopback port. Owned by one event loop.

    What is scripted with `answer` holds from the next delivery on; everything else is answered as a healthy auth
    service does. `journal` keeps every delivery.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        handshake: bool = True,
        idempotency: bool = True,
        secret: str | None = None,
    ) -> None:
        self.journal: list[Delivery] = []
        self.connections_count = 0
        self.handshake = handshake
        """Is there a handshake at all?"""
        self.idempotency = idempotency
        """What the handshake promises of `Idempotency-Key`."""
        self.secret = secret
        """The one service secret that is accepted; None accepts any."""
        self.at_connect: AtConnect | None = None
        """What to do with a new connection before anything is read; it is not served when that ends it."""
        self._port = port
        self._tls = tls
        self._scripts: dict[tuple[str, str | None], Script] = {}
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port it listens on, or listened on last."""
        return self._port

    @property
    def url(self) -> str:
        """Its `AUTH_SERVICE_URL`."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    def answer(self, path: str, script: Script, *, user: str | None = None) -> None:
        """From now on answer `path` like this; with `user`, only for an e-mail with this local part."""
        self._scripts[path, user] = script

    def heal(self) -> None:
        """Forget all scripts: be healthy again."""
        self._scripts.clear()
        self.at_connect = None

    def delivered(self, path: str) -> list[Delivery]:
        """What arrived at one path so far."""
        return [each for each in self.journal if each.path == path]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accepted, "127.0.0.1", self._port, ssl=self._tls, limit=READ_LIMIT_BYTES
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Close the port and every connection: from now on connections are refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.connections_count += 1
        connection = Connection(self.connections_count, reader, writer)
        with contextlib.suppress(asyncio.CancelledError):
            try:
                await self._serve(connection)
            finally:
                await connection.closed()

    async def _serve(self, connection: Connection) -> None:
        if self.at_connect is not None:
            self.at_connect(connection)
        while not connection.closing:
            delivery = await connection.receive()
            if delivery is None:
                return
            self.journal.append(delivery)
            await self._script_for(delivery)(connection, delivery)

    def _script_for(self, delivery: Delivery) -> Script:
        user = (delivery.email or "").partition("@")[0]
        scripted = self._scripts.get((delivery.path, user)) or self._scripts.get((delivery.path, None))
        if scripted is not None:
            return scripted
        if delivery.path not in UNSEALED and self.secret not in (None, delivery.header("X-Service-Secret")):
            return problem(401, "service_credentials_rejected")
        hidden = delivery.path == HANDSHAKE and not self.handshake
        answer = None if hidden else healthy(delivery, idempotency=self.idempotency)
        return answer or problem(404, "no_such_route")
