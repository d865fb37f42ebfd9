"""Several listeners in one process and one event loop, bound by us and stopped in order.

It must never lose a request that was accepted before the stop, nor leave signals to the servers below.
"""

import asyncio
import contextlib
import errno
import functools
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from heapq import nsmallest
from typing import Any, Final, NamedTuple

import uvicorn

from netra.asgi.adapter import App, Limits
from netra.asgi.protocol import GuardedProtocol

_BACKLOG: Final = 2048
_GRACE_S: Final = 30
_SWEEPS_PER_DEADLINE: Final = 10
_UNTAKEN_BYTES: Final = 128 * 1024
"""How much the system may hold for a client that does not take its answers; as much again is its own book-keeping."""
_ROOM_RATIO: Final = 32
"""In a crowd, one in so many connections makes room at once: looking for them costs a look at every one."""
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Listener(NamedTuple):
    """An application and the address it listens on. Port 0 takes any free one."""

    name: str
    app: App
    host: str
    port: int
    option: str
    """What to set when the address is taken, e.g. `--port or NETRA_PORT`."""
    most_connections: int = 10_000
    """How many clients may be connected; in a crowd, whoever has kept us waiting longest makes room."""


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
                f"{listener.name} cannot listen on {listener.host}:{listener.port}: {reason}. {_cure(listener, error)}"
            ) from None
    return bound


def _cure(listener: Listener, error: OSError) -> str:
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "Let the process open more files: `ulimit -n`."
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        return f"Choose another one with {listener.option}."
    # The port is not at fault: what names it has a twin that names the address.
    return f"Choose another address with {listener.option.replace('port', 'host').replace('PORT', 'HOST')}."


def _bound_socket(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNTAKEN_BYTES)  # what is accepted inherits it
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
    take_signals: bool = True,
) -> int:
    """Serve until a signal (or `stop`) comes, then drain in the order of `bound`; returns the exit code.

    The first signal begins the drain: for `drain_delay_s` everything is still served, with `Connection: close`;
    then listeners close one after the other, each when its requests have ended. A second signal ends at once.
    Only the main thread may `take_signals`; elsewhere `stop` alone ends it.
    """
    loop = asyncio.get_running_loop()
    asked, insisted = stop or asyncio.Event(), asyncio.Event()
    received: list[int] = []

    def on_signal(number: int) -> None:
        received.append(number)
        (insisted if asked.is_set() else asked).set()

    signals = _SIGNALS if take_signals else ()
    for number in signals:
        loop.add_signal_handler(number, on_signal, number)
    servers = [_server(each) for each in bound]
    tasks = [loop.create_task(server.serve(sockets=[each.socket])) for server, each in zip(servers, bound, strict=True)]
    sweeps = [
        loop.create_task(_sweep(server.server_state.connections, each.listener.app.limits))
        for server, each in zip(servers, bound, strict=True)
    ]
    ending: list[asyncio.Task[Any]] = []
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
        draining = loop.create_task(_drain(list(zip(servers, bound, tasks, strict=True)), drain_delay_s))
        ending += (draining, loop.create_task(insisted.wait()))
        await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        if not draining.done():
            draining.cancel()
            await _cut_off(servers)
            return 128 + received[-1]
        draining.result()
        return 0
    finally:
        for task in (*sweeps, *ending, *tasks):
            task.cancel()
        await asyncio.gather(*sweeps, *ending, *tasks, return_exceptions=True)
        for number in signals:
            loop.remove_signal_handler(number)


async def _drain(served: Sequence[tuple[uvicorn.Server, Listening, "asyncio.Task[Any]"]], delay_s: float) -> None:
    await asyncio.sleep(delay_s)
    for server, listening, task in served:
        await _stop_listening(server, listening.socket)
        listening.listener.app.end_streams()
        server.should_exit = True
        await task


async def _stop_listening(server: uvicorn.Server, listening: socket.socket) -> None:
    """Give the port up; whoever stands in its queue by then has connected to us, and is served."""
    made: Any = server.config.http_protocol_class
    connect = functools.partial(made, config=server.config, server_state=server.server_state, app_state={})
    with listening.dup() as queue, contextlib.suppress(OSError):
        for each in server.servers:
            each.close()
        for _ in range(_BACKLOG):
            client, _ = queue.accept()
            client.setblocking(False)
            await asyncio.get_running_loop().connect_accepted_socket(connect, client)


async def _cut_off(servers: Sequence[uvicorn.Server]) -> None:
    """End all connections, so that nobody takes the end of this program for an answer."""
    for server in servers:
        for connection in list(server.server_state.connections):
            connection.transport.abort()
    await asyncio.sleep(0)


def _server(listening: Listening) -> uvicorn.Server:
    app = listening.listener.app
    protocol: Any = functools.partial(
        GuardedProtocol, app, functools.partial(_make_room, listening.listener.most_connections)
    )
    return _QuietServer(
        uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_GRACE_S,
        )
    )


def _make_room(most: int, connections: set[Any], newcomer: Any) -> None:
    """One connection too many: those whose clients have made us wait longest end; if nobody does, the newcomer."""
    if len(connections) <= most:
        return
    waiting = [each for each in connections if each.waits and each is not newcomer]
    longest = nsmallest(len(waiting) // _ROOM_RATIO + 1, waiting, key=lambda each: float(each.since_s))
    for each in longest or (newcomer,):
        connections.discard(each)
        each.transport.abort()


async def _sweep(connections: set[Any], limits: Limits) -> None:
    """Give up on overdue clients until cancelled; one timer for a whole listener keeps the path free of timers."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(min(limits.receipt_s, limits.idle_s) / _SWEEPS_PER_DEADLINE)
        for connection in list(connections):
            if connection.overdue(loop.time()):
                connection.give_up()


def descriptors_count() -> int:
    """How many files and sockets this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 1 << 20


def run(main: Callable[[], Any]) -> int:
    """Run a coroutine function to its end on the fastest event loop at hand; returns its exit code.

    The process is given all the descriptors that the system grants it: the usual limit is one for interactive programs.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems grant less than they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        import uvloop
    except ImportError:
        return int(asyncio.run(main()))
    return int(uvloop.run(main()))
