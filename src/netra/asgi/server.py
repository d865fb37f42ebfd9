"""Several listeners in one process and one event loop, bound by us and stopped in order.

It must never lose a request that was accepted before the stop, nor leave signals to the servers below.
"""

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import uvicorn

from netra.asgi.adapter import App
from netra.asgi.protocol import protocol_for, sweep

_BACKLOG: Final = 2048
_KEEP_ALIVE_S: Final = 75
"""Longer than the balancers in front keep idle connections, 60 s as a rule: who closes first must be the client."""
_GRACE_S: Final = 30
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Listener(NamedTuple):
    """An application and the address it listens on. Port 0 takes any free one."""

    name: str
    app: App
    host: str
    port: int
    option: str
    """What to set when the address is taken, e.g. `--port or NETRA_PORT`."""


class CannotListen(Exception):
    """An address cannot be listened on; the message says what to set instead."""


class _QuietServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the business of `serve`, which owns several servers."""
        yield


class Listening(NamedTuple):
    """A bound listener."""

    listener: Listener
    socket: socket.socket

    @property
    def url(self) -> str:
        """Where it answers, e.g. `http://127.0.0.1:8000`."""
        host, port = self.socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def bind(listeners: Sequence[Listener]) -> list[Listening]:
    """Take all addresses, or none.

    Raises: CannotListen, with the name of the listener, the reason and the option to set.
    """
    bound: list[Listening] = []
    for listener in listeners:
        try:
            bound.append(Listening(listener, _bound_socket(listener.host, listener.port)))
        except OSError as error:
            for each in bound:
                each.socket.close()
            reason = (
                "the port is taken"
                if error.errno == errno.EADDRINUSE
                else (error.strerror or "the address is not usable")
            )
            raise CannotListen(
                f"{listener.name} cannot listen on {listener.host}:{listener.port}: {reason}. "
                f"Choose another one with {listener.option}."
            ) from None
    return bound


def _bound_socket(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound


async def serve(
    bound: Sequence[Listening],
    *,
    drain_delay_s: float = 0.0,
    on_started: Callable[[], None] = lambda: None,
    on_draining: Callable[[], None] = lambda: None,
    stop: asyncio.Event | None = None,
) -> int:
    """Serve until a signal (or `stop`) comes, then drain in the order of `bound`; returns the exit code.

    The first signal begins the drain: for `drain_delay_s` everything is still served, with `Connection: close`;
    then listeners close one after the other, each when its requests have ended. A second signal ends at once.
    """
    loop = asyncio.get_running_loop()
    asked, insisted = stop or asyncio.Event(), asyncio.Event()
    received: list[int] = []

    def on_signal(number: int) -> None:
        received.append(number)
        (insisted if asked.is_set() else asked).set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    servers = [_server(each) for each in bound]
    tasks = [loop.create_task(server.serve(sockets=[each.socket])) for server, each in zip(servers, bound, strict=True)]
    sweeps = [
        loop.create_task(sweep(server.server_state.connections, each.listener.app.limits))
        for server, each in zip(servers, bound, strict=True)
    ]
    try:
        while not all(server.started for server in servers):
            for ended in (task for task in tasks if task.done()):
                ended.result()
            await asyncio.sleep(0.005)
        on_started()
        await asked.wait()
        on_draining()
        for each in bound:
            each.listener.app.draining = True
        draining = loop.create_task(_drain(servers, tasks, drain_delay_s))
        insisting = loop.create_task(insisted.wait())
        await asyncio.wait({draining, insisting}, return_when=asyncio.FIRST_COMPLETED)
        insisting.cancel()
        if not draining.done():
            draining.cancel()
            await _cut_off(servers)
            return 128 + received[-1]
        draining.result()
        return 0
    finally:
        for task in (*sweeps, *tasks):
            task.cancel()
        await asyncio.gather(*sweeps, *tasks, return_exceptions=True)
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def _drain(servers: Sequence[uvicorn.Server], tasks: Sequence["asyncio.Task[Any]"], delay_s: float) -> None:
    await asyncio.sleep(delay_s)
    for server, task in zip(servers, tasks, strict=True):
        server.should_exit = True
        await task


async def _cut_off(servers: Sequence[uvicorn.Server]) -> None:
    """End all connections, so that nobody takes the end of this program for an answer."""
    for server in servers:
        for connection in list(server.server_state.connections):
            connection.transport.abort()
    await asyncio.sleep(0)


def _server(listening: Listening) -> uvicorn.Server:
    app = listening.listener.app
    return _QuietServer(
        uvicorn.Config(
            app,
            http=protocol_for(app),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
        )
    )


def run(main: Callable[[], Any]) -> int:
    """Run a coroutine function to its end on the fastest event loop at hand; returns its exit code."""
    try:
        import uvloop
    except ImportError:
        return int(asyncio.run(main()))
    return int(uvloop.run(main()))
