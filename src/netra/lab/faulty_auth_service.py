"""An auth service on raw sockets that is well until it is told how to fail, path by path or user by user.

It must never stand between real users and a gateway: it lets everybody in whose password is not `wrong`.
"""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from netra.lab.catalogue.choice import Choice, Switched
from netra.lab.connection import Connection, Delivery, Script
from netra.lab.faults import Fault, find
from netra.lab.healthy import HANDSHAKE, UNSEALED, healthy_message
from netra.lab.listening import Listening, streams
from netra.lab.scripts import problem, problem_message, raw

if TYPE_CHECKING:
    from netra.lab.certificates import Authority

AtConnect = Callable[[Connection], Awaitable[None] | None]

JOURNAL_LIMIT: Final = 100_000
_SWITCH_S: Final = 10.0
"""How long a thread may wait for the event loop to take note of what it has switched."""


class CannotPlay(ValueError):
    """A fault cannot be played here; the message says why, and what to do."""


class FaultyAuthService:
    """Serves from `async with` until its end, on a loopback port. Owned by one event loop.

    What is scripted with `answer` or switched on with `fault` holds from the next delivery on; everything else is
    answered as a healthy auth service does. `journal` keeps the last deliveries.
    """

    def __init__(  # noqa: PLR0913 - each is one thing that tests vary
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        authority: "Authority | None" = None,
        handshake: bool = True,
        idempotency: bool = True,
        secret: str | None = None,
        says: Mapping[str, Any] | None = None,
        keys: Sequence[Mapping[str, Any]] = (),
        by_email: bool = True,
        journal_limit: int = JOURNAL_LIMIT,
    ) -> None:
        self.journal: list[Delivery] = []
        """Every delivery, as long as there are not more than `journal_limit`; then the last ones."""
        self.deliveries_count = 0
        """How many deliveries there were in all."""
        self.connections_count = 0
        self.handshake = handshake
        """Is there a handshake at all?"""
        self.idempotency = idempotency
        """What the handshake promises of `Idempotency-Key`."""
        self.secret = secret
        """The one service secret that is accepted; None accepts any."""
        self.says = dict(says or {})
        """Members of the handshake that differ from what a healthy one says; None for one that is left out."""
        self.keys = list(keys)
        """The keys that it publishes, as JWK."""
        self.at_connect: AtConnect | None = None
        """What to do with a new connection before anything is read; it is not served when that ends it."""
        self.by_email = by_email
        """May an e-mail address such as `response_timeout@lab.test` choose the fault that it meets?"""
        self._host = host
        self._journal_limit = journal_limit
        self._authority = authority
        self._own_tls = authority.good() if authority and not tls else tls
        self._tls = self._own_tls
        self._scripts: dict[tuple[str, str | None], Script] = {}
        self._choice = Choice()
        self._listening = Listening(host, port, self._accepted)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._live: dict[asyncio.Task[None], Connection | None] = {}

    @property
    def port(self) -> int:
        """The port it listens on, or listened on last."""
        return self._listening.port

    @property
    def url(self) -> str:
        """Its `AUTH_SERVICE_URL`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._own_tls else 'http'}://{host}:{self.port}"

    @property
    def faults(self) -> tuple[Switched, ...]:
        """The faults that are switched on now, those for everybody first."""
        return self._choice.on

    def answer(self, path: str, script: Script, *, user: str | None = None) -> None:
        """From now on answer `path` like this; with `user`, only for an e-mail with this local part."""
        self._scripts[path, user] = script

    def fault(self, name: str, *, path: str | None = None, user: str | None = None) -> Fault:
        """Switch a named fault on: everywhere, or only on this path, or for e-mails with this local part.

        Connections that stand are closed when the fault is one of connecting.
        Raises: UnknownFault; CannotPlay, when it needs TLS, or cannot be played on one path or for one user.
        """
        fault = find(name)
        if fault.certificate is not None and (self._authority is None or self._own_tls is None):
            raise CannotPlay(f"{fault.name} needs TLS: give the auth service an authority (--tls good).")
        if not fault.for_one and (path, user) != (None, None):
            raise CannotPlay(f"{fault.name} concerns the whole port: switch it on for all paths and users.")
        before = self._choice.of_all
        self._choice.switch(Switched(fault, path, user))
        self._turn_after(before)
        return fault

    def heal(self) -> None:
        """Forget all scripts and faults: be healthy again."""
        before = self._choice.of_all
        self._scripts.clear()
        self._choice.clear()
        self.at_connect = None
        self._turn_after(before)

    def delivered(self, path: str) -> list[Delivery]:
        """What arrived at one path so far."""
        return [each for each in self.journal if each.path == path]

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._listening.open(loop)
        self._loop, self._thread = loop, threading.get_ident()
        self._turn_after(None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Close the port and every connection: from now on connections are refused."""
        if self._loop is not None:
            self._loop = None
            self._listening.close()
            tasks = tuple(self._live)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _turn_after(self, before: Fault | None) -> None:
        """Do what a change of the fault for everybody asks for, also when another thread has made it."""
        loop = self._loop
        concerned = _is_of_connecting(before) or _is_of_connecting(self._choice.of_all) or not self._listening.serving
        if loop is None or not concerned:
            return
        if threading.get_ident() == self._thread:
            self._turn(loop)
            return

        async def elsewhere() -> None:
            self._turn(loop)

        asyncio.run_coroutine_threadsafe(elsewhere(), loop).result(_SWITCH_S)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make port, certificate and connections such as the fault for everybody wants them."""
        fault = self._choice.of_all
        self._tls = self._own_tls
        if fault is not None and fault.certificate is not None and self._authority is not None:
            self._tls = self._authority.of_quality(fault.certificate)
        port = fault.port if fault is not None else "open"
        if port == "closed":
            self._listening.close()
        elif port == "full":
            self._listening.fill()
        elif not self._listening.serving:
            self._listening.open(loop)
        for task, connection in tuple(self._live.items()):
            if connection is not None:
                connection.close()
            task.cancel()

    def _accepted(self, accepted: socket.socket) -> None:
        task = asyncio.ensure_future(self._visit(accepted))
        self._live[task] = None

        def ended(task: asyncio.Task[None]) -> None:
            if self._live.pop(task) is None:
                accepted.close()

        task.add_done_callback(ended)

    async def _visit(self, accepted: socket.socket) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            opened = await streams(accepted, self._tls)
            if opened is None:
                return
            self.connections_count += 1
            connection = Connection(self.connections_count, *opened)
            if task := asyncio.current_task():
                self._live[task] = connection
            try:
                await self._serve(connection)
            finally:
                await connection.closed()

    async def _serve(self, connection: Connection) -> None:
        fault = self._choice.of_all
        meeting = self.at_connect or (fault.meeting if fault else None)
        if meeting is not None:
            met = meeting(connection)
            if met is not None:
                await met
        while not connection.closing:
            delivery = await connection.receive()
            if delivery is None:
                return
            met_fault, script = self._script_for(delivery)
            self._note(delivery._replace(fault=met_fault.name) if met_fault else delivery)
            await script(connection, delivery)

    def _note(self, delivery: Delivery) -> None:
        self.deliveries_count += 1
        self.journal.append(delivery)
        if len(self.journal) > self._journal_limit:
            del self.journal[0]

    def _script_for(self, delivery: Delivery) -> tuple[Fault | None, Script]:
        user = (delivery.email or "").partition("@")[0]
        scripted = self._scripts.get((delivery.path, user)) or self._scripts.get((delivery.path, None))
        if scripted is not None:
            return None, scripted
        fault = self._choice.of(delivery, by_email=self.by_email)
        if fault is None:
            return None, raw(self._healthy(delivery))
        if fault.script is None:
            # A whole port cannot be closed for one user: said, so that nobody waits for it.
            return fault, problem(501, "not_for_one_user")
        return fault, fault.script(self._healthy(delivery))

    def _healthy(self, delivery: Delivery) -> bytes:
        if delivery.path not in UNSEALED and self.secret not in (None, delivery.header("X-Service-Secret")):
            return problem_message(401, "service_credentials_rejected")
        hidden = delivery.path == HANDSHAKE and not self.handshake
        if hidden:
            return problem_message(404, "no_such_route")
        answer = healthy_message(delivery, idempotency=self.idempotency, says=self.says, keys=self.keys)
        return answer or problem_message(404, "no_such_route")


def _is_of_connecting(fault: Fault | None) -> bool:
    """Is it played on the port, on TLS or on new connections, and not on deliveries?"""
    return fault is not None and (fault.port != "open" or fault.certificate is not None or fault.meeting is not None)
