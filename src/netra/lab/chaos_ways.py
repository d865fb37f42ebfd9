"""The two ways of a connection through the chaos proxy: what may happen on them, and the carrying itself.

It must never look into what it carries, nor hold more of it than a bounded piece.
"""

import asyncio
import contextlib
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, NamedTuple

BLOCK_BYTES: Final = 16 * 1024
_BLOCKS: Final = 16
"""With this many under way in one direction, its sender has to wait."""
_SMOOTH_S: Final = 0.02
"""A bandwidth is kept by one piece in this time."""
_CONNECT_S: Final = 10.0
_READING_S: Final = 0.02
"""How long the bytes before a reset may be read: a reset overtakes what is not."""
_FAREWELL_S: Final = 1.0
_LINGER_NOT_AT_ALL: Final = struct.pack("ii", 1, 0)

How = Literal["cut", "reset", "half-close", "swallow"]
Welcome = Literal["pass-on", "reset", "black-hole", "stop-accepting", "refuse"]


class Ending(NamedTuple):
    """The end of a direction, after a number of bytes that each connection draws from a range."""

    how: How
    least_bytes: int
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Way:
    """What happens to the bytes of one direction."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    """The most that is added to the latency, at random; bytes never overtake each other."""
    bandwidth_bytes_per_s: int | None = None
    drip_s: float | None = None
    """From one byte to the next; None: as many at once as come."""
    ending: Ending | None = None
    """Bytes count from the connection's beginning, or from when its way was changed."""


CLEAN: Final = Way()


@dataclass(frozen=True, slots=True)
class Faults:
    """Everything that a chaos proxy does at one time; by default it passes everything on."""

    to_server: Way = CLEAN
    to_client: Way = CLEAN
    welcome: Welcome = "pass-on"
    """How new connections are met; those that are open go on."""
    flap_s: float | None = None
    """Up and down in turns, so long each; at least 0.01. Down means refused, with the open connections reset."""
    share: float = 1.0
    """Of all connections, from 0 to 1: how many meet this at all. A port that is closed is closed for everybody."""


@dataclass(slots=True)
class Tally:
    """What went through so far."""

    connections_count: int = 0
    """Accepted, whatever became of them."""
    unreachable_count: int = 0
    """Reset, because the server could not be reached."""
    to_server_bytes: int = 0
    to_client_bytes: int = 0


_Over = Literal["over", "cut", "reset"]
"""How a direction came to its end: by itself, or with the whole connection."""


class Passage:
    """One accepted connection on its way to the server and back. Owned by the task that runs it."""

    def __init__(
        self, client: socket.socket, to: tuple[str, int], faults: Callable[[], Faults], seed: str, tally: Tally
    ) -> None:
        self._client = client
        self._to = to
        self._faults = faults
        self._seed = seed
        self._tally = tally
        self._over: _Over = "cut"

    def end_with_reset(self) -> None:
        """When the task is cancelled, both sides are to be reset."""
        self._over = "reset"

    async def run(self) -> None:
        """Carry both ways until they are over, or one of them ends the connection."""
        sides: list[StreamWriter] = []
        try:
            self._over = await self._carry(sides)
        except OSError:
            self._over = "reset"
        finally:
            if not sides:
                if self._over == "reset":
                    _reset(self._client)
                self._client.close()
            await asyncio.gather(*(_closed(side, self._over) for side in sides))

    async def _carry(self, sides: list[StreamWriter]) -> _Over:
        welcome = self._faults().welcome
        if welcome == "reset":
            return "reset"
        from_client, to_client = await asyncio.open_connection(sock=self._client, limit=BLOCK_BYTES)
        sides.append(to_client)
        if welcome == "black-hole":
            while await from_client.read(BLOCK_BYTES):
                pass
            return "cut"
        try:
            async with asyncio.timeout(_CONNECT_S):
                from_server, to_server = await asyncio.open_connection(*self._to, limit=BLOCK_BYTES)
        except OSError:
            self._tally.unreachable_count += 1
            raise
        sides.append(to_server)
        return await self._both(
            _Carrier(from_client, to_server, _To("server", lambda: self._faults().to_server, self._sent), self._seed),
            _Carrier(from_server, to_client, _To("client", lambda: self._faults().to_client, self._came), self._seed),
        )

    async def _both(self, to_server: "_Carrier", to_client: "_Carrier") -> _Over:
        ways = {asyncio.ensure_future(to_server.carry()), asyncio.ensure_future(to_client.carry())}
        try:
            left = ways
            while left:
                done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                for over in ("reset", "cut"):
                    if over in {each.result() for each in done}:
                        return over
            return "over"
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    def _sent(self, count: int) -> None:
        self._tally.to_server_bytes += count

    def _came(self, count: int) -> None:
        self._tally.to_client_bytes += count


