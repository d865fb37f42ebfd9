"""A TCP proxy that delays, cuts, resets and swallows as it is told, and can be told otherwise at any time.

It must never look into what it passes on, nor leave a connection or a task behind.
"""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable
from dataclasses import replace
from random import Random
from types import TracebackType
from typing import Final, Literal, NamedTuple, Self

from netra.lab.chaos_ways import Ending, Faults, How, Passage, Tally, Way, Welcome

_BACKLOG: Final = 128
_FILLERS: Final = 8
"""Connections of our own that fill the shortest queue."""
_LEAST_FLAP_S: Final = 0.01
_NO_DESCRIPTORS_S: Final = 0.1
"""How long to wait until others may have given some back."""

NO_FAULTS: Final = Faults()


class Quantity(NamedTuple):
    """A fault's value: seconds, bytes, or bytes per second. `most` differs from `least` where a range was given."""

    least: float
    most: float


Unit = Literal["duration", "size", "rate", ""]


class ProxyFault(NamedTuple):
    """One way in which the chaos proxy misbehaves."""

    name: str
    what: str
    unit: Unit
    """What kind of value it takes; empty for none."""
    default: str
    """The value when none is given, as one writes it."""
    one_way: Callable[[Way, Quantity], Way] | None = None
    """For a fault of one direction: that direction with the fault."""
    whole: Callable[[Faults, Quantity], Faults] | None = None
    """For a fault of the whole connection: all faults with this one."""


def _ending(how: How) -> Callable[[Way, Quantity], Way]:
    return lambda way, after: replace(way, ending=Ending(how, int(after.least), int(after.most)))


def _welcome(welcome: Welcome) -> Callable[[Faults, Quantity], Faults]:
    return lambda faults, _: replace(faults, welcome=welcome)


PROXY_FAULTS: Final = (
    ProxyFault(
        "latency", "Everything comes this much later.", "duration", "200ms",
        lambda way, time: replace(way, latency_s=time.least),
    ),
    ProxyFault(
        "jitter", "A random time up to this is added; the order is kept.", "duration", "100ms",
        lambda way, time: replace(way, jitter_s=time.least),
    ),
    ProxyFault(
        "bandwidth", "No more than this gets through.", "rate", "1KiB/s",
        lambda way, rate: replace(way, bandwidth_bytes_per_s=int(rate.least)),
    ),
    ProxyFault(
        "drip", "Byte by byte, with this long between two.", "duration", "50ms",
        lambda way, time: replace(way, drip_s=time.least),
    ),
    ProxyFault("cut-after", "After so many bytes the connection is closed.", "size", "100B", _ending("cut")),
    ProxyFault("reset-after", "After so many bytes the connection is reset (RST).", "size", "100B", _ending("reset")),
    ProxyFault("half-close-after", "After so many bytes this direction ends.", "size", "100B", _ending("half-close")),
    ProxyFault("swallow-after", "After so many bytes the rest is lost in silence.", "size", "0B", _ending("swallow")),
    ProxyFault("reset-at-connect", "New connections are reset (RST) at once.", "", "", whole=_welcome("reset")),
    ProxyFault("black-hole", "New connections are taken, then all is swallowed.", "", "", whole=_welcome("black-hole")),
    ProxyFault("stop-accepting", "New connections hang: the queue is full.", "", "", whole=_welcome("stop-accepting")),
    ProxyFault("refuse", "The port is closed; open connections go on.", "", "", whole=_welcome("refuse")),
    ProxyFault(
        "flap", "Up for so long, then down with all connections reset, in turns.", "duration", "2s",
        whole=lambda faults, time: replace(faults, flap_s=time.least),
    ),
)  # fmt: skip
"""Every fault of the chaos proxy, those of one direction first."""


