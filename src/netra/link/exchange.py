"""Exactly one HTTP exchange with the auth service, over connections that are kept for the next one.

It must never follow a redirect, keep a cookie, read an environment's proxy, or send what it could not finish again.
"""

import asyncio
import socket
from ipaddress import ip_address
from itertools import pairwise
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from aiohappyeyeballs import start_connection

from netra.core.verdict.broken import broken
from netra.core.verdict.outcomes import Spent
from netra.core.verdict.reply import Broken, Reply
from netra.core.verdict.wire import Call
from netra.link.clock import Clock
from netra.link.connection import Connection
from netra.link.requests import Requests
from netra.link.resolver import Address, LookUp, Resolver, system_addresses
from netra.link.seals import Seal
from netra.link.tls.trust import Trust

_PORTS: Final = {"http": 80, "https": 443}
_WATCH_S: Final = 0.01
"""How often overdue exchanges are looked for: by how much a deadline may be missed."""
_MAX_AGE_S: Final = 45.0
"""How old a connection may become: by then, wherever the name has moved to, everybody has followed."""
_AGE_JITTER_RATIO: Final = 0.3
"""By how much they retire earlier, so that those made together don't end together."""
_NEXT_ADDRESS_AFTER_S: Final = 0.25
"""How long one address may take before the next is tried beside it. Source: RFC 8305, section 5."""


class Exchange(Protocol):
    """One question, one reply, within the time that is left."""

    async def __call__(self, call: Call[Any], seal: Seal | None, left_s: float) -> Reply | Broken:
        """Ask once. `left_s` bounds everything, from the name's resolution to the last byte of the reply."""
        ...