class _To(NamedTuple):
    """One direction."""

    whom: Literal["server", "client"]
    way: Callable[[], Way]
    """What happens on it, at this moment."""
    tell: Callable[[int], None]
    """Is told how many bytes were passed on."""


class _Carrier:
    """Carries one direction of one connection. Used once."""

    def __init__(self, reader: StreamReader, writer: StreamWriter, to: _To, seed: str) -> None:
        # Nothing waits here unseen: what is written has left for the peer when `drain` returns.
        writer.transport.set_write_buffer_limits(high=0)
        self._reader = reader
        self._writer = writer
        self._to = to
        self._way = CLEAN
        self._chance = Random(f"{seed}/{to.whom}")  # noqa: S311 - it is to be repeated, not to be secret
        self._left_bytes: int | None = None
        """Until the ending; None without one."""
        self._free_at_s = 0.0
        """When the next piece may go, by bandwidth and drip."""
        self._under_way: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue(_BLOCKS)
        """Blocks with the instants at which they are due; b"" is the end of the stream, None a reset."""

    async def carry(self) -> _Over:
        """Carry until the end, and say what it means for the connection."""
        reading = asyncio.ensure_future(self._read())
        try:
            return await self._write()
        except OSError:
            return "reset"
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self) -> None:
        due_s, block = 0.0, b"-"
        while block:
            try:
                block = await self._reader.read(BLOCK_BYTES)
            except OSError:
                await self._under_way.put((due_s, None))
                return
            way = self._to.way()
            late_s = way.latency_s + way.jitter_s * self._chance.random() if way.jitter_s else way.latency_s
            due_s = _now_s() + late_s
            await self._under_way.put((due_s, block))

    async def _write(self) -> _Over:
        over = await self._pass(b"")
        while over is None:
            due_s, block = await self._under_way.get()
            await _sleep_until(due_s)
            if block is None:
                return "reset"
            if not block:
                self._writer.write_eof()
                return "over"
            over = await self._pass(block)
        return over

    async def _pass(self, block: bytes) -> _Over | None:
        """Pass a block on in the pieces that its way allows; None when nothing has ended by it."""
        while True:
            way = self._follow()
            if way.ending is not None and self._left_bytes == 0:
                return await self._end(way.ending.how)
            if not block:
                return None
            piece = block[: _piece_bytes(way, self._left_bytes)]
            await _sleep_until(self._free_at_s)
            self._writer.write(piece)
            await self._writer.drain()
            block = block[len(piece) :]
            self._to.tell(len(piece))
            self._free_at_s = _now_s() + _cost_s(way, len(piece))
            if self._left_bytes is not None:
                self._left_bytes -= len(piece)

    def _follow(self) -> Way:
        """The way as it is now; where it has changed, its ending is counted anew."""
        way = self._to.way()
        if way is not self._way:
            ending = way.ending
            drawn = None if ending is None else self._chance.randint(ending.least_bytes, ending.most_bytes)
            self._left_bytes = drawn
            self._way = way
        return way

    async def _end(self, how: How) -> _Over:
        if how == "reset":
            await asyncio.sleep(_READING_S)
            return "reset"
        if how == "cut":
            return "cut"
        if how == "half-close":
            self._writer.write_eof()
        while (await self._under_way.get())[1]:
            pass
        # The server's end is swallowed with the rest; where nobody can tell the server of the client's, we do.
        return "cut" if how == "swallow" and self._to.whom == "server" else "over"


def _piece_bytes(way: Way, left_bytes: int | None) -> int | None:
    """How much may go at once; None: all there is."""
    if way.drip_s is not None:
        return 1
    rate = way.bandwidth_bytes_per_s
    smooth = None if rate is None else max(1, int(rate * _SMOOTH_S))
    return min((each for each in (smooth, left_bytes) if each is not None), default=None)


def _cost_s(way: Way, count: int) -> float:
    """How long a piece keeps its way busy."""
    rate = way.bandwidth_bytes_per_s
    return max(way.drip_s or 0.0, count / rate if rate else 0.0)


async def _closed(side: StreamWriter, over: _Over) -> None:
    """End one side as it should, and wait until that is done; a peer that does not read does not hold it up."""
    if over == "reset":
        _reset(side.get_extra_info("socket"))
        side.transport.abort()
    side.close()
    with contextlib.suppress(OSError):
        async with asyncio.timeout(_FAREWELL_S):
            await side.wait_closed()
    side.transport.abort()


def _reset(side: socket.socket) -> None:
    """From now on closing it means RST; what the peer has not read may be lost. Source: RFC 9293, 3.10.5."""
    with contextlib.suppress(OSError):
        side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT_AT_ALL)


async def _sleep_until(at_s: float) -> None:
    wait_s = at_s - _now_s()
    if wait_s > 0:
        await asyncio.sleep(wait_s)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