class ChaosProxy:
    """Passes connections on to one address from `async with` until its end. Owned by one event loop.

    `switch` changes what it does: new connections follow at once, open ones with their next bytes.
    """

    def __init__(
        self,
        to_host: str,
        to_port: int,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        seed: int | None = None,
        most_connections: int = 1_000,
    ) -> None:
        self.seed = secrets.randbits(32) if seed is None else seed
        """With the same seed, the connection of the same number ends at the same place."""
        self.tally = Tally()
        self._to = (to_host, to_port)
        self._most_connections = most_connections
        self._faults = NO_FAULTS
        self._entrance = _Entrance(host, port, self._accept, self._has_room)
        self._passages: dict[asyncio.Task[None], Passage] = {}
        self._flapping: asyncio.Task[None] | None = None
        self._has_begun = False

    @property
    def port(self) -> int:
        """The port it listens on; where any free one is asked for, 0 until it has begun."""
        return self._entrance.port

    @property
    def faults(self) -> Faults:
        """What it does now."""
        return self._faults

    @property
    def open_count(self) -> int:
        """How many connections are open now. With as many as it may have, further ones wait to be accepted."""
        return len(self._passages)

    def switch(self, faults: Faults = NO_FAULTS) -> None:
        """Do this from now on, or from the beginning on; without an argument, pass everything on.

        Raises: OSError, when somebody has taken the port while it was closed.
        """
        self._faults = faults
        if self._flapping is not None:
            self._flapping.cancel()
            self._flapping = None
        if not self._has_begun:
            return
        self._meet()
        if faults.flap_s is not None:
            self._flapping = asyncio.ensure_future(self._flap(max(faults.flap_s, _LEAST_FLAP_S)))

    def reset_open(self) -> None:
        """Reset every connection that is open now; new ones are met as before."""
        for task, passage in self._passages.items():
            passage.end_with_reset()
            _cancel_begun(task)

    async def __aenter__(self) -> Self:
        """Raises: OSError, when the address cannot be listened on."""
        self._has_begun = True
        self.switch(self._faults)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._has_begun = False
        self._entrance.close()
        tasks = [*self._passages, *([self._flapping] if self._flapping else [])]
        for task in tasks:
            _cancel_begun(task)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _meet(self) -> None:
        if self._faults.welcome == "refuse":
            self._entrance.refuse()
        elif self._faults.welcome == "stop-accepting":
            self._entrance.stop_accepting()
        else:
            self._entrance.open()

    async def _flap(self, each_s: float) -> None:
        while True:
            await asyncio.sleep(each_s)
            # A port that somebody else has taken meanwhile is asked for again with the next turn.
            with contextlib.suppress(OSError):
                self._entrance.refuse()
            self.reset_open()
            await asyncio.sleep(each_s)
            with contextlib.suppress(OSError):
                self._meet()

    def _has_room(self) -> bool:
        return self.open_count < self._most_connections

    def _accept(self, client: socket.socket) -> None:
        self.tally.connections_count += 1
        seed = f"{self.seed}/{self.tally.connections_count}"
        drawn = Random(seed).random()  # noqa: S311 - it is to be repeated, not to be secret

        def faults() -> Faults:
            return self._faults if drawn < self._faults.share else NO_FAULTS

        passage = Passage(client, self._to, faults, seed, self.tally)
        task = asyncio.ensure_future(passage.run())
        self._passages[task] = passage
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._passages[task]
        self._entrance.resume()


def _cancel_begun(task: asyncio.Task[None]) -> None:
    """Cancel a task once it has taken its first step: before that, nobody would close what it holds."""
    asyncio.get_running_loop().call_soon(task.cancel)


class _Entrance:
    """The port: open, full, or closed while still ours."""

    def __init__(
        self, host: str, port: int, accept: Callable[[socket.socket], None], has_room: Callable[[], bool]
    ) -> None:
        self.port = port
        self._host = host
        self._accept = accept
        self._has_room = has_room
        self._bound: socket.socket | None = None
        self._fillers: list[socket.socket] = []
        self._is_open = False

    def open(self) -> None:
        """Accept connections, as long as there is room. Raises: OSError."""
        if self._fillers:
            # They stand in the queue; only a new one is without them.
            self.close()
        bound = self._bound or self._bind()
        bound.listen(_BACKLOG)
        self._is_open = True
        self.resume()

    def refuse(self) -> None:
        """Refuse connections, but keep the port: it is bound, and nobody listens. Raises: OSError."""
        self.close()
        self._bind()

    def stop_accepting(self) -> None:
        """Let connections wait in vain: the queue is as short as can be, and full. Raises: OSError."""
        self.close()
        bound = self._bind()
        bound.listen(0)
        for _ in range(_FILLERS):
            filler = socket.socket(bound.family)
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(bound.getsockname())
            self._fillers.append(filler)

    def resume(self) -> None:
        """Accept again, if there is room and nothing else speaks against it."""
        if self._is_open and self._bound is not None and self._has_room():
            asyncio.get_running_loop().add_reader(self._bound, self._ready)

    def close(self) -> None:
        """Close the port; whoever waits to be accepted is reset."""
        self._pause()
        self._is_open = False
        for each in self._fillers:
            each.close()
        self._fillers.clear()
        if self._bound is not None:
            self._bound.close()
            self._bound = None

    def _bind(self) -> socket.socket:
        bound = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET)
        try:
            bound.setblocking(False)
            # The connections of before still hold the port.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self._host, self.port))
        except BaseException:
            bound.close()
            raise
        self._bound, self.port = bound, bound.getsockname()[1]
        return bound

    def _pause(self) -> None:
        if self._bound is not None:
            asyncio.get_running_loop().remove_reader(self._bound)

    def _ready(self) -> None:
        if self._bound is None:
            return
        try:
            client, _ = self._bound.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError:
            self._pause()
            asyncio.get_running_loop().call_later(_NO_DESCRIPTORS_S, self.resume)
            return
        client.setblocking(False)
        self._accept(client)
        if not self._has_room():
            self._pause()
