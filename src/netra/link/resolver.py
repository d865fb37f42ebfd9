"""Names to addresses, on threads of our own: one name that hangs starves no other, nor holds up the program's end.

It must never have more lookups under way than a handful, however long they hang.
"""

import asyncio
import contextlib
import errno
import os
import socket
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from netra.core.verdict.broken import NameTimeout

LOOK_UPS_AT_ONCE: Final = 8


class Address(NamedTuple):
    """Where a name leads."""

    family: int
    proto: int
    host: str
    port: int


LookUp = Callable[[str, int, int], list[Address]]
"""Finds the addresses of (host, port, family), and may take its time: it is called on a thread of its own.

Raises: OSError, such as socket.gaierror; UnicodeError for what is no name at all.
"""


def system_addresses(host: str, port: int, family: int) -> list[Address]:
    """What the system's resolver says of a name."""
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except OSError:
        # A resolver that could open no file and no socket says anything but that: "busy", or "no such name".
        socket.socket().close()
        raise
    return [Address(kind, proto, str(to[0]), int(to[1])) for kind, _, proto, _, to in found]


class Resolver:
    """Lookups with an end: whoever asks waits at most `timeout_s`. One event loop owns it."""

    def __init__(self, timeout_s: float, look_up: LookUp = system_addresses) -> None:
        self._timeout_s = timeout_s
        self._look_up = look_up
        self._looking_count = 0

    async def addresses(self, host: str, port: int, family: int) -> list[Address]:
        """The addresses of a name.

        Raises: NameTimeout, also at once while as many lookups hang as may be under way; what `LookUp` raises.
        """
        if self._looking_count >= LOOK_UPS_AT_ONCE:
            raise NameTimeout
        found: asyncio.Future[list[Address]] = asyncio.get_running_loop().create_future()
        self._begin(found, host, port, family)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await found
        except TimeoutError:
            raise NameTimeout from None

    def _begin(self, found: "asyncio.Future[list[Address]]", host: str, port: int, family: int) -> None:
        loop = found.get_loop()

        def look() -> None:
            got: list[Address] | Exception
            try:
                got = self._look_up(host, port, family) or socket.gaierror(socket.EAI_NONAME, "no address")
            except Exception as error:  # noqa: BLE001 - it goes on to whoever asked
                got = error
            with contextlib.suppress(RuntimeError):  # the event loop has ended, and with it whoever asked
                loop.call_soon_threadsafe(self._end, found, got)

        try:
            # A daemon: the interpreter waits for any other thread, and a resolver may hang for minutes.
            threading.Thread(target=look, name="netra-resolver", daemon=True).start()
        except RuntimeError:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
        self._looking_count += 1

    def _end(self, found: "asyncio.Future[list[Address]]", got: list[Address] | Exception) -> None:
        self._looking_count -= 1
        if found.done():
            return
        if isinstance(got, Exception):
            found.set_exception(got)
        else:
            found.set_result(got)