class HttpExchange:
    """Exchanges with one auth service. Made inside the event loop that uses it."""

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout_s: float,
        idle_connection_s: float,
        clock: Clock,
        look_up: LookUp = system_addresses,
        trust: Trust | None = None,
    ) -> None:
        """`trust`: whom to believe over TLS; without it the system's authorities."""
        address = urlsplit(base_url)
        self._host = address.hostname or ""
        self._port = address.port or _PORTS.get(address.scheme, 0)
        self._request_bytes = Requests(address.netloc)
        self._trust = (trust or Trust(clock)) if address.scheme == "https" else None
        self._connect_timeout_s = connect_timeout_s
        self._idle_connection_s = idle_connection_s
        self._clock = clock
        self._resolver = Resolver(connect_timeout_s, look_up)
        self._address = _numeric(self._host, self._port)
        self._lookup: asyncio.Task[list[Address]] | None = None
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._retiring: asyncio.TimerHandle | None = None
        self._watching: asyncio.TimerHandle | None = None
        self._closed = False

    async def __call__(self, call: Call[Any], seal: Seal | None, left_s: float) -> Reply | Broken:
        """Ask once. Raises nothing that the network or the auth service can bring about."""
        if self._closed:
            return Broken("draining")
        if left_s <= 0:
            return Broken("connection_timeout")
        request = self._request_bytes(call, seal)
        if isinstance(request, Broken):
            return request
        began_s = self._clock.now_s()
        connection = self._kept(began_s)
        if connection is None:
            opened = await self._connected(left_s)
            if isinstance(opened, Broken):
                return opened
            connection, now_s = opened, self._clock.now_s()
            left_s -= now_s - began_s
            if left_s <= 0:
                self._keep(connection, now_s)
                return Broken("connection_timeout")
        self._busy.add(connection)
        if self._watching is None:
            self._watching = asyncio.get_running_loop().call_later(_WATCH_S, self._watch)
        try:
            got = await connection.exchange(request, left_s)
        finally:
            self._busy.discard(connection)
        now_s = self._clock.now_s()
        spent = connection.spent(now_s)
        if connection.reusable:
            self._keep(connection, now_s)
        if isinstance(got, Broken):
            return got._replace(spent=spent)
        return Reply(got.status, got.headers, got.body, self._clock.wall_s(), spent)

    def _kept(self, now_s: float) -> Connection | None:
        """The connection that was used last, unless the auth service may be about to close it."""
        while self._idle:
            connection = self._idle.pop()
            if now_s < connection.usable_until_s and connection.reusable and connection.silent:
                return connection
            connection.abort()
        return None

    def _keep(self, connection: Connection, now_s: float) -> None:
        connection.usable_until_s = min(now_s + self._idle_connection_s, connection.retires_at_s)
        self._idle.append(connection)
        if self._retiring is None:
            self._retiring = asyncio.get_running_loop().call_later(self._idle_connection_s, self._retire)

    def _watch(self) -> None:
        """Give up on exchanges that are overdue: one timer for all costs less than one for each."""
        for connection in list(self._busy):
            connection.give_up_if_due()
        self._watching = asyncio.get_running_loop().call_later(_WATCH_S, self._watch) if self._busy else None

    def _retire(self) -> None:
        """Close what has been idle for too long: we end it before the other side does."""
        self._retiring = None
        now_s = self._clock.now_s()
        for connection in self._idle:
            if connection.usable_until_s <= now_s:
                connection.abort()
        self._idle = [each for each in self._idle if each.reusable]
        if self._idle:
            self._retiring = asyncio.get_running_loop().call_later(self._idle_connection_s / 2, self._retire)

    async def _connected(self, left_s: float) -> Connection | Broken:
        """A new connection, or why there is none: nothing has been sent in either case."""
        stamps_s = [self._clock.now_s()]
        addresses = await self._addresses(left_s)
        stamps_s.append(self._clock.now_s())
        if isinstance(addresses, Broken):
            return addresses._replace(spent=self._opening(stamps_s))
        left_s -= stamps_s[1] - stamps_s[0]
        try:
            async with asyncio.timeout(min(self._connect_timeout_s, left_s)):
                connection = await self._open(addresses, stamps_s)
        except OSError as error:
            got = broken(error, sent=False, tls=self._trust is not None)
            return got._replace(spent=self._opening([*stamps_s, self._clock.now_s()]))
        connection.opening = self._opening(stamps_s)
        if not self._closed:
            return connection
        connection.abort()
        return Broken("draining")

    def _opening(self, stamps_s: list[float]) -> Spent:
        """The time between one stamp and the next: name, connection, TLS, as far as it came."""
        spent = Spent(*(after_s - before_s for before_s, after_s in pairwise(stamps_s)))
        return spent if self._address is None else spent._replace(dns_s=None)

    async def _addresses(self, left_s: float) -> list[Any] | Broken:
        """Where the name leads; all who ask at once share one lookup, which outlives whoever gives up."""
        if self._address is not None:
            return [self._address]
        if self._lookup is None:
            resolved = self._resolver.addresses(self._host, self._port, socket.AF_UNSPEC)
            self._lookup = asyncio.get_running_loop().create_task(resolved)
            self._lookup.add_done_callback(self._looked_up)
        lookup = self._lookup
        await asyncio.wait({lookup}, timeout=left_s)
        if not lookup.done():
            return Broken("dns_timeout")
        if lookup.cancelled():
            return Broken("draining")
        error = lookup.exception()
        if isinstance(error, UnicodeError):
            return Broken("proxy_configuration_error")
        if error is not None:
            return broken(error, sent=False)
        return [(to.family, socket.SOCK_STREAM, to.proto, "", (to.host, to.port)) for to in lookup.result()]

    def _looked_up(self, lookup: "asyncio.Task[list[Address]]") -> None:
        self._lookup = None
        if not lookup.cancelled():
            lookup.exception()  # seen, also when nobody waits for it any more

    async def _open(self, addresses: list[Any], stamps_s: list[float]) -> Connection:
        opened = await start_connection(addresses, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_S, interleave=1)
        stamps_s.append(self._clock.now_s())
        tls, name = (self._trust.context(), self._host.rstrip(".")) if self._trust else (None, None)
        connection = Connection(self._clock.now_s)
        try:
            transport, _ = await asyncio.get_running_loop().create_connection(
                lambda: connection, sock=opened, ssl=tls, server_hostname=name
            )
        except BaseException:
            # Who is cancelled just when TLS stands leaves a connection that would say goodbye in its own time, over a
            # descriptor that by then is somebody else's.
            connection.abort()
            opened.close()
            raise
        if self._trust is not None:
            stamps_s.append(self._clock.now_s())
            shown = transport.get_extra_info("ssl_object")
            self._trust.on_peer(shown.getpeercert(binary_form=True), shown.getpeercert())
        connection.retires_at_s = self._clock.now_s() + _MAX_AGE_S * (1 - _AGE_JITTER_RATIO * self._clock.rand())
        return connection

    async def close(self) -> None:
        """Close all connections; what is under way ends as broken."""
        self._closed = True
        for timer in (self._retiring, self._watching):
            if timer is not None:
                timer.cancel()
        if self._lookup is not None:
            self._lookup.cancel()
        for connection in (*self._idle, *self._busy):
            connection.abort()
        self._idle.clear()


def _numeric(host: str, port: int) -> Any:
    """A host that is a number already, as an address; None for a name."""
    try:
        version = ip_address(host).version
    except ValueError:
        return None
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port)
